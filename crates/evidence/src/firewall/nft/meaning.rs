//! nft's expressions and statements -> the steps of a rule. What a statement implies (a look at
//! `tcp dport` that the packet is TCP, at `ip saddr` that it is IPv4) becomes a test of its own.

use super::tree::{Act, Op, Term};
use super::values::values;
use crate::firewall::iptables::destination;
use crate::firewall::names;
use crate::firewall::rules::{
    Among, Counters, Entries, Key, Kin, Mark, Step, Test, Translation, Value, Verdict,
};

/// A rule's statements as steps, and its counters.
pub(crate) fn steps(acts: &[Act], kin: Kin) -> (Vec<Step>, Option<Counters>) {
    let mut steps = Vec::new();
    let mut counters = None;
    for act in acts {
        if let Act::Counter(Some((packets, bytes))) = act {
            counters = Some(Counters { packets: *packets, bytes: *bytes });
        }
        step(act, kin, &mut steps);
    }
    (steps, counters)
}

fn step(act: &Act, kin: Kin, steps: &mut Vec<Step>) {
    if let (Act::Reject(Some(version)), Kin::Inet | Kin::Frames) = (act, kin) {
        let of = vec![Value::number((*version).into())];
        steps.push(Step::Test(Test::one(Key::Version, false, of)));
    }
    if let Some(verdict) = verdict(act) {
        steps.push(Step::Verdict(verdict));
        return;
    }
    match act {
        Act::Match { left, op, right } => {
            implied(left, kin, steps);
            steps.push(Step::Test(test(left, *op, right)));
        }
        Act::Lookup { key, map } => {
            implied(key, kin, steps);
            let keys = keys(key);
            let map = match map {
                Term::Named(name) => Entries::Map(name.clone()),
                Term::Set(elements) => Entries::These(
                    elements
                        .iter()
                        .filter_map(|e| {
                            let verdict = verdict(e.verdict.as_ref()?)?;
                            Some((values(&keys, &e.key, e.passing), verdict))
                        })
                        .collect(),
                ),
                _ => {
                    steps.push(Step::Strange("a map that is not understood".to_owned()));
                    return;
                }
            };
            steps.push(Step::VerdictMap { keys, map });
        }
        Act::SetField(field, to) => set_field(field, to, steps),
        Act::Notrack => steps.push(Step::Untrack),
        Act::Redirect => steps.push(Step::Translate(Translation::Here)),
        Act::Destination(to) => {
            let to = match to {
                Term::Word(word) => destination(word),
                _ => None,
            };
            steps.push(Step::Translate(Translation::Destination(to)));
        }
        Act::Source => steps.push(Step::Translate(Translation::Source)),
        Act::Log => steps.push(Step::Log),
        Act::Maybe(what) => steps.push(Step::Test(Test::Maybe(what.clone()))),
        Act::Strange(what) => steps.push(Step::Strange(what.clone())),
        _ => {}
    }
}

pub(super) fn verdict(act: &Act) -> Option<Verdict> {
    Some(match act {
        Act::Accept => Verdict::Accept,
        Act::Drop => Verdict::Drop,
        Act::Reject(_) => Verdict::Reject,
        Act::Continue => Verdict::Continue,
        Act::Return => Verdict::Return,
        Act::Jump(name) => Verdict::Jump(name.clone()),
        Act::Goto(name) => Verdict::Goto(name.clone()),
        Act::Queue => Verdict::Elsewhere("a program decides (queue)".to_owned()),
        _ => return None,
    })
}

/// What a look at a field requires of the packet.
fn implied(term: &Term, kin: Kin, steps: &mut Vec<Step>) {
    let mut need = |key, number| {
        let test = Step::Test(Test::one(key, false, vec![Value::number(number)]));
        if !steps.contains(&test) {
            steps.push(test);
        }
    };
    match term {
        Term::Field(header, field) => match header.as_str() {
            "tcp" => need(Key::Protocol, 6),
            "udp" => need(Key::Protocol, 17),
            "icmp" => need(Key::Protocol, 1),
            "icmpv6" | "icmp6" => need(Key::Protocol, 58),
            "igmp" => need(Key::Protocol, 2),
            "sctp" => need(Key::Protocol, 132),
            "dccp" => need(Key::Protocol, 33),
            "udplite" => need(Key::Protocol, 136),
            "esp" => need(Key::Protocol, 50),
            "ah" => need(Key::Protocol, 51),
            "comp" => need(Key::Protocol, 108),
            "gre" | "gretap" => need(Key::Protocol, 47),
            "ip" if kin != Kin::V4 => need(Key::Version, 4),
            "ip6" if kin != Kin::V6 => need(Key::Version, 6),
            "arp" => steps.push(Step::Test(Test::Never)),
            "socket" | "osf" if field.is_empty() => {}
            _ => {}
        },
        Term::Concat(all) => all.iter().for_each(|term| implied(term, kin, steps)),
        Term::Masked(inner, _) | Term::Mapped(inner, _) => implied(inner, kin, steps),
        _ => {}
    }
}

