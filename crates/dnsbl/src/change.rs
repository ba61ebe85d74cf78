//! What this crate is told of a prefix: nothing any more, or a [`Value`]: the codes it is listed
//! under and, for each, the sentence that TXT gives.
//!
//! A [`Code`] is the last octet of the answer, 127.0.0.2 to 127.0.0.63, so that a set of them is
//! one word. A [`Reason`] is text that always fits one character string of a TXT record together
//! with the zone's link: it is made printable and cut, never refused, because a listing must not
//! fail to be published for its wording.

use ipnet::IpNet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What stands in reasons and links for the address that was asked for.
pub(crate) const ADDRESS: &str = "{address}";
/// The longest address in text: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` never occurs in
/// ours, eight groups of four digits do.
pub(crate) const ADDRESS_MAX: usize = 39;
/// The longest reason with every address filled in. A link has what is left of 255, less a space.
const REASON_MAX: usize = 140;

/// A change of the table: a prefix gets a value, or loses the one it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The prefix; bits behind its length do not count.
    pub prefix: IpNet,
    /// Its value from now on; `None` takes it out.
    pub value: Option<Value>,
}

/// What is published of a prefix; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value(Arc<[(Code, Reason)]>);

impl Value {
    /// From codes and their reasons, of which the first counts where a code comes twice; `None`
    /// where there is none, because such a value would list without an answer.
    pub fn new(listed: impl IntoIterator<Item = (Code, Reason)>) -> Option<Value> {
        let mut listed: Vec<_> = listed.into_iter().collect();
        listed.sort_by_key(|(code, _)| *code);
        listed.dedup_by_key(|(code, _)| *code);
        (!listed.is_empty()).then(|| Value(listed.into()))
    }

    /// The codes.
    pub fn codes(&self) -> Codes {
        self.listed().map(|(code, _)| code).collect()
    }

    /// Whether others hold the same.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Codes and reasons, by code.
    pub fn listed(&self) -> impl Iterator<Item = (Code, &Reason)> {
        self.0.iter().map(|(code, reason)| (*code, reason))
    }
}

/// A code: the last octet of an answer 127.0.0.x, 2 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u8);

impl Code {
    /// Bots, proxies and planted mailers.
    pub const BOTS: Code = Code(4);
    /// Trap hits alone.
    pub const TRAPS: Code = Code(3);

    /// `None` below 2 (127.0.0.1 must never be an answer, RFC 5782 section 5) and above 63.
    pub fn new(octet: u8) -> Option<Code> {
        (2..=63).contains(&octet).then_some(Code(octet))
    }

    /// The answer: 127.0.0.x.
    pub fn answer(self) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, 0, self.0)
    }

    /// The octet.
    pub fn octet(self) -> u8 {
        self.0
    }
}

/// A set of codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codes(u64);

impl Codes {
    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the code is in it.
    pub fn has(self, code: Code) -> bool {
        self.0 & (1 << code.0) != 0
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Codes) -> Codes {
        Codes(self.0 & other.0)
    }

    /// In rising order.
    pub fn iter(self) -> impl Iterator<Item = Code> {
        (2..=63).map(Code).filter(move |code| self.has(*code))
    }
}

impl FromIterator<Code> for Codes {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Codes {
        Codes(codes.into_iter().fold(0, |set, code| set | 1 << code.0))
    }
}

/// One sentence for a TXT record; `{address}` in it stands for the address asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Box<str>);

impl Reason {
    /// Makes it printable ASCII on one line, and cuts it at a word where it is too long.
    pub fn new(text: &str) -> Reason {
        let mut reason = String::new();
        let mut length = 0;
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if word.is_empty() {
                continue;
            }
            let word: String =
                word.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect();
            // Three of the bytes are kept for the dots.
            let left = REASON_MAX - 3 - length - usize::from(length > 0);
            let whole = filled(&word);
            if whole > left {
                // A first word alone too long is cut within; it is no sentence anyway.
                if length == 0 {
                    reason.extend(word.chars().filter(|c| !matches!(c, '{' | '}')).take(left));
                }
                reason.push_str("...");
                break;
            }
            if length > 0 {
                reason.push(' ');
                length += 1;
            }
            reason.push_str(&word);
            length += whole;
            // No room for even the shortest next word.
            if length + 4 >= REASON_MAX {
                break;
            }
        }
        Reason(reason.into())
    }

    /// As written, with `{address}`.
    pub fn template(&self) -> &str {
        &self.0
    }
}

/// How long a template can become.
pub(crate) fn filled(template: &str) -> usize {
    template.len() + template.matches(ADDRESS).count() * (ADDRESS_MAX - ADDRESS.len())
}

/// Reason and link with the address filled in: at most 255 bytes of printable ASCII.
pub(crate) fn text(reason: &str, link: &str, address: IpAddr, out: &mut String) {
    let mut first = true;
    for template in [reason, link].into_iter().filter(|template| !template.is_empty()) {
        if !first {
            out.push(' ');
        }
        first = false;
        for (i, piece) in template.split(ADDRESS).enumerate() {
            if i > 0 {
                // Writing to a String cannot fail.
                let _ = write!(out, "{address}");
            }
            out.push_str(piece);
        }
    }
}

/// The longest link with its addresses filled in.
pub(crate) const LINK_MAX: usize = 255 - 1 - REASON_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reasons_are_cut_at_words_and_printable() {
        assert_eq!(Reason::new("a  bot\r\nwith\ttabs").template(), "a bot with tabs");
        assert_eq!(Reason::new("é\u{0}x").template(), "? x");
        let long = Reason::new(&"word ".repeat(60));
        assert!(long.template().ends_with("word..."), "{}", long.template());
        assert_eq!(Reason::new(&"w".repeat(500)).template().len(), REASON_MAX);
    }

    #[test]
    fn a_code_given_twice_keeps_its_first_reason() {
        let value = Value::new([
            (Code::BOTS, Reason::new("first")),
            (Code::TRAPS, Reason::new("trap")),
            (Code::BOTS, Reason::new("second")),
        ])
        .unwrap();
        let listed: Vec<_> = value.listed().map(|(c, r)| (c.octet(), r.template())).collect();
        assert_eq!(listed, [(3, "trap"), (4, "first")]);
        assert_eq!(Value::new([]), None);
    }

    proptest! {
        #[test]
        fn any_reason_fits_with_its_address(text in "\\PC*|([a-z{}]{0,12} |\\{address\\} ?){0,60}") {
            let reason = Reason::new(&text);
            let mut out = String::new();
            super::text(reason.template(), "", "1111:1111:1111:1111:1111:1111:1111:1111".parse().unwrap(), &mut out);
            prop_assert!(out.len() <= REASON_MAX, "{} {:?}", out.len(), out);
            prop_assert!(out.bytes().all(|b| (0x20..0x7f).contains(&b)));
        }
    }
}
