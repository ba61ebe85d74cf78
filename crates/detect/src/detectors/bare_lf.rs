//! Lines that end with LF or CR alone where SMTP wants both (RFC 5321 2.3.8).

use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Command;

pub(crate) const DETECTOR: Detector = Detector {
    id: "bare-lf",
    version: 1,
    class: 'C',
    family: "protocol",
    innocent: "a home-made script",
    scope: Scope::Any,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let dialogue = &session.dialogue;
    let commands = dialogue.commands.iter().filter(|command| is_bare(command)).count();
    let messages = dialogue.messages.iter().filter(|message| message.bare_newline).count();
    let what = match (commands, messages) {
        (0, 0) => return None,
        (0, _) => "lines of its message".to_owned(),
        (1, _) => "a command".to_owned(),
        (n, _) => format!("{n} commands"),
    };
    Finding::new(format!("it ended {what} with a bare LF or CR"))
}

/// The whole line was kept (not cut, not a secret's star), and its end is half an end.
fn is_bare(command: &Command) -> bool {
    let raw = command.raw.as_bytes();
    let half = raw.ends_with(b"\r") || (raw.ends_with(b"\n") && !raw.ends_with(b"\r\n"));
    half && u64::from(command.len) == raw.len() as u64
        && command.verb != heloscope_model::session::Verb::Proxy
}
