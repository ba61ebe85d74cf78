//! One program that gives another name each time. Told from many machines behind one address (CGNAT,
//! farms, containers): all names came within a day in one manner, from one stack and one program (as
//! far as its mail shows it), each hardly ever twice, and they have nothing in common; and the name said
//! now is not the client's as far as DNS knows. Silent where the stack was not seen.

use crate::case::Case;
use crate::domain_name::{is_public, registered};
use crate::helo::Name;
use crate::history::{Voice, program};
use crate::quote::Quote;
use crate::random_label::is_random;
use crate::{Covers, Detector, Eye, Finding, Scope};
use std::collections::BTreeSet;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-rotation",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "many customers of a provider behind one address",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Unrelated names from which on they rotate.
const NAMES: usize = 5;
const DAY_S: f64 = 86_400.0;

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    let who = Covers::with(session, case.dialect());
    who.stack.as_ref()?;
    // A name with a dot must have been looked up; one without cannot be.
    if case.helo_host()?.contains('.') && case.says_its_own_name() != Some(false) {
        return None;
    }
    let again = case.around.history.voice_of(&who).is_some_and(|voice| voice.sessions > 1);
    let own = owner(&who.helo).filter(|_| !again)?;
    let program = program(case.dialect());
    let alike = |voice: &&Voice| {
        voice.who.manner == who.manner
            && voice.who.stack == who.stack
            && voice.program == program
            && voice.sessions <= 2
            && session.start.since(voice.last).abs() < DAY_S
    };
    let voices = case.around.history.voices.iter().filter(alike);
    let names: BTreeSet<String> =
        voices.filter_map(|voice| owner(&voice.who.helo)).chain([own]).collect();
    let (count, last) = (names.len(), Quote(who.helo.as_bytes()));
    (count >= NAMES).then(|| {
        Finding::new(format!(
            "one program named itself with {count} unrelated names within a day, last {last}"
        ))
    })?
}

/// What names of one owner share: the registered domain, or of names without a dot the name where it
/// is random. None for names that machines of one network may have got by themselves.
fn owner(helo: &str) -> Option<String> {
    match Name::of(helo.as_bytes()) {
        Name::Host(name) if is_public(&name) => registered(&name).map(str::to_owned),
        Name::Host(name) if !name.contains('.') && is_random(&name) => Some(name),
        _ => None,
    }
}
