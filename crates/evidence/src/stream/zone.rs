//! The zone of logs that say none, from captures: a delivery that the mail log dates in local
//! time and the capture in UTC, to the same server, tells the offset. Only where nothing better
//! said it, and only when several deliveries agree.

use crate::calendar::fixed;
use crate::lines::Lines;
use crate::opened::Stream;
use crate::plan::Log;
use crate::sources;
use crate::stamp::{self, Clock};
use crate::{Evidence, logline};
use heloscope_model::{Session, Time};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Sessions kept, deliveries looked at, pairs compared.
const SESSIONS: usize = 20_000;
const DELIVERIES: usize = 5_000;
const PAIRS: usize = 4_000_000;

/// Seconds between a session's end and its delivery's line, at most.
const NEAR: i64 = 30;

/// Deliveries that must agree.
const VOTES: usize = 3;

/// Sessions by server, as the captures gave them.
#[derive(Default)]
pub(super) struct Seen {
    servers: BTreeMap<IpAddr, Vec<i64>>,
    count: usize,
}

impl Seen {
    /// A session goes by.
    pub(super) fn note(&mut self, session: &Session) {
        if self.count < SESSIONS {
            self.count += 1;
            self.servers.entry(session.server.ip()).or_default().push(session.end.secs());
        }
    }

    /// Corrects the logs whose zone was only assumed.
    pub(super) fn correct(&self, evidence: &mut Evidence, logs: &mut [Log]) {
        if self.count < VOTES {
            return;
        }
        let assumed = |log: &&Log| log.reading.as_ref().is_some_and(|r| r.assumed);
        let mut votes: BTreeMap<i32, usize> = BTreeMap::new();
        for log in logs.iter().filter(assumed).filter(|l| l.mail.is_some()) {
            self.vote(log, &mut votes);
        }
        let best = votes.iter().max_by_key(|(offset, n)| (**n, std::cmp::Reverse(offset.abs())));
        let Some((&offset, &most)) = best else { return };
        let others =
            votes.iter().filter(|(o, _)| **o != offset).map(|(_, n)| *n).max().unwrap_or(0);
        if most < VOTES || most < others * 2 {
            return;
        }
        let zone = fixed(offset);
        for log in logs.iter_mut() {
            let Some(reading) = log.reading.as_mut().filter(|r| r.assumed) else { continue };
            reading.zone = zone.clone();
            reading.assumed = false;
            let shift = -f64::from(offset);
            log.span = log.span.map(|(a, b)| (a.plus_secs(shift), b.plus_secs(shift)));
            for source in log.sources().collect::<Vec<_>>() {
                let Some(index) = evidence.sources.get(source).map(|s| s.input) else { continue };
                let Some(input) = evidence.inputs.get_mut(index) else { continue };
                input.first = input.first.map(|t| t.plus_secs(shift));
                input.last = input.last.map(|t| t.plus_secs(shift));
                let name = crate::calendar::name(&zone);
                sources::note(
                    input,
                    &format!("then {name}: {most} deliveries stand in the captures, too"),
                );
            }
            for lease in
                evidence.facts.leases.iter_mut().filter(|l| Some(l.place.source) == log.leases)
            {
                lease.from = lease.from.map(|t| t.plus_secs(shift));
            }
            let clients = &mut evidence.facts.vpn_clients;
            for client in clients.iter_mut().filter(|c| Some(c.place.source) == log.vpn) {
                client.seen = client.seen.map(|t| t.plus_secs(shift));
            }
        }
    }

    /// The offsets that a log's deliveries would have.
    fn vote(&self, log: &Log, votes: &mut BTreeMap<i32, usize>) {
        let Ok(stream) = Stream::open(&log.body) else { return };
        let Some(reading) = &log.reading else { return };
        let mut clock = Clock::new(TimeZone::UTC, reading.first_year);
        let mut lines = Lines::new(stream);
        let (mut deliveries, mut pairs) = (0, 0);
        while let Some((_, line)) = lines.next_line() {
            let Some((server, local)) = delivery(line, &mut clock) else { continue };
            let Some(ends) = self.servers.get(&server) else { continue };
            deliveries += 1;
            pairs += ends.len();
            if deliveries > DELIVERIES || pairs > PAIRS {
                return;
            }
            // One delivery votes once for an offset.
            let mut mine: Vec<i32> = ends
                .iter()
                .filter_map(|end| {
                    let diff = local.secs() - end;
                    let offset = (diff + 450).div_euclid(900) * 900;
                    let right =
                        (diff - offset).abs() <= NEAR && (-50_000..=55_000).contains(&offset);
                    right.then_some(i32::try_from(offset).ok()?)
                })
                .collect();
            mine.sort_unstable();
            mine.dedup();
            for offset in mine {
                *votes.entry(offset).or_default() += 1;
            }
        }
    }
}

/// The server and the stamp of a delivery's line.
fn delivery(line: &[u8], clock: &mut Clock) -> Option<(IpAddr, Time)> {
    memchr::memmem::find(line, b" status=")?;
    let relay = memchr::memmem::find(line, b" relay=")?;
    let rest = line.get(relay..)?;
    let open = memchr::memchr(b'[', rest)?;
    let close = open + memchr::memchr(b']', rest.get(open..)?)?;
    let server = crate::weblog::address(rest.get(open + 1..close)?)?;
    let parts = logline::syslog(line)?;
    let stamp: stamp::Stamp = parts.stamp;
    Some((server, clock.time(&stamp)))
}
