//! The lines of `tcpdump`: a packet's head, with -v on two lines; then perhaps a dump.
//!
//! ```text
//! 2026-11-24 14:31:07.123456 IP 192.0.2.1.50112 > 198.51.100.7.25: Flags [P.], seq 1:19,
//!     ack 27, win 502, length 18: SMTP: EHLO [127.0.0.1]
//!         0x0000:  4500 0046 …        (-x, -X; with -xx from the link's header on)
//! ```

use super::{Dated, Packet};
use crate::pair::{Key, Pair};
use crate::recent::Recent;
use crate::tcp;
use std::net::{IpAddr, SocketAddr};

/// Connections whose numbers are remembered.
const CONNECTIONS: usize = 65_536;

/// A packet's head, or the second line of one (without a stamp). None for other lines.
pub(super) fn head(line: &str) -> Option<Packet> {
    let mut packet = Packet::default();
    let mut rest = line;
    if let Some((stamp, dated, after)) = stamp(line) {
        (packet.stamp, packet.dated) = (Some(stamp), dated);
        rest = after;
    }
    let flags_at = rest.find(": Flags [");
    if let Some(ends) = flags_at.and_then(|at| ends(rest.get(..at)?)) {
        let (before, details) = rest.split_at(flags_at?);
        packet.ends = Some(ends);
        packet.mac = before.split_whitespace().find_map(mac);
        envelope(&mut packet, before);
        details_of(&mut packet, details.get(2..)?);
        return Some(packet);
    }
    // -v: "IP (tos 0x0, ttl 63, …, proto TCP (6), length 60)", the rest on the next line.
    if packet.stamp.is_some() && (rest.contains("(tos 0x") || rest.contains("hlim ")) {
        packet.mac = rest.split_whitespace().find_map(mac);
        envelope(&mut packet, rest);
        return Some(packet);
    }
    None
}

/// Joins the second line of a -v head to the first.
pub(super) fn continue_head(first: &mut Packet, second: Packet) {
    *first = Packet {
        stamp: first.stamp,
        dated: first.dated,
        mac: first.mac,
        ttl: first.ttl,
        df: first.df,
        ..second
    };
}

/// A line behind the head: of a hexadecimal dump, or of -A's text.
pub(super) fn body(packet: &mut Packet, line: &str) {
    if let Some((offset, rest)) = line.trim_start().split_once(": ")
        && let Some(offset) = offset.strip_prefix("0x")
        && u32::from_str_radix(offset, 16).ok().map(|o| o as usize) == Some(packet.dump.len())
    {
        // Groups of four digits; -X puts the text two blanks behind them.
        let groups = rest.trim_start().split("  ").next().unwrap_or_default();
        let digits: Vec<u8> = groups.bytes().filter(u8::is_ascii_hexdigit).collect();
        packet.dump.extend(
            digits
                .chunks_exact(2)
                .map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()),
        );
        return;
    }
    if packet.dump.is_empty() {
        // The first byte of an IPv4 or IPv6 header, as text.
        if packet.ascii.is_none() && line.starts_with(['E', '`']) {
            packet.ascii = Some(packet.payload.len());
        }
        let line = match packet.ascii {
            None if packet.verbose => line.strip_prefix('\t').unwrap_or(line),
            _ => line,
        };
        packet.payload.extend(line.bytes());
        packet.payload.extend(b"\r\n");
    }
}

/// What was gathered becomes the payload: of -A's dump the end, as long as the head says.
pub(super) fn close(packet: &mut Packet) {
    let Some(len) = packet.len.map(|l| l as usize) else { return };
    if packet.ascii.is_some() {
        // The last line end is the dump's own.
        let end = packet.payload.len().saturating_sub(2);
        packet.payload.truncate(end);
        packet.payload.drain(..end.saturating_sub(len));
    }
    packet.payload.truncate(len);
}

/// Time of day, date and time, or seconds since 1970, and what follows.
fn stamp(line: &str) -> Option<((i64, i64), Dated, &str)> {
    let (first, rest) = line.split_once(' ')?;
    if let Some(days) = super::tcpdump::date(first) {
        let (second, rest) = rest.split_once(' ')?;
        let (secs, nanos) = time_of_day(second)?;
        return Some(((days * 86_400 + secs, nanos), Dated::Local, rest));
    }
    if let Some(time) = time_of_day(first) {
        return Some((time, Dated::No, rest));
    }
    let (secs, fraction) = first.split_once('.')?;
    let epoch = secs.len() >= 9 && secs.bytes().all(|b| b.is_ascii_digit());
    epoch.then_some(())?;
    Some(((secs.parse().ok()?, nanos(fraction)?), Dated::Epoch, rest))
}

/// `YYYY-MM-DD` or `YYYY/MM/DD` as days since 1970.
pub(super) fn date(word: &str) -> Option<i64> {
    let mut parts = word.split(['-', '/']);
    let mut part = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    if !(1970..2262).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil: years begin in March, so that the leap day is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era_day = (m * 153 + 2) / 5 + day - 1;
    Some(y * 365 + y / 4 - y / 100 + y / 400 + era_day - 719_468)
}

