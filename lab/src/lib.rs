//! The lab: an internet in a box. It plays incidents with real software in namespaces and writes
//! what an administrator would have found afterwards as a case folder.
//!
//! [`world`] makes hosts (a process tree each, in its own net, mount, pid and uts namespaces) and the
//! links between them; [`internet`], [`gateway`], [`mta`], [`web`] put real software on them;
//! [`timeline`] plays a script of events in real time; [`evidence`] writes the folder; [`stories`] holds one
//! incident a file. Everything needs root and nothing leaves the machine.

pub mod capture;
pub mod chance;
pub mod clock;
pub mod container;
pub mod dns;
pub mod evidence;
pub mod gateway;
pub mod guest;
pub mod host;
pub mod internet;
pub mod letter;
pub mod mta;
pub mod node;
pub mod notice;
pub mod office;
pub mod proxy;
pub mod senders;
pub mod sink;
pub mod speaker;
pub mod stories;
pub mod syslog;
pub mod timeline;
pub mod tunnel;
pub mod web;
pub mod world;
