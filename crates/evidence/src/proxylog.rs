//! Logs of proxies -> [`Proxied`]: squid's own form and its `common` and `combined` forms,
//! HAProxy's TCP and HTTP lines, nginx's stream lines as its manual proposes them. Read as a
//! stream; lines of none of these forms are passed over.
//!
//! Only TCP is told of. `granted` means that a connection to the other side came about; where the
//! log does not say which port that was (HAProxy names its own servers) the port is 0.

use crate::facts::Proxied;
use crate::lines::Lines;
use crate::logline;
use crate::stamp::{self, Clock, number};
use crate::weblog::{self, address};
use heloscope_model::{Octets, Place, SourceId, Time};
use std::io::Read;

/// Bytes of a host that are kept.
const HOST: usize = 255;

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests.
    pub records: u64,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Lines that were cut.
    pub cut: Option<String>,
}

/// Reads a log.
pub fn read(
    source: SourceId,
    input: impl Read,
    clock: &mut Clock,
    on: &mut dyn FnMut(Proxied),
) -> Report {
    let mut report = Report::default();
    let mut lines = Lines::new(input);
    while let Some((offset, line)) = lines.next_line() {
        let Some(proxied) = parse(line, Place::byte(source, offset), clock) else { continue };
        report.records += 1;
        let time = proxied.time;
        report.first = Some(report.first.map_or(time, |t| t.min(time)));
        report.last = Some(report.last.map_or(time, |t| t.max(time)));
        on(proxied);
    }
    report.cut = lines.cut_note();
    report
}

/// Whether a line is a proxy's.
pub(crate) fn is_line(line: &[u8]) -> bool {
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 1970);
    parse(line, Place::whole(SourceId(0)), &mut clock).is_some()
}

/// The time of a line whose stamp needs nothing else.
pub(crate) fn absolute(line: &[u8]) -> Option<Time> {
    let place = Place::whole(SourceId(0));
    let found = squid(line, place)
        .or_else(|| squid_combined(line, place))
        .or_else(|| nginx(line, place))?;
    Some(found.time)
}

/// One line.
pub fn parse(line: &[u8], place: Place, clock: &mut Clock) -> Option<Proxied> {
    if let Some(found) = squid(line, place) {
        return Some(found);
    }
    if let Some(parts) = logline::syslog(line) {
        // Years count on over every line.
        let time = clock.time(&parts.stamp);
        if parts.program.starts_with(b"haproxy") {
            return haproxy(parts.message, time, place);
        }
        let of_squid = parts.program.starts_with(b"squid") || parts.program.starts_with(b"(squid");
        return if of_squid { squid(parts.message, place) } else { None };
    }
    squid_combined(line, place).or_else(|| nginx(line, place))
}

/// `1449239400.123    456 192.168.1.5 TCP_TUNNEL/200 1234 CONNECT mx.example.org:25 - HIER_DIRECT/198.51.100.25 -`.
fn squid(line: &[u8], place: Place) -> Option<Proxied> {
    if !line.trim_ascii_start().first()?.is_ascii_digit() {
        return None;
    }
    let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
    let time = seconds(words.next()?)?;
    let took = words.next()?;
    number(took.strip_prefix(b"-").unwrap_or(took))?;
    let client = words.next()?;
    let result = words.next()?;
    let slash = memchr::memchr(b'/', result)?;
    let (code, status) = result.split_at_checked(slash)?;
    let status = number(status.get(1..)?)?;
    let _bytes = words.next()?;
    let (method, target) = (words.next()?, words.next()?);
    let _user = words.next();
    let peer = words.next().unwrap_or_default();
    let right = !code.is_empty() && code.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    right.then(|| {
        let granted = granted(code, status, method, peer);
        request(time, place, client, method, target, granted, "squid")
    })
}

