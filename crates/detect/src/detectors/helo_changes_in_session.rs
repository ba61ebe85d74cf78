//! Two names in one session. Not after STARTTLS, where the greeting begins anew (RFC 3207 4.2),
//! nor after XCLIENT, which changes who the client is.

use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::session::Verb;
use heloscope_model::{Octets, Session};

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-changes-in-session",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "a second EHLO under TLS that says another name; a test tool",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let mut first: Option<Octets> = None;
    for command in &session.dialogue.commands {
        match command.verb {
            Verb::StartTls | Verb::Xclient => first = None,
            verb if verb.helo().is_some() => {
                let name = command.argument();
                let Some(earlier) = &first else {
                    first = Some(name);
                    continue;
                };
                if !earlier.as_bytes().eq_ignore_ascii_case(name.as_bytes()) {
                    let (one, other) = (Quote(earlier.as_bytes()), Quote(name.as_bytes()));
                    return Finding::new(format!("it named itself {one} and then {other}"));
                }
            }
            _ => {}
        }
    }
    None
}
