//! What is known of a packet, and what a test says of it: yes, no, or that it cannot be told.

use super::compare::{address, interface, kind, mark, number, whose};
use super::names;
use super::nft::values::reread;
use super::rules::{Among, Key, Mark, Set, Test, Tool, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// An answer of three values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tri {
    No,
    Maybe,
    Yes,
}

impl Tri {
    pub(crate) fn not(self, not: bool) -> Self {
        match (self, not) {
            (Self::No, true) => Self::Yes,
            (Self::Yes, true) => Self::No,
            _ => self,
        }
    }

    pub(crate) fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Address {
    One(IpAddr),
    /// One of several.
    Some(Vec<IpAddr>),
    /// Some machine out there: a public address.
    Outside,
    /// One of this host's own, not loopback.
    Own,
    /// Of a machine behind this host.
    Behind,
    Unclear,
}

/// An interface that a packet came in by or goes out by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Interface {
    /// There is none: what a program of this host sends came in by nothing.
    None,
    /// Some interface, not the loopback.
    Some,
    Named(String),
}

/// Whose the socket is that sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whose {
    /// No socket of this host's.
    Nobody,
    /// By number, with the names that go with it.
    Id(u32, Vec<String>),
    /// By name alone.
    Name(String),
    /// Somebody whom no rule names, with a number in this range.
    Unnamed(u32, u32),
    Unclear,
}

/// A packet on its way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) v6: bool,
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) source_port: (u64, u64),
    pub(crate) destination_port: (u64, u64),
    pub(crate) input: Interface,
    pub(crate) output: Interface,
    pub(crate) user: Whose,
    pub(crate) group: Whose,
    /// In the direction of the connection's first packet.
    pub(crate) forth: bool,
    /// The connection's first.
    pub(crate) first: bool,
    /// Flags that are set, and flags of which it is not known.
    pub(crate) flags: (u8, u8),
    /// The source is this host.
    pub(crate) from_here: bool,
    pub(crate) to_here: bool,
    /// The port that is asked for.
    pub(crate) port: u16,
    /// Connection tracking has seen it: chains before (raw) see no connection yet.
    pub(crate) tracked: bool,
}

/// What changes while a packet walks.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pub(crate) mark: Value32,
    pub(crate) connection_mark: Value32,
    /// Taken out of connection tracking.
    pub(crate) untracked: Untracked,
    /// Its source was translated.
    pub(crate) translated: bool,
    /// What had to be supposed on the way: a test by its number, and what it was.
    pub(crate) supposed: Vec<(u32, bool)>,
}

/// A number that may not be known; 0 to begin with, as marks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value32 {
    Known(u32),
    Unknown,
}

