//! The client speaks before the server's greeting is whole (RFC 5321 3.1). HTTP and SOCKS speak
//! first by their nature and have their own rule (`proxy-command`).

use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Verb;

pub(crate) const DETECTOR: Detector = Detector {
    id: "pregreet",
    version: 2,
    class: 'B',
    family: "early",
    innocent: "a test tool that does not wait",
    scope: Scope::Any,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let dialogue = &session.dialogue;
    let greeting = dialogue.greeting.as_ref()?;
    // A HAProxy header is the proxy's, not the client's.
    let first = dialogue.commands.iter().find(|c| !c.raw.as_bytes().starts_with(b"PROXY "))?;
    // With nothing said before it, only the greeting can have been awaited.
    if !first.early || first.verb == Verb::Proxy {
        return None;
    }
    // Secrets and the envelope stay out: the verb says enough.
    let said = match first.verb {
        Verb::Auth | Verb::AuthData => &b"AUTH"[..],
        Verb::Mail => b"MAIL",
        Verb::Rcpt => b"RCPT",
        Verb::Vrfy => b"VRFY",
        Verb::Expn => b"EXPN",
        _ => first.raw.as_bytes(),
    };
    let ahead = greeting.at.since(first.at);
    let how_long = if ahead >= 0.001 { format!(" {ahead:.3} s") } else { String::new() };
    Finding::new(format!("it said {}{how_long} before the greeting was whole", Quote(said)))
}
