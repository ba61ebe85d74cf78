//! Lines of a message's header where commands belong: a mailer that does not listen to the answer
//! to DATA. A only after an accepted 354 (then no refusal explains it), else B.

use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope, is_whole};
use heloscope_model::Session;
use heloscope_model::session::{Command, Verb};

pub(crate) const DETECTOR: Detector = Detector {
    id: "headers-as-commands",
    version: 1,
    class: 'B',
    family: "protocol",
    innocent: "a home-made mailer that ignores that DATA was refused",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

const FIELDS: [&[u8]; 14] = [
    b"From",
    b"To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"Received",
    b"MIME-Version",
    b"Content-Type",
    b"Content-Transfer-Encoding",
    b"Reply-To",
    b"Cc",
    b"X-Mailer",
    b"X-Priority",
    b"Return-Path",
];

fn see(session: &Session) -> Option<Finding> {
    if !is_whole(session) {
        return None; // text behind a gap may pass for commands
    }
    // Only what the server too took for a command.
    let fields: Vec<_> = session
        .dialogue
        .commands
        .iter()
        .enumerate()
        .filter(|(_, command)| command.verb == Verb::Header && command.reply.is_some())
        .filter_map(|(at, command)| field(command).map(|name| (at, name)))
        .collect();
    let &(at, name) = fields.first()?;
    let said = session.dialogue.commands.get(..at).unwrap_or_default();
    let answer = said
        .iter()
        .rev()
        .find(|command| command.verb == Verb::Data)
        .and_then(|data| session.dialogue.reply(data.reply));
    let accepted = answer.is_some_and(|reply| reply.code == 354);
    let why = match answer {
        Some(reply) if accepted => format!("after DATA had been answered with {}", reply.code),
        Some(reply) => format!("after DATA had been refused with {}", reply.code),
        None => "without DATA".to_owned(),
    };
    let class = (accepted && fields.len() > 1).then_some('A');
    let count = fields.len();
    Finding::classed(
        class,
        format!("it sent the header field {} as a command {why} ({count} such lines)", Quote(name)),
    )
}

/// The name of a well-known field.
fn field(command: &Command) -> Option<&[u8]> {
    let name = command.raw.as_bytes().trim_ascii_start().split(|&b| b == b':').next()?;
    FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(name)
}
