//! The report: for a terminal ([`terminal`]) and as one self-contained page ([`page`]). Both say
//! the same things in the same order: the answer, the proof, what speaks against it, what to do.

pub mod page;
mod plot;
pub mod terminal;
mod words;
