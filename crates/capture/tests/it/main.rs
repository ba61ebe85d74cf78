//! Captures made packet by packet, and captures that others recorded, against what must come out.

// The whole binary is tests: what the builder cannot build is a bug of the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod call;
mod containers;
mod content;
mod hostile;
mod links;
mod merging;
mod reassembly;
mod text;
mod tshark;
