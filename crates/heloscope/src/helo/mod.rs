//! What every program here that can send mail says as its HELO: each is made to speak to a sink of ours on loopback.
//!
//! ```text
//!  senders (a table) ──> run one, at a sink of its own ──> what it said ──> what a list would note of it
//! ```
//!
//! Nothing leaves the machine, and nothing that is examined is executed: what is run is what is installed, with words of
//! ours. A mail server's own settings are copied into a private folder and run from there ([`postfix`]), so its queue and
//! its service are not touched.

pub(crate) mod postfix;
pub(crate) mod senders;
pub(crate) mod sink;

use heloscope_detect::Detection;
use heloscope_model::session::EndState;
use heloscope_model::{Place, Session, SourceId, Time};
use heloscope_smtp::{Limits, Machine, Side};
use serde::Serialize;
use sink::Heard;
use std::net::{IpAddr, SocketAddr};

/// What a sender said.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    /// The program or library.
    pub(crate) sender: String,
    /// The name it gave, each once.
    pub(crate) helo: Vec<String>,
    /// What a list would note of these names.
    pub(crate) notes: Vec<Note>,
    /// Why it said nothing, or what it was said by.
    pub(crate) remark: Option<String>,
}

/// What a list's sensor would note.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    pub(crate) detector: &'static str,
    pub(crate) class: char,
    pub(crate) evidence: String,
}

impl Said {
    /// What was heard of a sender; `public` is the address that lists see, where it is known.
    pub(crate) fn of(sender: impl Into<String>, heard: &[Heard], public: Option<IpAddr>) -> Self {
        let (mut helo, mut notes) = (Vec::new(), Vec::new());
        for session in heard.iter().map(|heard| session(heard, public)) {
            let name = session.dialogue.helo().map(|(_, name)| name.to_string());
            let Some(name) = name.filter(|name| !helo.contains(name)) else { continue };
            helo.push(name);
            let found = heloscope_detect::judge(&session).into_iter();
            notes.extend(found.filter(|d| is_of_the_name(d, public)).map(|d| Note {
                detector: d.detector,
                class: d.class,
                evidence: d.owner.to_string(),
            }));
        }
        Self { sender: sender.into(), helo, notes, remark: None }
    }

    /// A sender that was not heard.
    pub(crate) fn silent(sender: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            sender: sender.into(),
            helo: Vec::new(),
            notes: Vec::new(),
            remark: Some(why.into()),
        }
    }

    /// Whether a list would hold the name against the address.
    pub(crate) fn needs_attention(&self) -> bool {
        self.notes.iter().any(|note| matches!(note.class, 'A' | 'B'))
    }
}

/// Of what a list would note, what it says of the name alone: the rest is of the sink and the loopback.
fn is_of_the_name(detection: &Detection, public: Option<IpAddr>) -> bool {
    match detection.detector {
        "helo-literal-mismatch" => public.is_some(),
        "helo-is-receiver" | "helo-changes-in-session" => false,
        name => name.starts_with("helo-"),
    }
}

/// As a stranger's exchanger would have seen it.
fn session(heard: &Heard, public: Option<IpAddr>) -> Session {
    let at = Time::from_secs(0);
    let mut machine = Machine::new(&Limits::default());
    for (side, bytes) in &heard.said {
        machine.feed(*side, at, bytes);
    }
    // Where the address is not known, one that no name can be held against (RFC 5737).
    let client = public.unwrap_or_else(|| [203, 0, 113, 1].into());
    let bytes = |of: Side| {
        heard.said.iter().filter(|(side, _)| *side == of).map(|(_, b)| b.len() as u64).sum()
    };
    Session {
        place: Place::whole(SourceId(0)),
        start: at,
        end: at,
        client: SocketAddr::new(client, 40_000),
        server: SocketAddr::new([192, 0, 2, 25].into(), 25),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy: None,
        bytes: (bytes(Side::Client), bytes(Side::Server)),
        dialogue: machine.finish(),
        end_state: EndState::Quit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, public: Option<IpAddr>) -> Vec<&'static str> {
        let said = vec![
            (Side::Server, b"220 sink ESMTP\r\n".to_vec()),
            (Side::Client, format!("EHLO {name}\r\n").into_bytes()),
            (Side::Server, b"250 sink\r\n".to_vec()),
            (Side::Client, b"QUIT\r\n".to_vec()),
            (Side::Server, b"221 bye\r\n".to_vec()),
        ];
        let said = Said::of("x", &[Heard { said }], public);
        assert_eq!(said.helo, [name]);
        said.notes.iter().map(|note| note.detector).collect()
    }

    #[test]
    fn names_that_lists_note() {
        assert_eq!(said("[127.0.0.1]", None), ["helo-loopback-private"]);
        assert_eq!(said("localhost", None), ["helo-localhost"]);
        assert_eq!(said("localhost.localdomain", None), ["helo-localdomain"]);
        assert_eq!(said("mail.example.org", None), [] as [&str; 0]);
        // A literal can be held against an address only where that is known.
        assert_eq!(said("[198.51.100.7]", None), [] as [&str; 0]);
        let public = Some([198, 51, 100, 7].into());
        assert_eq!(said("[198.51.100.7]", public), [] as [&str; 0]);
        assert_eq!(said("[198.51.100.8]", public), ["helo-literal-mismatch"]);
    }
}
