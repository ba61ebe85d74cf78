//! How a sender speaks: the shape of its commands, its TCP stack, and what the MTA's own sessions
//! have in common ([`Profile`]), so that another's can be told from them.

use crate::seen::Seen;
use heloscope_model::session::{Session, Syn, Verb};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The sender's habits, as far as this session shows them: the shape of each kind of command,
/// letter case and spacing kept, arguments taken out. A feature that was not seen is `None`
/// and is never held against anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) greet: Option<String>,
    pub(crate) mail: Option<String>,
    pub(crate) rcpt: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) quit: Option<String>,
}

impl Dialect {
    pub(crate) fn new(session: &Session) -> Self {
        let shape_of = |wanted: &[Verb]| {
            let command = session.dialogue.commands.iter().find(|c| wanted.contains(&c.verb))?;
            Some(shape(command.raw.as_bytes()))
        };
        Self {
            greet: shape_of(&[Verb::Ehlo, Verb::Helo]),
            mail: shape_of(&[Verb::Mail]),
            rcpt: shape_of(&[Verb::Rcpt]),
            data: shape_of(&[Verb::Data]),
            quit: shape_of(&[Verb::Quit]),
        }
    }

    pub(crate) fn features(&self) -> [(&'static str, Option<&String>); 5] {
        [
            ("greeting", self.greet.as_ref()),
            ("MAIL", self.mail.as_ref()),
            ("RCPT", self.rcpt.as_ref()),
            ("DATA", self.data.as_ref()),
            ("QUIT", self.quit.as_ref()),
        ]
    }
}

/// A command without its argument: `MAIL FROM:<`, `mail from: <`, `EHLO `, with the way it ends.
fn shape(raw: &[u8]) -> String {
    let body = raw.strip_suffix(b"\n").unwrap_or(raw);
    let ending = match (raw.len() != body.len(), body.ends_with(b"\r")) {
        (true, false) => " (bare LF)",
        _ => "",
    };
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    let end = match body.iter().position(|&b| b == b':') {
        Some(colon) => {
            let rest = body.get(colon + 1..).unwrap_or_default();
            let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let bracket = usize::from(rest.get(blanks) == Some(&b'<'));
            colon + 1 + blanks + bracket
        }
        None => {
            let verb = body.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(body.len());
            let blanks = body.iter().skip(verb).take_while(|b| b.is_ascii_whitespace()).count();
            verb + blanks
        }
    };
    let kept = body.get(..end.min(40)).unwrap_or_default();
    format!("{}{ending}", heloscope_model::octets::lossy_text(kept).0)
}

/// The traits of a TCP stack that its SYN shows and that a router does not change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stack {
    /// The initial TTL: 32, 64, 128 or 255.
    pub(crate) ttl: u8,
    /// Kinds of the TCP options in order.
    pub(crate) options: Vec<u8>,
}

impl Stack {
    pub(crate) fn new(syn: &Syn) -> Self {
        let ttl = match syn.ttl {
            0..=32 => 32,
            33..=64 => 64,
            65..=128 => 128,
            _ => 255,
        };
        Self { ttl, options: syn.options.as_bytes().to_vec() }
    }
}

/// What the MTA's own sessions look like, learnt from those that log lines explain for sure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// Addresses the MTA sends from (innermost known).
    pub(crate) hosts: BTreeSet<IpAddr>,
    /// Its HELOs, lower case.
    pub(crate) helos: BTreeSet<Vec<u8>>,
    shapes: BTreeSet<(&'static str, String)>,
    stacks: BTreeSet<Stack>,
    /// Sessions it was learnt from.
    pub(crate) learnt_from: usize,
}

impl Profile {
    pub(crate) fn learn(&mut self, seen: &Seen) {
        self.learnt_from += 1;
        self.hosts.insert(seen.speaker());
        if let Some(helo) = &seen.helo {
            self.helos.insert(helo.as_bytes().to_ascii_lowercase());
        }
        for (feature, shape) in seen.dialect.features() {
            if let Some(shape) = shape {
                self.shapes.insert((feature, shape.clone()));
            }
        }
        self.stacks.extend(seen.stack.clone());
    }

    /// In which ways a session is not the MTA's; empty where nothing visible differs.
    pub(crate) fn differences(&self, seen: &Seen) -> Vec<String> {
        let mut ways = Vec::new();
        if let Some(helo) = &seen.helo
            && !self.helos.is_empty()
            && !self.helos.iter().any(|h| crate::incident::same_helo(h, helo.as_bytes()))
        {
            ways.push(format!("it says HELO {helo}, the mail server says {}", self.helo_words()));
        }
        for (feature, shape) in seen.dialect.features() {
            let Some(shape) = shape else { continue };
            let mut known = self.shapes.iter().filter(|(f, _)| *f == feature).map(|(_, s)| s);
            if known.clone().next().is_some()
                && !known.clone().any(|s| s == shape)
                && !(feature == "greeting" && shape.starts_with("HELO"))
            {
                let example = known.next().cloned().unwrap_or_default();
                ways.push(format!("it writes `{shape}`, the mail server `{example}`"));
            }
        }
        if let Some(stack) = &seen.stack
            && !self.stacks.is_empty()
            && !self.stacks.contains(stack)
        {
            ways.push(format!("its TCP stack is another one (initial TTL {})", stack.ttl));
        }
        ways
    }

    /// Whether a session says what the MTA says, the way the MTA says it.
    pub(crate) fn is_alike(&self, seen: &Seen) -> bool {
        self.learnt_from > 0
            && !self.helos.is_empty()
            && seen.helo.is_some()
            && self.differences(seen).is_empty()
    }

    /// The MTA's HELOs for a sentence.
    pub(crate) fn helo_words(&self) -> String {
        let names: Vec<_> = self
            .helos
            .iter()
            .take(3)
            .map(|h| heloscope_model::octets::lossy_text(h).0.into_owned())
            .collect();
        names.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_keeps_case_and_spacing_and_drops_the_argument() {
        assert_eq!(shape(b"MAIL FROM:<a@example.org> SIZE=3\r\n"), "MAIL FROM:<");
        assert_eq!(shape(b"mail from: <a@example.org>\r\n"), "mail from: <");
        assert_eq!(shape(b"EHLO mail.example.org\r\n"), "EHLO ");
        assert_eq!(shape(b"QUIT\n"), "QUIT (bare LF)");
    }
}
