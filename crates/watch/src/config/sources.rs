//! What is looked at: the record of connections, and the lists that are asked.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[record]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// Whether connections are recorded.
    pub enabled: bool,
    /// Days that are kept.
    pub days: u32,
    /// Megabytes that are kept.
    pub megabytes: u64,
    /// Whether the names that are given in clear (HELO) are heard.
    pub words: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self { enabled: true, days: 30, megabytes: 512, words: true }
    }
}

/// `[lists]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// Whether lists are asked for the site's addresses.
    pub enabled: bool,
    /// Minutes between; a random part of a tenth is added.
    pub every_minutes: u64,
    /// Only these, by their names (`heloscope check --show-lists`); none for all.
    pub only: Vec<String>,
    /// More lists, in the form of docs/check.md.
    pub files: Vec<PathBuf>,
    /// A list's name, and the file with its subscriber's key.
    pub keys: BTreeMap<String, PathBuf>,
    /// Resolvers; none for those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Documentation addresses may be asked about: for lists of one's own.
    pub lab: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            enabled: true,
            every_minutes: 60,
            only: Vec::new(),
            files: Vec::new(),
            keys: BTreeMap::new(),
            resolvers: Vec::new(),
            lab: false,
        }
    }
}
