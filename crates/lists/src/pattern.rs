//! Which answers a code stands for: `127.0.0.2`, `127.0.0.5-7`, `127.0.*.3`. Every octet is a value, a range or
//! `*`; nothing outside 127.0.0.0/8 is an answer of a list (RFC 5782, section 2.1).

use std::fmt;
use std::net::Ipv4Addr;

/// A set of answers, octet by octet, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern([(u8, u8); 4]);

impl Pattern {
    /// Reads one; the words say what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no answer of a list: write 127.0.0.2, 127.0.0.5-7 or 127.0.*.3 (in 127.0.0.0/8)"
            )
        };
        let mut octets = [(0, 0); 4];
        let mut parts = text.split('.');
        for octet in &mut octets {
            *octet = range(parts.next().ok_or_else(wrong)?).ok_or_else(wrong)?;
        }
        if parts.next().is_some() || octets.first() != Some(&(127, 127)) {
            return Err(wrong());
        }
        Ok(Self(octets))
    }

    /// Whether it stands for this answer.
    pub fn matches(&self, answer: Ipv4Addr) -> bool {
        self.0.iter().zip(answer.octets()).all(|((from, to), octet)| (*from..=*to).contains(&octet))
    }

    /// Whether both stand for some answer.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
    }

    /// The one bit of the last octet, where it is one: lists whose answer is a mask.
    pub(crate) fn bit(&self) -> Option<u8> {
        let [.., (from, to)] = self.0;
        (from == to && from.is_power_of_two()).then_some(from)
    }

    /// Whether it stands for this answer as one bit of a mask.
    pub(crate) fn matches_bit(&self, answer: Ipv4Addr) -> bool {
        let [.., last] = answer.octets();
        let [front @ .., _] = &self.0;
        let same = front.iter().zip(answer.octets()).all(|((a, b), o)| (*a..=*b).contains(&o));
        same && self.bit().is_some_and(|bit| last & bit != 0)
    }
}

fn range(text: &str) -> Option<(u8, u8)> {
    let number = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain)
    };
    if text == "*" {
        return Some((0, 255));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (u8, u8) = (number(from)?, number(to)?);
    (from <= to).then_some((from, to))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (from, to)) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            match (from, to) {
                (0, 255) => write!(f, "{dot}*")?,
                (from, to) if from == to => write!(f, "{dot}{from}")?,
                (from, to) => write!(f, "{dot}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_ranges_and_stars() {
        for (text, answer, want) in [
            ("127.0.0.2", "127.0.0.2", true),
            ("127.0.0.2", "127.0.0.3", false),
            ("127.0.0.5-7", "127.0.0.7", true),
            ("127.0.0.5-7", "127.0.0.8", false),
            ("127.0.*.3", "127.0.15.3", true),
            ("127.0.*.3", "127.1.15.3", false),
        ] {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(pattern.matches(answer.parse().unwrap()), want, "{text} {answer}");
            assert_eq!(pattern.to_string(), text);
        }
        for bad in [
            "",
            "127.0.0",
            "127.0.0.2.1",
            "126.0.0.2",
            "*.0.0.2",
            "127.0.0.256",
            "127.0.0.7-5",
            "127.0.0.+2",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bits_of_a_mask() {
        let malware = Pattern::parse("127.0.0.16").unwrap();
        assert!(malware.matches_bit("127.0.0.24".parse().unwrap()));
        assert!(!malware.matches_bit("127.0.0.8".parse().unwrap()));
        assert!(!malware.matches_bit("127.0.1.16".parse().unwrap()));
        assert_eq!(Pattern::parse("127.0.0.3").unwrap().bit(), None);
    }
}
