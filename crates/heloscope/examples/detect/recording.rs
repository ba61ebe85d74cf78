//! A folder of `lab senders`: its table of kinds, and the sessions of each kind's capture in order
//! of time.

use anyhow::{Context, Result, ensure};
use heloscope_evidence::Sink;
use heloscope_model::Session;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::Path;

/// One kind of sender.
#[derive(Debug, Deserialize)]
pub(crate) struct Kind {
    pub(crate) kind: String,
    pub(crate) capture: String,
    pub(crate) configured: Configured,
    /// What is bad about it, for its owner.
    pub(crate) bad: String,
    pub(crate) address: IpAddr,
    /// Its only reverse name, which points back; empty: there is none.
    pub(crate) ptr: String,
    /// A well configured Postfix sends from the same address and says `ptr`.
    pub(crate) beside_postfix: bool,
    /// The detectors that should speak.
    pub(crate) detectors: Vec<String>,
    #[serde(skip)]
    pub(crate) sessions: Vec<Session>,
}

/// How it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Configured {
    Well,
    Badly,
    Bot,
}

#[derive(Deserialize)]
struct Table {
    kind: Vec<Kind>,
}

/// Reads the table and every capture.
pub(crate) fn read(folder: &Path) -> Result<Vec<Kind>> {
    let path = folder.join("kinds.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("reading {}: is it a folder of `lab senders`?", path.display()))?;
    let mut table: Table = toml::from_str(&text).with_context(|| path.display().to_string())?;
    for kind in &mut table.kind {
        let path = folder.join(&kind.capture);
        let mut taken = Taken(Vec::new());
        heloscope_evidence::open(std::slice::from_ref(&path)).stream(&mut taken, &mut |_, _| {});
        ensure!(!taken.0.is_empty(), "{}: no SMTP session in it", path.display());
        kind.sessions = taken.0;
        kind.sessions.sort_by_key(|session| session.start);
    }
    Ok(table.kind)
}

struct Taken(Vec<Session>);

impl Sink for Taken {
    fn session(&mut self, session: Session) {
        self.0.push(session);
    }
}

impl Kind {
    /// Whether a session is of the Postfix that shares the address.
    pub(crate) fn is_postfix(&self, session: &Session) -> bool {
        self.beside_postfix
            && session.helo().is_some_and(|(_, helo)| helo.as_bytes() == self.ptr.as_bytes())
    }
}
