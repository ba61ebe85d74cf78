//! Message content: where it ends, its header section, its line ends.
//!
//! Content is the bulk of all bytes, so it is only searched (`memchr`) and never stepped through:
//! a few bytes after each `LF .` and at the seams between chunks excepted. The end is CRLF.CRLF
//! (RFC 5321 4.1.1.4). Clients that end their commands with a bare LF may end content so too;
//! from others a loose end (LF.LF, LF.CRLF) is only remembered, and the server's answer decides
//! ([`Content::ends_loosely`]): what one server takes for the end is text to another.

use memchr::memmem;

/// Reads the content of one message.
pub(crate) struct Content {
    at: At,
    last: u8,
    /// Bytes so far, the end mark included once it was found.
    pub(crate) bytes: u64,
    ends: Ends,
    /// Where a loose end was last seen: bytes with it, and its length.
    loose_end: Option<(u64, u64)>,
    /// Look for bare line ends (not in binary content, and not again after the first).
    watch_line_ends: bool,
    pub(crate) bare_newline: bool,
    pub(crate) header: Vec<u8>,
    header_open: bool,
    header_limit: usize,
    needle: memmem::Finder<'static>,
}

/// Which ends are taken without asking the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// CRLF.CRLF.
    Strict,
    /// And LF.CRLF: nobody is there to ask.
    DotCrLf,
    /// And LF.LF, CRLF.LF: the client's own style.
    Any,
}

/// Where in a line the next byte stands. The flag: the line before ended with a bare LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Middle,
    Cr,
    LineStart { bare: bool },
    Dot { bare: bool },
    DotCr { bare: bool },
}

impl Content {
    pub(crate) fn new(ends: Ends, binary: bool, header_limit: usize) -> Self {
        Self {
            at: At::LineStart { bare: false },
            last: b'\n',
            bytes: 0,
            ends,
            loose_end: None,
            watch_line_ends: !binary,
            bare_newline: false,
            header: Vec::new(),
            header_open: true,
            header_limit,
            needle: memmem::Finder::new(b"\n."),
        }
    }

    /// Bytes of DATA content. How many of them belong to it where they hold its end; none where
    /// all do and it goes on.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = self.find_end(bytes);
        let taken = end.map_or(bytes, |(end, _)| bytes.get(..end).unwrap_or(bytes));
        self.take(taken);
        let (end, mark) = end?;
        self.cut_end_mark(mark);
        Some(end)
    }

    /// Bytes of a chunk, whose end is known.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        if self.watch_line_ends && has_bare_line_end(self.last, bytes) {
            self.bare_newline = true;
            self.watch_line_ends = false;
        }
        self.collect_header(bytes);
        self.last = last;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }

    /// Bytes are missing here: counted, and nothing is concluded across them.
    pub(crate) fn skip(&mut self, len: u64) {
        self.bytes = self.bytes.saturating_add(len);
        self.at = At::Middle;
        self.last = b' ';
        self.header_open = false;
    }

    /// Whether what came so far ends with a loose end; its mark is then taken off.
    pub(crate) fn ends_loosely(&mut self) -> bool {
        match self.loose_end {
            Some((at, mark)) if at == self.bytes => {
                self.cut_end_mark(mark);
                true
            }
            _ => false,
        }
    }

    fn cut_end_mark(&mut self, mark: u64) {
        if self.header_open && self.header.len() as u64 == self.bytes {
            let kept = self.header.len().saturating_sub(usize::try_from(mark).unwrap_or(0));
            self.header.truncate(kept);
        }
        self.header_open = false;
        self.bytes = self.bytes.saturating_sub(mark);
    }

    /// The end in these bytes: the index behind it and the length of its mark (dot, line end).
    fn find_end(&mut self, bytes: &[u8]) -> Option<(usize, u64)> {
        let mut i = 0;
        loop {
            // Step only while inside something that may be an end.
            while let (true, Some(&b)) = (self.at != At::Middle, bytes.get(i)) {
                i += 1;
                if let Some(mark) = self.step(b, i) {
                    return Some((i, mark));
                }
            }
            let rest = bytes.get(i..).filter(|rest| !rest.is_empty())?;
            match self.needle.find(rest) {
                Some(hit) => {
                    // What stands before the LF tells how that line ended.
                    let before = hit.checked_sub(1).and_then(|at| rest.get(at));
                    self.at = At::Dot { bare: before != Some(&b'\r') };
                    i += hit + 2;
                }
                None => {
                    self.at = match rest {
                        [.., b'\r'] => At::Cr,
                        [.., b'\r', b'\n'] => At::LineStart { bare: false },
                        [.., b'\n'] => At::LineStart { bare: true },
                        _ => At::Middle,
                    };
                    return None;
                }
            }
        }
    }

    /// One byte, the `seen`th of the present bytes. The length of the end mark where it ends here.
    fn step(&mut self, b: u8, seen: usize) -> Option<u64> {
        let (next, loose) = match (self.at, b) {
            (At::DotCr { bare: false }, b'\n') => return Some(3),
            (At::DotCr { bare: true }, b'\n') if self.ends != Ends::Strict => return Some(3),
            (At::Dot { .. }, b'\n') if self.ends == Ends::Any => return Some(2),
            (At::DotCr { .. }, b'\n') => (At::LineStart { bare: false }, Some(3)),
            (At::Dot { .. }, b'\n') => (At::LineStart { bare: true }, Some(2)),
            (At::Cr, b'\n') => (At::LineStart { bare: false }, None),
            (At::LineStart { .. }, b'\n') => (At::LineStart { bare: true }, None),
            (At::LineStart { bare }, b'.') => (At::Dot { bare }, None),
            (At::Dot { bare }, b'\r') => (At::DotCr { bare }, None),
            (_, b'\r') => (At::Cr, None),
            _ => (At::Middle, None),
        };
        self.at = next;
        if let Some(mark) = loose {
            self.loose_end = Some((self.bytes.saturating_add(seen as u64), mark));
        }
        None
    }

    /// Keeps the header section: up to the blank line or the limit.
    fn collect_header(&mut self, bytes: &[u8]) {
        if !self.header_open {
            return;
        }
        // A blank line may lie across the seam.
        let from = self.header.len().saturating_sub(3);
        let room = self.header_limit.saturating_sub(self.header.len()).min(bytes.len());
        self.header.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if self.header.starts_with(b"\n") || self.header.starts_with(b"\r\n") {
            self.header.clear();
            self.header_open = false;
            return;
        }
        let new = self.header.get(from..).unwrap_or_default();
        let blank =
            [&b"\n\r\n"[..], b"\n\n"].iter().filter_map(|line| memmem::find(new, line)).min();
        if let Some(at) = blank {
            self.header.truncate(from + at + 1);
            self.header_open = false;
        } else if room < bytes.len() {
            self.header_open = false;
        }
    }
}

