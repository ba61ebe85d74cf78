//! The list's sensor: an SMTP server that takes everything, keeps what was said, and delivers
//! nothing; and a proxy beside it that only ever reaches that server.
//!
//! ```text
//!  socket ─> visit ──bytes, time──> Conversation ──replies──> socket        pure: decides
//!              └──both sides──> Record (smtp::Machine) ──> Sighting ──> sink
//! ```
//!
//! - Pure: [`Conversation`] (what is answered), `envelope`, `login`, `ending`, [`Sketch`]
//!   (body shingles), [`proxy`] (HTTP CONNECT and SOCKS), [`proxy_header`] (the PROXY protocol),
//!   [`Traps`], [`Personality`], [`Gate`] (who may come in), [`Record`].
//! - Rim: [`Sensor`] and what stands behind it: `visit` (one connection), `wire` (plain or TLS),
//!   `certificate`, `saved_syn` (the crate's only unsafe code), `spool`, `clock`.
//!
//! Nothing here opens a connection, relays or sends a bounce. Which recipients are traps is looked
//! up only when a session is over, so no answer can depend on it.

#![cfg_attr(test, allow(clippy::indexing_slicing))]

mod certificate;
mod clock;
mod conversation;
mod counts;
mod ending;
mod envelope;
mod helocheck;
mod limits;
mod login;
mod personality;
pub mod proxy;
pub mod proxy_header;
mod record;
mod saved_syn;
mod sensor;
mod shingles;
mod spool;
mod traps;
mod visit;
mod wire;

pub use conversation::{Body, Conversation, Rules, Step, Why};
pub use counts::{Counts, Snapshot};
pub use limits::{Gate, Limits, Pass, Refusal};
pub use personality::{BadPersonality, Extensions, Personality};
pub use record::{End, Record, Seen, TlsBytes};
pub use sensor::{Config, Sensor, SensorError};
pub use shingles::Sketch;
pub use spool::Bodies;
pub use traps::{BadTraps, Traps};
