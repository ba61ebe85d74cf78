//! Who may open connections to mail ports: what is meant, from which rules are written and against which the kernel is
//! held. Pure; also as it stands in the state file, where it is read as strictly as if a stranger had written it.
//!
//! A user is told by the number under which his program acts; where systemd runs the mail server, its control group
//! must fit as well, because a bot that broke into the mail server has its user but was often started elsewhere.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Senders, relays and networks that are taken; more is a mistake.
const MOST: usize = 256;
/// Between servers, and submission. 2525 is left alone: it is used for much else.
pub const PORTS: [u16; 3] = [25, 465, 587];

/// Who may send, whereto, and what becomes of the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The ports that are asked about; nothing else is ever matched.
    pub ports: BTreeSet<u16>,
    /// Who may.
    pub senders: Vec<Sender>,
    /// Where the mail server may go; anywhere, where none is named.
    pub relays: Vec<IpNet>,
    /// The rest is only counted and logged, and goes out.
    pub log_only: bool,
    /// What becomes of connections from machines behind this host.
    pub forward: Forward,
    /// Which machines are behind this host.
    pub inside: Vec<IpNet>,
    /// Machines behind this host that may.
    pub inside_senders: Vec<IpNet>,
    /// The log group (NFLOG) that is told.
    pub log_group: u16,
}

/// Somebody who may send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// As whom its programs act.
    pub who: Who,
    /// The control group that its programs are in, where that is asked too.
    pub cgroup: Option<Cgroup>,
    /// What it is called, for people: `postfix`.
    pub name: String,
    /// Whether it is the mail server, which `relays` limits.
    pub mailer: bool,
}

/// A user or a group by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The user.
    Uid(u32),
    /// The group (a program that is set-gid and runs as its caller).
    Gid(u32),
}

/// What becomes of forwarded connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forward {
    /// Refused.
    Block,
    /// Counted and logged.
    Log,
    /// Not looked at.
    #[default]
    Leave,
}

/// The path of a control group below the root of cgroup2; one that can stand in a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cgroup(String);

impl Cgroup {
    /// Takes a path (`/system.slice/postfix.service`), if a rule can name it.
    pub fn new(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@:+\\".contains(c);
        let parts: Vec<&str> = path.split('/').collect();
        let plain =
            parts.iter().all(|part| !matches!(*part, "" | "." | "..") && part.chars().all(fits));
        (plain && parts.len() <= 16 && path.len() <= 400).then(|| Self(path.to_owned()))
    }

    /// Without a slash in front.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// How deep it stands.
    pub fn level(&self) -> usize {
        self.0.split('/').count()
    }

    /// Its last part, the unit's name where systemd made it.
    pub fn unit(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a process in `path` is in it.
    pub fn holds(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        path.strip_prefix(self.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl TryFrom<String> for Cgroup {
    type Error = String;
    fn try_from(path: String) -> Result<Self, String> {
        Self::new(&path).ok_or_else(|| "no control group that a rule can name".to_owned())
    }
}

impl From<Cgroup> for String {
    fn from(cgroup: Cgroup) -> Self {
        cgroup.0
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(id) => write!(f, "uid {id}"),
            Self::Gid(id) => write!(f, "gid {id}"),
        }
    }
}

/// One connection that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// From where.
    pub from: Origin<'a>,
    /// To where.
    pub to: SocketAddr,
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A program of this host.
    Local {
        /// Its user.
        uid: u32,
        /// Its group, where it is known.
        gid: Option<u32>,
        /// The path of its control group.
        cgroup: Membership<'a>,
    },
    /// A machine behind this host.
    Behind(IpAddr),
}

/// What is known of a program's control group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'a> {
    /// Its path.
    Path(&'a str),
    /// Nothing.
    Unknown,
}

/// What the policy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It goes out.
    Allowed,
    /// It is counted, logged, and goes out.
    Logged,
    /// It is counted, logged and reset.
    Refused,
    /// That depends on the control group, which is not known.
    Unclear,
}

impl Policy {
    /// What becomes of a connection.
    pub fn verdict(&self, attempt: &Attempt<'_>) -> Verdict {
        let ip = attempt.to.ip();
        if !self.ports.contains(&attempt.to.port()) {
            return Verdict::Allowed;
        }
        match attempt.from {
            Origin::Local { .. } if ip.is_loopback() => Verdict::Allowed,
            Origin::Local { uid, gid, cgroup } => self.local(uid, gid, cgroup, ip),
            Origin::Behind(from) => self.behind(from, ip),
        }
    }

    fn local(&self, uid: u32, gid: Option<u32>, cgroup: Membership<'_>, to: IpAddr) -> Verdict {
        let mut unclear = false;
        for sender in &self.senders {
            let is = match sender.who {
                Who::Uid(id) => id == uid,
                Who::Gid(id) => gid == Some(id),
            };
            let there = !sender.mailer || self.relays.is_empty() || within(&self.relays, to);
            if !is || !there {
                continue;
            }
            match (&sender.cgroup, cgroup) {
                (None, _) => return Verdict::Allowed,
                (Some(group), Membership::Path(path)) if group.holds(path) => {
                    return Verdict::Allowed;
                }
                (Some(_), Membership::Path(_)) => {}
                (Some(_), Membership::Unknown) => unclear = true,
            }
        }
        match (unclear, self.log_only) {
            (true, _) => Verdict::Unclear,
            (false, true) => Verdict::Logged,
            (false, false) => Verdict::Refused,
        }
    }

