//! A random label below the domain of the client's reverse name, and no such name exists. Only where
//! the look-up said so: not where it failed or was not made. C where the reverse name was chosen for a
//! server and holds: then an office may name its machines so inside (split DNS).

use crate::case::Case;
use crate::domain_name::{is_below, registered};
use crate::quote::Quote;
use crate::random_label::is_random;
use crate::reverse_name::is_chosen;
use crate::{Answer, Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-random-in-ptr-domain",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a name that only inner name servers know",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    if case.around.helo_addresses != Answer::None {
        return None;
    }
    let name = case.helo_host()?;
    let (label, domain) = name.split_once('.')?;
    let reverse = case.around.reverse_names();
    let under = |reverse: &&String| {
        // Below the same domain, which somebody registered: not below a country's.
        **reverse != name
            && registered(reverse).is_some_and(|registered| is_below(domain, registered))
    };
    let reverse = reverse.iter().find(under).filter(|_| is_random(label))?;
    let chosen = case.around.confirmed_names().iter().any(|name| is_chosen(name));
    let (verb, said) = case.session.helo()?;
    let (said, reverse) = (Quote(said.as_bytes()), Quote(reverse.as_bytes()));
    Finding::classed(
        chosen.then_some('C'),
        format!(
            "it said {verb} {said}, which does not exist, in the domain of its reverse name {reverse}"
        ),
    )
}
