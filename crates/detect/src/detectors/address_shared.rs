//! Several machines seem to share the address: p0f's scores of one SYN against the next, or many ways
//! to speak. Nobody is accused by it: it shortens a listing's term and chooses the page's words.

use crate::case::Case;
use crate::stack;
use crate::{Covers, Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "address-shared",
    version: 1,
    class: 'C',
    family: "sharing",
    innocent: "address translation, which is no fault",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Manners of speaking from which on several machines are likely: one host may have its mail server,
/// a web site's library and a script.
const MANNERS: usize = 4;

fn see(case: &Case<'_>) -> Option<Finding> {
    let history = &case.around.history;
    if stack::is_shared(&history.scores_with(case.session)) {
        return Finding::new("its SYNs look like those of several machines".to_owned());
    }
    let who = Covers::with(case.session, case.dialect());
    let manners = history.manners_with(&who).len();
    (manners >= MANNERS)
        .then(|| Finding::new(format!("it spoke SMTP in {manners} ways, as several machines do")))?
}