impl Default for Value32 {
    fn default() -> Self {
        Self::Known(0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Untracked {
    #[default]
    No,
    Yes,
    /// In the other direction, or not for sure.
    Perhaps,
}

/// Where a test stands: the tool's semantics and the sets in reach.
pub(crate) struct Scope<'a> {
    pub(crate) tool: Tool,
    pub(crate) sets: &'a BTreeMap<String, Set>,
    pub(crate) ipsets: &'a BTreeMap<String, Set>,
}

impl Packet {
    pub(crate) fn test(&self, test: &Test, state: &State, scope: &Scope<'_>) -> Tri {
        match test {
            Test::Always => Tri::Yes,
            Test::Never => Tri::No,
            Test::Maybe(_) => Tri::Maybe,
            Test::Either(all) => {
                all.iter().map(|t| self.test(t, state, scope)).max().unwrap_or(Tri::No)
            }
            Test::Mark { mark, mask, low, high, not } => {
                if *mark == Mark::Connection && !self.tracked {
                    // Without a connection it fails, whichever way it is put.
                    return Tri::No;
                }
                let value = match mark {
                    Mark::Packet => state.mark,
                    Mark::Connection => state.connection_mark,
                };
                match value {
                    Value32::Known(value) => {
                        Tri::of((*low..=*high).contains(&(value & mask))).not(*not)
                    }
                    Value32::Unknown => Tri::Maybe,
                }
            }
            Test::TcpFlags { mask, value, any, not } => {
                let (set, unknown) = self.flags;
                let is = if *any {
                    if set & mask != 0 {
                        Tri::Yes
                    } else if unknown & mask != 0 {
                        Tri::Maybe
                    } else {
                        Tri::No
                    }
                } else if (set ^ value) & mask & !unknown != 0 || value & !mask != 0 {
                    Tri::No
                } else if unknown & mask != 0 {
                    Tri::Maybe
                } else {
                    Tri::Yes
                };
                is.not(*not)
            }
            Test::Ipset { name, sources, not } => match scope.ipsets.get(name) {
                Some(set) => self.ipset(set, sources, state).not(*not),
                None => Tri::Maybe,
            },
            Test::Is { keys, not, among } => self.is(keys, *not, among, state, scope),
        }
    }

    fn is(&self, keys: &[Key], not: bool, among: &Among, state: &State, scope: &Scope<'_>) -> Tri {
        // Without a socket there is no owner: nft's test then fails whichever way it is put,
        // iptables' holds where it is negated.
        let owner = |key: &Key| matches!(key, Key::User | Key::Group);
        if self.user == Whose::Nobody && keys.iter().any(owner) {
            return Tri::of(scope.tool == Tool::Iptables && not);
        }
        // So is what is asked of a connection before there is one.
        let connection = |key: &Key| {
            matches!(
                key,
                Key::ConnectionMark
                    | Key::Direction
                    | Key::FirstSource
                    | Key::FirstDestination
                    | Key::FirstPort
            )
        };
        if !self.tracked && keys.iter().any(connection) {
            return Tri::No;
        }
        // Of IPv6 iptables calls every address unicast that is not multicast, and wants all of
        // several kinds at once.
        let kinds = matches!(keys, [Key::SourceKind | Key::DestinationKind]);
        if let (true, true, Tool::Iptables, Among::These(all)) = (kinds, self.v6, scope.tool, among)
        {
            return match all.as_slice() {
                [one] if one.as_slice() == [Value::Word("unicast".to_owned())] => Tri::Yes.not(not),
                [one] => self.element(keys, one, state).not(not),
                _ => Tri::Maybe,
            };
        }
        let found = match among {
            Among::These(all) => {
                let mut best = Tri::No;
                for element in all {
                    best = best.max(self.element(keys, element, state));
                    if best == Tri::Yes {
                        break;
                    }
                }
                best
            }
            Among::Set(name) => match scope.sets.get(name) {
                Some(set) => self.in_set(keys, set, state),
                None => Tri::Maybe,
            },
        };
        found.not(not)
    }

    /// Whether a named set of nft holds the packet.
    pub(crate) fn in_set(&self, keys: &[Key], set: &Set, state: &State) -> Tri {
        if set.changes {
            return Tri::Maybe;
        }
        let mut best = Tri::No;
        for element in &set.elements {
            best = best.max(self.reread_element(keys, element, state));
            if best == Tri::Yes {
                break;
            }
        }
        best
    }

    /// One element of a named set, whose words are read as its keys need.
    pub(crate) fn reread_element(&self, keys: &[Key], element: &[Value], state: &State) -> Tri {
        let read: Vec<Value> = if element == [Value::Any] {
            keys.iter().map(|_| Value::Any).collect()
        } else {
            keys.iter().zip(element).map(|(key, value)| reread(key, value)).collect()
        };
        if read.len() != keys.len() {
            return Tri::Maybe;
        }
        self.element(keys, &read, state)
    }

    pub(crate) fn element(&self, keys: &[Key], element: &[Value], state: &State) -> Tri {
        if keys.len() != element.len() {
            return Tri::Maybe;
        }
        let pairs = keys.iter().zip(element);
        pairs.map(|(key, value)| self.value(key, value, state)).min().unwrap_or(Tri::Maybe)
    }

    fn value(&self, key: &Key, value: &Value, state: &State) -> Tri {
        match (key, value) {
            (_, Value::Any) => Tri::Yes,
            (_, Value::Unclear) | (Key::Strange(_), _) => Tri::Maybe,
            (Key::Version, value) => number(if self.v6 { 6 } else { 4 }, value),
            (Key::Protocol, value) => match value {
                // A name that is not known here is not TCP's.
                Value::Word(_) => Tri::No,
                value => number(6, value),
            },
            (Key::Source, value) => match state.translated {
                true => match address(&Address::Unclear, value, self.v6) {
                    Tri::No => Tri::No,
                    _ => Tri::Maybe,
                },
                false => address(&self.source, value, self.v6),
            },
            (Key::Destination, value) => address(&self.destination, value, self.v6),
            (Key::FirstSource, value) => {
                address(if self.forth { &self.source } else { &self.destination }, value, self.v6)
            }
            (Key::FirstDestination, value) => {
                address(if self.forth { &self.destination } else { &self.source }, value, self.v6)
            }
            (Key::SourcePort, value) => self.port(self.source_port, value),
            (Key::DestinationPort, value) => self.port(self.destination_port, value),
            (Key::FirstPort, value) => {
                self.port(if self.forth { self.destination_port } else { self.source_port }, value)
            }
            (Key::In, value) => interface(&self.input, value),
            (Key::Out, value) => interface(&self.output, value),
            (Key::User, value) => whose(&self.user, value),
            (Key::Group, value) => whose(&self.group, value),
            (Key::Socket, value) => number(u64::from(self.user != Whose::Nobody), value),
            (Key::State, Value::Word(word)) => self.state(word, state),
            (Key::Direction, Value::Word(word)) => match (word.as_str(), state.untracked) {
                (_, Untracked::Yes | Untracked::Perhaps) => Tri::Maybe,
                ("original", _) => Tri::of(self.forth),
                ("reply", _) => Tri::of(!self.forth),
                _ => Tri::Maybe,
            },
            (Key::PacketType, Value::Word(word)) => Tri::of(word == "unicast" || word == "host"),
            (Key::SourceKind, Value::Word(word)) => kind(word, self.from_here, self.is_outer(true)),
            (Key::DestinationKind, Value::Word(word)) => {
                kind(word, self.to_here, self.is_outer(false))
            }
            (Key::PacketMark, value) => mark(state.mark, value),
            (Key::ConnectionMark, value) => mark(state.connection_mark, value),
            _ => Tri::Maybe,
        }
    }

    /// Whether that end is known to be a plain machine somewhere.
    fn is_outer(&self, source: bool) -> bool {
        let end = if source { &self.source } else { &self.destination };
        !matches!(end, Address::Unclear)
    }

    fn port(&self, (low, high): (u64, u64), value: &Value) -> Tri {
        match value {
            Value::Numbers(from, to) => {
                if *from <= low && high <= *to {
                    Tri::Yes
                } else if *to < low || high < *from {
                    Tri::No
                } else {
                    Tri::Maybe
                }
            }
            // A service whose number is not known here is not one whose name is.
            Value::Word(_) if low == high && names::has_name(self.port) => Tri::No,
            _ => Tri::Maybe,
        }
    }

    fn state(&self, word: &str, state: &State) -> Tri {
        let real = if self.first { "new" } else { "established" };
        if !self.tracked && state.untracked != Untracked::Yes {
            return Tri::of(word == "invalid");
        }
        match state.untracked {
            Untracked::Yes => Tri::of(word == "untracked"),
            Untracked::Perhaps => match word {
                "dnat" => Tri::No,
                _ => Tri::Maybe,
            },
            Untracked::No => match word {
                "new" | "established" => Tri::of(word == real),
                "related" | "invalid" | "untracked" => Tri::No,
                // Connections whose destination was translated are followed no further.
                "dnat" => Tri::No,
                "snat" if self.first && !state.translated => Tri::No,
                _ => Tri::Maybe,
            },
        }
    }

    /// A set of iptables' -m set.
    fn ipset(&self, set: &Set, sources: &[bool], state: &State) -> Tri {
        let mut keys = Vec::new();
        let fields = set.kind.split_once(':').map_or("", |(_, f)| f);
        for (n, field) in fields.split(',').enumerate() {
            let source = sources.get(n).or(sources.last()).copied().unwrap_or(false);
            match (field, source) {
                ("ip" | "net", true) => keys.push(Key::Source),
                ("ip" | "net", false) => keys.push(Key::Destination),
                ("port", true) => keys.extend([Key::Protocol, Key::SourcePort]),
                ("port", false) => keys.extend([Key::Protocol, Key::DestinationPort]),
                ("iface", true) => keys.push(Key::In),
                ("iface", false) => keys.push(Key::Out),
                ("mark", _) => keys.push(Key::PacketMark),
                _ => return Tri::Maybe,
            }
        }
        let any = |all: &[Vec<Value>]| {
            all.iter().map(|e| self.element(&keys, e, state)).max().unwrap_or(Tri::No)
        };
        let found = any(&set.elements);
        match (found, any(&set.excepted)) {
            // Members come and go with their time; what is not there now may come back.
            _ if set.changes => Tri::Maybe,
            (Tri::No, _) => Tri::No,
            (found, Tri::No) => found,
            _ => Tri::Maybe,
        }
    }
}

impl Interface {
    /// As known, or some.
    pub(crate) fn of(name: Option<&String>) -> Self {
        name.map_or(Self::Some, |name| Self::Named(name.clone()))
    }
}
