//! Folders of evidence in, facts and streams out.

mod bad_input;
mod folder;
mod kinds;
mod thin_way;