/// The forms of web servers with squid's result behind: `... 200 46 TCP_TUNNEL:HIER_DIRECT`.
fn squid_combined(line: &[u8], place: Place) -> Option<Proxied> {
    let last = line.trim_ascii_end().rsplit(|&b| b == b' ').next()?;
    let colon = memchr::memchr(b':', last).filter(|at| (3..40).contains(at))?;
    let (code, peer) = last.split_at_checked(colon)?;
    let peer = peer.get(1..)?;
    let word = |w: &[u8]| w.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    let known =
        [&b"TCP_"[..], b"UDP_", b"NONE", b"TAG_"].iter().any(|front| code.starts_with(front));
    if !known || !word(code) || !word(peer) {
        return None;
    }
    let fields = weblog::parse(line)?;
    let granted = granted(code, u32::from(fields.status), fields.method, peer);
    Some(request(fields.time, place, fields.client, fields.method, fields.target, granted, "squid"))
}

/// Squid's result: refused, served, or tried in vain.
fn granted(code: &[u8], status: u32, method: &[u8], peer: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(code, needle.as_bytes()).is_some();
    if has("DENIED") {
        return false;
    }
    // A tunnel that did not come about is answered with an error; so is nothing else told apart.
    if method == b"CONNECT" {
        return (100..400).contains(&status);
    }
    has("HIT") || !(peer.is_empty() || peer.starts_with(b"HIER_NONE") || peer.starts_with(b"NONE"))
}

/// `192.168.1.5:54321 [04/Dec/2015:14:29:59.123] front back/server ...`, with the request in
/// quotes at the end where HAProxy reads HTTP.
fn haproxy(message: &[u8], time: Time, place: Place) -> Option<Proxied> {
    let mut words = message.splitn(6, |&b| b == b' ');
    let client = words.next()?;
    let colon = memchr::memrchr(b':', client)?;
    let (client, port) = client.split_at_checked(colon)?;
    number(port.get(1..)?)?;
    let accepted = words.next()?;
    if !accepted.starts_with(b"[") || !accepted.ends_with(b"]") {
        return None;
    }
    let _front = words.next()?;
    let server = words.next()?;
    let _timers = words.next()?;
    let rest = words.next().unwrap_or_default();
    memchr::memchr(b'/', server)?;
    let served = !server.ends_with(b"<NOSRV>");
    // TCP: bytes, then how it ended ("--", "cC"). HTTP: status, bytes, cookies, how it ended.
    let quoted = memchr::memrchr(b'"', rest.strip_suffix(b"\"").unwrap_or_default());
    let Some(open) = quoted else {
        let ended = rest.split(|&b| b == b' ').nth(1)?;
        // The second letter is the phase: C while the connection to the server was being made.
        let granted = served && ended.get(1) != Some(&b'C');
        return Some(request(time, place, client, b"TCP", server, granted, "haproxy"));
    };
    let status = number(rest.get(..3)?);
    let line = rest.get(open + 1..rest.len() - 1)?;
    let mut words = line.split(|&b| b == b' ');
    let (method, target) = (words.next()?, words.next().unwrap_or_default());
    let named = method == b"CONNECT" || memchr::memmem::find(target, b"://").is_some();
    let granted = served && status.is_some_and(|s| method != b"CONNECT" || s < 400);
    let target = if named { target } else { server };
    Some(request(time, place, client, method, target, granted, "haproxy"))
}

