//! The crate as its users see it: scenarios, hostile bytes, sockets, and real programs that ask
//! (dig, unbound, dnsmasq, Postfix, …) or answer (rbldnsd) beside it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests: a wrong case stops here

mod asking;
mod clients;
mod hostile;
mod mirror;
mod resolvers;
mod scenarios;
mod sockets;
mod world;
