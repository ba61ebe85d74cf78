//! A subscriber's key of a list that wants one. It stands in the names that are asked, and nowhere else: never
//! printed, and taken out of whatever a list or a resolver says before that is told on.

use std::fmt;

/// A key: one label of a name (RFC 1035, section 2.3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Why a text is no key. The text itself is never told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is one word of 4 to 63 letters, digits or hyphens: put it alone into its file")]
pub struct BadKey;

impl Key {
    /// Takes the contents of a key's file.
    pub fn new(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(4..=63).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(BadKey);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// For the name that is asked.
    pub(crate) fn label(&self) -> &str {
        &self.0
    }

    /// A text without it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        // Case is nothing in names, so it may come back in any.
        let lower = text.to_ascii_lowercase();
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        while let Some(found) = lower.get(from..).and_then(|rest| rest.find(&self.0)) {
            out.push_str(text.get(from..from + found).unwrap_or_default());
            out.push_str("KEY");
            from += found + self.0.len();
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_label_and_is_never_told() {
        let key = Key::new(" AbCd1234\n").unwrap();
        assert_eq!(format!("{key:?}"), "Key(..)");
        assert_eq!(key.scrub("no 2.0.0.127.ABCD1234.zen: abcd1234é"), "no 2.0.0.127.KEY.zen: KEYé");
        for bad in ["", "abc", "two words", "a.b.c.d", &"x".repeat(64), "käse"] {
            assert_eq!(Key::new(bad), Err(BadKey), "{bad}");
        }
    }
}
