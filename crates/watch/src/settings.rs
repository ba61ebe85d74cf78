//! What the core is told of this host, resolved: numbers instead of names, nothing left to look up.

use heloscope_investigate::verify::Cause;
use heloscope_model::Time;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// How this host is meant to be.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The programs that may send.
    pub mta: Mta,
    /// Other programs that may, each for its own purpose.
    pub allowed: Vec<Allowed>,
    /// Clients behind this host that may connect to mail servers themselves.
    pub allowed_clients: Vec<IpNet>,
    /// The site's public addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// What was mended, and must not be seen again.
    pub fixed: Vec<Fixed>,
    /// From where on it is too much.
    pub limits: Limits,
    /// Whether connections to this host's own addresses count as if they went out.
    pub count_local: bool,
    /// This very process, whose alerts go out by mail.
    pub own_pid: u32,
    /// The names of this host's users.
    pub users: BTreeMap<u32, String>,
}

impl Settings {
    /// A user, as people know him.
    pub(crate) fn user(&self, uid: u32) -> String {
        match self.users.get(&uid) {
            Some(name) => format!("{} (uid {uid})", crate::shown::shown(name)),
            None => format!("uid {uid}"),
        }
    }
}

/// The mail server of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mta {
    /// Its name, for people.
    pub name: String,
    /// Folders whose programs are its own.
    pub folders: Vec<String>,
    /// Single programs of it.
    pub programs: Vec<String>,
    /// Users that it runs as; none where it runs as whoever calls it.
    pub users: BTreeSet<u32>,
    /// The names it gives in HELO.
    pub helo: Vec<String>,
}

/// A program that may connect to mail servers. All that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// For people.
    pub name: String,
    /// The executed file.
    pub exe: Option<String>,
    /// The script that it runs.
    pub script: Option<String>,
    /// Its user.
    pub uid: Option<u32>,
    /// Where it may go; anywhere where none is said.
    pub to: Vec<IpNet>,
    /// To which ports; any where none is said.
    pub ports: Vec<u16>,
}

/// Something that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// When.
    pub time: Time,
    /// What was done, in the administrator's words.
    pub what: String,
    /// What must not be seen again.
    pub gone: Gone,
}

/// What must not be seen again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// A script sends.
    Script(String),
    /// A program sends.
    Process(String),
    /// An account sends.
    Account(String),
    /// An address behind this host, or a client of the mail server, sends.
    Address(IpNet),
    /// The culprit of a cause that an answer of `heloscope investigate` named delivers mail, as `heloscope verify` sees it.
    Cause(Cause),
}

/// From where on it is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Recipients in 24 hours of the whole host.
    pub host: u64,
    /// Of one account.
    pub account: u64,
    /// Of one user's programs.
    pub uid: u64,
    /// Of one client without a password.
    pub client: u64,
    /// Connections in 24 hours of one script or program past the MTA.
    pub script: u64,
    /// So many times the usual.
    pub factor: f64,
    /// Mails that wait.
    pub queue: u64,
    /// Seconds after which something that is not seen again is over.
    pub quiet_s: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            host: 300,
            account: 200,
            uid: 200,
            client: 200,
            script: 50,
            factor: 2.0,
            queue: 100,
            quiet_s: 24.0 * 3600.0,
        }
    }
}