/// The keys of a field or of several joined.
fn keys(term: &Term) -> Vec<Key> {
    match term {
        Term::Concat(all) => all.iter().map(key).collect(),
        one => vec![key(one)],
    }
}

fn key(term: &Term) -> Key {
    let Term::Field(header, field) = term else {
        return Key::Strange("an expression that is not understood".to_owned());
    };
    match (header.as_str(), field.as_str()) {
        ("ip" | "ip6", "saddr") => Key::Source,
        ("ip" | "ip6", "daddr") => Key::Destination,
        ("ip", "protocol") | ("ip6", "nexthdr") | ("meta", "l4proto") => Key::Protocol,
        ("ip" | "ip6", "version") | ("meta", "nfproto") => Key::Version,
        // By their ethernet types.
        ("meta", "protocol") | ("ether", "type") => Key::Version,
        ("tcp" | "udp" | "th" | "sctp" | "dccp" | "udplite", "sport") => Key::SourcePort,
        ("tcp" | "udp" | "th" | "sctp" | "dccp" | "udplite", "dport") => Key::DestinationPort,
        ("meta", "iif" | "iifname") => Key::In,
        ("meta", "oif" | "oifname") => Key::Out,
        ("meta", "skuid") => Key::User,
        ("meta", "skgid") => Key::Group,
        ("meta", "mark") => Key::PacketMark,
        ("meta", "pkttype") => Key::PacketType,
        ("ct", "mark") => Key::ConnectionMark,
        ("ct", "state") => Key::State,
        ("ct", "direction") => Key::Direction,
        ("ct", "protocol") => Key::Protocol,
        ("ct", "l3proto") => Key::Version,
        ("ct", "original saddr") => Key::FirstSource,
        ("ct", "original daddr") => Key::FirstDestination,
        ("ct", "original proto-dst") => Key::FirstPort,
        ("fib", "saddr type") => Key::SourceKind,
        ("fib", "daddr type") => Key::DestinationKind,
        (header, field) => Key::Strange(format!("{header} {field}").trim().to_owned()),
    }
}

fn test(left: &Term, op: Op, right: &Term) -> Test {
    let not = matches!(op, Op::Not | Op::NotIn);
    if let Term::Masked(field, mask) = left {
        return masked(field, mask, op, right);
    }
    if let Term::Field(header, field) = left {
        match (header.as_str(), field.as_str()) {
            ("tcp", "flags") => return tcp_flags(op, right),
            // The reverse path check: what comes back the way it went out passes it.
            ("fib", path)
                if path.starts_with("saddr") && path.contains("iif") && !path.ends_with("type") =>
            {
                return match right {
                    Term::Word(word) if word == "missing" || word == "0" => {
                        if not {
                            Test::Always
                        } else {
                            Test::Never
                        }
                    }
                    Term::Word(word) if word == "exists" => {
                        if not {
                            Test::Never
                        } else {
                            Test::Always
                        }
                    }
                    _ => Test::Maybe("a look at the routes".to_owned()),
                };
            }
            _ => {}
        }
    }
    let keys = keys(left);
    if matches!(op, Op::Less | Op::More | Op::LessOrEqual | Op::MoreOrEqual) {
        return compared(&keys, op, right);
    }
    let among = match right {
        Term::Named(name) => Among::Set(name.clone()),
        Term::Set(elements) => {
            Among::These(elements.iter().map(|e| values(&keys, &e.key, e.passing)).collect())
        }
        // A packet has one state: `==` and `!=` compare it with all the bits together.
        Term::List(all) if all.len() > 1 && op == Op::Is && keys == [Key::State] => {
            return Test::Never;
        }
        Term::List(all) if all.len() > 1 && op == Op::Not && keys == [Key::State] => {
            return Test::Always;
        }
        Term::List(_) if matches!(op, Op::Is | Op::Not) && keys != [Key::State] => {
            return Test::Maybe("bits that are not understood".to_owned());
        }
        // Flags: one of them suffices; of `!` none may be there.
        Term::List(all) => Among::These(all.iter().map(|t| values(&keys, t, false)).collect()),
        one => Among::These(vec![values(&keys, one, false)]),
    };
    Test::Is { keys, not, among }
}

/// `tcp dport < 1024`
fn compared(keys: &[Key], op: Op, right: &Term) -> Test {
    let ([key], Term::Word(word)) = (keys, right) else {
        return Test::Maybe("a comparison that is not understood".to_owned());
    };
    let number = names::port(word).map(u64::from).or_else(|| names::number(word).map(u64::from));
    let (Some(n), true) = (number, is_number(key)) else {
        return Test::Maybe("a comparison that is not understood".to_owned());
    };
    let value = match op {
        Op::Less if n == 0 => return Test::Never,
        Op::Less => Value::Numbers(0, n - 1),
        Op::LessOrEqual => Value::Numbers(0, n),
        Op::More => Value::Numbers(n.saturating_add(1), u64::MAX),
        _ => Value::Numbers(n, u64::MAX),
    };
    Test::one(key.clone(), false, vec![value])
}

