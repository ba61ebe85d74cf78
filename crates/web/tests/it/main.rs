//! The pages as their visitors meet them: over sockets, and in a browser.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)] // a test fails by panicking

mod browser;
mod lab;
mod pages;
