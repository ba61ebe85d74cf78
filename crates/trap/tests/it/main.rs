//! The sensor on real sockets: real clients, hostile ones, load balancers, proxies, a sink that is
//! full; and what detectors make of what it saw.

// Tests: a wrong case stops here, and waits for what must come in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods)]

mod balanced;
mod clients;
mod hostile;
mod judged;
mod kept;
mod proxied;
mod trap;
