//! Where the content of DATA ends: CRLF.CRLF and nothing else (RFC 5321 4.1.1.4, 2.3.8).
//!
//! What other servers take for an end besides (a bare LF on either side of the dot) is how
//! messages are smuggled past filters. A sensor relays nothing, so nobody could be harmed; but it
//! must not take for commands what a careful server takes for text.

/// Looks for the end while content comes in, in any chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Middle,
    Cr,
    LineStart,
    Dot,
    DotCr,
}

impl Default for Ending {
    /// Content begins behind the CRLF of DATA: a dot may follow at once.
    fn default() -> Self {
        Self(At::LineStart)
    }
}

impl Ending {
    /// How many of these bytes belong to the content with its end mark, where the end is among
    /// them; else none, and all of them are content.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.0 == At::Middle {
                // The bulk: nothing can happen before the next CR.
                at += memchr::memchr(b'\r', bytes.get(at..)?)? + 1;
                self.0 = At::Cr;
                continue;
            }
            at += 1;
            self.0 = match (self.0, byte) {
                (At::DotCr, b'\n') => return Some(at),
                (At::Cr, b'\n') => At::LineStart,
                (At::LineStart, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (_, b'\r') => At::Cr,
                _ => At::Middle,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(content: &[u8], chunk: usize) -> Option<usize> {
        let mut ending = Ending::default();
        let mut before = 0;
        for part in content.chunks(chunk) {
            if let Some(at) = ending.find(part) {
                return Some(before + at);
            }
            before += part.len();
        }
        None
    }

    #[test]
    fn only_one_ending_ends() {
        for (content, expected) in [
            (&b".\r\n"[..], Some(3)),
            (b"x\r\n.\r\nQUIT\r\n", Some(6)),
            (b"x\r\r\n.\r\n", Some(7)),
            (b"x\n.\n", None),
            (b"x\n.\r\n", None),
            (b"x\r\n.\n", None),
            (b"x\r\n.\r\r\n", None),
            (b"x\r.\r\n", None),
            (b"x\r\n..\r\n", None),
            (b"x\r\n.x\r\n.\r\n", Some(10)),
            (b"x\r\n\0.\r\n", None),
        ] {
            for chunk in [1, 2, 3, 100] {
                assert_eq!(end(content, chunk), expected, "{}", content.escape_ascii());
            }
        }
    }

    proptest! {
        #[test]
        fn is_the_first_crlf_dot_crlf(
            parts in proptest::collection::vec(
                prop_oneof![Just("\r"), Just("\n"), Just("."), Just("x"), Just("\r\n"), Just("\r\n.\r\n")], 0..30),
            chunk in 1usize..8,
        ) {
            let content = parts.concat();
            let framed = format!("\r\n{content}");
            let expected = framed.find("\r\n.\r\n").map(|at| at + 3);
            prop_assert_eq!(end(content.as_bytes(), chunk), expected);
        }
    }
}