/// `192.168.1.5 [04/Dec/2015:14:30:00 +0100] TCP 200 1234 567 30.001 "198.51.100.25:25" ...`.
fn nginx(line: &[u8], place: Place) -> Option<Proxied> {
    let bracket = memchr::memchr(b'[', line).filter(|at| *at < 100)?;
    let client = line.get(..bracket)?.trim_ascii().split(|&b| b == b' ').next()?;
    // The client may stand with its port.
    let client = match address(client) {
        Some(_) => client,
        None => client.get(..memchr::memrchr(b':', client)?)?,
    };
    address(client)?;
    let (time, _, rest) = weblog::clf_stamp(line.get(bracket + 1..)?)?;
    let mut words = rest.trim_ascii_start().split(|&b| b == b' ');
    if words.next()? != b"TCP" {
        return None;
    }
    let status = number(words.next()?).filter(|s| (100..600).contains(s))?;
    // Of several servers that were tried the last one answered.
    let server = words.find_map(|word| {
        let word = word.strip_prefix(b"\"").unwrap_or(word);
        let word = word.split(|&b| matches!(b, b'"' | b',')).next()?;
        let (host, port) = split_port(word)?;
        (port > 0 && !host.is_empty() && !host.iter().all(u8::is_ascii_digit)).then_some(word)
    });
    Some(request(time, place, client, b"TCP", server.unwrap_or_default(), status == 200, "nginx"))
}

/// The record; host and port are those of the target.
fn request(
    time: Time,
    place: Place,
    client: &[u8],
    method: &[u8],
    target: &[u8],
    granted: bool,
    program: &'static str,
) -> Proxied {
    let (host, port) = asked(method, target);
    let host = host.get(..host.len().min(HOST)).unwrap_or_default();
    let method = Octets::new(method.get(..method.len().min(HOST)).unwrap_or_default());
    let host = heloscope_model::octets::lossy_text(host).0.into_owned();
    let client = address(client).map(|ip| ip.to_canonical());
    Proxied { time, place, client, method, host, port, granted, program }
}

/// `host:port` of a CONNECT, host and port of a URL; a path or an error names none.
fn asked<'a>(method: &[u8], target: &'a [u8]) -> (&'a [u8], u16) {
    if target.starts_with(b"error:") || target.starts_with(b"/") || target == b"-" {
        return (b"", 0);
    }
    let scheme = memchr::memmem::find(target, b"://");
    let (rest, usual) = match scheme.and_then(|at| target.split_at_checked(at)) {
        Some((scheme, rest)) => {
            let port = match scheme {
                b"https" | b"wss" => 443,
                b"ftp" => 21,
                _ => 80,
            };
            (rest.get(3..).unwrap_or_default(), port)
        }
        None => (target, if method == b"CONNECT" { 443 } else { 0 }),
    };
    // HAProxy's `backend/server` is a name as a whole.
    let rest = match scheme {
        Some(_) => rest.split(|&b| matches!(b, b'/' | b'?' | b'#')).next().unwrap_or_default(),
        None => rest,
    };
    let rest = match memchr::memrchr(b'@', rest) {
        Some(at) if scheme.is_some() => rest.get(at + 1..).unwrap_or_default(),
        _ => rest,
    };
    let (host, port) = split_port(rest).unwrap_or((rest, usual));
    let host = host.strip_prefix(b"[").unwrap_or(host);
    (host.strip_suffix(b"]").unwrap_or(host), port)
}

/// `host:port`, `[2001:db8::1]:25`.
fn split_port(word: &[u8]) -> Option<(&[u8], u16)> {
    let colon = memchr::memrchr(b':', word)?;
    let (host, port) = word.split_at_checked(colon)?;
    if memchr::memchr(b':', host).is_some() && !host.ends_with(b"]") {
        return None;
    }
    Some((host, u16::try_from(number(port.get(1..)?)?).ok()?))
}

/// Seconds with a fraction of three digits.
fn seconds(word: &[u8]) -> Option<Time> {
    let point = memchr::memchr(b'.', word).filter(|at| (9..12).contains(at))?;
    let (secs, fraction) = word.split_at_checked(point)?;
    let millis = fraction.get(1..).filter(|f| f.len() == 3).and_then(stamp::number)?;
    let secs = std::str::from_utf8(secs).ok()?.parse::<i64>().ok()?;
    Some(Time::from_micros(secs * 1_000_000 + i64::from(millis) * 1_000))
}

#[cfg(test)]
mod tests;
