//! A recipient that nobody should be writing to. What kind of trap it was is a weight that the
//! policy reads from the sighting, so this is class C with a family of its own: it never lists by
//! itself. The owner's words do not say which recipient it was.

use crate::case::Case;
use crate::{Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "trap-hit",
    version: 1,
    class: 'C',
    family: "trap",
    innocent: "a slip of the finger, an address that was somebody's once, a list-bombed form",
    scope: Scope::Any,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let said = case.session.rcpt_to();
    let hit = |trap: &&heloscope_model::sighting::TrapHit| {
        said.iter().any(|to| to.as_bytes().eq_ignore_ascii_case(trap.recipient.as_bytes()))
    };
    let hits: Vec<_> = case.traps.iter().filter(hit).collect();
    let first = hits.first()?;
    let operator = format!(
        "it named {} traps, first {} ({:?})",
        hits.len(),
        crate::quote::Quote(first.recipient.as_bytes()),
        first.kind
    );
    Some(Finding {
        owner: "it sent mail that nobody had asked for".to_owned(),
        operator: Some(operator),
        ..Finding::default()
    })
}
