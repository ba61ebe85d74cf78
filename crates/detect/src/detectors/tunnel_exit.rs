//! Connections that left a tunnel (the MTU tells which), made by several speakers: the way out of a VPN
//! with many users. One speaker alone is a mail server whose operator likes tunnels.

use crate::case::Case;
use crate::{Covers, Detector, Eye, Finding, Scope, stack};
use std::collections::BTreeSet;

pub(crate) const DETECTOR: Detector = Detector {
    id: "tunnel-exit",
    version: 1,
    class: 'C',
    family: "sharing",
    innocent: "a company's own VPN, or an odd line",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

/// Speakers (names) and manners from which on they are many users.
const MANY: (usize, usize) = (3, 2);

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    let mtu = stack::mtu(session.syn.as_ref()?, session.client.ip())?;
    let tunnel = stack::tunnel(mtu)?;
    let who = Covers::with(session, case.dialect());
    let history = &case.around.history;
    let names: BTreeSet<_> =
        history.voices.iter().map(|v| &v.who.helo).chain([&who.helo]).collect();
    let (names, manners) = (names.len(), history.manners_with(&who).len());
    (names >= MANY.0 && manners >= MANY.1).then(|| {
        Finding::new(format!(
            "its MTU of {mtu} is that of a {tunnel} tunnel, and {names} speakers came out of it"
        ))
    })?
}
