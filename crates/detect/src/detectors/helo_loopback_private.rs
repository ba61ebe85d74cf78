//! A loopback or private address literal from a client that has another address.

use crate::helo::{self, Name};
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-loopback-private",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a web application or container with a default setting; a host behind address translation",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let Name::Literal(said) = helo.name else { return None };
    // Its true address, as the outermost capture point saw it.
    let own = session.client.ip().to_canonical() == said;
    if own || !helo::is_inside_only(said) {
        return None;
    }
    let kind = if said.is_loopback() { "a loopback" } else { "a private" };
    Finding::new(format!("it said {} [{said}], {kind} address, to another host", helo.verb))
}
