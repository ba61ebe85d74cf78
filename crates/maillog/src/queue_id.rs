//! Queue ids: what is one, the key a mail is followed by, and the instant a long one encodes.
//!
//! Short ids are five hexadecimal digits of microseconds and the inode's number in hexadecimal:
//! they come again. Long ids (`enable_long_queue_ids`) are the creation's seconds since 1970 in
//! base 52 (six digits or more), its microseconds in base 52 (four digits), `z`, and the inode in
//! base 51, all in digits and consonants; so a long id is also a clock.

use heloscope_model::Time;
use std::hash::{Hash, Hasher};

/// Longest id followed: seconds 7, microseconds 4, `z`, inode 12.
const LONGEST: usize = 24;
/// Shortest id taken for one.
const SHORTEST: usize = 6;
/// Digits of the microseconds in a long id.
const MICROS: usize = 4;
/// Fewest digits of the seconds in a long id.
const SECONDS: usize = 6;

/// A byte's class: 1 upper-case hexadecimal digit, 2 digit or consonant.
const CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut b = 0usize;
    #[allow(clippy::indexing_slicing)] // evaluated by the compiler; a bad index does not build
    while b < 256 {
        let c = b as u8;
        let vowel = matches!(c.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u');
        if c.is_ascii_digit() || matches!(c, b'A'..=b'F') {
            class[b] |= 1;
        }
        if c.is_ascii_alphanumeric() && !vowel {
            class[b] |= 2;
        }
        b += 1;
    }
    class
};

/// Whether these bytes are a queue id, short or long. No word of Postfix's messages is one.
pub fn is_queue_id(text: &[u8]) -> bool {
    if text.len() < SHORTEST || text.len() > LONGEST {
        return false;
    }
    let class = text.iter().fold(3, |all, &b| all & CLASS.get(usize::from(b)).unwrap_or(&0));
    class & 1 != 0 || (class & 2 != 0 && text.len() >= 12)
}

/// The instant a long queue id was made at; `None` for short ones.
pub fn long_id_time(id: &[u8]) -> Option<Time> {
    let separator = memchr::memrchr(b'z', id)?;
    if separator < SECONDS + MICROS || separator + 1 == id.len() || id.len() > LONGEST {
        return None;
    }
    let (seconds, micros) = id.get(..separator)?.split_at_checked(separator - MICROS)?;
    let (seconds, micros) = (base52(seconds)?, base52(micros)?);
    if micros >= 1_000_000 {
        return None;
    }
    Some(Time::from_micros(seconds.checked_mul(1_000_000)?.checked_add(micros)?))
}

/// A number in digits, upper-case and lower-case consonants, in this order.
fn base52(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0i64, |sum, &b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'A'..=b'Z' | b'a'..=b'z' => {
                let lower = b.to_ascii_lowercase();
                let vowels = match lower {
                    b'a' | b'e' | b'i' | b'o' | b'u' => return None,
                    b'b'..=b'd' => 1,
                    b'f'..=b'h' => 2,
                    b'j'..=b'n' => 3,
                    b'p'..=b't' => 4,
                    _ => 5,
                };
                10 + (lower - b'a' - vowels) + if b.is_ascii_lowercase() { 21 } else { 0 }
            }
            _ => return None,
        };
        sum.checked_mul(52)?.checked_add(i64::from(digit))
    })
}

/// What a mail is followed by: host and instance (as a fingerprint of their names) and the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    scope: u64,
    id: [u64; 3],
}

impl Key {
    /// The key of an id that [`is_queue_id`] accepted; what is longer is cut.
    pub(crate) fn new(scope: u64, id: &[u8]) -> Self {
        let mut bytes = [0u8; LONGEST];
        for (to, from) in bytes.iter_mut().zip(id) {
            *to = *from;
        }
        let (words, _) = bytes.as_chunks::<8>();
        let mut id = [0u64; 3];
        for (to, from) in id.iter_mut().zip(words) {
            *to = u64::from_le_bytes(*from);
        }
        Self { scope, id }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c] = self.id;
        state.write_u64(self.scope ^ c.rotate_left(29));
        state.write_u64(a);
        state.write_u64(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_words_are_told_apart() {
        for id in ["0F5383D", "65AFB8B5", "ED06590130AA1C9D6D862", "48rT2v1hQrz1J0N"] {
            assert!(is_queue_id(id.as_bytes()), "{id}");
        }
        for word in ["NOQUEUE", "warning", "statistics", "connect", "FACE", "reload", "0f5383d"] {
            assert!(!is_queue_id(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn digits_have_their_places() {
        let digits = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
        for (value, digit) in digits.iter().enumerate() {
            assert_eq!(base52(&[*digit]), Some(value as i64), "{}", char::from(*digit));
        }
        assert_eq!(base52(b"10"), Some(52));
        assert_eq!(base52(b"A"), None);
    }

    #[test]
    fn ids_that_differ_have_keys_that_differ() {
        assert_ne!(Key::new(1, b"0F5383D"), Key::new(2, b"0F5383D"));
        assert_ne!(Key::new(1, b"0F5383D"), Key::new(1, b"0F5383D0"));
    }
}
