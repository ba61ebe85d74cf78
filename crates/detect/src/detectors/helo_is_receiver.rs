//! The client gives the name that the server greeted with, or the server's address, as its own. Spared:
//! who DNS says bears that name, the receiver's neighbours (its own cluster or relay), addresses that
//! mean nothing outside a network. The domains that a sensor takes mail for are not asked: who said one
//! after the other would learn from the listing which of them are traps.

use crate::case::Case;
use crate::domain_name::is_public;
use crate::helo::{self, Name};
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use std::net::IpAddr;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-is-receiver",
    version: 1,
    class: 'B',
    family: "helo",
    innocent: "a test tool, or a relay of the receiver's own set up that way",
    scope: Scope::Transfer,
    eye: Eye::Case(see),
};

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    let helo = helo::of(session)?;
    let server = session.server.ip().to_canonical();
    if is_near(session.client.ip().to_canonical(), server) {
        return None;
    }
    let what = match &helo.name {
        Name::Literal(said) | Name::Bare(said) => {
            let addresses = case.receiver.map(|receiver| receiver.addresses.as_slice());
            let ours = addresses.unwrap_or_default().iter().any(|a| a.to_canonical() == *said);
            let told = !helo::is_inside_only(*said) && !helo::is_client(session, *said);
            (told && (ours || server == *said)).then_some("address")?
        }
        Name::Host(name) => {
            if !is_public(name) || case.says_its_own_name() == Some(true) {
                return None;
            }
            greeting_name(case).is_some_and(|greeted| greeted == *name).then_some("name")?
        }
        Name::BadLiteral | Name::Invalid => return None,
    };
    let quoted = Quote(helo.text.as_bytes());
    Finding::new(format!("it said {} {quoted}, the receiver's own {what}", helo.verb))
}

/// The name that the server greeted with.
fn greeting_name(case: &Case<'_>) -> Option<String> {
    let greeting = case.session.dialogue.greeting.as_ref().filter(|g| g.is_positive())?;
    let word = greeting.text.as_bytes().split(u8::is_ascii_whitespace).next()?;
    match Name::of(word) {
        Name::Host(name) => Some(name),
        _ => None,
    }
}

/// Whether two addresses stand in one network, as machines of one cluster do.
fn is_near(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            helo::is_inside_only(one) || u32::from(a) >> 8 == u32::from(b) >> 8
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            helo::is_inside_only(one) || u128::from(a) >> 80 == u128::from(b) >> 80
        }
        _ => false,
    }
}
