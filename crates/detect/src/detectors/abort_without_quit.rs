//! The session ends without QUIT though nothing made it end (RFC 5321 4.1.1.10). Not judged: what
//! cannot be seen (TLS, gaps), and sessions that the server gave up first.

use crate::{Detector, Eye, Finding, Scope, is_whole};
use heloscope_model::Session;
use heloscope_model::session::EndState;

pub(crate) const DETECTOR: Detector = Detector {
    id: "abort-without-quit",
    version: 1,
    class: 'C',
    family: "protocol",
    innocent: "a network that broke",
    scope: Scope::Any,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let dialogue = &session.dialogue;
    let how = match session.end_state {
        EndState::Close => "closed",
        EndState::Reset => "reset",
        EndState::Quit | EndState::Timeout | EndState::Truncated => return None,
    };
    let last = dialogue.replies.last().or(dialogue.greeting.as_ref())?;
    let server_ended =
        last.code == 421 || dialogue.greeting.as_ref().is_some_and(|g| g.is_refusal());
    if dialogue.commands.is_empty() || !is_whole(session) || dialogue.tls.is_some() || server_ended
    {
        return None;
    }
    Finding::new(format!("it {how} the connection without QUIT after a reply of {:03}", last.code))
}
