//! A buffer that slides over a stream: the container readers ask for so many bytes, look at
//! them in place and move on. The offset of the first byte is always known, for messages that
//! say where a file broke. Never holds more than the largest record asked for plus one read.

use std::io::{ErrorKind, Read};

/// Bytes asked of the stream at a time: large enough that system calls do not count, small
/// enough that what was just read is still in the processor's cache when it is looked at.
const CHUNK: usize = 256 << 10;

/// The window.
pub(crate) struct Window<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    /// Set once the stream gave its last byte; an error ends it too and stands here.
    ended: bool,
    /// The error that ended the stream.
    pub(crate) error: Option<String>,
}

impl<'r> Window<'r> {
    pub(crate) fn new(input: &'r mut dyn Read) -> Self {
        Self {
            input,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            error: None,
        }
    }

    /// Where in the stream the window begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in the window now.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Tries to have `want` bytes; true where they are there.
    #[inline]
    pub(crate) fn fill(&mut self, want: usize) -> bool {
        self.end - self.start >= want || self.fill_slowly(want)
    }

    #[cold]
    fn fill_slowly(&mut self, want: usize) -> bool {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        while self.end < want && !self.ended {
            let Some(room) = self.buffer.get_mut(self.end..) else { break };
            match self.input.read(room) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n.min(room.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.error = Some(error.to_string());
                }
            }
        }
        self.end >= want
    }

    /// Moves past `n` bytes that are in the window.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }

    /// Moves past `n` bytes, read or not; false where the stream ends before.
    pub(crate) fn skip(&mut self, mut n: u64) -> bool {
        while n > 0 {
            if self.start == self.end && !self.fill(1) {
                return false;
            }
            let step = n.min((self.end - self.start) as u64);
            self.consume(usize::try_from(step).unwrap_or(usize::MAX));
            n -= step;
        }
        true
    }
}
