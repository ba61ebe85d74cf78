//! Who logged in to this host and when (sshd, FTP, su), reduced: bounded lists by account, and
//! which addresses failed or got in.

use heloscope_evidence::{AuthEvent, AuthWhat};
use heloscope_model::{Place, Time, Window};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Distinct accounts, addresses kept.
const USERS: usize = 20_000;
/// Log-ins, tunnels, sessions kept of one account.
const EVENTS: usize = 2_000;
/// Daemons' process ids kept, to know whose session a line is about.
const PIDS: usize = 50_000;

/// All log-ins.
#[derive(Default)]
pub(crate) struct Logins {
    /// By account.
    pub(crate) users: BTreeMap<String, UserLogins>,
    /// Addresses that were refused: how often, and the first line.
    pub(crate) refused: BTreeMap<IpAddr, (u64, Time, Place)>,
    /// Whose session a daemon's process serves.
    pids: HashMap<u32, String>,
}

/// One account.
#[derive(Default)]
pub(crate) struct UserLogins {
    /// Log-ins that were let in.
    pub(crate) accepted: Vec<Accepted>,
    /// Sessions: from when, until when where said.
    sessions: Vec<(Option<u32>, Time, Option<Time>)>,
    /// Connections it asked to be passed on to.
    pub(crate) tunnels: Vec<Tunnel>,
    /// Files it put there.
    pub(crate) uploads: Vec<(String, Time, Place)>,
}

/// A log-in that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) time: Time,
    pub(crate) ip: Option<IpAddr>,
    /// `password`, `publickey SHA256:…`.
    pub(crate) method: String,
    pub(crate) service: String,
    pub(crate) place: Place,
}

/// A connection that a session asked to be passed on to.
#[derive(Clone, Debug)]
pub(crate) struct Tunnel {
    pub(crate) time: Time,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) place: Place,
}

impl Logins {
    pub(crate) fn event(&mut self, event: AuthEvent) {
        let AuthEvent { time, place, service, pid, user, ip, what } = event;
        if matches!(what, AuthWhat::Failed) {
            if let Some(ip) = ip
                && (self.refused.len() < USERS || self.refused.contains_key(&ip))
            {
                self.refused.entry(ip).or_insert((0, time, place)).0 += 1;
            }
            return;
        }
        let Some(user) = user.or_else(|| pid.and_then(|pid| self.pids.get(&pid).cloned())) else {
            return;
        };
        if let Some(pid) = pid
            && self.pids.len() < PIDS
        {
            self.pids.insert(pid, user.clone());
        }
        if self.users.len() >= USERS && !self.users.contains_key(&user) {
            return;
        }
        let known = self.users.entry(user).or_default();
        match what {
            AuthWhat::Accepted(method) if known.accepted.len() < EVENTS => {
                let service = service.to_string();
                known.accepted.push(Accepted { time, ip, method, service, place });
            }
            AuthWhat::Opened if known.sessions.len() < EVENTS => {
                known.sessions.push((pid, time, None));
            }
            AuthWhat::Closed => {
                let open =
                    known.sessions.iter_mut().rev().find(|(p, _, end)| *p == pid && end.is_none());
                if let Some((.., end)) = open {
                    *end = Some(time);
                }
            }
            AuthWhat::Tunnel(host, port) if known.tunnels.len() < EVENTS => {
                known.tunnels.push(Tunnel { time, host, port, place });
            }
            AuthWhat::Uploaded(path) if known.uploads.len() < EVENTS => {
                known.uploads.push((path, time, place));
            }
            _ => {}
        }
    }
}

impl UserLogins {
    /// Whether it was logged in at an instant. A session without an end is still open; where the
    /// log has no sessions, an hour from each log-in is taken for one.
    pub(crate) fn is_in(&self, at: Time) -> bool {
        let slack = 2.0;
        if self.sessions.is_empty() {
            return self.accepted.iter().any(|a| {
                Window { from: a.time.plus_secs(-slack), to: a.time.plus_secs(3600.0) }.holds(at)
            });
        }
        self.sessions.iter().any(|(_, from, to)| {
            from.plus_secs(-slack) <= at && to.is_none_or(|to| at <= to.plus_secs(slack))
        })
    }

    /// The addresses it came from.
    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.accepted.iter().filter_map(|a| a.ip).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::{Octets, SourceId};

    fn event(at: i64, pid: u32, user: Option<&str>, what: AuthWhat) -> AuthEvent {
        AuthEvent {
            time: Time::from_secs(at),
            place: Place::byte(SourceId(0), 0),
            service: Octets::from("sshd"),
            pid: Some(pid),
            user: user.map(str::to_owned),
            ip: Some("192.0.2.7".parse().unwrap()),
            what,
        }
    }

    #[test]
    fn a_session_lasts_from_its_opening_to_its_closing() {
        let mut logins = Logins::default();
        logins.event(event(100, 7, Some("bob"), AuthWhat::Accepted("password".to_owned())));
        logins.event(event(100, 7, Some("bob"), AuthWhat::Opened));
        logins.event(event(150, 7, None, AuthWhat::Tunnel("mx.example.net".to_owned(), 25)));
        logins.event(event(200, 7, Some("bob"), AuthWhat::Closed));
        let bob = &logins.users["bob"];
        assert!(bob.is_in(Time::from_secs(150)));
        assert!(!bob.is_in(Time::from_secs(300)));
        assert_eq!(bob.tunnels.len(), 1, "the line names only the process");
    }
}
