//! This machine, live: the flight recorder, which notes every connection that the host opens to a mail port with the
//! process that opened it; and the guard, which lets only the mail server open them.
//!
//! In: the kernel's events ([`recorder`]) or, where it takes no programs, its table of open sockets ([`polling`]); the
//! [`Witness`] chooses. Of a router, the headers of what passes through it ([`headers`]). Out: [`Connection`]s, one when a connection is open or has failed, and its end. What could not
//! be seen is said: when nobody watched, events lost, processes that were there before.
//!
//! And what can be looked at without recording anything: [`scan`] reads files, processes and settings, here or below another root.

pub mod addresses;
mod clock;
pub mod connection;
pub mod forwarded;
pub mod guard;
pub mod headers;
pub mod logged;
pub mod names;
mod netlink;
mod packets;
pub mod php_fpm;
pub mod polling;
pub mod recorder;
pub mod scan;
pub mod script;
pub mod store;
pub mod witness;
pub mod words;

pub use connection::{Connection, Ended, Noted, Process};
pub use headers::Headers;
pub use recorder::Recorder;
pub use store::Store;
pub use witness::{Means, Witness};
