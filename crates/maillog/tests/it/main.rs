//! The crate from outside: whole logs, other programs' tests, pflogsumm beside ours.
// Each module says cfg(test), so that clippy allows in its helpers what it allows in tests.

#[cfg(test)]
mod collect;
#[cfg(test)]
mod corpus;
#[cfg(test)]
#[path = "../../examples/postfix_log/generate.rs"]
mod generate;
#[cfg(test)]
mod others;
#[cfg(test)]
mod pflogsumm;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod whyscream;