    fn behind(&self, from: IpAddr, to: IpAddr) -> Verdict {
        let asked = within(&self.inside, from) && !within(&self.inside, to);
        if !asked || within(&self.inside_senders, from) {
            return Verdict::Allowed;
        }
        match self.forward {
            Forward::Leave => Verdict::Allowed,
            Forward::Log => Verdict::Logged,
            Forward::Block if self.log_only => Verdict::Logged,
            Forward::Block => Verdict::Refused,
        }
    }

    /// Why it cannot be loaded, if it cannot.
    pub fn fault(&self) -> Option<String> {
        if self.ports.is_empty() || self.ports.contains(&0) || self.ports.len() > MOST {
            return Some("no port, or port 0, or too many of them".to_owned());
        }
        // Whoever asks for this has mistyped; it would not lock anybody out (open sessions live on, and
        // what comes in is no business of ours), but it is no mail port.
        if self.ports.contains(&22) {
            return Some("port 22 is SSH's and never guarded".to_owned());
        }
        if self.senders.is_empty() && !self.log_only {
            return Some("nobody would be let out".to_owned());
        }
        let lists = [&self.relays, &self.inside, &self.inside_senders];
        if self.senders.len() > MOST || lists.iter().any(|list| list.len() > MOST) {
            return Some(format!("more than {MOST} senders or networks"));
        }
        if self.forward != Forward::Leave && self.inside.is_empty() {
            return Some("which machines are behind this host is not said (--inside)".to_owned());
        }
        None
    }
}

fn within(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn postfix() -> Policy {
        Policy {
            ports: PORTS.into_iter().collect(),
            senders: vec![Sender {
                who: Who::Uid(102),
                cgroup: Cgroup::new("/system.slice/postfix.service"),
                name: "postfix".to_owned(),
                mailer: true,
            }],
            relays: Vec::new(),
            log_only: false,
            forward: Forward::Block,
            inside: vec!["192.168.7.0/24".parse().unwrap(), "fd00:7::/64".parse().unwrap()],
            inside_senders: vec!["192.168.7.5/32".parse().unwrap()],
            log_group: 25,
        }
    }

    #[test]
    fn what_it_says() {
        let unit = Membership::Path("/system.slice/postfix.service/sub");
        let other = Membership::Path("/system.slice/postfix.services");
        let local = |uid, cgroup| Origin::Local { uid, gid: Some(1), cgroup };
        let behind = |ip: &str| Origin::Behind(ip.parse().unwrap());
        for (from, to, want) in [
            (local(102, unit), "203.0.113.9:25", Verdict::Allowed),
            (local(102, unit), "[2001:db8::9]:587", Verdict::Allowed),
            (local(102, other), "203.0.113.9:25", Verdict::Refused),
            (local(102, Membership::Unknown), "203.0.113.9:25", Verdict::Unclear),
            (local(33, Membership::Unknown), "203.0.113.9:465", Verdict::Refused),
            (local(0, unit), "203.0.113.9:465", Verdict::Refused),
            (local(33, other), "203.0.113.9:22", Verdict::Allowed),
            (local(33, other), "127.0.0.1:25", Verdict::Allowed),
            (local(33, other), "[::1]:25", Verdict::Allowed),
            (behind("192.168.7.23"), "203.0.113.9:25", Verdict::Refused),
            (behind("192.168.7.5"), "203.0.113.9:25", Verdict::Allowed),
            (behind("192.168.7.23"), "192.168.7.5:25", Verdict::Allowed),
            (behind("203.0.113.9"), "192.168.7.5:25", Verdict::Allowed),
            (behind("fd00:7::23"), "[2001:db8::9]:25", Verdict::Refused),
        ] {
            let attempt = Attempt { from, to: to.parse().unwrap() };
            assert_eq!(postfix().verdict(&attempt), want, "{attempt:?}");
        }
    }

    #[test]
    fn relays_limit_the_mail_server_alone() {
        let mut policy = postfix();
        policy.relays = vec!["198.51.100.0/24".parse().unwrap()];
        let who = Who::Uid(1000);
        policy.senders.push(Sender { who, cgroup: None, name: "app".to_owned(), mailer: false });
        let unit = Membership::Path("system.slice/postfix.service");
        for (uid, to, want) in [
            (102, "198.51.100.7:25", Verdict::Allowed),
            (102, "203.0.113.9:25", Verdict::Refused),
            (102, "[2001:db8::9]:25", Verdict::Refused),
            (1000, "203.0.113.9:25", Verdict::Allowed),
        ] {
            let from = Origin::Local { uid, gid: None, cgroup: unit };
            assert_eq!(
                policy.verdict(&Attempt { from, to: to.parse().unwrap() }),
                want,
                "{uid} {to}"
            );
        }
    }

    #[test]
    fn only_a_plain_control_group_stands_in_a_rule() {
        for (path, fits) in [
            ("/system.slice/system-postfix.slice/postfix@-.service", true),
            ("/system.slice/my\\x2dmta.service", true),
            ("/", false),
            ("/a\" accept; #", false),
            ("/a\nb", false),
            ("/../b", false),
            ("/a//b", false),
        ] {
            assert_eq!(Cgroup::new(path).is_some(), fits, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_not_loaded() {
        let with = |change: fn(&mut Policy)| {
            let mut policy = postfix();
            change(&mut policy);
            policy.fault()
        };
        assert_eq!(with(|_| {}), None);
        assert!(with(|p| p.ports.clear()).is_some());
        assert!(with(|p| _ = p.ports.insert(22)).is_some());
        assert!(with(|p| p.senders.clear()).is_some());
        assert!(with(|p| p.inside.clear()).is_some());
        assert!(
            with(|p| {
                p.inside.clear();
                p.forward = Forward::Leave
            })
            .is_none()
        );
    }
}
