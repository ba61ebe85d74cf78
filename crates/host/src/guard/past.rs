//! The recorded past against a policy: what it would have stopped. Pure; the record's lines (`connection::Noted`) are
//! read leniently, since an older or newer recorder may have written them. Bounded, whatever the record's size.

use super::policy::{Attempt, Membership, Origin, Policy, Verdict};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Different senders that are told apart.
const MOST: usize = 2000;
/// Servers named of each.
const SERVERS: usize = 3;

/// What would have become of what was recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Past {
    /// The first and the last connection to one of the ports.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// Let out.
    pub allowed: u64,
    /// Stopped, or only logged, by whom.
    pub stopped: Vec<Sent>,
    /// Connections of a user of the mail server whose control group was another than today's: after a restart of the mail
    /// server that is its own, otherwise somebody's who has its rights.
    pub unclear: Vec<Sent>,
    /// Events that the recorder lost: there may have been more.
    pub lost: u64,
    /// Lines that are no record.
    pub strange: u64,
    /// More senders than are told apart; their connections.
    pub beyond: u64,
}

/// Connections of one sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The script, program or machine.
    pub what: String,
    /// As which user; none of a machine behind this host.
    pub uid: Option<u32>,
    /// To which port.
    pub port: u16,
    /// How often.
    pub connections: u64,
    /// When first.
    pub first: String,
    /// When last.
    pub last: String,
    /// Some of the servers.
    pub servers: Vec<IpAddr>,
}

/// Weighs a record against a policy, line by line.
#[derive(Debug)]
pub struct Weighing<'a> {
    policy: &'a Policy,
    /// The numbers of today's control groups of the mail server, with their paths.
    groups: Vec<(u64, &'a str)>,
    /// This host's own addresses: what goes there goes by loopback.
    own: &'a [IpAddr],
    past: Past,
    stopped: BTreeMap<(String, Option<u32>, u16), Sent>,
    unclear: BTreeMap<(String, Option<u32>, u16), Sent>,
}

impl<'a> Weighing<'a> {
    /// Begins.
    pub fn new(policy: &'a Policy, groups: Vec<(u64, &'a str)>, own: &'a [IpAddr]) -> Self {
        let (stopped, unclear) = (BTreeMap::new(), BTreeMap::new());
        Self { policy, groups, own, past: Past::default(), stopped, unclear }
    }

    /// The next line.
    pub fn line(&mut self, line: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(line) else {
            self.past.strange += 1;
            return;
        };
        match value.get("event").and_then(Value::as_str) {
            Some("connection") => self.connection(&value),
            Some("passing") => self.passing(&value),
            Some("lost") => {
                self.past.lost += value.get("events").and_then(Value::as_u64).unwrap_or(0)
            }
            Some(_) => {}
            None => self.past.strange += 1,
        }
    }

    /// What came of it.
    pub fn end(mut self) -> Past {
        let sorted = |of: BTreeMap<_, Sent>| {
            let mut all: Vec<Sent> = of.into_values().collect();
            all.sort_by_key(|s| std::cmp::Reverse(s.connections));
            all
        };
        self.past.stopped = sorted(self.stopped);
        self.past.unclear = sorted(self.unclear);
        self.past
    }

    fn connection(&mut self, value: &Value) {
        let process = value.get("process");
        let of = |key: &str| process.and_then(|p| p.get(key));
        let number =
            |v: Option<&Value>| v.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let uid = number(of("euid")).or_else(|| number(of("uid")));
        let (Some(to), Some(uid)) = (address(value, "server"), uid) else {
            self.past.strange += 1;
            return;
        };
        if to.ip().is_loopback() || self.own.contains(&to.ip()) {
            return;
        }
        let cgroup = value.get("cgroup").and_then(Value::as_u64);
        let path = self.groups.iter().find(|(id, _)| Some(*id) == cgroup).map(|(_, path)| *path);
        let cgroup = path.map_or(Membership::Unknown, Membership::Path);
        let from = Origin::Local { uid, gid: None, cgroup };
        let what = value.get("script").and_then(Value::as_str);
        let what = what
            .or_else(|| of("exe").and_then(Value::as_str))
            .or_else(|| of("comm").and_then(Value::as_str));
        let when = value.get("start").and_then(Value::as_str);
        self.weigh(Attempt { from, to }, what, Some(uid), when);
    }

    fn passing(&mut self, value: &Value) {
        let (Some(from), Some(to)) = (address(value, "client"), address(value, "server")) else {
            self.past.strange += 1;
            return;
        };
        let when = value.get("time").and_then(Value::as_str);
        let what = from.ip().to_string();
        self.weigh(Attempt { from: Origin::Behind(from.ip()), to }, Some(&what), None, when);
    }

    fn weigh(
        &mut self,
        attempt: Attempt<'_>,
        what: Option<&str>,
        uid: Option<u32>,
        when: Option<&str>,
    ) {
        if !self.policy.ports.contains(&attempt.to.port()) {
            return;
        }
        let when: String = when.unwrap_or_default().chars().take(40).collect();
        if self.past.first.is_none() {
            self.past.first = Some(when.clone());
        }
        self.past.last = Some(when.clone());
        let of = match self.policy.verdict(&attempt) {
            Verdict::Allowed => {
                self.past.allowed += 1;
                return;
            }
            Verdict::Unclear => &mut self.unclear,
            Verdict::Logged | Verdict::Refused => &mut self.stopped,
        };
        let what: String = what.unwrap_or("an unknown program").chars().take(300).collect();
        let key = (what, uid, attempt.to.port());
        if of.len() >= MOST && !of.contains_key(&key) {
            self.past.beyond += 1;
            return;
        }
        let sent = of.entry(key).or_insert_with_key(|(what, uid, port)| Sent {
            what: what.clone(),
            uid: *uid,
            port: *port,
            connections: 0,
            first: when.clone(),
            last: String::new(),
            servers: Vec::new(),
        });
        sent.connections += 1;
        sent.last = when;
        if sent.servers.len() < SERVERS && !sent.servers.contains(&attempt.to.ip()) {
            sent.servers.push(attempt.to.ip());
        }
    }
}

