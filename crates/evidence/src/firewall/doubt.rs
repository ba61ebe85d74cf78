//! Tests that cannot be answered: which of them stay as they are supposed once, and how one says
//! what is not known.

use super::packet::State;
use super::rules::{Among, Key, Test, Value};

pub(super) fn negated(test: &Test) -> bool {
    match test {
        Test::Is { not, .. } | Test::Ipset { not, .. } => *not,
        _ => false,
    }
}

/// A test without its negation, as text.
pub(super) fn plain(test: &Test) -> String {
    let mut test = test.clone();
    if let Test::Is { not, .. } | Test::Ipset { not, .. } = &mut test {
        *not = false;
    }
    format!("{test:?}")
}

/// Whether an answer that is supposed once holds on the rest of the way.
pub(super) fn lasting(test: &Test, state: &State) -> bool {
    match test {
        Test::Ipset { .. } => true,
        Test::Is { keys, among, .. } => {
            let clear = match among {
                Among::These(all) => !all.iter().flatten().any(|v| *v == Value::Unclear),
                Among::Set(_) => true,
            };
            clear
                && keys.iter().all(|key| match key {
                    Key::Source => !state.translated,
                    Key::Destination
                    | Key::In
                    | Key::Out
                    | Key::User
                    | Key::Group
                    | Key::Protocol
                    | Key::DestinationPort
                    | Key::Version => true,
                    _ => false,
                })
        }
        _ => false,
    }
}

/// The one interface a test asks for.
pub(super) fn interface_of(test: &Test) -> Option<(&Key, &str)> {
    let Test::Is { keys, among: Among::These(all), .. } = test else { return None };
    match (keys.as_slice(), all.as_slice()) {
        ([key @ (Key::In | Key::Out)], [element]) => match element.as_slice() {
            [Value::Word(word)] => Some((key, word)),
            _ => None,
        },
        _ => None,
    }
}

/// What is not known, for a sentence "it depends on …".
pub(super) fn doubt_in(test: &Test) -> String {
    match test {
        Test::Is { keys, among, .. } => {
            let unclear = matches!(among, Among::These(all)
                if all.iter().flatten().any(|v| *v == Value::Unclear));
            match keys.first() {
                Some(Key::In | Key::Out) if unclear => {
                    "`iptables -L` without `-v` does not show the interfaces".to_owned()
                }
                Some(key) => doubt_about(key),
                None => "a match that is not understood".to_owned(),
            }
        }
        Test::Ipset { name, .. } => format!("it depends on what the set {name} holds"),
        Test::Mark { .. } => "it depends on a mark".to_owned(),
        Test::Maybe(what) => format!("it depends on {what}"),
        Test::Either(all) => all.first().map(doubt_in).unwrap_or_default(),
        _ => "it depends on the packet".to_owned(),
    }
}

pub(super) fn doubt_about(key: &Key) -> String {
    let what = match key {
        Key::Source | Key::FirstSource => "the address it comes from",
        Key::Destination | Key::FirstDestination => "where it goes",
        Key::In => "the interface it comes in by",
        Key::Out => "the interface it goes out by",
        Key::User => "which number or name the user has",
        Key::Group => "the group of the program",
        Key::State | Key::Direction => "what connection tracking says",
        Key::PacketMark | Key::ConnectionMark => "a mark",
        Key::SourcePort => "the port it comes from",
        Key::Strange(what) => return format!("it depends on {what}"),
        _ => "a match that is not understood",
    };
    format!("it depends on {what}")
}
