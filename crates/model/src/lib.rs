//! The nouns that cross crates. Pure data: no sockets, clock, environment or randomness.
//!
//! - [`Time`], [`Window`]: instants and how sure we are of them ([`time`]).
//! - [`SourceId`], [`Place`]: where a claim's bytes stand, kept through every step ([`place`]).
//! - [`Octets`]: what the wire or a log said, as bytes, with one way into JSON ([`octets`]).
//! - [`Session`]: one SMTP conversation as somebody on the wire saw it ([`session`]).
//! - [`Sighting`]: a session as a sensor of the list took it ([`sighting`]).
//! - [`special`]: addresses that are nobody's.
//! - [`Notice`]: why a list or a provider says an address is bad ([`notice`]).

pub mod mail_server;
pub mod notice;
pub mod octets;
pub mod place;
pub mod session;
pub mod sighting;
pub mod special;
pub mod time;

pub use notice::Notice;
pub use octets::Octets;
pub use place::{At, Place, SourceId};
pub use session::Session;
pub use sighting::Sighting;
pub use time::{Time, Window};
