//! `localhost`, said to another host.

use crate::helo::{self, Name};
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-localhost",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a script or an old program that never learnt its host's name",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let said = helo.name == Name::Host("localhost".into());
    said.then(|| Finding::new(format!("it said {} localhost to another host", helo.verb)))?
}
