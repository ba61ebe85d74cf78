//! One line for a frame, for a person who reads the report: when, who to whom, which TCP flags,
//! the first line of what was said. A log-in's secret is not shown.

use crate::container::Frames;
use crate::tcp::{self, Segment};
use crate::{ip, link};
use heloscope_model::Time;
use std::io::Read;

/// Characters shown of a payload's first line.
const SHOWN: usize = 120;

/// A frame quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLine {
    /// The frame's number, from 1.
    pub number: u64,
    /// Its stamp.
    pub at: Time,
    /// The line, its stamp among it.
    pub text: String,
}

/// Reads the capture again and quotes the frames asked for, in the capture's order. Frames that
/// it does not hold are left out; reading stops behind the last one asked for.
pub fn frame_lines(input: &mut dyn Read, wanted: &[u64]) -> Vec<FrameLine> {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut wanted = wanted.into_iter().skip_while(|&n| n == 0).peekable();
    let mut lines = Vec::new();
    let mut frames = Frames::open(input);
    while let Some(&number) = wanted.peek()
        && frames.advance()
    {
        let frame = frames.frame();
        if frame.number == number {
            wanted.next();
            let text = format!("{} {}", frame.at, describe(frame.link, frame.data));
            lines.push(FrameLine { number, at: frame.at, text });
        }
    }
    lines
}

fn describe(link: u16, data: &[u8]) -> String {
    let Some(ip) = link::carried(link, data).and_then(|c| ip::tcp_envelope(c.ip)) else {
        return format!("a frame of {} bytes without TCP in it", data.len());
    };
    if let Some(piece) = ip.fragment {
        let from = u32::from(piece.offset) * 8;
        return format!("{} > {} fragment of {} bytes from byte {from}", ip.src, ip.dst, ip.len);
    }
    let Some(segment) = tcp::segment(ip.payload, ip.len) else {
        return format!("{} > {} a cut TCP header", ip.src, ip.dst);
    };
    let end = |ip, port| std::net::SocketAddr::new(ip, port);
    let mut text = format!("{} > {}", end(ip.src, segment.src_port), end(ip.dst, segment.dst_port));
    let flags = flags(&segment);
    if !flags.is_empty() {
        text.push_str(&format!(" [{flags}]"));
    }
    if segment.has(tcp::SYN) {
        text.push_str(&format!(" ttl {} window {}", ip.ttl, segment.window));
    }
    if segment.len > 0 {
        text.push_str(&said(&segment));
    }
    text
}

/// The flags worth telling: all of a segment without payload, the unusual ones of others.
fn flags(segment: &Segment<'_>) -> String {
    let mut names = Vec::new();
    for (bit, name) in [(tcp::SYN, "SYN"), (tcp::FIN, "FIN"), (tcp::RST, "RST"), (tcp::ACK, "ACK")]
    {
        if segment.has(bit) && (bit != tcp::ACK || segment.len == 0) {
            names.push(name);
        }
    }
    names.join(" ")
}

fn said(segment: &Segment<'_>) -> String {
    let payload = segment.payload;
    let end = memchr::memchr(b'\n', payload).map_or(payload.len(), |at| at + 1);
    let line = payload.get(..end).unwrap_or_default().trim_ascii_end();
    let readable = line.iter().filter(|b| matches!(b, b' '..=b'~' | b'\t')).count();
    if payload.is_empty() || readable * 4 < line.len() * 3 {
        return format!(" {} bytes", segment.len);
    }
    let shown = match secret_from(line) {
        Some(at) => format!("{}*", line.get(..at).unwrap_or_default().escape_ascii()),
        None => line.get(..line.len().min(SHOWN)).unwrap_or_default().escape_ascii().to_string(),
    };
    let more = if line.len() > SHOWN || end < segment.len as usize { " …" } else { "" };
    format!(" \"{shown}\"{more}")
}

/// Where a line's secret begins: behind the mechanism of AUTH, or the whole line where it is one
/// word of base64, which is what the steps of a log-in look like.
fn secret_from(line: &[u8]) -> Option<usize> {
    let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    if first.eq_ignore_ascii_case(b"AUTH") {
        let mechanism = words.next()?;
        words.next()?;
        let at = memchr::memmem::find(line, mechanism)? + mechanism.len() + 1;
        return Some(at);
    }
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    (line.len() >= 8 && line.len().is_multiple_of(4) && line.iter().all(base64)).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(payload: &[u8]) -> Segment<'_> {
        Segment {
            src_port: 1,
            dst_port: 25,
            seq: 0,
            ack: 0,
            flags: tcp::ACK,
            window: 0,
            options: &[],
            payload,
            len: payload.len() as u32,
        }
    }

    #[test]
    fn shows_the_first_line_and_no_secret() {
        for (payload, shown) in [
            (&b"EHLO [127.0.0.1]\r\n"[..], r#" "EHLO [127.0.0.1]""#),
            (
                b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n",
                r#" "MAIL FROM:<a@example.org>" …"#,
            ),
            (b"auth  plain AGFubmEAc2VjcmV0\r\n", r#" "auth  plain *""#),
            (b"AUTH LOGIN\r\n", r#" "AUTH LOGIN""#),
            (b"c2VjcmV0LXdvcmQ=\r\n", r#" "*""#),
            (b"caf\xe9 \"x\"\r\n", r#" "caf\xe9 \"x\"""#),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", " 11 bytes"),
        ] {
            assert_eq!(said(&segment(payload)), shown, "{}", payload.escape_ascii());
        }
    }
}
