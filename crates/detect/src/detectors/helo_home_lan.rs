//! A name below a top-level domain that only home routers and office networks hand out.

use crate::helo;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-home-lan",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "a home or office server behind a router that named it",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let labels = helo.name.labels();
    let inside =
        matches!(labels.as_slice(), [_, .., "lan" | "home" | "local"] | [_, .., "home", "arpa"]);
    let quoted = Quote(helo.text.as_bytes());
    inside.then(|| {
        Finding::new(format!("it said {} {quoted}, a name of a home network", helo.verb))
    })?
}
