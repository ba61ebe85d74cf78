//! Detectors over written sessions.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests: a wrong case stops here

mod any_session;
mod cases;
mod dialects;
mod documentation;
mod session;
