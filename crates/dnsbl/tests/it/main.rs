//! The crate as its users see it: scenarios, hostile bytes, sockets, and real programs that ask
//! (dig, unbound, dnsmasq, Postfix, …) or answer (rbldnsd) beside it.

mod asking;
mod clients;
mod hostile;
mod mirror;
mod resolvers;
mod scenarios;
mod sockets;
mod world;
