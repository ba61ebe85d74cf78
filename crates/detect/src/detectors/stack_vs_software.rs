//! A message says that a program of one operating system wrote it, and the client that originated it
//! runs another. Only programs that exist for one system, and stacks whose layout is sure.

use crate::mail_program;
use crate::quote::Quote;
use crate::stack::{self, Family};
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "stack-vs-software",
    version: 1,
    class: 'C',
    family: "stack",
    innocent: "a firewall that makes connections anew; a relay that hides that a message passed it",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let family = stack::family(session.syn.as_ref()?);
    let runs = name(family)?;
    let names = session.dialogue.messages.iter().filter_map(mail_program::of);
    let (program, needs) = names.filter_map(|p| system(&p).map(|family| (p, family))).next()?;
    let wants = name(needs).filter(|_| needs != family)?;
    let program = Quote(program.as_bytes());
    Finding::new(format!(
        "its message names {program}, a program for {wants}, and its TCP is that of {runs}"
    ))
}

/// The system that a program runs on, where there is only one.
fn system(program: &str) -> Option<Family> {
    let program = program.to_ascii_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| program.starts_with(word));
    let holds = |word| program.contains(word);
    if begins(&["microsoft-macoutlook", "apple mail", "iphone mail"]) || holds("mac os x") {
        Some(Family::Bsd)
    } else if begins(&[
        "microsoft outlook",
        "microsoft office outlook",
        "microsoft windows",
        "the bat!",
    ]) || holds("windows nt")
    {
        Some(Family::Windows)
    } else if holds("x11; linux") {
        Some(Family::Linux)
    } else {
        None
    }
}

fn name(family: Family) -> Option<&'static str> {
    match family {
        Family::Linux => Some("Linux"),
        Family::Windows => Some("Windows"),
        Family::Bsd => Some("macOS or BSD"),
        Family::Custom | Family::Unknown => None,
    }
}
