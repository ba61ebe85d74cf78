//! A byte stream -> its lines with the offset of each. Big reads, no copy but at the seams. A
//! line longer than [`LONGEST`] is given once, cut, and counted; its rest is skipped.

use std::io::Read;

/// Bytes of one line that are given; log lines are a hundred times shorter.
pub const LONGEST: usize = 128 << 10;

/// Bytes read at a time.
const BUFFER: usize = 1 << 20;

/// Lines of a stream.
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
    /// Inside a line whose beginning was given already.
    skipping: bool,
    ended: bool,
    cut: Option<(u64, u64)>,
}

impl<R: Read> Lines<R> {
    /// From the start of a stream.
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            offset: 0,
            skipping: false,
            ended: false,
            cut: None,
        }
    }

    /// The next line without its end, and the offset it starts at.
    pub fn next_line(&mut self) -> Option<(u64, &[u8])> {
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(newline) = memchr::memchr(b'\n', unread) {
                let (from, at) = (self.start, self.offset);
                self.start += newline + 1;
                self.offset += newline as u64 + 1;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                if newline > LONGEST {
                    self.count_cut(at);
                }
                let line = self.buffer.get(from..from + newline.min(LONGEST)).unwrap_or_default();
                return Some((at, line.strip_suffix(b"\r").unwrap_or(line)));
            }
            if self.ended {
                let (from, len, at) = (self.start, unread.len(), self.offset);
                self.start = self.end;
                self.offset += len as u64;
                if len == 0 || self.skipping {
                    return None;
                }
                let line = self.buffer.get(from..from + len.min(LONGEST)).unwrap_or_default();
                return Some((at, line.strip_suffix(b"\r").unwrap_or(line)));
            }
            if self.skipping {
                self.offset += (self.end - self.start) as u64;
                self.start = 0;
                self.end = 0;
            } else if unread.len() > LONGEST {
                let (from, len, at) = (self.start, unread.len(), self.offset);
                self.count_cut(at);
                self.skipping = true;
                self.start = from + len;
                self.offset += len as u64;
                return self.buffer.get(from..from + LONGEST).map(|line| (at, line));
            }
            self.fill();
        }
    }

    /// Reads on, the unread part moved to the front.
    fn fill(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // A read that fails ends the lines; `opened::Stream` never fails and says why it ended.
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.input.read(free) {
            Ok(read) if read > 0 => self.end += read,
            _ => self.ended = true,
        }
    }

    fn count_cut(&mut self, at: u64) {
        let (first, count) = self.cut.unwrap_or((at, 0));
        self.cut = Some((first, count + 1));
    }

    /// A note on lines that were cut, if any.
    pub fn cut_note(&self) -> Option<String> {
        let (first, count) = self.cut?;
        Some(format!(
            "{count} line{} longer than {} KiB cut, the first at byte {first}",
            if count == 1 { "" } else { "s" },
            LONGEST >> 10
        ))
    }

    /// The stream.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// The stream, to look at.
    pub fn get_ref(&self) -> &R {
        &self.input
    }
}

/// The lines of bytes at hand, with offsets.
pub fn of(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut offset = 0_u64;
    bytes.split_inclusive(|&b| b == b'\n').map(move |line| {
        let at = offset;
        offset += line.len() as u64;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        (at, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives a few bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);
    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(buffer.len()).min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(input: impl Read) -> (Vec<(u64, Vec<u8>)>, Option<String>) {
        let mut lines = Lines::new(input);
        let mut found = Vec::new();
        while let Some((at, line)) = lines.next_line() {
            found.push((at, line.to_vec()));
        }
        let note = lines.cut_note();
        (found, note)
    }

    #[test]
    fn a_megabyte_line_is_cut_and_the_rest_is_right() {
        let mut bytes = b"a\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
        bytes.extend(b"\nlast");
        let (found, note) = all(&bytes[..]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].1.len(), LONGEST);
        assert_eq!(found[2], (3 + (3 << 20), b"last".to_vec()));
        assert!(note.unwrap().contains("at byte 2"));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300), step in 1_usize..40) {
            let (found, _) = all(Slowly(&bytes, step));
            let expected: Vec<_> = of(&bytes).map(|(at, l)| (at, l.to_vec())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
