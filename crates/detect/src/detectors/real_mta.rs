//! A real mail server, for its own sessions only (HELO, manner and stack; never its address: a guest's
//! laptop may share that). It takes all of: a reverse name that holds and was not handed out to a
//! customer; a HELO that leads to it or is that name; the dialect of a known mail server, or at least an
//! orderly manner; and a past in which this very speaker came again after a refusal for now or
//! carried bounces (of a known mail server's dialect several days are enough). A script planted on a
//! well named host is orderly too, but keeps no queue. A session that shows a bot's trait of sending is
//! not exonerated (see `crate::judge_sighting`).

use crate::case::Case;
use crate::dialect::Kind;
use crate::helo::is_inside_only;
use crate::quote::Quote;
use crate::reverse_name::is_dynamic;
use crate::{Covers, Detector, Eye, Finding, Scope, is_whole, pipelining_offered};
use heloscope_model::session::EndState;

pub(crate) const DETECTOR: Detector = Detector {
    id: "real-mta",
    version: 1,
    class: 'X',
    family: "mta",
    innocent: "a mail server does what mail servers do; one that was broken into may not",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Days on which a speaker was seen.
const DAYS: u32 = 3;

fn see(case: &Case<'_>) -> Option<Finding> {
    let address = case.session.client.ip();
    let name = case.helo_host().filter(|name| name.contains('.'))?;
    let confirmed = case.around.confirmed_names();
    let chosen = confirmed.iter().any(|name| !is_dynamic(name, address));
    if !chosen || is_inside_only(address.to_canonical()) || case.says_its_own_name() != Some(true) {
        return None;
    }
    let known = match speech(case) {
        Speech::MailServer => true,
        Speech::Orderly => false,
        Speech::Other => return None,
    };
    let who = Covers::with(case.session, case.dialect());
    let voice = case.around.history.voice_of(&who)?;
    let past = if voice.retries > 0 {
        "came again after it had been refused for now"
    } else if voice.bounces > 0 {
        "carries bounces"
    } else if known && voice.days >= DAYS {
        "was here on several days"
    } else {
        return None;
    };
    let name = Quote(name.as_bytes());
    Some(Finding {
        owner: format!("{name} leads to it and back, it speaks as mail servers do and {past}"),
        covers: Some(who),
        ..Finding::default()
    })
}

/// How a session is spoken.
enum Speech {
    /// As a known mail server speaks.
    MailServer,
    /// As mail servers speak, and as nobody else who is known.
    Orderly,
    Other,
}

fn speech(case: &Case<'_>) -> Speech {
    let kinds: Vec<Kind> =
        case.dialects.spoken_in(case.dialect()).map(|known| known.kind).collect();
    if kinds.contains(&Kind::Bot) {
        return Speech::Other;
    }
    if kinds.contains(&Kind::Mta) {
        return Speech::MailServer;
    }
    let (session, dialogue) = (case.session, &case.session.dialogue);
    let offered = dialogue.commands.iter().any(|c| pipelining_offered(dialogue, c));
    let hasty = dialogue.commands.iter().any(|command| command.early);
    let orderly = kinds.is_empty()
        && case.dialect().manner() == "EHLO upper tight angle crlf"
        && is_whole(session)
        && session.end_state == EndState::Quit
        && (offered || !hasty);
    if orderly { Speech::Orderly } else { Speech::Other }
}
