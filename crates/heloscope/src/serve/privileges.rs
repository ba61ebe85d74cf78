//! What the server may do, and when it gives the rest up.
//!
//! ```text
//!  as started      the configuration, the files that only root may read (secrets)
//!  take()          the state folder is the user's; the user; one capability left, for low ports
//!                  state, certificate, sockets: made as the user, so that nobody who has got at the
//!                  state folder has root write for him
//!  confine()       no capability, no new privileges, Landlock, seccomp
//!                  the first thread: the ledger's writer; then the runtime
//! ```
//!
//! User and capabilities hold or the server does not start. Landlock and seccomp are the kernel's to give:
//! what it has is used, and one line of the log says what holds. Both are of a thread and of those that it
//! starts, so there is only one until [`confine`] returns ([`alone`]).

mod calls;
mod fence;
mod user;

use super::config::Config;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
pub(crate) use user::{Who, take};

/// What is left to a server that has its sockets.
#[derive(Debug)]
pub(crate) struct Bounds<'a> {
    /// The folder below which it writes.
    pub(crate) state: &'a Path,
    /// The TCP ports that it connects to.
    pub(crate) ports: BTreeSet<u16>,
    /// Whether the kernel is asked for Landlock and seccomp.
    pub(crate) sandbox: bool,
}

impl<'a> Bounds<'a> {
    /// Name servers, and who takes letters.
    pub(crate) fn of(config: &'a Config) -> Self {
        let mut ports: BTreeSet<u16> =
            config.look_ups.resolvers.iter().map(|resolver| resolver.port()).collect();
        if ports.is_empty() {
            ports.insert(53);
        }
        ports.extend(config.mail.relay.as_ref().map(|relay| relay.port));
        Self { state: &config.state, ports, sandbox: config.sandbox }
    }
}

/// What holds from now on.
pub(crate) struct Held {
    who: Who,
    fence: Option<String>,
    calls: Option<String>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "runs as {}, without capabilities, no new privileges", self.who)?;
        for part in [&self.fence, &self.calls] {
            write!(f, "; {}", part.as_deref().unwrap_or("sandbox switched off"))?;
        }
        Ok(())
    }
}

/// Gives up whatever is not needed any more.
pub(crate) fn confine(who: Who, bounds: &Bounds) -> Result<Held> {
    crate::rights::keep(&[])?;
    let (fence, calls) = match bounds.sandbox {
        // Landlock first: the filter forbids nothing that it needs, but so it stays when the list grows.
        true => (Some(fence::raise(bounds)), Some(calls::refuse())),
        false => (None, None),
    };
    Ok(Held { who, fence, calls })
}

/// Whether this is the only thread; what another one had started with, it would keep.
pub(crate) fn alone() -> Result<()> {
    // Without /proc nobody can tell, and nothing started one.
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    ensure!(threads == 1, "{threads} threads run before privileges are given up: this is a fault");
    Ok(())
}

#[cfg(test)]
mod tests;
