//! Commands sent without waiting for the answer, to a server that did not offer PIPELINING
//! (RFC 2920 3.1), or before it could have. Not judged: QUIT, which impatient clients send on
//! their way out, and commands after so long a wait that the client had given up waiting.

use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope, pipelining_offered};
use heloscope_model::Session;
use heloscope_model::session::{Command, Verb};

pub(crate) const DETECTOR: Detector = Detector {
    id: "unadvertised-pipelining",
    version: 1,
    class: 'B',
    family: "early",
    innocent: "a broken mail server",
    scope: Scope::Any,
    eye: Eye::Session(see),
};

/// Seconds after which a client is not hasty any more.
const PATIENCE_S: f64 = 10.0;

fn see(session: &Session) -> Option<Finding> {
    let mut offered = false;
    let mut before: Option<&Command> = None;
    for command in &session.dialogue.commands {
        let hasty = before.is_some_and(|before| command.at.since(before.at) < PATIENCE_S);
        let judged = !matches!(command.verb, Verb::Quit | Verb::Proxy);
        // Early behind EHLO is before its answer: the offer could not be read yet.
        let told = offered && before.is_some_and(|before| before.verb.helo().is_none());
        if let Some(before) = before.filter(|_| command.early && hasty && judged && !told) {
            let (said, unanswered) = (spoken(command), spoken(before));
            return Finding::new(format!(
                "it sent {said} before {unanswered} was answered, and the server had not offered pipelining"
            ));
        }
        offered |= pipelining_offered(&session.dialogue, command);
        before = Some(command);
    }
    None
}

/// The first word of a command: addresses stay out of the evidence.
fn spoken(command: &Command) -> String {
    let line = command.raw.as_bytes().trim_ascii();
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if word.is_empty() { "an empty line".into() } else { Quote(word).to_string() }
}
