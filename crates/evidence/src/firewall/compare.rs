//! What is known of one field of a packet, held against one value of a rule.

use super::packet::{Address, Interface, Tri, Value32, Whose};
use super::rules::Value;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::LazyLock;

pub(super) fn number(is: u64, value: &Value) -> Tri {
    match value {
        Value::Numbers(low, high) => Tri::of((*low..=*high).contains(&is)),
        _ => Tri::Maybe,
    }
}

pub(super) fn mark(is: Value32, value: &Value) -> Tri {
    match is {
        Value32::Known(is) => number(is.into(), value),
        Value32::Unknown => Tri::Maybe,
    }
}

pub(super) fn interface(is: &Interface, value: &Value) -> Tri {
    match (is, value) {
        (Interface::None, Value::Word(_) | Value::Begins(_)) => Tri::No,
        (Interface::Named(name), Value::Word(word)) => Tri::of(name == word),
        (Interface::Named(name), Value::Begins(begin)) => Tri::of(name.starts_with(begin.as_str())),
        (Interface::Some, Value::Word(word)) if word == "lo" => Tri::No,
        (Interface::Some, Value::Begins(begin)) if begin.is_empty() => Tri::Yes,
        _ => Tri::Maybe,
    }
}

pub(super) fn whose(is: &Whose, value: &Value) -> Tri {
    match (is, value) {
        (Whose::Nobody, _) => Tri::No,
        (Whose::Id(id, _), Value::Numbers(low, high)) => {
            Tri::of((*low..=*high).contains(&u64::from(*id)))
        }
        (Whose::Id(0, _), Value::Word(word)) if word == "root" => Tri::Yes,
        (Whose::Id(0, _), Value::Word(_)) => Tri::No,
        (Whose::Id(_, _), Value::Word(word)) if word == "root" => Tri::No,
        (Whose::Id(_, names), Value::Word(word)) => {
            if names.is_empty() {
                Tri::Maybe
            } else {
                Tri::of(names.contains(word))
            }
        }
        (Whose::Name(name), Value::Word(word)) => Tri::of(name == word),
        (Whose::Name(name), Value::Numbers(low, high)) if name == "root" => {
            Tri::of(*low == 0 || *high == 0)
        }
        (Whose::Name(_), Value::Numbers(0, 0)) => Tri::No,
        (Whose::Unnamed(low, high), Value::Numbers(from, to)) => {
            let (low, high) = (u64::from(*low), u64::from(*high));
            if *from <= low && high <= *to {
                Tri::Yes
            } else if *to < low || high < *from {
                Tri::No
            } else {
                Tri::Maybe
            }
        }
        (Whose::Unnamed(..), Value::Word(_)) => Tri::No,
        _ => Tri::Maybe,
    }
}

/// What kind of address one end is, of a machine here or elsewhere.
pub(super) fn kind(word: &str, here: bool, known: bool) -> Tri {
    match word {
        "local" => Tri::of(here),
        "unicast" if known => Tri::of(!here),
        "broadcast" | "multicast" | "anycast" | "unspec" => Tri::No,
        _ => Tri::Maybe,
    }
}

pub(super) fn address(is: &Address, value: &Value, v6: bool) -> Tri {
    let holds = |ip: &IpAddr| match value {
        Value::Net(net) => Some(net.contains(ip)),
        Value::Span(low, high) => Some(low <= ip && ip <= high && ip.is_ipv4() == low.is_ipv4()),
        _ => None,
    };
    let (low, high, length) = match value {
        Value::Net(net) => (net.network(), net.broadcast(), Some(net.prefix_len())),
        Value::Span(low, high) => (*low, *high, None),
        _ => return Tri::Maybe,
    };
    if low.is_ipv4() == v6 {
        // Of the other family; an address of no family's own ("::/0" in a table of both).
        return Tri::No;
    }
    if length == Some(0) {
        return Tri::Yes;
    }
    match is {
        Address::One(ip) => holds(ip).map_or(Tri::Maybe, Tri::of),
        Address::Some(all) => {
            let yes = all.iter().filter(|ip| holds(ip) == Some(true)).count();
            match yes {
                0 => Tri::No,
                n if n == all.len() => Tri::Yes,
                _ => Tri::Maybe,
            }
        }
        Address::Outside if within(&low, &high, &NOT_OUTSIDE) => Tri::No,
        // No host sends from these.
        Address::Own | Address::Behind if within(&low, &high, &NOT_A_HOST) => Tri::No,
        _ => Tri::Maybe,
    }
}

/// Whether a span lies wholly in one of some networks.
pub(super) fn within(low: &IpAddr, high: &IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|net| net.contains(low) && net.contains(high))
}

pub(super) fn networks(words: &[&str]) -> Vec<IpNet> {
    words.iter().filter_map(|w| w.parse().ok()).collect()
}

/// Networks that no public mail server is in.
static NOT_OUTSIDE: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    networks(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "::ffff:0.0.0.0/96",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ])
});

/// Addresses that no packet from one machine to another is from.
static NOT_A_HOST: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    networks(&[
        "0.0.0.0/8",
        "127.0.0.0/8",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "::ffff:0.0.0.0/96",
        "ff00::/8",
    ])
});
