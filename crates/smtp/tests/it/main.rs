//! Whole dialogues through the session machine.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests: a wrong case stops here

mod any_bytes;
mod dialogues;
mod oracle;
mod proxied;
