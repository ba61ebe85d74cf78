//! Events to listings: what sensors report and people ask, to what stands on the list.
//!
//! - [`Ledger`] takes reports and requests, records them durably, applies them, answers
//!   ([`Ledger::public`], [`Ledger::owner`], [`Ledger::operator`]) and tells name servers
//!   ([`Ledger::follow`]). One writer, many readers.
//! - [`Book`] is the pure fold below it: [`Event`]s in, [`Change`]s out, time only through events.
//! - [`policy`] is what lists, for how long, and what may be removed: the one place to read.
//! - `delay` hides which recipient was the trap; `seal` lets the record be verified and yet forget.

mod answer;
mod book;
mod delay;
mod disk;
mod event;
mod frames;
mod helo;
mod ledger;
pub mod policy;
mod record;
mod reserved;
mod seal;
mod snapshot;
mod statistics;
mod store;
mod sublists;
mod verify;
mod view;

pub use answer::Summary;
pub use book::{Book, Change, Exemption};
pub use delay::Key;
pub use event::{Asked, Detected, Event, Facts, Recall, Rule, RuleFacts};
pub use ledger::{Ack, Config, Error, Followed, Ledger, Subscription};
pub use policy::Policy;
pub use reserved::listable;
pub use seal::{Chained, Hash, Payload, PublicSession};
pub use statistics::{Day, Incident};
pub use sublists::Sublists;
pub use verify::{Exported, Replayed, Verified, export, replay, standing, verify};
pub use view::*;
