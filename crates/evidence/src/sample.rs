//! Head and tail of a file's content, for recognition and for the stamps of logs.
//!
//! The tail of what is not compressed is read by seeking; a compressed file is read through once
//! where it is not large, which also finds a cut archive early.

use crate::opened::{Body, Packing, Stream};
use std::io::{self, Read};

/// Bytes of each end that are looked at.
pub(crate) const SIZE: usize = 64 << 10;

/// Compressed files up to this size are read through for their tail.
const THROUGH: u64 = 24 << 20;

/// Both ends of a content.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The first bytes.
    pub(crate) head: Vec<u8>,
    /// The last bytes, from the start of a line; empty where the head holds everything or
    /// the end is not known.
    pub(crate) tail: Vec<u8>,
    /// The content's size, where known.
    pub(crate) size: Option<u64>,
    /// What stopped the reading.
    pub(crate) problem: Option<String>,
}

impl Sample {
    /// Looks at a body.
    pub(crate) fn of(body: &Body) -> io::Result<Self> {
        let mut stream = Stream::open(body)?;
        let mut head = Vec::new();
        stream.by_ref().take(SIZE as u64).read_to_end(&mut head)?;
        if head.len() < SIZE {
            let size = Some(head.len() as u64);
            let problem = stream.problem().map(str::to_owned);
            return Ok(Self { head, tail: Vec::new(), size, problem });
        }
        let (mut tail, size) = if stream.packing == Packing::Plain {
            let (_, tail) = body.tail(SIZE)?;
            (tail, Some(body.size()))
        } else if body.size() <= THROUGH {
            let mut last = Vec::new();
            let mut block = vec![0; SIZE];
            loop {
                let read = stream.read(&mut block)?;
                if read == 0 {
                    break;
                }
                last.extend_from_slice(block.get(..read).unwrap_or_default());
                if last.len() > 4 * SIZE {
                    last.drain(..last.len() - SIZE);
                }
            }
            last.drain(..last.len().saturating_sub(SIZE));
            (last, Some(stream.position()))
        } else {
            (Vec::new(), None)
        };
        // The first line of the tail is cut: it starts after a line end.
        if let Some(newline) = memchr::memchr(b'\n', &tail) {
            tail.drain(..=newline);
        }
        let problem = stream.problem().map(str::to_owned);
        Ok(Self { head, tail, size, problem })
    }

    /// Whether the head holds everything.
    pub(crate) fn complete(&self) -> bool {
        self.size == Some(self.head.len() as u64)
    }

    /// The whole lines of head and tail.
    pub(crate) fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let cut = if self.complete() {
            self.head.len()
        } else {
            memchr::memrchr(b'\n', &self.head).map_or(self.head.len(), |n| n + 1)
        };
        let head = self.head.get(..cut).unwrap_or_default();
        fn split(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
            bytes.split(|&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l))
        }
        split(head).chain(split(&self.tail)).filter(|l| !l.is_empty())
    }

    /// Whether this is text: hardly any NUL or control bytes.
    pub(crate) fn is_text(&self) -> bool {
        let odd =
            self.head.iter().filter(|b| matches!(**b, 0..=6 | 14..=26 | 28..=31 | 127)).count();
        odd * 50 <= self.head.len()
    }
}
