//! Changes to DNS: what the list says of an address, published as a DNSBL (RFC 5782, RFC 6471).
//!
//! The way of a change: [`Change`] -> [`Table::apply`] -> a reader's [`answer`], or a zone file.
//!
//! - [`Change`], [`Value`], [`Code`], [`Reason`]: what this crate is told. It knows no ledger.
//! - [`Table`]: prefix -> value, longest prefix wins; changes in order, never back; the SOA serial.
//! - [`ZoneConfig`] -> [`Zones`]: the composite zone and its sublists, valid by type.
//! - [`answer`]: one request in, one response (or none) out, and an [`Outcome`]. Pure. Its parts:
//!   `query` (reads the request), `reversed` (which address a name asks for), `reply` (composes).
//! - [`Server`]: the sockets, UDP and TCP; hostile peers never block others. [`Counters`] for metrics.
//! - [`rbldnsd`]: the same zones as files for rbldnsd.

mod answer;
mod change;
mod counters;
mod export;
mod query;
mod reply;
mod reversed;
mod server;
mod table;
mod tcp;
mod udp;
mod zones;

pub use answer::{Outcome, Transport, answer};
pub use change::{Change, Code, Codes, Reason, Value};
pub use counters::{Counters, Event};
pub use export::{ExportError, Exported, rbldnsd};
pub use server::{BindError, Limits, Server};
pub use table::{Stale, Table};
pub use zones::{BadZone, NameServer, Sublist, Times, ZoneConfig, Zones};
