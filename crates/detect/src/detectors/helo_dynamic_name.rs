//! A name with the client's own address in it, as providers give to the machines of customers. Names
//! that say that they were chosen for a server are spared.

use crate::case::Case;
use crate::helo::is_inside_only;
use crate::quote::Quote;
use crate::reverse_name::{holds_address, is_chosen};
use crate::{Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-dynamic-name",
    version: 1,
    class: 'C',
    family: "helo",
    innocent: "a mail server at home that uses the name its provider gave",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let address = case.session.client.ip();
    let name = case.helo_host()?;
    let given = name.contains('.') && holds_address(&name, address) && !is_chosen(&name);
    if !given || is_inside_only(address.to_canonical()) {
        return None;
    }
    let (verb, said) = case.session.helo()?;
    let said = Quote(said.as_bytes());
    Finding::new(format!("it said {verb} {said}, a name that a provider made of its address"))
}
