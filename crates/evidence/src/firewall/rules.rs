//! What a dump's rules are once they are read, whichever tool wrote them: tables, their chains in
//! the kernel's hooks, rules as steps in order. The readers make these, the walk follows them.

use heloscope_model::Place;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A table of one tool and one family.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) kin: Kin,
    pub(crate) tool: Tool,
    pub(crate) place: Place,
    pub(crate) chains: Vec<Chain>,
    /// Chains by name.
    pub(crate) index: BTreeMap<String, usize>,
    /// nft's named sets and maps.
    pub(crate) sets: BTreeMap<String, Set>,
    /// The dump ends inside it: rules may be missing behind the last of each chain.
    pub(crate) cut: bool,
}

/// Which packets pass a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    V4,
    V6,
    /// Both.
    Inet,
    /// Frames (nft's bridge and netdev): it depends on the interfaces whether a packet passes.
    Frames,
}

/// Whose semantics hold where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Iptables,
    Nft,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Where the kernel enters it by itself.
    pub(crate) base: Option<Base>,
    pub(crate) rules: Vec<Rule>,
    /// What met the policy.
    pub(crate) counters: Option<Counters>,
}

/// A chain's hook, as `type filter hook output priority 0; policy drop`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Base {
    pub(crate) hook: Hook,
    pub(crate) priority: i32,
    /// A chain of type nat sees the first packet of a connection only.
    pub(crate) nat: bool,
    pub(crate) policy: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    /// netdev, before everything.
    Ingress,
    /// netdev, after everything.
    Egress,
}

/// Packets and bytes that a rule took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) place: Place,
    /// As it stands in the dump, cut.
    pub(crate) text: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) counters: Option<Counters>,
}

/// One thing a rule does, in order. A test that fails ends the rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Test(Test),
    Verdict(Verdict),
    /// A verdict by look-up; a key without entry ends the rule.
    VerdictMap {
        keys: Vec<Key>,
        map: Entries,
    },
    /// `meta mark set` and iptables' MARK: the bits of `mask` are cleared, `value` is xored in.
    /// None: to something that is not known.
    SetMark {
        mark: Mark,
        change: Option<(u32, u32)>,
    },
    /// The packet's mark from the connection's, or the other way round.
    CopyMark {
        to: Mark,
    },
    Untrack,
    Translate(Translation),
    Log,
    /// Not understood: it may be a test, a verdict, or nothing that matters.
    Strange(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Packet,
    Connection,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    Reject,
    Return,
    Continue,
    Jump(String),
    Goto(String),
    /// A program decides (queue), or what is written is not known.
    Elsewhere(String),
}

/// Address translation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Translation {
    /// To this host (`REDIRECT`, `tproxy`).
    Here,
    /// To another destination: its address, if it is one and known.
    Destination(Option<IpAddr>),
    /// Of the source: nothing that stops a packet.
    Source,
}

/// A question about a packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// The packet's `keys` are (not) among some values.
    Is {
        keys: Vec<Key>,
        not: bool,
        among: Among,
    },
    /// A mark's bits under a mask lie within a range.
    Mark {
        mark: Mark,
        mask: u32,
        low: u32,
        high: u32,
        not: bool,
    },
    /// `flags & mask` equals a value, or (`any`) is not zero.
    TcpFlags {
        mask: u8,
        value: u8,
        any: bool,
        not: bool,
    },
    /// An ipset holds the packet: for each of its fields whether the source's is taken.
    Ipset {
        name: String,
        sources: Vec<bool>,
        not: bool,
    },
    /// One of several holds.
    Either(Vec<Test>),
    /// It cannot be told from a dump, and what it is.
    Maybe(String),
    Never,
    Always,
}

/// What of a packet is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// 4 or 6.
    Version,
    Protocol,
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    In,
    Out,
    User,
    Group,
    /// Whether a socket of this host sent it.
    Socket,
    State,
    /// `original` or `reply`.
    Direction,
    /// The connection's first packet's fields, whichever way this packet goes.
    FirstSource,
    FirstDestination,
    FirstPort,
    PacketType,
    /// Whose the address is: `local`, `unicast`, `broadcast`, ….
    SourceKind,
    DestinationKind,
    PacketMark,
    ConnectionMark,
    Strange(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Among {
    These(Vec<Vec<Value>>),
    /// A named set of the table.
    Set(String),
}

/// Where the verdicts of a map stand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entries {
    These(Vec<(Vec<Value>, Verdict)>),
    Map(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Any,
    Net(IpNet),
    Span(IpAddr, IpAddr),
    /// Both ends included.
    Numbers(u64, u64),
    /// An interface, user, state, ….
    Word(String),
    /// Interfaces that begin so.
    Begins(String),
    /// Not understood, or there only for a time.
    Unclear,
}

/// A named set or map of nft, or an ipset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Set {
    pub(crate) elements: Vec<Vec<Value>>,
    /// Elements that are in no case in it (ipset's `nomatch`).
    pub(crate) excepted: Vec<Vec<Value>>,
    /// Of a verdict map, for each element.
    pub(crate) verdicts: Vec<Verdict>,
    /// ipset's type ("hash:ip,port"); empty of nft.
    pub(crate) kind: String,
    /// Filled while packets come: what the dump shows may be different by now.
    pub(crate) changes: bool,
}

impl Table {
    pub(crate) fn new(name: &str, kin: Kin, tool: Tool, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            kin,
            tool,
            place,
            chains: Vec::new(),
            index: BTreeMap::new(),
            sets: BTreeMap::new(),
            cut: false,
        }
    }

    /// The place in `chains` of a name, made where it is new.
    pub(crate) fn chain(&mut self, name: &str, place: Place) -> usize {
        let next = self.chains.len();
        let at = *self.index.entry(name.to_owned()).or_insert(next);
        if at == next {
            let name = name.to_owned();
            let (base, rules, counters) = (None, Vec::new(), None);
            self.chains.push(Chain { name, place, base, rules, counters });
        }
        at
    }

    /// Puts a rule at the end of a chain.
    pub(crate) fn append(&mut self, name: &str, rule: Rule) {
        let at = self.chain(name, rule.place);
        if let Some(chain) = self.chains.get_mut(at) {
            chain.rules.push(rule);
        }
    }

    /// The chain of a name.
    pub(crate) fn get(&self, name: &str) -> Option<(usize, &Chain)> {
        let at = *self.index.get(name)?;
        Some((at, self.chains.get(at)?))
    }
}

impl Test {
    /// A key is (not) one of these values.
    pub(crate) fn one(key: Key, not: bool, values: Vec<Value>) -> Self {
        let these = values.into_iter().map(|v| vec![v]).collect();
        Self::Is { keys: vec![key], not, among: Among::These(these) }
    }
}

impl Value {
    pub(crate) fn number(n: u64) -> Self {
        Self::Numbers(n, n)
    }
}

/// The text of a rule as kept: without what would make a sentence unreadable.
pub(crate) fn text_of(line: &[u8]) -> String {
    let cut = line.get(..line.len().min(300)).unwrap_or_default();
    let text = heloscope_model::octets::lossy_text(cut.trim_ascii()).0.into_owned();
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
