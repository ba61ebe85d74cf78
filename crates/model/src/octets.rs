//! What the wire or a log said, byte for byte.
//!
//! Mail is not UTF-8, and bots less so. [`Octets`] keeps the bytes; [`Octets::text`] gives the
//! contract's JSON form: valid UTF-8 stays, every other byte becomes the character U+00XX, and
//! the flag says that this happened.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A short run of bytes that is usually, not always, text. Up to `INLINE` bytes are kept in
/// place: a log makes millions of them (ids, names, codes), most of them shorter.
#[derive(Clone)]
pub struct Octets(Kept);

/// The longest run kept in place.
const INLINE: usize = 22;

#[derive(Clone)]
enum Kept {
    Inline(u8, [u8; INLINE]),
    Heap(Box<[u8]>),
}

impl Octets {
    /// A copy of the bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        match inline.get_mut(..bytes.len()) {
            Some(into) => {
                into.copy_from_slice(bytes);
                Self(Kept::Inline(bytes.len() as u8, inline))
            }
            None => Self(Kept::Heap(bytes.into())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Kept::Heap(bytes) => bytes,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The text for JSON and people, and whether bytes had to be replaced (`lossy`).
    pub fn text(&self) -> (Cow<'_, str>, bool) {
        lossy_text(self.as_bytes())
    }
}

impl Default for Octets {
    fn default() -> Self {
        Self::new(b"")
    }
}

impl PartialEq for Octets {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Octets {}

impl PartialOrd for Octets {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Octets {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Octets {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// Text of any bytes: valid UTF-8 stays, each other byte becomes U+00XX; true where that happened.
pub fn lossy_text(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Cow::Borrowed(text), false);
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|&b| char::from(b)));
    }
    (Cow::Owned(text), true)
}

impl From<&[u8]> for Octets {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl From<&str> for Octets {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().0)
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text().0)
    }
}

impl serde::Serialize for Octets {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_runs_are_alike() {
        for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 500] {
            let bytes = vec![b'x'; length];
            let octets = Octets::new(&bytes);
            assert_eq!(octets.as_bytes(), bytes);
            assert_eq!(octets, octets.clone());
            assert_eq!(octets.is_empty(), length == 0);
        }
        assert!(Octets::from("b") > Octets::from("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    }

    #[test]
    fn bytes_that_are_not_utf8_become_their_code_points() {
        let (text, lossy) = lossy_text(b"caf\xe9 \xc3\xa9");
        assert_eq!((text.as_ref(), lossy), ("caf\u{e9} \u{e9}", true));
        assert_eq!(lossy_text(b"plain"), (Cow::Borrowed("plain"), false));
    }
}
