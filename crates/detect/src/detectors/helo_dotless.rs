//! A name of one label, such as Windows gives to computers. `localhost` has its own rule.

use crate::helo;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-dotless",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "a Windows server that says its computer name",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let labels = helo.name.labels();
    let dotless = labels.len() == 1 && labels.first() != Some(&"localhost");
    let quoted = Quote(helo.text.as_bytes());
    dotless
        .then(|| Finding::new(format!("it said {} {quoted}, a name without a dot", helo.verb)))?
}
