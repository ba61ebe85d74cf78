//! Whole dialogues through the session machine.

mod any_bytes;
mod dialogues;
mod oracle;
mod proxied;
