//! The crate from outside: whole logs, other programs' tests, pflogsumm beside ours.

mod collect;
mod corpus;
#[path = "../../examples/postfix_log/generate.rs"]
mod generate;
mod others;
mod pflogsumm;
mod whole;
mod whyscream;
