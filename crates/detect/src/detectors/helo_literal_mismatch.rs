//! A public address literal that is not the client's. Addresses that are never public have their
//! own rule (`helo-loopback-private`).

use crate::helo::{self, Name};
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-literal-mismatch",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a host behind address translation that names another of its addresses",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let Name::Literal(said) = helo.name else { return None };
    // Both families at one host are ordinary: only addresses of one family contradict each other.
    let comparable = said.is_ipv4() == session.client.ip().to_canonical().is_ipv4();
    if !comparable || helo::is_inside_only(said) || helo::is_client(session, said) {
        return None;
    }
    let client = session.client.ip();
    Finding::new(format!("it said {} [{said}] but came from {client}", helo.verb))
}