/// Whether a LF without CR before it, or a CR without LF behind it, stands in `before` + `bytes`.
/// Compared sixteen at a time by the compiler: no branch a byte.
fn has_bare_line_end(before: u8, bytes: &[u8]) -> bool {
    let Some(&first) = bytes.first() else { return false };
    let bare = |a: u8, b: u8| (a == b'\r') ^ (b == b'\n');
    if bare(before, first) {
        return true;
    }
    let following = bytes.get(1..).unwrap_or_default();
    bytes.chunks(4096).zip(following.chunks(4096)).any(|(these, next)| {
        these.iter().zip(next).fold(false, |found, (&a, &b)| found | bare(a, b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds in chunks: (bytes of content, header, bare line end, where it ended).
    fn read(ends: Ends, bytes: &[u8], chunk: usize) -> (u64, Vec<u8>, bool, Option<usize>) {
        let mut content = Content::new(ends, false, 64);
        let mut at = 0;
        for piece in bytes.chunks(chunk) {
            if let Some(end) = content.feed(piece) {
                return (content.bytes, content.header, content.bare_newline, Some(at + end));
            }
            at += piece.len();
        }
        (content.bytes, content.header, content.bare_newline, None)
    }

    #[test]
    fn ends_in_every_chunking() {
        use Ends::{Any, DotCrLf, Strict};
        for (ends, text, end) in [
            (Strict, &b"S: x\r\n\r\nhi\r\n.\r\nQUIT"[..], Some(15)),
            (Strict, b".\r\n", Some(3)),
            (Strict, b"..\r\n.\r\n", Some(7)),
            (Strict, b"a\r\n.b\r\n.\r\n", Some(10)),
            (Strict, b"a\n.\nb\r\n.\r\n", Some(10)),
            (Strict, b"a\n.\r\n", None),
            (DotCrLf, b"a\n.\r\n", Some(5)),
            (DotCrLf, b"a\n.\n", None),
            (Any, b"a\n.\n", Some(4)),
            (Any, b"a\r\n.\n", Some(5)),
            (Any, b".\n", Some(2)),
            (Strict, b"a\r\n\r\n.\r\n", Some(8)),
            (Strict, b"a\r.\r\n", None),
            (Strict, b"a\n\r\n.\r\n", Some(7)),
            (Strict, b"\r\r\n.\r\n", Some(6)),
            (Strict, b"a\r\n.\r\r\n.\r\n", Some(10)),
        ] {
            for chunk in 1..=text.len() {
                let (_, _, _, found) = read(ends, text, chunk);
                assert_eq!(found, end, "{} by {chunk}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn counts_without_the_mark_and_keeps_the_header() {
        let text = b"From: a\r\nTo: b\r\n\r\nhi\r\n.\r\n";
        for chunk in 1..=text.len() {
            let (bytes, header, bare, _) = read(Ends::Strict, text, chunk);
            assert_eq!((bytes, header.as_slice(), bare), (22, &b"From: a\r\nTo: b\r\n"[..], false));
        }
        assert_eq!(read(Ends::Strict, b"From: a\r\n.\r\n", 5).1, b"From: a\r\n");
        assert_eq!(read(Ends::Strict, b"\r\nbody\r\n.\r\n", 5).1, b"");
        assert_eq!(read(Ends::Strict, &[b'a'; 100], 7).1.len(), 64);
    }

    #[test]
    fn bare_line_ends() {
        for (text, bare) in [
            (&b"a\r\nb\r\n"[..], false),
            (b"a\nb\r\n", true),
            (b"a\rb\r\n", true),
            (b"a\r\n\nb", true),
            (b"\n", true),
            (b"a\r", false),
        ] {
            for chunk in 1..=text.len() {
                assert_eq!(read(Ends::Strict, text, chunk).2, bare, "{}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn a_loose_end_is_remembered() {
        let mut content = Content::new(Ends::Strict, false, 64);
        assert_eq!(content.feed(b"a\n.\n"), None);
        assert!(content.ends_loosely());
        assert_eq!(content.bytes, 2);
        let mut content = Content::new(Ends::Strict, false, 64);
        assert_eq!(content.feed(b"a\n.\nb"), None);
        assert!(!content.ends_loosely());
    }
}
