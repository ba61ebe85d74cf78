//! A dialect learnt from bots. Silent where an honest program speaks alike. A once the dialect was
//! proved on traps, else B.

use crate::case::Case;
use crate::dialect::Kind;
use crate::{Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "dialect-known-bot",
    version: 1,
    class: 'B',
    family: "dialect",
    innocent: "a program that shares the bot's mail library",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let spoken: Vec<_> = case.dialects.spoken_in(case.dialect()).collect();
    if spoken.iter().any(|known| known.kind != Kind::Bot) {
        return None;
    }
    let known = spoken.iter().find(|known| known.proved).or(spoken.first())?;
    let owner = format!("it speaks SMTP as the dialect {} does", known.name);
    Finding::classed(known.proved.then_some('A'), owner)
}
