//! No reverse name, or only names such as providers hand out. Silent where the look-up failed or
//! was not made.

use crate::case::Case;
use crate::helo::is_inside_only;
use crate::quote::Quote;
use crate::{Answer, Detector, Eye, Finding, Scope};

pub(crate) const DETECTOR: Detector = Detector {
    id: "no-or-dynamic-ptr",
    version: 1,
    class: 'C',
    family: "reverse-name",
    innocent: "a mail server at home, or a provider that gives no reverse names",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let address = case.session.client.ip();
    if is_inside_only(address.to_canonical()) {
        return None;
    }
    if case.around.ptr == Answer::None {
        return Finding::new("its address has no reverse name".to_owned());
    }
    let name = case.around.dynamic_name(address)?;
    let name = Quote(name.as_bytes());
    Finding::new(format!("its reverse name {name} is such as providers hand out to customers"))
}
