//! Captures as text: what `tcpdump -n` (with any of -t, -tt, -tttt, -e, -v, -S, -x, -xx, -X,
//! -A) and `ngrep` (with -t, -W byline) print, as administrators paste it into tickets.
//!
//! In: lines. Out: sessions with what is visible: with -x or -X whole packets, with -A the
//! payload as printed, else the first line of each SMTP packet; the rest of a packet counts as
//! missing. Places are bytes of the text. Lines of anything else are passed over. A stamp
//! without a day gets the one that [`Clock`] names.

mod ngrep;
mod tcpdump;

use crate::container::Frame;
use crate::ip::Ip;
use crate::tcp::Segment;
use crate::tracker::Tracker;
use crate::{Options, Report};
use heloscope_model::{At, Place, Session, SourceId, Time};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;

/// Bytes read of one line; the rest of a longer one is left out.
const LINE: usize = 64 << 10;
/// Bytes gathered of one packet's dump.
const PACKET: usize = 256 << 10;
/// Lines looked at to recognise the form.
const LOOKED_AT: usize = 50;

/// What the stamps of the text leave open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Seconds by which the local time of the stamps is ahead of UTC.
    pub utc_offset_s: i32,
    /// The day of the first line, as its midnight read as UTC; used where lines have no date.
    pub day: Option<Time>,
}

/// A packet as its lines describe it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Packet {
    /// Seconds and nanoseconds since midnight or, where `dated`, since 1970, as printed.
    stamp: Option<(i64, i64)>,
    dated: Dated,
    ends: Option<(SocketAddr, SocketAddr)>,
    mac: Option<[u8; 6]>,
    ttl: u8,
    df: bool,
    flags: u8,
    /// First sequence number, acknowledgement, as printed.
    seq: Option<u32>,
    ack: Option<u32>,
    window: u16,
    options: Vec<u8>,
    /// The payload's lines follow the head, each behind a tab (-v).
    verbose: bool,
    /// Where in `payload` the dump of -A begins: the whole packet with its headers.
    ascii: Option<usize>,
    /// Payload bytes on the wire, where told.
    len: Option<u32>,
    payload: Vec<u8>,
    /// The whole packet, from a hexadecimal dump.
    dump: Vec<u8>,
}

/// How much a stamp says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Dated {
    /// Time of day.
    #[default]
    No,
    /// With a date, in local time.
    Local,
    /// Seconds since 1970.
    Epoch,
}

/// Whether bytes begin such a text: a packet's line is among the first.
pub fn recognise(head: &[u8]) -> bool {
    let lines = head.split(|&b| b == b'\n').take(LOOKED_AT);
    lines.into_iter().any(|line| {
        let line = String::from_utf8_lossy(line);
        tcpdump::head(&line).is_some_and(|p| p.ends.is_some()) || ngrep::head(&line).is_some()
    })
}

/// Reads such a text and hands out each SMTP session once, in order of its end.
pub fn read(
    source: SourceId,
    input: &mut dyn Read,
    options: &Options,
    clock: Clock,
    on: &mut dyn FnMut(Session),
) -> Report {
    let mut placed = |session: Session| {
        let place = match session.place.at {
            At::Frame(offset) => Place::byte(source, offset),
            _ => session.place,
        };
        on(Session { place, ..session });
    };
    let mut reader = Text {
        tracker: Tracker::new(source, options, &mut placed),
        clock,
        report: Report::default(),
        undated: false,
        day: 0,
        before: 0,
        tcpdump: tcpdump::Numbers::default(),
        ngrep: ngrep::Numbers::default(),
    };
    reader.lines(input);
    reader.finish()
}

struct Text<'o> {
    tracker: Tracker<'o>,
    clock: Clock,
    report: Report,
    undated: bool,
    /// Days passed since the first line, where stamps have no date.
    day: i64,
    before: i64,
    tcpdump: tcpdump::Numbers,
    ngrep: ngrep::Numbers,
}