fn address(value: &Value, key: &str) -> Option<SocketAddr> {
    let address: SocketAddr = value.get(key)?.as_str()?.parse().ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;

    fn weighed(lines: &[&str]) -> Past {
        let policy = postfix();
        let own = ["203.0.113.1".parse().unwrap()];
        let mut weighing =
            Weighing::new(&policy, vec![(77, "/system.slice/postfix.service")], &own);
        for line in lines {
            weighing.line(line.as_bytes());
        }
        weighing.end()
    }

    fn by(uid: u32, cgroup: u32, exe: &str, server: &str) -> String {
        format!(
            r#"{{"event":"connection","start":"2026-11-24T14:30:00Z","server":"{server}","cgroup":{cgroup},"process":{{"pid":1,"uid":{uid},"comm":"x","exe":"{exe}"}},"script":null}}"#
        )
    }

    #[test]
    fn who_would_have_been_stopped() {
        let lines = [
            by(102, 77, "/usr/lib/postfix/sbin/smtp", "198.51.100.9:25"),
            by(102, 5, "/tmp/.x/smtp", "198.51.100.9:25"),
            by(33, 5, "/usr/bin/php8.2", "198.51.100.9:25"),
            by(33, 5, "/usr/bin/php8.2", "[::ffff:198.51.100.8]:25"),
            by(33, 5, "/usr/bin/php8.2", "127.0.0.1:25"),
            by(33, 5, "/usr/bin/php8.2", "203.0.113.1:25"),
            by(33, 5, "/usr/bin/php8.2", "198.51.100.9:2525"),
            r#"{"event":"passing","time":"2026-11-24T14:31:00Z","client":"192.168.7.23:4000","server":"198.51.100.9:25"}"#.to_owned(),
            r#"{"event":"lost","events":3}"#.to_owned(),
            r#"{"event":"ended","socket":1}"#.to_owned(),
            "not JSON".to_owned(),
        ];
        let past = weighed(&lines.each_ref().map(String::as_str));
        assert_eq!((past.allowed, past.lost, past.strange), (1, 3, 1));
        let stopped: Vec<_> = past
            .stopped
            .iter()
            .map(|s| (&*s.what, s.uid, s.connections, s.servers.len()))
            .collect();
        assert_eq!(stopped, [("/usr/bin/php8.2", Some(33), 2, 2), ("192.168.7.23", None, 1, 1)]);
        assert_eq!(past.unclear.iter().map(|s| &*s.what).collect::<Vec<_>>(), ["/tmp/.x/smtp"]);
        assert_eq!(past.last.as_deref(), Some("2026-11-24T14:31:00Z"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(lines: Vec<Vec<u8>>, server: String) {
            let policy = postfix();
            let mut weighing = Weighing::new(&policy, Vec::new(), &[]);
            for line in &lines { weighing.line(line); }
            weighing.line(serde_json::json!({"event": "connection", "server": server, "process": {"uid": 1}}).to_string().as_bytes());
            weighing.end();
        }
    }
}