/// `HH:MM:SS.ffffff` as seconds since midnight and nanoseconds.
pub(super) fn time_of_day(word: &str) -> Option<(i64, i64)> {
    let (clock, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let mut parts = clock.split(':');
    let mut part = || {
        let text = parts.next()?;
        (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten().map(i64::from)
    };
    let (hour, minute, second) = (part()?, part()?, part()?);
    (hour < 24 && minute < 60 && second < 61).then_some(())?;
    Some((hour * 3600 + minute * 60 + second, nanos(fraction)?))
}

fn nanos(fraction: &str) -> Option<i64> {
    let digits = fraction.len();
    if digits == 0 || digits > 9 {
        return None;
    }
    Some(i64::from(fraction.parse::<u32>().ok()?) * 10_i64.pow(9 - u32::try_from(digits).ok()?))
}

/// `A > B` at the end of the text before the flags.
fn ends(text: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (before, dst) = text.rsplit_once(" > ")?;
    let src = before.rsplit(' ').next()?;
    Some((end(src)?, end(dst)?))
}

/// `address.port`, the port a number or one of the names that mail goes by.
fn end(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.rsplit_once('.')?;
    let port = match port {
        "smtp" => 25,
        "submission" => 587,
        "smtps" | "submissions" | "urd" => 465,
        number => number.parse().ok()?,
    };
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port))
}

fn mac(word: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = word.split(':');
    for byte in &mut address {
        let part = parts.next()?;
        (part.len() == 2).then_some(())?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(address)
}

/// What -v says of the IP header.
fn envelope(packet: &mut Packet, text: &str) {
    if let Some(ttl) = number_after(text, "ttl ").or_else(|| number_after(text, "hlim ")) {
        packet.ttl = u8::try_from(ttl).unwrap_or(u8::MAX);
    }
    packet.df |= text.contains("flags [DF]");
}

/// From `Flags [` on.
fn details_of(packet: &mut Packet, text: &str) {
    let flags = text.split(['[', ']']).nth(1).unwrap_or_default();
    for flag in flags.bytes() {
        packet.flags |= match flag {
            b'S' => tcp::SYN,
            b'F' => tcp::FIN,
            b'R' => tcp::RST,
            b'.' => tcp::ACK,
            _ => 0,
        };
    }
    // What the payload says must not be taken for the header.
    let (header, said) = match text.find(", length ") {
        Some(at) => {
            let (header, tail) = text.split_at(at);
            let said = tail.split_once(": ").map(|(_, said)| said);
            packet.len = number_after(tail, ", length ");
            (header, said)
        }
        None => (text, None),
    };
    packet.seq = number_after(header, "seq ");
    packet.ack = number_after(header, "ack ");
    packet.window = number_after(header, "win ").and_then(|w| u16::try_from(w).ok()).unwrap_or(0);
    if let Some(options) = header.split_once("options [").and_then(|(_, o)| o.split(']').next()) {
        packet.options = option_bytes(options);
    }
    packet.verbose = text.contains(": SMTP, length: ");
    if let Some(line) = said.and_then(|said| said.strip_prefix("SMTP: ")) {
        packet.payload = line.trim_end().as_bytes().to_vec();
        let len = packet.len.unwrap_or(0) as usize;
        if packet.payload.len() + 2 <= len {
            packet.payload.extend(b"\r\n");
        }
        packet.payload.truncate(len);
    }
}

/// TCP options as they stood in the header, from tcpdump's words for them.
fn option_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for option in text.split(',').take(20) {
        let value = number_after(option, " ").unwrap_or(0);
        match option.split(' ').next().unwrap_or_default() {
            "mss" => {
                bytes.extend([[2, 4], u16::try_from(value).unwrap_or(0).to_be_bytes()].concat())
            }
            "wscale" => bytes.extend([3, 3, u8::try_from(value).unwrap_or(0)]),
            "sackOK" => bytes.extend([4, 2]),
            "TS" => bytes.extend([8, 10, 0, 0, 0, 0, 0, 0, 0, 0]),
            "nop" => bytes.push(1),
            "eol" => bytes.push(0),
            _ => {}
        }
    }
    bytes
}

fn number_after(text: &str, word: &str) -> Option<u32> {
    let (_, after) = text.split_once(word)?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after.get(..digits)?.parse().ok()
}

/// tcpdump prints numbers relative to a connection's first, but the first itself in full (and
/// with -S all of them).
pub(super) struct Numbers {
    directions: Recent<Key, Pair<Option<Direction>>>,
}

#[derive(Clone, Copy)]
struct Direction {
    /// The first number, in full.
    base: u32,
    /// How far beyond it the last one was.
    last: u32,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { directions: Recent::new(CONNECTIONS) }
    }
}

impl Numbers {
    /// Makes a packet's numbers absolute.
    pub(super) fn number(&mut self, packet: &mut Packet) {
        let Some((src, dst)) = packet.ends else { return };
        let (key, from) = Key::of((src.ip(), src.port()), (dst.ip(), dst.port()));
        if self.directions.get_mut(&key).is_none() {
            self.directions.put(key, Pair::default());
        }
        let Some(directions) = self.directions.get_mut(&key) else { return };
        let syn = packet.flags & tcp::SYN != 0;
        packet.seq = packet.seq.map(|seq| full(directions.of_mut(from), seq, syn));
        // The answer to a SYN prints its acknowledgement in full.
        if packet.flags & tcp::ACK != 0 && !syn {
            packet.ack = packet.ack.map(|ack| full(directions.of_mut(from.other()), ack, false));
        }
        // A bare acknowledgement prints no sequence number. It stands where the stream does.
        if packet.seq.is_none() {
            packet.seq = directions.of(from).map(|d| d.base.wrapping_add(d.last.max(1)));
        }
    }
}

/// A number in full, whichever of the two ways of printing leaves it nearer to the last one.
fn full(direction: &mut Option<Direction>, number: u32, begins: bool) -> u32 {
    match direction {
        Some(Direction { base, last }) if !begins => {
            let if_full = number.wrapping_sub(*base);
            let far = |offset: u32| offset.wrapping_sub(*last).min(last.wrapping_sub(offset));
            *last = if far(if_full) < far(number) { if_full } else { number };
            base.wrapping_add(*last)
        }
        _ => {
            *direction = Some(Direction { base: number, last: 0 });
            number
        }
    }
}
