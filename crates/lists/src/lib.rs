//! Asking blocklists: the lists as data, what their answers mean, and the rim that asks.
//!
//! An address goes in, and for each list comes out whether it is `listed` (with the meaning of every code),
//! `clean`, or whether the list could not be asked: `refused`, `error`, `dead`. A list is believed only after it
//! answered its own test points (RFC 5782, section 5), so that one that has ended, lists the world, or is hidden
//! behind a resolver that answers everything never counts for or against an address.
//!
//! ```text
//! lists.toml, --lists FILE ─> Lists ─┐
//!                                    ├─> Asker (the only I/O) ─> Said ─> belief, meaning ─> Answer ─> Check
//! addresses ─> Target ───────────────┘                                                        └─> Known ─> Change
//! ```

mod address;
mod answer;
mod asker;
mod belief;
mod document;
mod key;
mod known;
mod meaning;
mod name;
mod pattern;
mod table;

pub use address::{NotAskable, Target};
pub use answer::{Answer, Check, Found, NotAsked, Outcome, Said, Severity};
pub use asker::{Asker, Asking, CannotAsk, TARGETS};
pub use key::{BadKey, Key};
pub use known::{Change, Changed, Known};
pub use pattern::Pattern;
pub use table::{BadLists, Code, For, Kind, List, Lists, Refusal, Silence, Status, Test};
