//! An address without brackets, which is no name and no literal (RFC 5321 4.1.3).

use crate::helo::{self, Name};
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-bare-ip",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "an old mail server or appliance",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let Name::Bare(said) = helo.name else { return None };
    Finding::new(format!("it said {} {said}, an address without brackets", helo.verb))
}
