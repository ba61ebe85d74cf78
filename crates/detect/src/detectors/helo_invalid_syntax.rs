//! A name that no host can have: no name at all, wrong bytes, empty or hyphen-edged labels,
//! brackets around something that is no address.

use crate::helo::{self, Name};
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-invalid-syntax",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "an appliance with a free-text name",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let verb = helo.verb;
    match helo.name {
        Name::Invalid if helo.text.is_empty() => {
            Finding::new(format!("it said {verb} without a name"))
        }
        Name::Invalid | Name::BadLiteral => {
            let quoted = Quote(helo.text.as_bytes());
            Finding::new(format!("it said {verb} {quoted}, which no host can be named"))
        }
        _ => None,
    }
}
