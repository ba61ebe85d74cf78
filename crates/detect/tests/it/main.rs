//! Detectors over written sessions.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests: a wrong case stops here

mod any_session;
mod cases;
mod dialect_files;
mod dialects;
mod documentation;
mod history;
mod learn;
mod owner_text;
mod panel;
mod recordings;
mod session;
