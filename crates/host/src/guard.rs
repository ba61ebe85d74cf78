//! The guard: only the mail server may open connections to mail ports; everybody else is counted, logged and refused.
//!
//! ```text
//!  this host ──> mailer::find ─┐
//!  the command line ───────────┴─> Policy ──> nft::rules | iptables::rules ──> loading ──> the kernel
//!                                    │  └───> Policy::verdict ──> past, prove, tests
//!                                    └──────> state (what stands, until when) <── rollback
//! ```
//!
//! [`policy::Policy`] says what is meant; rules are written from it and what happens is held against it. What is
//! loaded is one table (or one chain) of our own: nobody else's rules are touched, and taking it away is one command. Only
//! the first packet of a connection to one of the ports is ever looked at: open sessions and SSH live on.

pub mod attempt;
pub mod conflicts;
pub mod iptables;
pub mod loading;
pub mod mailer;
pub mod nft;
pub mod past;
pub mod policy;
pub mod prove;
pub mod rollback;
pub mod state;
pub mod status;
pub mod unit;

pub use policy::Policy;

/// Our table of nftables.
pub const TABLE: &str = "heloscope_guard";
/// Our chain of iptables; the one for what passes through ends in `_FWD`.
pub const CHAIN: &str = "HELOSCOPE_GUARD";
/// What each line of the log begins with.
pub const PREFIX: &str = "heloscope-guard ";
