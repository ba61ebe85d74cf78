//! `localhost.localdomain` and names below `localdomain`: a host that was never named.

use crate::helo;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-localdomain",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "a host that was never named; the fall-back of PHPMailer and other libraries",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let unnamed = matches!(helo.name.labels().last(), Some(&("localdomain" | "localdomain6")));
    let quoted = Quote(helo.text.as_bytes());
    unnamed.then(|| {
        Finding::new(format!("it said {} {quoted}, the name of an unnamed host", helo.verb))
    })?
}
