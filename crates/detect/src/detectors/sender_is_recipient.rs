//! The envelope's sender is one of its recipients.

use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::session::Verb;
use heloscope_model::{Octets, Session};

pub(crate) const DETECTOR: Detector = Detector {
    id: "sender-is-recipient",
    version: 1,
    class: 'C',
    family: "envelope",
    innocent: "somebody who mails himself, or tests",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let dialogue = &session.dialogue;
    let mut sender = Octets::default();
    let mut seen = false;
    for command in &dialogue.commands {
        match command.verb {
            Verb::Mail => sender = command.path(),
            Verb::Rcpt => seen |= same(&sender, &command.path()),
            _ => {}
        }
    }
    // Of a log, the messages.
    seen |= dialogue.messages.iter().any(|m| m.to.iter().any(|to| same(&m.from, to)));
    // The address itself is the owner's business: it stays out of the evidence.
    seen.then(|| Finding::new("it gave one address as sender and as recipient".to_owned()))?
}

fn same(sender: &Octets, recipient: &Octets) -> bool {
    !sender.is_empty() && sender.as_bytes().eq_ignore_ascii_case(recipient.as_bytes())
}
