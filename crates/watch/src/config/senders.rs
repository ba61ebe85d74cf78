//! Who may send: the mail server of this host, and what else, each for its own purpose.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

/// `[mta]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mta {
    /// Folders whose programs are its own; found where none is named.
    pub folders: Vec<String>,
    /// Single programs of it.
    pub programs: Vec<String>,
    /// Users that it runs as, by name or number.
    pub users: Vec<User>,
    /// The names it gives in HELO.
    pub helo: Vec<String>,
    /// The folder of its queue.
    pub queue: Option<PathBuf>,
}

/// A user, by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum User {
    /// By number.
    Number(u32),
    /// By name.
    Name(String),
}

/// `[[allowed]]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allowed {
    /// For people.
    pub name: String,
    /// The executed file.
    pub exe: Option<String>,
    /// The script that it runs.
    pub script: Option<String>,
    /// Its user.
    pub user: Option<User>,
    /// Where it may go.
    pub to: Vec<Net>,
    /// To which ports.
    pub ports: Vec<u16>,
}

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Net(pub IpNet);

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self).map_err(|_| format!("{text:?} is no address and no network (192.0.2.0/24)"))
    }
}
