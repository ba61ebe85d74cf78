//! A question -> an answer: the packets that a connection needs (its first, the reply, what comes
//! after) are walked through the hooks they pass, once for each kind of user that the rules tell
//! apart, and what they may come to is weighed.

use super::ends::joined;
use super::packet::{Address, Interface, Packet, State, Untracked, Value32, Whose};
use super::rules::{Among, Entries, Hook, Key, Set, Step, Table, Test, Value};
use super::walk::{Entry, Passed, Walk};
use super::{Answer, Family, Known, Origin, Question, RuleSet, User, shown};
use heloscope_model::Place;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Kinds of users that are tried.
const CELLS: usize = 64;

/// The rules of all sets that one family's packets pass.
pub(super) struct Firewall<'a> {
    hooks: BTreeMap<Hook, Vec<Entry<'a>>>,
    ipsets: BTreeMap<String, Set>,
    pub(super) tables: Vec<&'a Table>,
    /// What was not handed over, and so may drop.
    hidden: Vec<String>,
    /// Where to point at when there is nothing to point at.
    place: Option<Place>,
}

/// What becomes of one connection.
enum Fate {
    Passes(Vec<Place>),
    Stopped(Vec<Place>),
    Open(String, Vec<Place>),
}

pub(super) fn answer(sets: &[RuleSet], question: &Question, known: &Known) -> Answer {
    if sets.iter().all(|s| s.tables.is_empty() && !s.shows_all) {
        return Answer::Unknown("no firewall was handed over".to_owned(), Vec::new());
    }
    let firewall = match Firewall::of(sets, question.family) {
        Ok(firewall) => firewall,
        Err(why) => return Answer::Unknown(why, Vec::new()),
    };
    match &question.origin {
        Origin::User(user) => {
            let user = match user {
                User::Id(id) => {
                    let names = known.users.iter().filter(|(_, n)| n == id);
                    Whose::Id(*id, names.map(|(name, _)| name.clone()).collect())
                }
                User::Name(name) => match known.users.iter().find(|(n, _)| n == name) {
                    Some((_, id)) => Whose::Id(*id, vec![name.clone()]),
                    None => Whose::Name(name.clone()),
                },
            };
            let group = known.group.map_or(Whose::Unclear, |id| {
                let names = known.groups.iter().filter(|(_, n)| *n == id);
                Whose::Id(id, names.map(|(name, _)| name.clone()).collect())
            });
            firewall.fate(question, known, user, group).into()
        }
        Origin::Anyone => firewall.anyone(question, known),
        Origin::Forwarded(from) => {
            let v6 = question.family == Family::V6;
            if let Some(ip) = from
                && ip.is_ipv6() != v6
            {
                let why = format!("{ip} is no address of that family");
                return Answer::Unknown(why, Vec::new());
            }
            firewall.fate(question, known, Whose::Nobody, Whose::Nobody).into()
        }
    }
}

impl From<Fate> for Answer {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Passes(places) => Self::Allowed(places),
            Fate::Stopped(places) => Self::Denied(places),
            Fate::Open(why, places) => Self::Unknown(why, places),
        }
    }
}

impl<'a> Firewall<'a> {
    /// The rules of a family; why nothing can be said, where nothing was handed over.
    pub(super) fn of(sets: &'a [RuleSet], family: Family) -> Result<Self, String> {
        let hidden = shown::hidden(sets, family)?;
        let tables = shown::tables(sets, family);
        let mut hooks: BTreeMap<Hook, Vec<Entry<'a>>> = BTreeMap::new();
        for (number, table) in tables.iter().enumerate() {
            for (at, chain) in table.chains.iter().enumerate() {
                if let Some(base) = &chain.base {
                    let entry = Entry { number, table, at, chain, base };
                    hooks.entry(base.hook).or_default().push(entry);
                }
            }
        }
        for entries in hooks.values_mut() {
            entries.sort_by_key(|e| e.base.priority);
        }
        let mut ipsets = BTreeMap::new();
        for set in sets {
            ipsets.extend(set.ipsets.iter().map(|(name, set)| (name.clone(), set.clone())));
        }
        let place = sets.iter().find_map(|s| s.place);
        Ok(Self { hooks, ipsets, tables, hidden, place })
    }

    /// Through some hooks, one after the other, each with the packet as it is there.
    fn way(
        &self,
        packets: Vec<(Hook, Packet)>,
        states: Vec<State>,
    ) -> (Passed, Vec<(String, Place)>) {
        let mut passed = Passed { states, ..Passed::default() };
        let mut reasons = Vec::new();
        for (hook, packet) in packets {
            let entries = self.hooks.get(&hook).map(Vec::as_slice).unwrap_or_default();
            let mut walk = Walk::new(packet, &self.ipsets);
            let mut next = walk.hook(entries, std::mem::take(&mut passed.states));
            passed.states = std::mem::take(&mut next.states);
            passed.stop.append(&mut next.stop);
            if matches!(hook, Hook::Output | Hook::Forward) {
                passed.by.append(&mut next.by);
            }
            reasons.append(&mut walk.reasons);
        }
        (passed, reasons)
    }

