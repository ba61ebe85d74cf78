//! Heloscope's own plain notice (`GET /lookup/ADDRESS/notice.txt`), written and read.
//!
//! It reads like the pages administrators know, and below the sentences the same facts stand
//! once more as labelled lines, which alone are read back:
//!
//! ```text
//! Heloscope notice (heloscope.notice/1)
//!
//! 203.0.113.10 is listed in bots.example. It was last detected at 2015-12-04T14:30:00Z
//! +/- 900 seconds. This host HELOed as [127.0.0.1].
//!
//! Subject: ip 203.0.113.10
//! List: bots.example
//! ...
//! End of notice
//! ```
//!
//! Values are escaped so that any value stays on its line: `\n`, `\\`, `\xNN` for other control
//! characters, for bytes that are no UTF-8, and for blanks at either end. A text may hold
//! several notices. Unknown labels are skipped: a later version may add some.

use super::{Notice, Subject, TimeKind};
use crate::{Octets, Place, SourceId, Time};
use std::fmt::Write;

/// The first line of every notice.
const MARK: &str = "Heloscope notice (heloscope.notice/1)";
/// Its last.
const END: &str = "End of notice";

impl Notice {
    /// The notice as text for people and for [`super::read`], which gives an equal notice back
    /// (its place is then the first byte of this text).
    pub fn to_text(&self) -> String {
        let mut out = String::from(MARK);
        out.push_str("\n\n");
        sentences(self, &mut out);
        out.push_str("\n\n");
        let mut line = |label: &str, value: &str| {
            out.push_str(label);
            out.push(':');
            if !value.is_empty() {
                out.push(' ');
                out.push_str(value);
            }
            out.push('\n');
        };
        match &self.subject {
            Subject::Ip(ip) => line("Subject", &format!("ip {ip}")),
            Subject::Prefix(net) => line("Subject", &format!("prefix {net}")),
            Subject::Domain(name) => {
                line("Subject", &format!("domain {}", escape(name.as_bytes())))
            }
            Subject::Unnamed => line("Subject", "unnamed"),
        }
        if let Some(list) = &self.list {
            line("List", &escape(list.as_bytes()));
        }
        line("Reason", &escape(self.reason.as_bytes()));
        if let Some((at, kind)) = self.time {
            line("Time", &format!("{at} {}", word(kind)));
        }
        if let Some(tolerance) = self.tolerance_s {
            line("Tolerance", &format!("{tolerance} seconds"));
        }
        if let Some(helo) = &self.helo {
            line("HELO", &escape(helo.as_bytes()));
        }
        if let Some(botnet) = &self.botnet {
            line("Family", &escape(botnet.as_bytes()));
        }
        if let Some(port) = self.src_port {
            line("Source port", &port.to_string());
        }
        if let Some(dst) = self.dst {
            line("Destination", &dst.to_string());
        }
        if let Some(port) = self.dst_port {
            line("Destination port", &port.to_string());
        }
        if let Some(at) = self.removed_at {
            line("Removed", &at.to_string());
        }
        if let Some(at) = self.written_at {
            line("Written", &at.to_string());
        }
        if let Some((times, days)) = self.times_listed {
            line("Times listed", &format!("{times} in {days} days"));
        }
        out.push_str(END);
        out.push('\n');
        out
    }
}

/// Every notice of ours in a text.
pub(super) fn read(text: &str, source: SourceId) -> Vec<Notice> {
    let mut found = Vec::new();
    let mut current: Option<Notice> = None;
    let mut offset = 0_u64;
    for line in text.split_inclusive('\n') {
        let at = offset;
        offset += line.len() as u64;
        // Only the line end goes: blanks inside belong to escaped values.
        let line = line.trim_end_matches(['\n', '\r']);
        if line.trim() == MARK {
            found.extend(current.take());
            current = Some(Notice::empty(Place::byte(source, at)));
        } else if line.trim() == END {
            found.extend(current.take());
        } else if let (Some(notice), Some((label, value))) = (&mut current, line.split_once(':')) {
            field(notice, label, value.strip_prefix(' ').unwrap_or(value));
        }
    }
    found.extend(current);
    found
}

