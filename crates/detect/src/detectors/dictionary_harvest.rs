//! One guessed recipient after another, to learn which exist. An old list of subscribers meets many
//! unknown names too, but it comes to deliver; a server that verifies a sender (a call-out) asks for one
//! name a transaction. So B only where many were named in one transaction, and either one was taken
//! and no content followed though nothing had ended the session, or it passed for a bounce (null
//! sender), which has one recipient (RFC 5321 4.5.5). C where an address's past is misses and hardly
//! any hit.

use crate::case::Case;
use crate::history::{recipients, says_unknown};
use crate::{Detector, Eye, Finding, Scope, is_whole};
use heloscope_model::Session;
use heloscope_model::session::{Dialogue, EndState, Verb};
use std::collections::BTreeSet;

pub(crate) const DETECTOR: Detector = Detector {
    id: "dictionary-harvest",
    version: 1,
    class: 'B',
    family: "recipients",
    innocent: "a very old list of subscribers",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Distinct unknown names in a session.
const GUESSES: usize = 8;
/// So many times as many misses as hits.
const TIMES: u32 = 5;
/// Misses in an address's past, and how many times its hits they are.
const PAST: (u32, u32) = (100, 20);

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    let (hits, misses) = recipients(session);
    let guesses = guesses(&session.dialogue);
    if guesses >= GUESSES && hits.saturating_mul(TIMES) <= misses {
        let how = match () {
            () if most_at_once(&session.dialogue).1 > 2 => "as a bounce, which has one recipient",
            () if hits > 0 && most_at_once(&session.dialogue).0 > 2 && sends_nothing(session) => {
                "and sent nothing to those that exist"
            }
            () => "",
        };
        if !how.is_empty() {
            return Finding::new(format!("it tried {guesses} names that do not exist, {how}"));
        }
    }
    let past = case.around.history.recipients;
    let (all_hits, all) = (past.0.saturating_add(hits), past.1.saturating_add(misses));
    if misses == 0 || all < PAST.0 || all_hits.saturating_mul(PAST.1) > all {
        return None;
    }
    Finding::classed(
        Some('C'),
        format!("of the recipients that it tried so far, {all} do not exist and {all_hits} do"),
    )
}

/// Distinct names that the server said do not exist.
fn guesses(dialogue: &Dialogue) -> usize {
    let unknown = dialogue.commands.iter().filter(|command| {
        let reply = dialogue.reply(command.reply);
        command.verb == Verb::Rcpt
            && reply.is_some_and(|reply| says_unknown(reply.code, &reply.text.text().0))
    });
    unknown.map(|c| c.path().as_bytes().to_ascii_lowercase()).collect::<BTreeSet<_>>().len()
}

/// The most recipients of one transaction, and of one with the null sender.
fn most_at_once(dialogue: &Dialogue) -> (u32, u32) {
    let (mut null, mut named, mut most) = (false, 0, (0, 0));
    for command in &dialogue.commands {
        match command.verb {
            Verb::Mail => (null, named) = (command.path().is_empty(), 0),
            Verb::Rcpt => named += 1,
            Verb::Rset => (null, named) = (false, 0),
            _ => {}
        }
        most = (named.max(most.0), if null { named.max(most.1) } else { most.1 });
    }
    most
}

/// Whether it never came to a message though it could have: whole, and ended by the client.
fn sends_nothing(session: &Session) -> bool {
    let dialogue = &session.dialogue;
    let content = dialogue.commands.iter().any(|c| matches!(c.verb, Verb::Data | Verb::Bdat));
    let ended_by_server = dialogue.replies.last().is_none_or(|last| last.code == 421);
    let ended = matches!(session.end_state, EndState::Quit | EndState::Close | EndState::Reset);
    is_whole(session) && ended && !content && !ended_by_server && dialogue.tls.is_none()
}
