//! Lines of netfilter's LOG target (and nft's `log`): `PREFIX IN=eth1 OUT=eth0 MAC=... SRC=... DST=...
//! PROTO=TCP SPT=... DPT=... [UID=...]`, in a system log or from `dmesg -T`; among them the lines
//! of routers.
//!
//! A file is searched for the needle first, so that a mail log with few such lines costs little.

use super::routers;
use crate::facts::Connection;
use crate::lines::Lines;
use crate::logline::is_netfilter;
use crate::stamp::{self, Clock};
use heloscope_model::{Place, SourceId, Time};
use std::io::Read;

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Connections.
    pub records: u64,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Lines that were cut.
    pub cut: Option<String>,
}

/// Reads a log; lines of other programs move the clock and are else passed over.
pub fn read(
    source: SourceId,
    input: impl Read,
    clock: &mut Clock,
    on: &mut dyn FnMut(Connection),
) -> Report {
    let mut report = Report::default();
    let mut lines = Lines::new(input);
    while let Some((offset, line)) = lines.next_line() {
        let router = !is_netfilter(line) && routers::is_line(line);
        if !router && !is_netfilter(line) {
            // Years count on over every line: a quiet firewall would miss New Year otherwise.
            if let Some(stamp) = line_month(line) {
                clock.time(&stamp);
            }
            continue;
        }
        let time = stamp::of_line(line).map(|s| clock.time(&s));
        let place = Place::byte(source, offset);
        let found =
            if router { routers::parse(line, time, place) } else { parse(line, time, place) };
        let Some(connection) = found else { continue };
        report.records += 1;
        if let Some(time) = time {
            report.first = Some(report.first.map_or(time, |t| t.min(time)));
            report.last = Some(report.last.map_or(time, |t| t.max(time)));
        }
        on(connection);
    }
    report.cut = lines.cut_note();
    report
}

/// The stamp of a line without a year; others move no clock.
fn line_month(line: &[u8]) -> Option<stamp::Stamp> {
    stamp::month_number(line)?;
    stamp::of_line(line).filter(|s| s.year.is_none())
}

/// One line.
pub fn parse(line: &[u8], time: Option<Time>, place: Place) -> Option<Connection> {
    let start =
        memchr::memmem::find(line, b"IN=").or_else(|| memchr::memmem::find(line, b"SRC="))?;
    let fields = line.get(start..)?;
    let (mut src, mut dst, mut dport) = (None, None, None);
    let (mut sport, mut uid, mut mac) = (None, None, None);
    let (mut input, mut output) = (None, None);
    let mut tcp = false;
    for word in fields.split(|&b| b == b' ').filter(|w| !w.is_empty()) {
        // The packet quoted by an ICMP error stands in brackets behind: not ours.
        if word.starts_with(b"[") {
            break;
        }
        let Some(equals) = memchr::memchr(b'=', word) else { continue };
        let (name, value) = word.split_at_checked(equals)?;
        let value = value.get(1..)?;
        match name {
            b"SRC" => src = crate::weblog::address(value),
            b"DST" => dst = crate::weblog::address(value),
            b"SPT" => sport = stamp::number(value).and_then(|p| u16::try_from(p).ok()),
            b"DPT" => dport = stamp::number(value).and_then(|p| u16::try_from(p).ok()),
            b"UID" => uid = stamp::number(value),
            b"PROTO" => tcp = value == b"TCP" || value == b"6",
            b"IN" => input = some(value),
            b"OUT" => output = some(value),
            // Destination, source and ethertype in one: the source is bytes 6 to 11.
            b"MAC" => mac = value.get(18..35).and_then(crate::leases::mac),
            b"MACSRC" => mac = crate::leases::mac(value),
            _ => {}
        }
    }
    if !tcp {
        return None;
    }
    let mut connection = super::bare(src?, dst?, dport?, place);
    connection.time = time;
    connection.src_port = sport;
    connection.uid = uid;
    connection.mac = mac;
    connection.in_interface = input;
    connection.out_interface = output;
    connection.state = prefix(line.get(..start).unwrap_or_default());
    Some(connection)
}

fn some(value: &[u8]) -> Option<String> {
    (!value.is_empty()).then(|| super::text(value))
}

/// The rule's prefix: what stands between "kernel:" with its uptime and the first field.
fn prefix(front: &[u8]) -> String {
    let after = match memchr::memmem::rfind(front, b"kernel: ") {
        Some(at) => front.get(at + 8..).unwrap_or_default(),
        None => match stamp::of_line(front) {
            Some(stamp) => front.get(stamp.end..).unwrap_or_default(),
            None => front,
        },
    };
    let after = after.trim_ascii();
    let after = match after.strip_prefix(b"[") {
        Some(uptime) => match memchr::memchr(b']', uptime) {
            Some(close) => uptime.get(close + 1..).unwrap_or_default(),
            None => after,
        },
        None => after,
    };
    super::text(after.trim_ascii()).trim_end_matches(':').trim().to_owned()
}