/// The sentences for people.
fn sentences(notice: &Notice, out: &mut String) {
    let subject = match &notice.subject {
        Subject::Ip(ip) => format!("IP address {ip}"),
        Subject::Prefix(net) => format!("The range {net}"),
        Subject::Domain(name) => format!("The domain {}", escape(name.as_bytes())),
        Subject::Unnamed => "An address of yours".to_owned(),
    };
    let list = notice.list.as_ref().map_or("a list".to_owned(), |l| escape(l.as_bytes()));
    let _ = match notice.removed_at {
        Some(at) => write!(out, "{subject} is not listed in {list}. It was removed at {at}."),
        None => write!(out, "{subject} is listed in {list}."),
    };
    if let Some((at, kind)) = notice.time {
        let verb = match kind {
            TimeKind::Detection => "It was last detected at",
            TimeKind::Listing => "The entry was made at",
            TimeKind::Rejection => "A mail was refused at",
            TimeKind::Removal => "The entry was taken out at",
        };
        let _ = write!(out, " {verb} {at}");
        if let Some(tolerance) = notice.tolerance_s {
            let _ = write!(out, " +/- {tolerance} seconds");
        }
        out.push('.');
    }
    if let Some(helo) = &notice.helo {
        let _ = write!(out, " This host HELOed as {}.", escape(helo.as_bytes()));
    }
    if let Some(botnet) = &notice.botnet {
        let _ = write!(out, " It behaves like the {} botnet.", escape(botnet.as_bytes()));
    }
}

/// Sets what one labelled line says; a value that cannot be read leaves its field unknown.
fn field(notice: &mut Notice, label: &str, value: &str) {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok().map(Time::from);
    match label {
        "Subject" => {
            let (kind, rest) = value.split_once(' ').unwrap_or((value, ""));
            notice.subject = match kind {
                "ip" => rest.parse().map_or(Subject::Unnamed, Subject::Ip),
                "prefix" => rest.parse().map_or(Subject::Unnamed, Subject::Prefix),
                "domain" => Subject::Domain(unescape_text(rest)),
                _ => Subject::Unnamed,
            };
        }
        "List" => notice.list = Some(unescape_text(value)),
        "Reason" => notice.reason = unescape_text(value),
        "Time" => {
            let (at, kind) = value.split_once(' ').unwrap_or((value, ""));
            let kind = match kind {
                "detection" => Some(TimeKind::Detection),
                "listing" => Some(TimeKind::Listing),
                "rejection" => Some(TimeKind::Rejection),
                "removal" => Some(TimeKind::Removal),
                _ => None,
            };
            notice.time = time(at).zip(kind);
        }
        "Tolerance" => notice.tolerance_s = value.split(' ').next().and_then(|n| n.parse().ok()),
        "HELO" => notice.helo = Some(Octets::new(&unescape(value))),
        "Family" => notice.botnet = Some(unescape_text(value)),
        "Source port" => notice.src_port = value.parse().ok(),
        "Destination" => notice.dst = value.parse().ok(),
        "Destination port" => notice.dst_port = value.parse().ok(),
        "Removed" => notice.removed_at = time(value),
        "Written" => notice.written_at = time(value),
        "Times listed" => {
            let numbers: Vec<u32> = value.split(' ').filter_map(|w| w.parse().ok()).collect();
            if let [times, days] = numbers[..] {
                notice.times_listed = Some((times, days));
            }
        }
        _ => {}
    }
}

fn word(kind: TimeKind) -> &'static str {
    match kind {
        TimeKind::Detection => "detection",
        TimeKind::Listing => "listing",
        TimeKind::Rejection => "rejection",
        TimeKind::Removal => "removal",
    }
}

/// Makes a value fit one line, reversibly.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        let _ = write!(out, "\\x{byte:02x}");
                    }
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    // Blanks at the ends would be lost on the way through mail and forms.
    if out.starts_with(' ') {
        out.replace_range(0..1, "\\x20");
    }
    if out.ends_with(' ') {
        out.truncate(out.len() - 1);
        out.push_str("\\x20");
    }
    out
}

/// The bytes of an escaped value. An escape that is none stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest {
            [b'\\', tail @ ..] => {
                out.push(b'\\');
                rest = tail;
            }
            [b'n', tail @ ..] => {
                out.push(b'\n');
                rest = tail;
            }
            [b'x', high, low, tail @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    out
}

fn unescape_text(text: &str) -> String {
    String::from_utf8_lossy(&unescape(text)).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}