impl Text<'_> {
    fn lines(&mut self, input: &mut dyn Read) {
        let mut input = BufReader::with_capacity(LINE, input);
        let mut offset = 0_u64;
        // The packet whose lines are being read, where it began, and which program printed it.
        let mut open: Option<(u64, Packet, bool)> = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            match read_line(&mut input, &mut line) {
                Ok(0) => break,
                Ok(length) => {
                    let text = String::from_utf8_lossy(&line);
                    let text = text.trim_end_matches('\n');
                    self.line(text, offset, &mut open);
                    offset += length;
                }
                Err(error) => {
                    self.report.problem = Some(format!("reading failed at byte {offset}: {error}"));
                    break;
                }
            }
        }
        self.packet(open);
    }

    fn line(&mut self, text: &str, offset: u64, open: &mut Option<(u64, Packet, bool)>) {
        if let Some(packet) = ngrep::head(text) {
            let before = open.replace((offset, packet, true));
            self.packet(before);
        } else if let Some(packet) = tcpdump::head(text) {
            match open {
                // With -v the addresses stand on a line of their own.
                Some((_, first, false)) if first.ends.is_none() && packet.stamp.is_none() => {
                    tcpdump::continue_head(first, packet);
                }
                _ => {
                    let before = open.replace((offset, packet, false));
                    self.packet(before);
                }
            }
        } else if let Some((_, packet, by_ngrep)) = open
            && packet.payload.len() + packet.dump.len() < PACKET
        {
            if *by_ngrep { ngrep::body(packet, text) } else { tcpdump::body(packet, text) }
        }
    }

    fn packet(&mut self, open: Option<(u64, Packet, bool)>) {
        let Some((offset, mut packet, by_ngrep)) = open else { return };
        if by_ngrep {
            ngrep::close(&mut packet)
        } else {
            tcpdump::close(&mut packet)
        }
        let at = self.stamp(&packet);
        self.report.frames += 1;
        self.report.first = Some(self.report.first.map_or(at, |first| first.min(at)));
        self.report.last = Some(self.report.last.map_or(at, |last| last.max(at)));
        if !packet.dump.is_empty() {
            // From the IP header on, or with -xx from the link's.
            let raw =
                crate::ip::tcp_envelope(&packet.dump).is_some_and(|ip| ip.len == ip.payload.len());
            let link = if raw { 101 } else { 1 };
            let frame = Frame { number: offset, at, link, data: &packet.dump, cut: false };
            self.tracker.frame(&frame);
            return;
        }
        let Some((src, dst)) = packet.ends else { return };
        if by_ngrep {
            self.ngrep.number(&mut packet)
        } else {
            self.tcpdump.number(&mut packet)
        }
        let len = packet.len.unwrap_or(0).max(u32::try_from(packet.payload.len()).unwrap_or(0));
        let segment = Segment {
            src_port: src.port(),
            dst_port: dst.port(),
            seq: packet.seq.unwrap_or(0),
            ack: packet.ack.unwrap_or(0),
            flags: packet.flags,
            window: packet.window,
            options: &packet.options,
            payload: &packet.payload,
            len,
        };
        let ip = Ip {
            src: src.ip(),
            dst: dst.ip(),
            ttl: packet.ttl,
            df: packet.df,
            payload: &[],
            len: 0,
            fragment: None,
        };
        let frame = Frame { number: offset, at, link: 101, data: &[], cut: false };
        self.tracker.segment(&frame, &ip, packet.mac.as_ref(), &segment);
    }

    fn stamp(&mut self, packet: &Packet) -> Time {
        let Some((secs, nanos)) = packet.stamp else {
            self.undated = true;
            return Time::from_nanos(self.before);
        };
        let local = i64::from(self.clock.utc_offset_s);
        let secs = match packet.dated {
            Dated::Epoch => secs,
            Dated::Local => secs - local,
            Dated::No => {
                self.undated |= self.clock.day.is_none();
                let day = self.clock.day.map_or(0, Time::secs) + self.day * 86_400;
                let at = day + secs - local;
                // Midnight passed, where the time of day falls back by more than half of one.
                if self.before.div_euclid(1_000_000_000) - at > 43_200 {
                    self.day += 1;
                    at + 86_400
                } else {
                    at
                }
            }
        };
        let at = Time::from_nanos(secs.saturating_mul(1_000_000_000).saturating_add(nanos));
        self.before = at.nanos();
        at
    }

    fn finish(mut self) -> Report {
        self.tracker.end();
        self.report.sessions = self.tracker.sessions;
        self.report.attempts = std::mem::take(&mut self.tracker.attempts).into_values().collect();
        for attempt in &mut self.report.attempts {
            if let At::Frame(offset) = attempt.place.at {
                attempt.place = Place::byte(attempt.place.source, offset);
            }
        }
        self.report.interfaces = vec!["text".to_owned()];
        if self.undated {
            self.report.notes.push("the lines have no date; print with -tttt".to_owned());
        }
        self.report
    }
}

/// A line, its end with it; what is beyond [`LINE`] is read past. The bytes read.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut total = 0;
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let used = end.unwrap_or(bytes.len());
        let room = LINE.saturating_sub(line.len()).min(used);
        line.extend_from_slice(bytes.get(..room).unwrap_or_default());
        input.consume(used);
        total += used as u64;
        if end.is_some() || used == 0 {
            return Ok(total);
        }
    }
}