fn is_number(key: &Key) -> bool {
    matches!(
        key,
        Key::SourcePort
            | Key::DestinationPort
            | Key::FirstPort
            | Key::Protocol
            | Key::User
            | Key::Group
            | Key::PacketMark
            | Key::ConnectionMark
    )
}

/// `meta mark & 0xff == 0x10`, `tcp flags & (fin | syn) == syn`, `ct state & new != 0`.
fn masked(field: &Term, mask: &Term, op: Op, right: &Term) -> Test {
    let strange = || Test::Maybe("bits that are not understood".to_owned());
    if !matches!(op, Op::In | Op::Is | Op::Not) {
        return strange();
    }
    let not = op == Op::Not;
    let Term::Field(header, name) = field else { return strange() };
    let bits = |term: &Term| match term {
        Term::Word(word) => names::number(word),
        _ => None,
    };
    match (header.as_str(), name.as_str()) {
        ("meta" | "ct", "mark") => match (bits(mask), right) {
            (Some(mask), right) => {
                let mark = if header == "ct" { Mark::Connection } else { Mark::Packet };
                match bits(right) {
                    Some(value) => Test::Mark { mark, mask, low: value, high: value, not },
                    None => strange(),
                }
            }
            _ => strange(),
        },
        ("tcp", "flags") => match (flag_bits(mask), flag_bits(right)) {
            (Some(mask), Some(value)) => Test::TcpFlags { mask, value, any: false, not },
            _ => strange(),
        },
        ("ct", "state") if not && bits(right) == Some(0) => test(field, Op::In, mask),
        _ => strange(),
    }
}

fn tcp_flags(op: Op, right: &Term) -> Test {
    let not = op == Op::Not;
    match right {
        // `syn / fin,syn,rst,ack`: exactly these under the mask.
        Term::Masked(value, mask) => match (flag_bits(mask), flag_bits(value)) {
            (Some(mask), Some(value)) => Test::TcpFlags { mask, value, any: false, not },
            _ => Test::Maybe("tcp flags that are not known".to_owned()),
        },
        Term::Set(elements) => {
            // In a set each element is compared with all the flags.
            let all: Option<Vec<Test>> = elements
                .iter()
                .map(|e| {
                    let value = flag_bits(&e.key)?;
                    Some(Test::TcpFlags { mask: 0xff, value, any: false, not: false })
                })
                .collect();
            match all {
                Some(all) if !not => Test::Either(all),
                _ => Test::Maybe("tcp flags that are not known".to_owned()),
            }
        }
        term => match (flag_bits(term), op) {
            // `tcp flags syn` asks whether the flag is among those set.
            (Some(value), Op::In) => Test::TcpFlags { mask: value, value, any: true, not: false },
            (Some(value), Op::NotIn) => Test::TcpFlags { mask: value, value, any: true, not: true },
            (Some(value), Op::Is) => Test::TcpFlags { mask: 0xff, value, any: false, not: false },
            (Some(value), Op::Not) => Test::TcpFlags { mask: 0xff, value, any: false, not: true },
            _ => Test::Maybe("tcp flags that are not known".to_owned()),
        },
    }
}

fn flag_bits(term: &Term) -> Option<u8> {
    match term {
        Term::Word(word) => names::tcp_flags(word),
        Term::List(all) => all.iter().try_fold(0, |bits, term| Some(bits | flag_bits(term)?)),
        _ => None,
    }
}

fn set_field(field: &Term, to: &Term, steps: &mut Vec<Step>) {
    let Term::Field(header, name) = field else {
        steps.push(Step::Strange("a field that is set".to_owned()));
        return;
    };
    let mark = match (header.as_str(), name.as_str()) {
        ("meta", "mark") => Mark::Packet,
        ("ct", "mark") => Mark::Connection,
        // Addresses and ports rewritten without connection tracking.
        ("ip" | "ip6", "daddr" | "saddr") | ("tcp" | "th", "dport" | "sport") => {
            steps.push(Step::Strange(format!("{header} {name} is rewritten")));
            return;
        }
        ("ip", "ttl") | ("ip6", "hoplimit") => {
            steps.push(Step::Strange(format!("{header} {name} is rewritten")));
            return;
        }
        _ => return,
    };
    let other = |term: &Term| matches!(term, Term::Field(h, n) if n == "mark" && h != header);
    if other(to) {
        steps.push(Step::CopyMark { to: mark });
        return;
    }
    let change = match to {
        Term::Word(word) => names::number(word).map(|value| (u32::MAX, value)),
        _ => None,
    };
    steps.push(Step::SetMark { mark, change });
}
