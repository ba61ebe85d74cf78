//! nft's words -> values, as the key they are compared with reads them; members of sets.

use super::meaning::verdict;
use super::tree::{Element, Term};
use crate::firewall::names;
use crate::firewall::rules::{Key, Set, Value, Verdict};

/// One element's values, one for each key.
pub(super) fn values(keys: &[Key], term: &Term, passing: bool) -> Vec<Value> {
    let mut found: Vec<Value> = match term {
        Term::Concat(all) if all.len() == keys.len() => {
            keys.iter().zip(all).map(|(key, term)| value(key, term)).collect()
        }
        // `*` stands for whatever is not named.
        Term::Any => keys.iter().map(|_| Value::Any).collect(),
        one => match keys {
            [key] => vec![value(key, one)],
            _ => keys.iter().map(|_| Value::Unclear).collect(),
        },
    };
    if passing && let Some(last) = found.last_mut() {
        *last = Value::Unclear;
    }
    found
}

pub(super) fn value(key: &Key, term: &Term) -> Value {
    match term {
        Term::Word(word) => word_value(key, word),
        Term::Range(low, high) => match (value(key, low), value(key, high)) {
            (Value::Numbers(low, _), Value::Numbers(_, high)) => Value::Numbers(low, high),
            (Value::Net(low), Value::Net(high)) => Value::Span(low.network(), high.network()),
            _ => Value::Unclear,
        },
        Term::Prefix(word, length) => match &**word {
            Term::Word(word) => match names::address(&format!("{word}/{length}")) {
                found @ Value::Net(_) => found,
                // A prefix of a number or a name.
                _ => Value::Unclear,
            },
            _ => Value::Unclear,
        },
        Term::Any => Value::Any,
        _ => Value::Unclear,
    }
}

pub(super) fn word_value(key: &Key, word: &str) -> Value {
    match key {
        Key::Version => match word {
            "ipv4" | "ip" | "4" => Value::number(4),
            "ipv6" | "ip6" | "6" => Value::number(6),
            _ => Value::number(0),
        },
        Key::Protocol => names::protocol(word).unwrap_or(Value::number(0)),
        Key::Source | Key::Destination | Key::FirstSource | Key::FirstDestination => {
            names::address(word)
        }
        Key::SourcePort | Key::DestinationPort | Key::FirstPort => names::ports(word),
        Key::In | Key::Out => names::interface(word),
        Key::User | Key::Group => names::user(word),
        Key::PacketMark | Key::ConnectionMark => match word.split_once('-') {
            Some((low, high)) => match (names::number(low), names::number(high)) {
                (Some(low), Some(high)) => Value::Numbers(low.into(), high.into()),
                _ => Value::Unclear,
            },
            None => names::number(word).map_or(Value::Unclear, |n| Value::number(n.into())),
        },
        Key::PacketType => Value::Word(match word {
            "host" => "unicast".to_owned(),
            other => other.to_owned(),
        }),
        Key::State | Key::Direction | Key::SourceKind | Key::DestinationKind => {
            Value::Word(word.to_owned())
        }
        Key::Socket | Key::Strange(_) => Value::Unclear,
    }
}

/// A named set or map: for which keys it is used is told by the rules, so its words are kept in
/// the forms any key would read.
pub(crate) fn set(elements: &[Element], changes: bool) -> Set {
    let mut set = Set { changes, ..Set::default() };
    for element in elements {
        let parts = match &element.key {
            Term::Concat(all) => all.iter().map(guess).collect(),
            one => vec![guess(one)],
        };
        let mut parts: Vec<Value> = parts;
        if element.passing
            && let Some(last) = parts.last_mut()
        {
            *last = Value::Unclear;
        }
        set.elements.push(parts);
        let verdict = element.verdict.as_ref().and_then(verdict);
        set.verdicts.push(verdict.unwrap_or(Verdict::Continue));
    }
    set
}

/// A word of a set by its looks; a walk reads [`Value::Word`] again by its key.
fn guess(term: &Term) -> Value {
    match term {
        Term::Word(word) => match names::address(word) {
            Value::Unclear | Value::Any => Value::Word(word.clone()),
            found => found,
        },
        Term::Range(low, high) => match (guess(low), guess(high)) {
            (Value::Net(low), Value::Net(high)) => Value::Span(low.network(), high.network()),
            (Value::Word(low), Value::Word(high)) => Value::Word(format!("{low}-{high}")),
            _ => Value::Unclear,
        },
        Term::Prefix(word, length) => match &**word {
            Term::Word(word) => names::address(&format!("{word}/{length}")),
            _ => Value::Unclear,
        },
        Term::Any => Value::Any,
        _ => Value::Unclear,
    }
}

/// A word of a named set as the key it is looked up by reads it.
pub(crate) fn reread(key: &Key, value: &Value) -> Value {
    match value {
        Value::Word(word) => word_value(key, word),
        other => other.clone(),
    }
}
