//! A TCP stack of no operating system, at an address from which a system's own stack spoke too: bots
//! bring a stack of their own. Several machines behind one address (NAT), or a firewall that was put
//! before one, look alike, so B only where both said one name, which is no default and not the
//! client's own as far as DNS knows; else C.

use crate::case::Case;
use crate::helo::Name;
use crate::stack::{self, Family};
use crate::{Covers, Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "two-stacks",
    version: 1,
    class: 'B',
    family: "stack",
    innocent: "several machines behind one address, or a firewall that makes connections anew",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    if stack::family(session.syn.as_ref()?) != Family::Custom {
        return None;
    }
    // A mail server behind a load balancer.
    let own_name = case.says_its_own_name();
    if own_name == Some(true) {
        return None;
    }
    let native = |family| matches!(family, Some(Family::Linux | Family::Windows | Family::Bsd));
    let mut natives = case.around.history.voices.iter().filter(|voice| native(voice.family));
    let who = Covers::with(session, case.dialect());
    let same = natives.clone().any(|voice| voice.who.helo == who.helo) && is_particular(&who.helo);
    natives.next()?;
    let owner = "it has a TCP stack of no operating system, and one of an operating system";
    if same && own_name == Some(false) {
        return Finding::new(format!("{owner} under the same name"));
    }
    Finding::classed(Some('C'), format!("{owner}: several machines share it, or one has two"))
}

/// Whether a name is one machine's: not an address, not what every host or phone is called by default.
fn is_particular(helo: &str) -> bool {
    match Name::of(helo.as_bytes()) {
        Name::Host(name) => name.contains('.') && !name.starts_with("localhost"),
        _ => false,
    }
}
