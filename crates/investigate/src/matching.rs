//! Deliveries matched with sessions, many to one.
//!
//! Strongest first: the reply that the log quotes stands in the session with its queue id; a
//! recipient in clear text at the right time; under TLS, where neither can be seen, the server
//! and the time that `delays=` gives. A session whose recipients are visible and are not the
//! log's is not explained by time alone. How far the log's clock is from the capture's is
//! measured on the first kind of match, which needs no clock, before the others are tried.

use crate::seen::{Seen, key, quoted_reply_key};
use heloscope_maillog::{Attempt, Delivery, Mail};
use heloscope_model::{Place, Time};
use std::collections::HashMap;
use std::net::IpAddr;

/// Deliveries that wait for the clock to be known.
const OPEN: usize = 1_000_000;
/// Seconds that two clocks on one machine may disagree, rounding of the stamps included.
const TOLERANCE_S: f64 = 2.5;
/// The largest difference of clocks that is looked for without a match by content.
const LARGEST_SKEW_S: f64 = 14.0 * 3600.0;

/// What is known so far.
#[derive(Default)]
pub(crate) struct Pending {
    indexed: bool,
    /// Sessions of each server, by start.
    servers: HashMap<IpAddr, Vec<usize>>,
    by_reply: HashMap<(IpAddr, u64), Vec<(usize, Time)>>,
    open: Vec<Open>,
    /// Log time minus capture time of matches by content.
    skews: Vec<f64>,
    /// Deliveries dropped because too many waited.
    pub(crate) dropped: u64,
}

/// A delivery or attempt to a server that a capture shows.
struct Open {
    time: Time,
    ip: IpAddr,
    /// Seconds from connecting to the line, where logged.
    took: Option<f64>,
    reply: Option<u64>,
    recipient: Option<u64>,
    reused: bool,
    /// The process that wrote the line.
    pid: Option<u32>,
    place: Place,
}

impl Pending {
    /// Takes the deliveries of one mail.
    pub(crate) fn mail(&mut self, mail: &Mail, sessions: &mut [Seen]) {
        self.index(sessions);
        for delivery in &mail.deliveries {
            let Some(ip) = delivery.relay_ip else { continue };
            if !self.servers.contains_key(&ip) {
                continue;
            }
            let reply = quoted_reply_key(delivery.reply.as_bytes());
            if !self.join_by_reply(ip, reply, delivery, sessions) {
                self.wait(Open {
                    time: delivery.time,
                    ip,
                    took: delivery.delays.map(|[_, _, c, d]| f64::from(c) + f64::from(d)),
                    reply,
                    recipient: Some(key(&delivery.to.as_bytes().to_ascii_lowercase())),
                    reused: delivery.conn_use > 1,
                    pid: delivery.pid,
                    place: delivery.place,
                });
            }
        }
    }

    /// Takes an attempt that ended before a delivery line.
    pub(crate) fn attempt(&mut self, attempt: &Attempt) {
        let Some(ip) = attempt.relay_ip else { return };
        if self.servers.contains_key(&ip) {
            self.wait(Open {
                time: attempt.time,
                ip,
                took: None,
                reply: quoted_reply_key(attempt.text.as_bytes()),
                recipient: None,
                reused: false,
                pid: attempt.pid,
                place: attempt.place,
            });
        }
    }

    /// Matches what waited, now that the difference of the clocks can be known: by how many
    /// seconds the log's is ahead of the capture's.
    pub(crate) fn settle(&mut self, sessions: &mut [Seen]) -> f64 {
        self.index(sessions);
        let skew = self.skew(sessions);
        let mut by_server: HashMap<IpAddr, Vec<Open>> = HashMap::new();
        for mut open in std::mem::take(&mut self.open) {
            open.time = open.time.plus_secs(-skew);
            by_server.entry(open.ip).or_default().push(open);
        }
        for (ip, mut waiting) in by_server {
            waiting.sort_by_key(|o| (o.time, o.place));
            let Some(indexes) = self.servers.get(&ip) else { continue };
            settle_server(indexes, &waiting, sessions);
        }
        skew
    }

    fn index(&mut self, sessions: &[Seen]) {
        if std::mem::replace(&mut self.indexed, true) {
            return;
        }
        for (i, seen) in sessions.iter().enumerate() {
            let ip = seen.server.ip();
            self.servers.entry(ip).or_default().push(i);
            for (reply, at) in &seen.replies {
                self.by_reply.entry((ip, *reply)).or_default().push((i, *at));
            }
        }
        for indexes in self.servers.values_mut() {
            indexes.sort_by_key(|&i| sessions.get(i).map(|s| s.start));
        }
    }

