//! Web requests held against the instants that need explaining: how often each path's requests
//! stand near, nearer than others', and nearer than chance.

use crate::instants::{Instant, Instants};
use heloscope_evidence::Request;
use heloscope_model::{Octets, Place, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Events kept of one path.
const EVENTS: usize = 5_000;
/// Times kept of one path.
const TIMES: usize = 400;
/// Distinct paths kept.
const PATHS: usize = 50_000;
/// Clients kept of one path.
const PEERS: usize = 512;
/// Paths equally near to an instant that are kept.
const TIES: usize = 4;
/// The stretch in which visitors come at one rate.
const QUARTER_S: i64 = 900;
/// Quarter hours kept of all paths.
const QUARTERS: usize = 1_000_000;
/// Seconds between a request and what it starts. A log stamps a request at its start (Apache)
/// or its end (nginx); a script that mails takes seconds.
pub(crate) const NEAR_S: f64 = 10.0;
/// Seconds between a request and what it starts at once. Where requests come one after another,
/// everything is near to one; only what they start is beside them.
const BESIDE_S: f64 = 2.0;

/// Requests held against the instants that need explaining.
#[derive(Default)]
pub(crate) struct Requests {
    pub(crate) instants: Instants,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    pub(crate) total: u64,
    /// Quarter hours kept, of all paths.
    quarters: usize,
    /// By path without query.
    pub(crate) paths: BTreeMap<String, PathUse>,
    /// What each client did besides.
    pub(crate) visitors: Visitors,
    /// The requests nearest to each instant: milliseconds between, and the numbers of the paths
    /// (several where stamps of whole seconds do not tell them apart).
    nearest: HashMap<usize, (u64, Vec<usize>)>,
}

/// What each client did besides.
#[derive(Default)]
pub(crate) struct Visitors {
    clients: BTreeMap<IpAddr, Visitor>,
}

/// One client of the sites.
#[derive(Default)]
struct Visitor {
    /// It was shown a page.
    looked: bool,
    /// Virtual hosts it sent forms to.
    posted: BTreeSet<String>,
}

/// Clients kept, and sites kept of one.
const VISITORS: usize = 50_000;
const SITES: usize = 8;

impl Visitors {
    fn request(&mut self, client: IpAddr, host: Option<&Octets>, is_post: bool, looks: bool) {
        if self.clients.len() >= VISITORS && !self.clients.contains_key(&client) {
            return;
        }
        let visitor = self.clients.entry(client).or_default();
        visitor.looked |= looks;
        if is_post && visitor.posted.len() < SITES {
            let host = host.map(ToString::to_string).unwrap_or_default();
            if !host.is_empty() {
                visitor.posted.insert(host);
            }
        }
    }

    /// Whether a client was shown a page; none where it was not kept.
    pub(crate) fn looked(&self, client: IpAddr) -> Option<bool> {
        self.clients.get(&client).map(|v| v.looked)
    }

    /// The sites that a client sent forms to.
    pub(crate) fn posted_to(&self, client: IpAddr) -> impl Iterator<Item = &String> {
        self.clients.get(&client).into_iter().flat_map(|v| &v.posted)
    }
}

/// One path of a site.
#[derive(Default)]
pub(crate) struct PathUse {
    /// Its number, in order of appearance.
    number: usize,
    /// Virtual host, where logged.
    pub(crate) host: Option<Octets>,
    pub(crate) requests: u64,
    pub(crate) posts: u64,
    /// Requests answered 2xx or 3xx.
    pub(crate) answered: u64,
    /// Answered requests in each quarter hour since the epoch.
    quarters: BTreeMap<i64, u32>,
    /// Instants near to one of them.
    instants: BTreeSet<usize>,
    /// Instants right beside one of them.
    beside: BTreeSet<usize>,
    /// Requests near to an instant, and how many of them were POSTs.
    pub(crate) near: u64,
    pub(crate) near_posts: u64,
    /// Who made those, and how many of them were POSTs.
    pub(crate) near_clients: BTreeMap<IpAddr, u64>,
    /// The first of those.
    pub(crate) samples: Vec<(Time, Place)>,
    /// When they came, for the time line.
    pub(crate) times: Vec<Time>,
}

impl Requests {
    pub(crate) fn request(&mut self, request: Request) {
        let at = request.time;
        self.total += 1;
        self.first = Some(self.first.map_or(at, |f| f.min(at)));
        self.last = Some(self.last.map_or(at, |l| l.max(at)));
        let target = request.target.as_bytes();
        let end = target.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(target.len());
        let path = heloscope_model::octets::lossy_text(target.get(..end).unwrap_or_default());
        if self.paths.len() >= PATHS && !self.paths.contains_key(path.0.as_ref()) {
            return;
        }
        let number = self.paths.len();
        let fresh = || PathUse { number, ..PathUse::default() };
        let known = self.paths.entry(path.0.into_owned()).or_insert_with(fresh);
        known.requests += 1;
        let is_post = request.method.as_bytes() == b"POST";
        known.posts += u64::from(is_post);
        if let Some(client) = request.client {
            let host = known.host.as_ref().or(request.host.as_ref());
            let looks = request.method.as_bytes() == b"GET" && (200..300).contains(&request.status);
            self.visitors.request(client, host, is_post, looks);
        }
        if known.host.is_none() {
            known.host = request.host;
        }
        if !(200..400).contains(&request.status) {
            return;
        }
        known.answered += 1;
        if self.quarters < QUARTERS {
            let before = known.quarters.len();
            *known.quarters.entry(at.secs().div_euclid(QUARTER_S)).or_default() += 1;
            self.quarters += known.quarters.len() - before;
        }
        let near = self.instants.near(at, NEAR_S + f64::from(request.took_s.unwrap_or(0.0)));
        if near.is_empty() {
            return;
        }
        let number = known.number;
        for index in near.clone().take(64) {
            let Some(instant) = self.instants.at(index) else { continue };
            let apart = (instant.since(at).abs() * 1000.0) as u64;
            let (least, paths) = self.nearest.entry(index).or_insert((u64::MAX, Vec::new()));
            if apart < *least {
                (*least, *paths) = (apart, vec![number]);
            } else if apart == *least && paths.len() < TIES && !paths.contains(&number) {
                paths.push(number);
            }
        }
        known.near += 1;
        known.near_posts += u64::from(is_post);
        if let Some(client) = request.client
            && (known.near_clients.len() < PEERS || known.near_clients.contains_key(&client))
        {
            *known.near_clients.entry(client).or_default() += u64::from(is_post);
        }
        if known.samples.len() < 4 {
            known.samples.push((at, request.place));
        }
        if known.times.len() < TIMES {
            known.times.push(at);
        }
        if known.instants.len() < EVENTS {
            known.instants.extend(near.take(64));
            known.beside.extend(self.instants.near(at, BESIDE_S).take(64));
        }
    }

    /// How many instants of a kind stand near to a request of a path.
    pub(crate) fn hits(&self, path: &PathUse, what: Instant) -> usize {
        path.instants.iter().filter(|i| self.instants.what(**i) == Some(what)).count()
    }

    /// How many people elsewhere (or sessions, starts) the instants stand for that have a request
    /// of this path nearest to them; a tie counts in parts. Of two busy paths both stand near to
    /// most instants, but only one stands nearest; and a mail that stays here is no offence.
    pub(crate) fn nearest_to(&self, path: &PathUse, what: Instant) -> f64 {
        let of_kind = path.instants.iter().filter(|i| self.instants.what(**i) == Some(what));
        of_kind
            .filter_map(|i| Some((self.instants.people(*i), self.nearest.get(i)?)))
            .filter(|(_, (_, paths))| paths.contains(&path.number))
            .map(|(people, (_, paths))| f64::from(people) / paths.len() as f64)
            .sum()
    }

    /// Log odds that a path's requests start what they stand near to, against chance at the rate
    /// of the hour: a binomial likelihood ratio. Visitors come by day, and so does much else.
    pub(crate) fn surprise(&self, path: &PathUse, what: Instant) -> f64 {
        let near = self.likelihood(path, what, &path.instants, NEAR_S);
        near.max(self.likelihood(path, what, &path.beside, BESIDE_S))
    }

    /// The log of the ratio of likelihoods, for the instants within so many seconds of a request.
    fn likelihood(&self, path: &PathUse, what: Instant, met: &BTreeSet<usize>, within: f64) -> f64 {
        let all = self.instants.count(what) as f64;
        let hit = met.iter().filter(|i| self.instants.what(**i) == Some(what)).count() as f64;
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0.0 };
        if hit == 0.0 || all == 0.0 {
            return 0.0;
        }
        // Requests at even distances cover the most time: more than those that come as they like.
        let by_chance = |rate: f64| (rate * 2.0 * within).min(1.0);
        let overall = by_chance(path.answered as f64 / last.since(first).max(60.0));
        let local: f64 = self
            .instants
            .times(what)
            .map(|at| {
                let quarter = at.secs().div_euclid(QUARTER_S);
                let requests = path.quarters.get(&quarter).copied().unwrap_or(0);
                by_chance(f64::from(requests) / QUARTER_S as f64)
            })
            .sum();
        let chance = overall.max(local / all).clamp(1e-6, 0.999);
        let share = (hit / all).clamp(1e-6, 0.999);
        if share <= chance {
            return 0.0;
        }
        hit * (share / chance).ln() + (all - hit) * ((1.0 - share) / (1.0 - chance)).ln()
    }
}