    /// What becomes of a connection.
    fn fate(&self, question: &Question, known: &Known, user: Whose, group: Whose) -> Fate {
        let mut states = vec![State::default()];
        let mut by = Vec::new();
        let mut stops: Vec<Place> = Vec::new();
        let mut reasons: Vec<(String, Place)> = Vec::new();
        for number in 0..4 {
            let way = packets(question, known, &user, &group, number);
            let (passed, why) = self.way(way, states);
            reasons.extend(why);
            if passed.states.is_empty() {
                // Stopped whatever is not known.
                return Fate::Stopped(tidy(passed.stop));
            }
            stops.extend(passed.stop);
            if number == 0 {
                by = passed.by;
            }
            states = vec![after(&passed.states)];
        }
        if stops.is_empty() && self.hidden.is_empty() {
            return Fate::Passes(self.said_by(by));
        }
        let why = if stops.is_empty() {
            let first = "what was handed over lets it pass, but ";
            format!("{first}{}", self.hidden.join("; "))
        } else {
            let mut seen: Vec<&str> = Vec::new();
            for (why, _) in &reasons {
                if !seen.contains(&why.as_str()) && seen.len() < 3 {
                    seen.push(why);
                }
            }
            seen.join("; ")
        };
        let mut places: Vec<Place> = reasons.iter().map(|(_, place)| *place).collect();
        places.truncate(4);
        places.extend(stops.iter().take(4));
        if stops.is_empty() {
            places = self.said_by(by);
        }
        Fate::Open(why, tidy(places))
    }

    /// The rules that let it pass; policies where no rule does.
    fn said_by(&self, by: Vec<(Place, bool)>) -> Vec<Place> {
        let rules: Vec<Place> = by.iter().filter(|(_, rule)| *rule).map(|(p, _)| *p).collect();
        let mut places =
            if rules.is_empty() { by.into_iter().map(|(p, _)| p).collect() } else { rules };
        if places.is_empty() {
            places.extend(self.place);
        }
        tidy(places)
    }

    /// Anybody whom no rule names by himself.
    fn anyone(&self, question: &Question, known: &Known) -> Answer {
        let (cells, all) = self.cells(&Key::User);
        let (groups, _) = self.cells(&Key::Group);
        let group = groups.first().map_or(Whose::Unclear, |(a, b)| Whose::Unnamed(*a, *b));
        let mut open = None;
        let mut stopped = Vec::new();
        for (low, high) in &cells {
            match self.fate(question, known, Whose::Unnamed(*low, *high), group.clone()) {
                Fate::Passes(places) => return Answer::Allowed(places),
                Fate::Stopped(places) => stopped.extend(places),
                Fate::Open(why, places) => open = open.or(Some((why, places))),
            }
        }
        match open {
            Some((why, places)) => Answer::Unknown(why, places),
            None if all && !cells.is_empty() => Answer::Denied(tidy(stopped)),
            None => {
                let why = "the rules tell more users apart than are tried";
                Answer::Unknown(why.to_owned(), tidy(stopped))
            }
        }
    }

    /// Ranges of numbers that the rules treat alike, widest first, without those that a rule names
    /// singly; and whether these are all.
    fn cells(&self, key: &Key) -> (Vec<(u32, u32)>, bool) {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for table in &self.tables {
            for step in table.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.steps) {
                numbers(step, key, table, &mut spans);
            }
        }
        let end = u64::from(u32::MAX);
        let mut cuts: Vec<u64> = vec![0, end];
        for (low, high) in &spans {
            cuts.push(*low);
            cuts.push(high.saturating_add(1));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let mut cells: Vec<(u32, u32)> = cuts
            .windows(2)
            .filter_map(|pair| {
                let [low, next] = pair else { return None };
                let high = next.checked_sub(1)?;
                let single = spans.contains(&(*low, high)) && *low == high;
                let cell = (u32::try_from(*low).ok()?, u32::try_from(high).ok()?);
                (!single).then_some(cell)
            })
            .collect();
        cells.sort_by_key(|(low, high)| std::cmp::Reverse(high - low));
        let all = cells.len() <= CELLS;
        cells.truncate(CELLS);
        (cells, all)
    }
}

/// What the packets after one may find.
fn after(states: &[State]) -> State {
    let mut state = joined(states).unwrap_or_default();
    // The mark is the packet's; the connection's stays.
    state.mark = Value32::Known(0);
    if state.untracked != Untracked::No {
        state.untracked = Untracked::Perhaps;
    }
    state
}

