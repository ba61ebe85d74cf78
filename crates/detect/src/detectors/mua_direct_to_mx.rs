//! A message that says a person's mail program wrote it, sent straight to a mail exchanger: mail
//! programs submit to a relay, which adds a Received field.

use crate::header::field;
use crate::helo::is_inside_only;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Message;

pub(crate) const DETECTOR: Detector = Detector {
    id: "mua-direct-to-mx",
    version: 1,
    class: 'B',
    family: "message",
    innocent: "a relay that strips Received fields",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

/// How mail programs begin to name themselves.
const PROGRAMS: [&str; 13] = [
    "microsoft outlook",
    "microsoft office outlook",
    "microsoft windows mail",
    "microsoft windows live mail",
    "mozilla thunderbird",
    "mozilla/5.0 (",
    "thunderbird",
    "apple mail",
    "iphone mail",
    "the bat!",
    "foxmail",
    "evolution",
    "eudora",
];

fn see(session: &Session) -> Option<Finding> {
    // A relay of one's own network takes mail from mail programs at port 25 by right.
    if is_inside_only(session.server.ip().to_canonical()) {
        return None;
    }
    let program = session.dialogue.messages.iter().find_map(program)?;
    Finding::new(format!(
        "its message names the mail program {} but passed no relay before",
        Quote(program.as_bytes())
    ))
}

fn program(message: &Message) -> Option<String> {
    let section = message.header.as_bytes();
    if field(section, "Received").is_some() {
        return None;
    }
    let named = field(section, "X-Mailer").or_else(|| field(section, "User-Agent"))?;
    let lower = named.to_ascii_lowercase();
    PROGRAMS.iter().any(|program| lower.starts_with(program)).then_some(named)
}
