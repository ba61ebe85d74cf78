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
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
        let mut by_server: BTreeMap<IpAddr, Vec<Open>> = BTreeMap::new();
        for mut open in std::mem::take(&mut self.open) {
            open.time = open.time.plus_secs(-skew);
            by_server.entry(open.ip).or_default().push(open);
        }
        let mut servers: Vec<(IpAddr, Waiting)> =
            by_server.into_iter().map(|(ip, open)| (ip, Waiting::new(open))).collect();
        for (ip, waiting) in &mut servers {
            for &i in self.servers.get(ip).into_iter().flatten() {
                if let Some(seen) = sessions.get_mut(i)
                    && seen.explained.is_none()
                    && let Some(w) = waiting.best(seen, true)
                {
                    seen.explained = waiting.claim(w).map(|place| (place, true));
                }
            }
        }
        by_time(&self.servers, &mut servers, sessions);
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
        let mut by_server: HashMap<IpAddr, Vec<&Open>> = HashMap::new();
        for open in self.open.iter().take(2_000) {
            by_server.entry(open.ip).or_default().push(open);
        }
        let mut votes: HashMap<i64, u32> = HashMap::new();
        for (ip, opens) in by_server {
            let of_server = self.servers.get(&ip).into_iter().flatten().take(2_000);
            let of_server: Vec<&Seen> = of_server.filter_map(|&i| sessions.get(i)).collect();
            // Each delivery is one session's: ten looks of a probe near one delivery are one vote.
            let deliveries = fits(opens.iter().map(|o| of_server.iter().map(|s| apart(s, o))));
            let looks = fits(of_server.iter().map(|s| opens.iter().map(|o| apart(s, o))));
            for (second, count) in deliveries {
                let looks = looks.get(&second).copied().unwrap_or(0);
                *votes.entry(second).or_default() += count.min(looks);
            }
        }
        let of = |second: i64| votes.get(&second).copied().unwrap_or(0);
        let unmoved = (-1..=1).map(of).max().unwrap_or(0);
        let middle = |s: i64| (of(s), of(s - 1) + of(s + 1), -s.abs(), s);
        match votes.keys().copied().max_by_key(|&s| middle(s)) {
            Some(best) if of(best) >= 3 && of(best) > 2 * unmoved => best as f64,
            _ => 0.0,
        }
    }
}

/// Seconds by which a delivery's line is later than a session's clock has it, if these can be the same.
fn apart(seen: &Seen, open: &Open) -> Option<f64> {
    let apart = match open.took {
        Some(took) if !open.reused => open.time.since(seen.start) - took,
        // Of a connection that only a firewall names, the end is a guess.
        _ if seen.hearsay.is_some() => return None,
        _ => open.time.since(seen.end),
    };
    (apart.abs() <= LARGEST_SKEW_S).then_some(apart)
}

/// For every whole second how many of them are apart by it from anything, give or take a second.
fn fits<I: Iterator<Item = Option<f64>>>(each: impl Iterator<Item = I>) -> HashMap<i64, u32> {
    let mut votes: HashMap<i64, u32> = HashMap::new();
    for aparts in each {
        let near = |apart: f64| apart.round() as i64 - 1..=apart.round() as i64 + 1;
        let seconds: HashSet<i64> = aparts.flatten().flat_map(near).collect();
        for second in seconds {
            *votes.entry(second).or_default() += 1;
        }
    }
    votes
}

/// Explains by time what content left. Whoever could have made most of the deliveries goes first: that is the mail server,
/// and a machine that writes to the same servers meanwhile must not take its lines.
fn by_time(
    of_server: &HashMap<IpAddr, Vec<usize>>,
    servers: &mut [(IpAddr, Waiting)],
    sessions: &mut [Seen],
) {
    let sure = |seen: &Seen| seen.explained.is_some_and(|(_, sure)| sure);
    let known: HashSet<IpAddr> = sessions.iter().filter(|s| sure(s)).map(Seen::speaker).collect();
    let mut runs: Vec<(IpAddr, usize, Vec<usize>)> = Vec::new();
    let mut makes: HashMap<IpAddr, (usize, usize)> = HashMap::new();
    for (at, (ip, waiting)) in servers.iter_mut().enumerate() {
        let mut by_speaker: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
        for &i in of_server.get(ip).into_iter().flatten() {
            if let Some(seen) = sessions.get(i).filter(|seen| seen.explained.is_none()) {
                by_speaker.entry(seen.speaker()).or_default().push(i);
            }
        }
        for (speaker, its) in by_speaker {
            let mut tried = BTreeSet::new();
            for seen in its.iter().filter_map(|&i| sessions.get(i)) {
                if let Some(w) = waiting.best(seen, false) {
                    waiting.claim(w);
                    tried.insert(w);
                }
            }
            let (made, all) = makes.entry(speaker).or_default();
            *made += tried.len();
            *all += its.len();
            waiting.give_back(&tried);
            runs.push((speaker, at, its));
        }
    }
    runs.sort_by_cached_key(|(speaker, at, _)| {
        let (made, all) = makes.get(speaker).copied().unwrap_or_default();
        (Reverse(known.contains(speaker)), Reverse(made), all, *speaker, *at)
    });
    for (_, at, its) in runs {
        let Some((_, waiting)) = servers.get_mut(at) else { continue };
        for i in its {
            if let Some(seen) = sessions.get_mut(i)
                && let Some(w) = waiting.best(seen, false)
            {
                seen.explained = waiting.claim(w).map(|place| (place, false));
            }
        }
    }
}

/// The deliveries to one server that wait for their sessions, in order of time.
struct Waiting {
    open: Vec<Open>,
    /// Those that a session has; one that used a connection again leaves it to others, too.
    claimed: Vec<bool>,
}

impl Waiting {
    fn new(mut open: Vec<Open>) -> Self {
        open.sort_by_key(|o| (o.time, o.place));
        Self { claimed: vec![false; open.len()], open }
    }

    /// The nearest in time that joins with the session: by content, or by time of those that nobody has.
    fn best(&self, seen: &Seen, by_content: bool) -> Option<usize> {
        let from = seen.start.plus_secs(-TOLERANCE_S);
        let to = seen.end.plus_secs(TOLERANCE_S);
        let first = self.open.partition_point(|o| o.time < from);
        let near = self.open.iter().enumerate().skip(first).take_while(|(_, o)| o.time <= to);
        let off = |open: &Open| match open.took {
            Some(took) if !open.reused => open.time.since(seen.start) - took,
            _ => open.time.since(seen.end),
        };
        near.filter(|(w, open)| match joins(seen, open) {
            Some(sure) if by_content => sure,
            Some(_) => open.reused || self.claimed.get(*w) == Some(&false),
            None => false,
        })
        .min_by(|(_, a), (_, b)| off(a).abs().total_cmp(&off(b).abs()))
        .map(|(w, _)| w)
    }

    fn claim(&mut self, w: usize) -> Option<Place> {
        *self.claimed.get_mut(w)? = true;
        self.open.get(w).map(|open| open.place)
    }

    fn give_back(&mut self, tried: &BTreeSet<usize>) {
        for &w in tried {
            if let Some(claim) = self.claimed.get_mut(w) {
                *claim = false;
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