fn tidy(mut places: Vec<Place>) -> Vec<Place> {
    let mut seen = Vec::new();
    places.retain(|p| {
        let new = !seen.contains(p);
        seen.push(*p);
        new
    });
    places.truncate(8);
    places
}

/// Numbers of users or groups that a step asks for.
fn numbers(step: &Step, key: &Key, table: &Table, spans: &mut Vec<(u64, u64)>) {
    let mut take = |keys: &[Key], elements: &mut dyn Iterator<Item = &Vec<Value>>| {
        let Some(at) = keys.iter().position(|k| k == key) else { return };
        for element in elements {
            match element.get(at) {
                Some(Value::Numbers(low, high)) => spans.push((*low, *high)),
                // Words of a named set are read as its key reads them.
                Some(word @ Value::Word(_)) => {
                    if let Value::Numbers(low, high) = super::nft::values::reread(key, word) {
                        spans.push((low, high));
                    }
                }
                _ => {}
            }
        }
    };
    match step {
        Step::Test(Test::Is { keys, among: Among::These(all), .. }) => {
            take(keys, &mut all.iter());
        }
        Step::Test(Test::Is { keys, among: Among::Set(name), .. })
        | Step::VerdictMap { keys, map: Entries::Map(name) } => {
            if let Some(set) = table.sets.get(name) {
                take(keys, &mut set.elements.iter());
            }
        }
        Step::VerdictMap { keys, map: Entries::These(all) } => {
            take(keys, &mut all.iter().map(|(element, _)| element));
        }
        _ => {}
    }
}

/// The hooks that one of a connection's packets passes, with the packet as it is there: 0 the
/// first, 1 the reply to it, 2 and 3 what follows.
fn packets(
    question: &Question,
    known: &Known,
    user: &Whose,
    group: &Whose,
    number: usize,
) -> Vec<(Hook, Packet)> {
    let forth = number.is_multiple_of(2);
    let of_family = |ip: &&IpAddr| ip.is_ipv6() == (question.family == Family::V6);
    let forwarded = matches!(question.origin, Origin::Forwarded(_));
    let near = match &question.origin {
        Origin::Forwarded(Some(ip)) => Address::One(*ip),
        Origin::Forwarded(None) => Address::Behind,
        _ => {
            let own: Vec<IpAddr> = known.own.iter().filter(of_family).copied().collect();
            match own.as_slice() {
                [] => Address::Own,
                [one] => Address::One(*one),
                _ => Address::Some(own),
            }
        }
    };
    let far = known.to.iter().find(of_family).map_or(Address::Outside, |ip| Address::One(*ip));
    let client = (1024, 65535);
    let server = (u64::from(question.port), u64::from(question.port));
    let flags = match number {
        // SYN; SYN and ACK; then ACK, at times with PSH, FIN.
        0 => (0x02, 0xc0),
        1 => (0x12, 0xc0),
        _ => (0x10, 0xc9),
    };
    let packet = Packet {
        v6: question.family == Family::V6,
        source: if forth { near.clone() } else { far.clone() },
        destination: if forth { far } else { near },
        source_port: if forth { client } else { server },
        destination_port: if forth { server } else { client },
        input: Interface::None,
        output: Interface::None,
        user: Whose::Nobody,
        group: Whose::Nobody,
        forth,
        first: number == 0,
        flags,
        from_here: forth && !forwarded,
        to_here: !forth && !forwarded,
        port: question.port,
        tracked: true,
    };
    let out = Interface::of(known.out.as_ref());
    let inside = Interface::of(known.inside.as_ref());
    let with = |input: &Interface, output: &Interface, whose: Option<(&Whose, &Whose)>| {
        let (user, group) = whose.unwrap_or((&Whose::Nobody, &Whose::Nobody));
        Packet {
            input: input.clone(),
            output: output.clone(),
            user: user.clone(),
            group: group.clone(),
            ..packet.clone()
        }
    };
    let none = Interface::None;
    let own = Some((user, group));
    match (forwarded, forth) {
        (false, true) => vec![
            (Hook::Output, with(&none, &out, own)),
            (Hook::Postrouting, with(&none, &out, own)),
            (Hook::Egress, with(&none, &out, own)),
        ],
        (false, false) => vec![
            (Hook::Ingress, with(&out, &none, None)),
            (Hook::Prerouting, with(&out, &none, None)),
            // The kernel may have found the socket by now, or not.
            (Hook::Input, with(&out, &none, Some((&Whose::Unclear, &Whose::Unclear)))),
        ],
        (true, _) => {
            let (from, to) = if forth { (&inside, &out) } else { (&out, &inside) };
            vec![
                (Hook::Ingress, with(from, &none, None)),
                (Hook::Prerouting, with(from, &none, None)),
                (Hook::Forward, with(from, to, None)),
                (Hook::Postrouting, with(from, to, None)),
                (Hook::Egress, with(from, to, None)),
            ]
        }
    }
}
