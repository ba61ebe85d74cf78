//! The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): a path and its parameters.
//!
//! Generous where bots are careless (blanks about the colon, no angle brackets), because a command
//! that is refused shows less than one that is taken. Refused: no path at all, an opening bracket
//! without its closing one, parameters that nobody offered.

use crate::personality::Extensions;

/// A path as said, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argument<'a> {
    /// Inside the angle brackets; empty for `<>`.
    pub(crate) path: &'a [u8],
    parameters: &'a [u8],
}

/// Reads what stands behind MAIL or RCPT; `word` is `FROM` or `TO`.
pub(crate) fn argument<'a>(rest: &'a [u8], word: &[u8]) -> Option<Argument<'a>> {
    let rest = rest.trim_ascii();
    let (said, after) = rest.split_at_checked(word.len())?;
    if !said.eq_ignore_ascii_case(word) {
        return None;
    }
    let path = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let (path, parameters) = match path.strip_prefix(b"<") {
        Some(inside) => {
            let mut quoted = false;
            let end = inside.iter().position(|&b| {
                quoted ^= b == b'"';
                b == b'>' && !quoted
            })?;
            (inside.get(..end)?, inside.get(end + 1..)?)
        }
        None => {
            let end = path.iter().position(u8::is_ascii_whitespace).unwrap_or(path.len());
            let bare = path.get(..end).filter(|bare| !bare.is_empty())?;
            (bare, path.get(end..)?)
        }
    };
    Some(Argument { path, parameters })
}

/// Why a parameter is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadParameter {
    /// Nobody offered it.
    Unknown,
    /// Its value is none.
    Value,
    /// The message is larger than is taken.
    TooLarge,
}

impl Argument<'_> {
    /// Whether the parameters of MAIL are ones that were offered.
    pub(crate) fn check_mail(&self, offered: Extensions, most: u64) -> Result<(), BadParameter> {
        for parameter in self.parameters.split(u8::is_ascii_whitespace).filter(|p| !p.is_empty()) {
            let mut halves = parameter.splitn(2, |&b| b == b'=');
            let name = halves.next().unwrap_or_default().to_ascii_uppercase();
            let value = halves.next().unwrap_or_default().to_ascii_uppercase();
            match (name.as_slice(), value.as_slice()) {
                (b"SIZE", size) if offered.size => {
                    let digits = !size.is_empty() && size.iter().all(u8::is_ascii_digit);
                    let text = std::str::from_utf8(size).ok().filter(|_| digits);
                    let text = text.ok_or(BadParameter::Value)?;
                    // More digits than a number holds are more than is taken.
                    if text.parse().unwrap_or(u64::MAX) > most {
                        return Err(BadParameter::TooLarge);
                    }
                }
                (b"BODY", b"7BIT" | b"8BITMIME") if offered.eight_bit => {}
                (b"BODY", _) if offered.eight_bit => return Err(BadParameter::Value),
                (b"AUTH", value) if offered.auth && !value.is_empty() => {}
                _ => return Err(BadParameter::Unknown),
            }
        }
        Ok(())
    }

    /// Whether RCPT has no parameters: none is offered.
    pub(crate) fn check_rcpt(&self) -> Result<(), BadParameter> {
        match self.parameters.trim_ascii() {
            b"" => Ok(()),
            _ => Err(BadParameter::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(rest: &str) -> Option<&str> {
        argument(rest.as_bytes(), b"FROM").map(|a| std::str::from_utf8(a.path).unwrap())
    }

    #[test]
    fn paths_as_clients_write_them() {
        for (rest, expected) in [
            (" FROM:<a@example.org>", Some("a@example.org")),
            (" from : a@example.org", Some("a@example.org")),
            ("FROM:<>", Some("")),
            (" FROM:<\"a>b\"@example.org> SIZE=1", Some("\"a>b\"@example.org")),
            (" FROM:", None),
            (" FROM:<a@example.org", None),
            (" FROM a@example.org", None),
            (" TO:<a@example.org>", None),
            ("", None),
        ] {
            assert_eq!(path(rest), expected, "{rest}");
        }
    }

    #[test]
    fn parameters_that_were_offered_are_taken() {
        let offered = Extensions::default();
        let check = |text: &str| {
            let rest = format!("FROM:<a@example.org> {text}");
            argument(rest.as_bytes(), b"FROM").unwrap().check_mail(offered, 1000)
        };
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("SIZE=1000 body=8bitmime"), Ok(()));
        assert_eq!(check("SIZE=1001"), Err(BadParameter::TooLarge));
        assert_eq!(check("SIZE=99999999999999999999999"), Err(BadParameter::TooLarge));
        assert_eq!(check("SIZE=x"), Err(BadParameter::Value));
        assert_eq!(check("BODY=BINARYMIME"), Err(BadParameter::Value));
        assert_eq!(check("RET=HDRS"), Err(BadParameter::Unknown));
        assert_eq!(check("AUTH=<>"), Err(BadParameter::Unknown));
        let rcpt = argument(b"TO:<a@example.org> NOTIFY=NEVER", b"TO").unwrap();
        assert_eq!(rcpt.check_rcpt(), Err(BadParameter::Unknown));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            for rest in [bytes.clone(), [b"FROM:", &bytes[..]].concat()] {
                if let Some(argument) = argument(&rest, b"FROM") {
                    let _ = argument.check_mail(Extensions::default(), 5);
                    let _ = argument.check_rcpt();
                }
            }
        }
    }
}
