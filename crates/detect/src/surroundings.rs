//! What is known around a session when it is judged: the outcome of look-ups as data, and the
//! address's history before it. The caller asks DNS; nothing here does.

use crate::history::History;
use crate::reverse_name;
use std::net::IpAddr;

/// The outcome of a look-up. Only [`Answer::None`] says that there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Answer<T> {
    /// It was not made.
    #[default]
    NotAsked,
    /// It timed out, or the server failed: nothing is known.
    Failed,
    /// The answer was that there is none (NXDOMAIN or NODATA).
    None,
    /// The answer.
    Found(T),
}

/// One name of a PTR answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseName {
    /// The name, without the dot at its end.
    pub name: String,
    /// Whether its own A or AAAA holds the address (forward-confirmed); none where that look-up
    /// failed or was not made.
    pub confirmed: Option<bool>,
}

/// What is known around a session.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// PTR of the client's address.
    pub ptr: Answer<Vec<ReverseName>>,
    /// A and AAAA of the HELO's name.
    pub helo_addresses: Answer<Vec<IpAddr>>,
    /// The address's history before this session.
    pub history: History,
}

impl Surroundings {
    /// The reverse names in lower case; empty unless the look-up found some.
    pub(crate) fn reverse_names(&self) -> Vec<String> {
        match &self.ptr {
            Answer::Found(names) => names.iter().map(|n| canonical(&n.name)).collect(),
            _ => Vec::new(),
        }
    }

    /// The confirmed reverse names in lower case.
    pub(crate) fn confirmed_names(&self) -> Vec<String> {
        match &self.ptr {
            Answer::Found(names) => names
                .iter()
                .filter(|name| name.confirmed == Some(true))
                .map(|n| canonical(&n.name))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A reverse name that looks handed out by a provider, where all of them do.
    pub(crate) fn dynamic_name(&self, address: IpAddr) -> Option<String> {
        let names = self.reverse_names();
        let all = names.iter().all(|name| reverse_name::is_dynamic(name, address));
        names.into_iter().next().filter(|_| all)
    }

    /// Whether the HELO's name leads to the client; none where nobody knows.
    pub(crate) fn helo_leads_to(&self, address: IpAddr) -> Option<bool> {
        match &self.helo_addresses {
            Answer::Found(found) => {
                Some(found.iter().any(|a| a.to_canonical() == address.to_canonical()))
            }
            Answer::None => Some(false),
            Answer::NotAsked | Answer::Failed => None,
        }
    }
}

fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
