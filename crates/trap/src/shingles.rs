//! What a body was like: the smallest keyed hashes of its word sequences.
//!
//! In: the content of a message, in any chunks. Out: [`Shingles`]: of all sequences of four words
//! the [`KEPT`] smallest hashes, sorted. Two bodies that share most of their text share most of
//! these (Broder's min-wise sampling). The hash is keyed with the operator's secret, so that
//! nobody else can tell whether a text he has was seen. Words are runs of letters and digits, in
//! lower case; what MIME encodes is taken as it stands. The header section is left out, and what
//! is behind the first [`READ`] bytes.

#![allow(deprecated)] // SipHasher: the one keyed hash of the library whose function is fixed (SipHash-2-4)

use heloscope_model::sighting::Shingles;
use std::collections::BTreeSet;
use std::hash::{Hasher, SipHasher};

/// Hashes kept of a body.
pub(crate) const KEPT: usize = 64;
/// Bytes of a body that are looked at.
pub(crate) const READ: u64 = 256 << 10;
/// Bytes of a word that count.
const WORD: usize = 40;

/// Reads one message's content.
#[derive(Clone, Debug)]
pub struct Sketch {
    key: [u8; 16],
    at: At,
    read: u64,
    word: SipHasher,
    word_len: usize,
    /// Hashes of the words before, the latest last.
    before: [u64; 3],
    words: u64,
    smallest: BTreeSet<u64>,
}

/// Where the reading stands. The header section ends at an empty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    HeaderLineStart,
    HeaderLine,
    Body,
}

impl Sketch {
    /// A message not begun.
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            key,
            at: At::HeaderLineStart,
            read: 0,
            word: keyed(&key),
            word_len: 0,
            before: [0; 3],
            words: 0,
            smallest: BTreeSet::new(),
        }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.at != At::Body {
            let Some((&byte, after)) = rest.split_first() else { return };
            self.at = match (self.at, byte) {
                (At::HeaderLineStart, b'\n') => At::Body,
                (At::HeaderLineStart, b'\r') => At::HeaderLineStart,
                (_, b'\n') => At::HeaderLineStart,
                _ => At::HeaderLine,
            };
            rest = after;
        }
        let room = usize::try_from(READ.saturating_sub(self.read)).unwrap_or_default();
        let rest = rest.get(..room).unwrap_or(rest);
        self.read += rest.len() as u64;
        for &byte in rest {
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                if self.word_len < WORD {
                    self.word.write_u8(byte.to_ascii_lowercase());
                }
                self.word_len += 1;
            } else if self.word_len > 0 {
                self.end_word();
            }
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::replace(&mut self.word, keyed(&self.key)).finish();
        self.word_len = 0;
        self.words += 1;
        let [a, b, c] = self.before;
        self.before = [b, c, word];
        if self.words < 4 {
            return;
        }
        let mut sequence = keyed(&self.key);
        [a, b, c, word].into_iter().for_each(|word| sequence.write_u64(word));
        let sequence = sequence.finish();
        let full = self.smallest.len() >= KEPT;
        if full && self.smallest.last().is_some_and(|&largest| sequence >= largest) {
            return;
        }
        if self.smallest.insert(sequence) && full {
            self.smallest.pop_last();
        }
    }

    /// The body is over.
    pub fn finish(mut self) -> Shingles {
        if self.word_len > 0 {
            self.end_word();
        }
        Shingles(self.smallest.into_iter().collect())
    }
}

fn keyed(key: &[u8; 16]) -> SipHasher {
    let half = |bytes: &[u8]| bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b));
    let (first, second) = key.split_at(8);
    SipHasher::new_with_keys(half(first), half(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(key: u8, content: &str, chunk: usize) -> Vec<u64> {
        let mut sketch = Sketch::new([key; 16]);
        content.as_bytes().chunks(chunk).for_each(|part| sketch.feed(part));
        sketch.finish().0
    }

    fn text(from: usize, to: usize) -> String {
        let words: Vec<_> = (from..to).map(|n| format!("word{n}")).collect();
        format!("Subject: {from}\r\n\r\n{}\r\n", words.join(" "))
    }

    fn shared(a: &[u64], b: &[u64]) -> usize {
        a.iter().filter(|hash| b.contains(hash)).count()
    }

    #[test]
    fn like_bodies_share_hashes_and_others_do_not() {
        let (one, near, far) = (
            sketch(1, &text(0, 400), 7),
            sketch(1, &text(20, 420), 99),
            sketch(1, &text(500, 900), 3),
        );
        assert_eq!(one.len(), KEPT);
        assert!(shared(&one, &near) > KEPT / 2, "{}", shared(&one, &near));
        assert_eq!(shared(&one, &far), 0);
        // Headers, case and punctuation do not count, chunks neither.
        assert_eq!(
            sketch(1, "A: b\r\n\r\nOne, two three. FOUR", 1),
            sketch(1, "\r\none two three four", 50)
        );
        // The key does.
        assert_eq!(shared(&one, &sketch(2, &text(0, 400), 7)), 0);
    }

    #[test]
    fn short_and_empty_bodies_have_none() {
        assert!(sketch(1, "a: b\r\n\r\none two three", 4).is_empty());
        assert!(sketch(1, "a: b", 4).is_empty());
        assert_eq!(sketch(1, "\r\none two three four", 4).len(), 1);
    }
}
