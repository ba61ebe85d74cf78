//! What pass 1 has to read, in which order.

use crate::calendar::{Ends, Reading};
use crate::facts::Connection;
use crate::opened::Body;
use heloscope_model::{SourceId, Time};

/// The large kinds, as pass 0 found them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Captures.
    pub(crate) captures: Vec<Capture>,
    /// Connections of tables, read already.
    pub(crate) tables: Vec<Connection>,
    /// System logs.
    pub(crate) logs: Vec<Log>,
    /// Web logs.
    pub(crate) webs: Vec<Web>,
    /// Kept mails: single files.
    pub(crate) mails: Vec<SourceId>,
    /// Kept mails: mbox files.
    pub(crate) mboxes: Vec<SourceId>,
}

/// A capture file.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) source: SourceId,
    pub(crate) first: Option<Time>,
    /// Printed by tcpdump or ngrep: how its stamps are read.
    pub(crate) text: Option<heloscope_capture::text::Clock>,
}

/// A system log, which may hold several kinds.
#[derive(Debug)]
pub(crate) struct Log {
    /// As a mail log.
    pub(crate) mail: Option<SourceId>,
    /// As a list of connections.
    pub(crate) connections: Option<SourceId>,
    /// As a list of leases.
    pub(crate) leases: Option<SourceId>,
    /// As an auth log.
    pub(crate) auth: Option<SourceId>,
    /// As a VPN server's log.
    pub(crate) vpn: Option<SourceId>,
    /// As a proxy's log.
    pub(crate) proxy: Option<SourceId>,
    pub(crate) body: Body,
    pub(crate) ends: Ends,
    /// Decided when all inputs are known.
    pub(crate) reading: Option<Reading>,
    /// The first and last stamp, resolved.
    pub(crate) span: Option<(Time, Time)>,
}

impl Log {
    /// The inputs it is.
    pub(crate) fn sources(&self) -> impl Iterator<Item = SourceId> {
        [self.mail, self.connections, self.leases, self.vpn, self.auth, self.proxy]
            .into_iter()
            .flatten()
    }
}

/// A web log.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) source: SourceId,
    pub(crate) first: Option<Time>,
}
