//! Asking, against name servers that behave and that do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and clippy.toml spares only functions marked as tests"
)]

mod hostile;
mod lists;
mod server;
