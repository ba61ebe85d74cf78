//! What ipsets hold: `ipset save` ("create trusted hash:ip …", "add trusted 192.0.2.1") and
//! `ipset list` ("Name: trusted", "Members:"). Rules of iptables name them.

use super::names;
use super::rules::{Set, Value};
use crate::lines;
use std::collections::BTreeMap;

/// Members kept of all sets together.
const MOST: usize = 1_000_000;

/// Whether a line begins such a text.
pub(crate) fn begins(line: &[u8]) -> bool {
    saved(line) || line.starts_with(b"Name: ")
}

/// `create NAME TYPE …`
fn saved(line: &[u8]) -> bool {
    let mut words = line.split(|b| *b == b' ').filter(|w| !w.is_empty());
    words.next() == Some(b"create") && words.nth(1).is_some_and(is_kind)
}

fn is_kind(word: &[u8]) -> bool {
    [&b"hash:"[..], b"bitmap:", b"list:"].iter().any(|p| word.starts_with(p))
}

/// Reads all sets of a text.
pub(crate) fn read(text: &[u8]) -> BTreeMap<String, Set> {
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    let mut open: Option<String> = None;
    let mut members = false;
    let mut kept = 0;
    for (_, line) in lines::of(text) {
        let line = String::from_utf8_lossy(line).into_owned();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["create", name, kind, options @ ..] if is_kind(kind.as_bytes()) => {
                let set = Set {
                    kind: (*kind).to_owned(),
                    // With a timeout members go by themselves.
                    changes: options.contains(&"timeout"),
                    ..Set::default()
                };
                sets.insert((*name).to_owned(), set);
            }
            ["add", name, member, options @ ..] => {
                if let Some(set) = sets.get_mut(*name) {
                    kept += 1;
                    if kept > MOST {
                        set.changes = true;
                    } else {
                        add(set, member, options);
                    }
                }
            }
            ["Name:", name] => {
                open = Some((*name).to_owned());
                members = false;
                sets.insert((*name).to_owned(), Set::default());
            }
            ["Type:", kind] => {
                if let Some(set) = open.as_ref().and_then(|n| sets.get_mut(n)) {
                    set.kind = (*kind).to_owned();
                }
            }
            ["Header:", options @ ..] => {
                if let Some(set) = open.as_ref().and_then(|n| sets.get_mut(n)) {
                    set.changes = options.contains(&"timeout");
                }
            }
            ["Members:"] => members = true,
            [] => members = false,
            [member, options @ ..] if members => {
                if let Some(set) = open.as_ref().and_then(|n| sets.get_mut(n)) {
                    kept += 1;
                    if kept > MOST {
                        set.changes = true;
                    } else {
                        add(set, member, options);
                    }
                }
            }
            _ => {}
        }
    }
    sets
}

/// One member: "192.0.2.1", "10.0.0.0/8,tcp:25", "25-30".
fn add(set: &mut Set, member: &str, options: &[&str]) {
    let fields: Vec<&str> = set.kind.split_once(':').map_or("", |(_, f)| f).split(',').collect();
    let mut parts = member.split(',');
    let mut element = Vec::new();
    for field in &fields {
        let part = parts.next().unwrap_or_default();
        match *field {
            "ip" | "net" => element.push(names::address(part)),
            "port" => {
                let (protocol, port) = match part.split_once(':') {
                    Some((protocol, port)) => {
                        (names::protocol(protocol).unwrap_or(Value::Any), port)
                    }
                    None => (Value::Any, part),
                };
                element.push(protocol);
                element.push(names::ports(port));
            }
            "iface" => element.push(if part.starts_with("physdev:") {
                Value::Unclear
            } else {
                names::interface(part)
            }),
            "mark" => {
                element
                    .push(names::number(part).map_or(Value::Unclear, |n| Value::number(n.into())));
            }
            "set" => element.push(Value::Word(part.to_owned())),
            _ => element.push(Value::Unclear),
        }
    }
    if options.contains(&"nomatch") {
        set.excepted.push(element);
    } else {
        if options.contains(&"timeout") && !options.windows(2).any(|w| w == ["timeout", "0"]) {
            set.changes = true;
        }
        set.elements.push(element);
    }
}
