//! Folders of evidence in, facts and streams out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers beside the tests fail loudly too

mod bad_input;
mod firewalls;
mod folder;
mod kinds;
mod packets_as_text;
mod thin_way;
mod zones;
