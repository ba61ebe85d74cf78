//! Firewalls: dumps of rules -> [`RuleSet`]s, and the answer to "may this user, or a machine behind
//! this host, reach that port?", found by walking the rules in order.
//!
//! Unknown is never "allowed": a match that is not understood, or a table that was not handed
//! over, makes the answer [`Answer::Unknown`] unless what is known settles it.

mod ask;
mod compare;
mod doubt;
mod ends;
mod findings;
mod ipset;
mod iptables;
mod names;
mod nft;
mod packet;
mod read;
mod rules;
mod shown;
mod walk;

pub use read::read;
pub(crate) use read::recognise;
pub use rules::Counters;

use heloscope_model::{Place, SourceId};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rules of one dump: `iptables-save` or `iptables -L` (one family), `nft list ruleset` (all).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    place: Option<Place>,
    tables: Vec<rules::Table>,
    /// Contents of ipsets.
    ipsets: BTreeMap<String, rules::Set>,
    /// What was cut off or not understood.
    notes: Vec<String>,
    /// How much of each family it shows.
    v4: Extent,
    v6: Extent,
    /// It is the whole of what nft holds, be it nothing.
    shows_all: bool,
    /// Written by iptables-legacy (Some(true)) or iptables-nft, where its comment says so.
    legacy: Option<bool>,
    /// The tool warned that iptables-legacy has rules of its own.
    warns_of_legacy: bool,
}

/// How much of a family's rules a dump shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extent {
    #[default]
    Nothing,
    /// The tables that it prints; there may be others.
    Tables,
    /// A table that is not printed has no rules.
    All,
}

impl RuleSet {
    /// The families it holds rules of.
    pub fn families(&self) -> Vec<Family> {
        let both = [Family::V4, Family::V6];
        both.into_iter().filter(|f| self.extent(*f) != Extent::Nothing).collect()
    }

    /// Rules read.
    pub fn rules(&self) -> usize {
        self.tables.iter().flat_map(|t| &t.chains).map(|c| c.rules.len()).sum()
    }

    /// Records read: rules, policies, members of sets.
    pub fn records(&self) -> usize {
        let chains = self.tables.iter().flat_map(|t| &t.chains);
        let policies = chains.filter(|c| c.base.is_some()).count();
        let named = self.tables.iter().flat_map(|t| t.sets.values());
        let members: usize = named.chain(self.ipsets.values()).map(|s| s.elements.len()).sum();
        self.rules() + policies + members
    }

    /// The input it was read from.
    pub fn source(&self) -> SourceId {
        self.place.map_or(SourceId(0), |place| place.source)
    }

    /// What was cut off or not understood.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A rule as it stands in the dump, on one line, for a sentence; None where no rule begins.
    pub fn rule_text(&self, place: Place) -> Option<&str> {
        let chains = self.tables.iter().flat_map(|t| &t.chains);
        chains.flat_map(|c| &c.rules).find(|r| r.place == place).map(|r| r.text.as_str())
    }

    /// What stands at a place, for a sentence: "the rule `[3:180] -A OUTPUT …`",
    /// "the policy DROP of the chain OUTPUT".
    pub fn describe(&self, place: Place) -> Option<String> {
        if let Some(text) = self.rule_text(place) {
            return Some(format!("the rule `{text}`"));
        }
        let mut chains = self.tables.iter().flat_map(|t| &t.chains);
        let chain = chains.find(|c| c.place == place)?;
        let policy = match chain.base.as_ref().map(|b| &b.policy) {
            Some(rules::Verdict::Accept) => "the policy ACCEPT of ",
            Some(rules::Verdict::Drop) => "the policy DROP of ",
            _ => "",
        };
        Some(format!("{policy}the chain {}", chain.name))
    }

    /// What a rule took, where the dump says it.
    pub fn counters(&self, place: Place) -> Option<Counters> {
        let mut chains = self.tables.iter().flat_map(|t| &t.chains);
        chains.clone().flat_map(|c| &c.rules).find(|r| r.place == place).map_or_else(
            || chains.find(|c| c.place == place).and_then(|c| c.counters),
            |rule| rule.counters,
        )
    }

    fn extent(&self, family: Family) -> Extent {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    fn show(&mut self, family: Family, extent: Extent) {
        match family {
            Family::V4 => self.v4 = extent,
            Family::V6 => self.v6 = extent,
        }
    }
}

/// Which protocol family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Whose connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A program of this host that runs under a user: number, or name where only that is known.
    User(User),
    /// Any program of this host, whoever runs it.
    Anyone,
    /// A machine behind this host; by its address where one is meant.
    Forwarded(Option<IpAddr>),
}

/// A user as a rule or a question names him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By number.
    Id(u32),
    /// By name.
    Name(String),
}

/// What is asked: may `origin` open a new TCP connection to `port` somewhere outside?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose connection.
    pub origin: Origin,
    /// Over which protocol.
    pub family: Family,
    /// The destination's port.
    pub port: u16,
}

/// The answer, with the rule (or the chain's policy) that settles it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It goes out.
    Allowed(Vec<Place>),
    /// It is dropped or rejected.
    Denied(Vec<Place>),
    /// It cannot be said, and why.
    Unknown(String, Vec<Place>),
}

/// Something in the rules that its owner would want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `shadowed`, `owner-never-sees-forwarded`, `ipv6-open`, ….
    pub rule: &'static str,
    /// One sentence for a person.
    pub says: String,
    /// The rules.
    pub places: Vec<Place>,
}

/// What is known of a connection beside the question; nothing, by default.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Where it goes, an address of each family at most; otherwise "some public address".
    pub to: Vec<IpAddr>,
    /// This host's own addresses.
    pub own: Vec<IpAddr>,
    /// The interface to the outside.
    pub out: Option<String>,
    /// The interface to the machines behind this host.
    pub inside: Option<String>,
    /// The group of the program.
    pub group: Option<u32>,
    /// Users by name and number (`/etc/passwd`).
    pub users: Vec<(String, u32)>,
    /// Groups by name and number (`/etc/group`).
    pub groups: Vec<(String, u32)>,
}

/// Answers from all rule sets of one host together: a packet must pass every one of them.
///
/// What is not said is left open: the destination is some public address, so that a rule for
/// certain destinations may match (but not one for loopback or private networks); interfaces may
/// be any but `lo`; the source is one of this host's addresses. [`ask_knowing`] narrows that. The
/// connection must be able to live: its first packet, the reply and what follows are all walked.
/// For [`Origin::Anyone`] the answer is that of a user whom no rule names by himself.
pub fn ask(sets: &[RuleSet], question: &Question) -> Answer {
    ask::answer(sets, question, &Known::default())
}

/// As [`ask`], with more known of the connection.
pub fn ask_knowing(sets: &[RuleSet], question: &Question, known: &Known) -> Answer {
    ask::answer(sets, question, known)
}

/// What stands out, for a mail port.
pub fn findings(sets: &[RuleSet], port: u16) -> Vec<Finding> {
    findings::all(sets, port)
}

#[cfg(test)]
mod tests;
