//! The crate from outside: whole logs, other programs' tests, pflogsumm beside ours.

mod collect;
mod whole;
