//! A name without a dot, drawn at random, from an address that a provider hands out. One of the
//! three alone says little; identifiers that machines give (containers, network cards) are not random.

use crate::case::Case;
use crate::quote::Quote;
use crate::random_label::is_random;
use crate::{Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-random-dynamic",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a small office whose server was never named",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    case.helo_host().filter(|name| !name.contains('.') && is_random(name))?;
    let reverse = case.around.dynamic_name(case.session.client.ip())?;
    let (verb, said) = case.session.helo()?;
    let (said, reverse) = (Quote(said.as_bytes()), Quote(reverse.as_bytes()));
    Finding::new(format!(
        "it said {verb} {said}, a random word, from an address that is handed out to customers ({reverse})"
    ))
}
