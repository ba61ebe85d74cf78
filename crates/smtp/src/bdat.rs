//! The arguments of BDAT (RFC 3030): `BDAT 1000` or `BDAT 0 LAST`.

use crate::verb::split_word;

/// A chunk announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) size: u64,
    pub(crate) last: bool,
}

/// The chunk that follows a BDAT line at once; none where the size or the word behind it is not
/// one: then no server takes bytes, and the next line is a command.
pub(crate) fn parse(line: &[u8]) -> Option<Chunk> {
    let (_, rest) = split_word(line.trim_ascii());
    let (size, rest) = split_word(rest.trim_ascii());
    let digits = !size.is_empty() && size.iter().all(u8::is_ascii_digit);
    let size = std::str::from_utf8(size).ok().filter(|_| digits)?.parse().ok()?;
    match rest.trim_ascii() {
        b"" => Some(Chunk { size, last: false }),
        word if word.eq_ignore_ascii_case(b"LAST") => Some(Chunk { size, last: true }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let chunk = |size, last| Some(Chunk { size, last });
        for (line, expected) in [
            (&b"BDAT 10\r\n"[..], chunk(10, false)),
            (b"bdat  0 last \r\n", chunk(0, true)),
            (b"BDAT\r\n", None),
            (b"BDAT x\r\n", None),
            (b"BDAT -1\r\n", None),
            (b"BDAT +1\r\n", None),
            (b"BDAT 10 MORE\r\n", None),
            (b"BDAT 99999999999999999999\r\n", None),
        ] {
            assert_eq!(parse(line), expected, "{}", line.escape_ascii());
        }
    }
}