    /// An accepted mail's reply names the queue id it got there: one of its kind.
    fn join_by_reply(
        &mut self,
        ip: IpAddr,
        reply: Option<u64>,
        delivery: &Delivery,
        sessions: &mut [Seen],
    ) -> bool {
        if !delivery.reply.as_bytes().starts_with(b"2") {
            return false;
        }
        let found = reply.and_then(|r| self.by_reply.get(&(ip, r)));
        let Some(&[(i, at)]) = found.map(Vec::as_slice) else { return false };
        let Some(seen) = sessions.get_mut(i) else { return false };
        seen.explained.get_or_insert((delivery.place, true));
        self.skews.push(delivery.time.since(at));
        true
    }

    fn wait(&mut self, open: Open) {
        if self.open.len() < OPEN {
            self.open.push(open);
        } else {
            self.dropped += 1;
        }
    }

    /// Seconds by which the log's clock is ahead of the capture's.
    fn skew(&mut self, sessions: &[Seen]) -> f64 {
        if !self.skews.is_empty() {
            self.skews.sort_by(f64::total_cmp);
            return self.skews.get(self.skews.len() / 2).copied().unwrap_or(0.0);
        }
        // No content in common (all of it under TLS): the whole seconds at which most deliveries
        // would fit a session of their server, if they are clearly more than at no skew.
        let mut votes: HashMap<i64, u32> = HashMap::new();
        for open in self.open.iter().take(2_000) {
            for &i in self.servers.get(&open.ip).into_iter().flatten().take(2_000) {
                let Some(seen) = sessions.get(i) else { continue };
                let apart = match open.took {
                    Some(took) if !open.reused => open.time.since(seen.start) - took,
                    // Of a connection that only a firewall names, the end is a guess.
                    _ if seen.hearsay.is_some() => continue,
                    _ => open.time.since(seen.end),
                };
                if apart.abs() <= LARGEST_SKEW_S {
                    *votes.entry(apart.round() as i64).or_default() += 1;
                }
            }
        }
        let around = |s: i64| (s - 1..=s + 1).filter_map(|s| votes.get(&s)).sum::<u32>();
        let best = votes.keys().copied().max_by_key(|&s| (around(s), -s.abs(), s));
        match best {
            Some(best) if around(best) >= 3 && around(best) > 2 * around(0) => best as f64,
            _ => 0.0,
        }
    }
}

/// One server's sessions and what waits for them, both in order of time.
fn settle_server(indexes: &[usize], waiting: &[Open], sessions: &mut [Seen]) {
    let mut claimed = vec![false; waiting.len()];
    for &i in indexes {
        let Some(seen) = sessions.get_mut(i) else { continue };
        if seen.explained.is_some_and(|(_, sure)| sure) {
            continue;
        }
        let from = seen.start.plus_secs(-TOLERANCE_S);
        let to = seen.end.plus_secs(TOLERANCE_S);
        let first = waiting.partition_point(|o| o.time < from);
        let near = waiting.iter().enumerate().skip(first).take_while(|(_, o)| o.time <= to);
        let mut best: Option<(bool, f64, usize, Place)> = None;
        for (w, open) in near {
            let Some(sure) = joins(seen, open) else { continue };
            if !sure && claimed.get(w).copied().unwrap_or(true) && !open.reused {
                continue;
            }
            let off = match open.took {
                Some(took) if !open.reused => open.time.since(seen.start) - took,
                _ => open.time.since(seen.end),
            }
            .abs();
            if best.is_none_or(|(s, o, ..)| (sure, -off) > (s, -o)) {
                best = Some((sure, off, w, open.place));
            }
        }
        if let Some((sure, _, w, place)) = best {
            seen.explained = Some((place, sure));
            if let Some(claim) = claimed.get_mut(w) {
                *claim = true;
            }
        }
    }
}

/// Whether a delivery that is near in time can be this session's: by content (true), by time
/// alone where content cannot be seen (false), or not.
fn joins(seen: &Seen, open: &Open) -> Option<bool> {
    if let Some(process) = &seen.process
        && process.is_mail_server() == Some(false)
    {
        let named = open.pid.is_some() && open.pid == process.pid;
        return (named && process.may_be_a_mail_server().is_some()).then_some(true);
    }
    if open.reply.is_some_and(|r| seen.replies.iter().any(|(known, _)| *known == r)) {
        return Some(true);
    }
    if open.recipient.is_some_and(|r| seen.recipients.contains(&r)) {
        return Some(true);
    }
    if seen.mails > 0 && !seen.recipients.is_empty() {
        return None;
    }
    let starts_right = match open.took {
        Some(took) if !open.reused => (open.time.since(seen.start) - took).abs() <= TOLERANCE_S,
        _ => true,
    };
    starts_right.then_some(false)
}

#[cfg(test)]
mod tests;
