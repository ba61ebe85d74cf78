//! Any text that may be a notice -> [`Notice`]s, by trying each form, the surest first: our own
//! plain notice, JSON of lists, the CBL's pages, complaints with labelled fields (ARF and plain),
//! then refusals and DNS answers that merely name a list. Text that is none of them gives none.
//!
//! Pure and total: any string is fine, at most [`MAX_TEXT`] bytes of it are looked at and at
//! most [`MAX_NOTICES`] notices are given.

use super::{Notice, cbl, complaint, flat::Flat, json, plain, refusal};
use crate::SourceId;

/// Bytes of one text that are looked at. Pages and bounces are thousand times smaller.
const MAX_TEXT: usize = 2 << 20;

/// Notices given for one text.
const MAX_NOTICES: usize = 1000;

/// Reads the notices of one text. Their places are the byte of `text` at which each begins.
pub fn read(text: &str, source: SourceId) -> Vec<Notice> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let mut found = plain::read(text, source);
    if found.is_empty() {
        found = json::read(text, source);
    }
    if found.is_empty() {
        let flat = Flat::new(text);
        found = cbl::read(&flat, source);
        if found.is_empty() {
            found = complaint::read(text, &flat, source);
        }
        if found.is_empty() {
            found = refusal::read(text, &flat, source);
        }
    }
    found.truncate(MAX_NOTICES);
    found
}
