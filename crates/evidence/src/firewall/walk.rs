//! One packet through the chains of a hook, in the kernel's order. Where a test cannot be
//! answered both ways are followed; the ends are sets of states, so that many such tests do not
//! make many paths.
//!
//! What is supposed on a path is kept ("it goes out by eth0"), so that a later rule on the same
//! thing is answered alike. States are bounded, and so are steps and depth: beyond them the end
//! is open, which is never "allowed".

use super::doubt::{doubt_about, doubt_in, interface_of, lasting, negated, plain};
use super::ends::{Ends, PLACES, accept, bounded, note, push};
use super::packet::{Packet, Scope, State, Tri, Untracked, Value32};
use super::rules::{
    Base, Chain, Entries, Hook, Key, Kin, Mark, Rule, Set, Step, Table, Test, Translation, Value,
    Verdict,
};
use heloscope_model::Place;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

/// Rules looked at for one packet.
const STEPS: usize = 4_000_000;
/// Where connection tracking stands among the priorities of prerouting and output.
const TRACKING: i32 = -200;
/// Jumps inside jumps; the kernel allows 16.
const DEEPEST: usize = 40;
/// Suppositions kept on one path.
const SUPPOSED: usize = 8;

/// A packet's way through one hook.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// As it comes out, if it may.
    pub(crate) states: Vec<State>,
    /// The rules and policies that may stop it.
    pub(crate) stop: Vec<Place>,
    /// What lets it pass: the rule or policy of each chain, and whether it is a rule.
    pub(crate) by: Vec<(Place, bool)>,
}

/// A base chain where the kernel calls it.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) number: usize,
    pub(crate) table: &'a Table,
    pub(crate) at: usize,
    pub(crate) chain: &'a Chain,
    pub(crate) base: &'a Base,
}

pub(crate) struct Walk<'a> {
    pub(crate) packet: Packet,
    ipsets: &'a BTreeMap<String, Set>,
    steps: usize,
    memo: BTreeMap<(usize, usize, State), Rc<Ends>>,
    /// Tests that were supposed, by their number.
    supposals: BTreeMap<String, u32>,
    tests: Vec<Test>,
    /// Why the end is open, where it is.
    pub(crate) reasons: Vec<(String, Place)>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(packet: Packet, ipsets: &'a BTreeMap<String, Set>) -> Self {
        Self {
            packet,
            ipsets,
            steps: STEPS,
            memo: BTreeMap::new(),
            supposals: BTreeMap::new(),
            tests: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// Through all base chains of a hook, which stand in order of priority.
    pub(crate) fn hook(&mut self, entries: &[Entry<'a>], states: Vec<State>) -> Passed {
        // What was answered with other interfaces does not hold here.
        self.memo.clear();
        let mut passed = Passed { states, ..Passed::default() };
        let mut translated = false;
        for entry in entries {
            if passed.states.is_empty() {
                break;
            }
            if entry.base.nat && translated {
                continue;
            }
            // Tables of NAT see a connection's first packet only. What comes after one that was
            // not tracked may be taken for a first one.
            let later = entry.base.nat && !self.packet.first;
            if later && passed.states.iter().all(|s| s.untracked == Untracked::No) {
                continue;
            }
            let tracked = entry.base.priority >= TRACKING
                || !matches!(entry.base.hook, Hook::Prerouting | Hook::Output | Hook::Ingress);
            if tracked != self.packet.tracked {
                self.packet.tracked = tracked;
                self.memo.clear();
            }
            let mut next = Vec::new();
            // Frames pass a bridge or a device only where the packet goes by it.
            let perhaps = later
                || entry.table.kin == Kin::Frames
                || matches!(entry.base.hook, Hook::Ingress | Hook::Egress);
            if perhaps {
                next.clone_from(&passed.states);
            }
            for state in std::mem::take(&mut passed.states) {
                let ends = self.base(entry, state);
                translated |= ends.translated;
                for place in &ends.stop {
                    note(&mut passed.stop, *place);
                }
                if perhaps && !ends.stop.is_empty() {
                    let why = if later {
                        "it depends on what connection tracking says"
                    } else {
                        "it depends on the interface that frames pass"
                    };
                    self.reason(why, entry.chain.place);
                }
                for (state, places) in ends.accept.iter() {
                    push(&mut next, state.clone());
                    for place in places {
                        let by = (*place, *place != entry.chain.place);
                        if !passed.by.contains(&by) && passed.by.len() < PLACES * 4 {
                            passed.by.push(by);
                        }
                    }
                }
            }
            passed.states = bounded(next);
        }
        passed
    }

    fn base(&mut self, entry: &Entry<'a>, state: State) -> Ends {
        let ends = self.chain(entry.number, entry.table, entry.at, state, 0);
        let mut ends = (*ends).clone();
        for state in std::mem::take(&mut ends.fall) {
            let place = entry.chain.place;
            match &entry.base.policy {
                Verdict::Accept => accept(&mut ends, state, place),
                Verdict::Drop | Verdict::Reject => note(&mut ends.stop, place),
                other => {
                    let what = match other {
                        Verdict::Elsewhere(what) => what.clone(),
                        _ => "a policy that is not understood".to_owned(),
                    };
                    self.reason(&what, place);
                    note(&mut ends.stop, place);
                    accept(&mut ends, state, place);
                }
            }
        }
        ends
    }

    fn chain(
        &mut self,
        number: usize,
        table: &'a Table,
        at: usize,
        state: State,
        depth: usize,
    ) -> Rc<Ends> {
        let key = (number, at, state);
        if let Some(known) = self.memo.get(&key) {
            return Rc::clone(known);
        }
        let state = key.2.clone();
        let mut ends = Ends::default();
        let Some(chain) = table.chains.get(at) else { return Rc::new(ends) };
        if depth > DEEPEST {
            self.open(&mut ends, state, chain.place, "the chains call each other without end");
            return Rc::new(ends);
        }
        let mut live = vec![state];
        for rule in &chain.rules {
            let mut next = Vec::new();
            for state in live {
                self.rule(number, table, rule, state, depth, &mut ends, &mut next);
            }
            live = bounded(next);
            if live.is_empty() {
                break;
            }
        }
        for state in live {
            if table.cut {
                self.open(&mut ends, state, chain.place, "the dump is cut off");
            } else {
                push(&mut ends.fall, state);
            }
        }
        ends.fall = bounded(std::mem::take(&mut ends.fall));
        let ends = Rc::new(ends);
        self.memo.insert(key, Rc::clone(&ends));
        ends
    }

    /// Whatever may come.
    fn open(&mut self, ends: &mut Ends, state: State, place: Place, why: &str) {
        self.reason(why, place);
        note(&mut ends.stop, place);
        accept(ends, state.clone(), place);
        push(&mut ends.fall, state);
    }

    #[allow(clippy::too_many_arguments)] // where the rule stands, and where its packets go
    fn rule(
        &mut self,
        number: usize,
        table: &'a Table,
        rule: &'a Rule,
        state: State,
        depth: usize,
        ends: &mut Ends,
        next: &mut Vec<State>,
    ) {
        if self.steps == 0 {
            self.open(ends, state, rule.place, "more rules than are followed");
            return;
        }
        self.steps -= 1;
        let mut state = state;
        let mut at = 0;
        while let Some(step) = rule.steps.get(at) {
            match step {
                Step::Test(_) => {
                    let tests = rule.steps.get(at..).unwrap_or_default();
                    let count = tests.iter().take_while(|s| matches!(s, Step::Test(_))).count();
                    let tests = tests.get(..count).unwrap_or_default();
                    match self.tests(table, tests, &state) {
                        (Tri::No, _) => return push(next, state),
                        (Tri::Yes, _) => {}
                        (Tri::Maybe, single) => {
                            self.doubt(tests, table, &state, rule.place);
                            let mut other = state.clone();
                            if let Some(test) = single {
                                self.suppose(test, &mut state, true);
                                self.suppose(test, &mut other, false);
                            }
                            push(next, other);
                        }
                    }
                    at += count;
                    continue;
                }
                Step::Verdict(verdict) => {
                    let verdict = verdict.clone();
                    return self.verdict(number, table, rule, &verdict, state, depth, ends, next);
                }
                Step::VerdictMap { keys, map } => {
                    return self.map(number, table, rule, (keys, map), state, depth, ends, next);
                }
                Step::SetMark { mark: Mark::Connection, .. } if !self.packet.tracked => {}
                Step::SetMark { mark, change } => set_mark(&mut state, *mark, *change),
                // There is no connection yet, or none is followed.
                Step::CopyMark { .. } if !self.packet.tracked => {}
                Step::CopyMark { to } => match to {
                    Mark::Packet => state.mark = state.connection_mark,
                    Mark::Connection => state.connection_mark = state.mark,
                },
                Step::Untrack => state.untracked = Untracked::Yes,
                Step::Translate(to) => {
                    return self.translate(*to, rule.place, state, ends);
                }
                Step::Log => {}
                Step::Strange(what) => {
                    let why = format!("{what} is not understood");
                    self.open(ends, state.clone(), rule.place, &why);
                    push(next, state.clone());
                }
            }
            at += 1;
        }
        push(next, state);
    }

    /// What a group of tests says together, and the one that cannot be told where it is one.
    fn tests<'t>(
        &mut self,
        table: &'a Table,
        tests: &'t [Step],
        state: &State,
    ) -> (Tri, Option<&'t Test>) {
        let mut all = Tri::Yes;
        let mut single = None;
        let mut doubtful = 0;
        for step in tests {
            let Step::Test(test) = step else { continue };
            match self.answer(table, test, state) {
                Tri::No => return (Tri::No, None),
                Tri::Yes => {}
                Tri::Maybe => {
                    all = Tri::Maybe;
                    doubtful += 1;
                    single = Some(test);
                }
            }
        }
        (all, single.filter(|_| doubtful == 1))
    }

    fn answer(&self, table: &'a Table, test: &Test, state: &State) -> Tri {
        let scope = Scope { tool: table.tool, sets: &table.sets, ipsets: self.ipsets };
        let found = self.packet.test(test, state, &scope);
        if found != Tri::Maybe || state.supposed.is_empty() {
            return found;
        }
        let not = negated(test);
        if let Some(number) = self.supposals.get(&plain(test))
            && let Some((_, was)) = state.supposed.iter().find(|(n, _)| n == number)
        {
            return Tri::of(*was).not(not);
        }
        // It goes by one interface only.
        if let Some((key, word)) = interface_of(test) {
            for (number, was) in &state.supposed {
                let supposed = usize::try_from(*number).ok().and_then(|n| self.tests.get(n));
                if let (true, Some((k, w))) = (*was, supposed.and_then(interface_of))
                    && k == key
                {
                    return Tri::of(w == word).not(not);
                }
            }
        }
        Tri::Maybe
    }

    fn suppose(&mut self, test: &Test, state: &mut State, holds: bool) {
        if !lasting(test, state) || state.supposed.len() >= SUPPOSED {
            return;
        }
        let key = plain(test);
        let number = match self.supposals.get(&key) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.tests.len()).unwrap_or(u32::MAX);
                self.tests.push(test.clone());
                self.supposals.insert(key, number);
                number
            }
        };
        state.supposed.push((number, holds != negated(test)));
        state.supposed.sort_unstable();
    }

    #[allow(clippy::too_many_arguments)] // as `rule`
    fn verdict(
        &mut self,
        number: usize,
        table: &'a Table,
        rule: &'a Rule,
        verdict: &Verdict,
        state: State,
        depth: usize,
        ends: &mut Ends,
        next: &mut Vec<State>,
    ) {
        let (name, goto) = match verdict {
            Verdict::Accept => return accept(ends, state, rule.place),
            Verdict::Drop | Verdict::Reject => return note(&mut ends.stop, rule.place),
            Verdict::Return => return push(&mut ends.fall, state),
            Verdict::Continue => return push(next, state),
            Verdict::Elsewhere(what) => {
                self.reason(what, rule.place);
                note(&mut ends.stop, rule.place);
                return accept(ends, state, rule.place);
            }
            Verdict::Jump(name) => (name, false),
            Verdict::Goto(name) => (name, true),
        };
        let Some((at, _)) = table.get(name) else {
            let what = format!("the chain or target {name} is not in the dump");
            push(next, state.clone());
            return self.open(ends, state, rule.place, &what);
        };
        let inner = self.chain(number, table, at, state, depth + 1);
        for place in &inner.stop {
            note(&mut ends.stop, *place);
        }
        ends.translated |= inner.translated;
        for (state, places) in &inner.accept {
            for place in places {
                accept(ends, state.clone(), *place);
            }
        }
        for state in &inner.fall {
            push(if goto { &mut ends.fall } else { next }, state.clone());
        }
    }

    #[allow(clippy::too_many_arguments)] // as `rule`
    fn map(
        &mut self,
        number: usize,
        table: &'a Table,
        rule: &'a Rule,
        (keys, map): (&[Key], &'a Entries),
        state: State,
        depth: usize,
        ends: &mut Ends,
        next: &mut Vec<State>,
    ) {
        let mut found: Vec<(Tri, &Verdict)> = Vec::new();
        // `*` is taken where no other entry is.
        let mut default = None;
        let mut changes = false;
        match map {
            Entries::These(all) => {
                for (element, verdict) in all {
                    match element.iter().all(|v| *v == Value::Any) {
                        true => default = Some(verdict),
                        false => {
                            found.push((self.packet.element(keys, element, &state), verdict));
                        }
                    }
                }
            }
            Entries::Map(name) => match table.sets.get(name) {
                Some(set) => {
                    changes = set.changes;
                    for (element, verdict) in set.elements.iter().zip(&set.verdicts) {
                        match element.iter().all(|v| *v == Value::Any) {
                            true => default = Some(verdict),
                            false => {
                                let is = self.packet.reread_element(keys, element, &state);
                                found.push((is, verdict));
                            }
                        }
                    }
                }
                None => {
                    let what = format!("the map {name} is not in the dump");
                    push(next, state.clone());
                    return self.open(ends, state, rule.place, &what);
                }
            },
        }
        if changes {
            let what = "a map that changes while packets come";
            push(next, state.clone());
            return self.open(ends, state, rule.place, what);
        }
        let sure = found.iter().find(|(is, _)| *is == Tri::Yes).map(|(_, v)| *v);
        let sure = sure.or(default).cloned();
        let perhaps: Vec<Verdict> = found
            .iter()
            .filter(|(is, _)| *is == Tri::Maybe)
            .map(|(_, verdict)| (*verdict).clone())
            .collect();
        if !perhaps.is_empty() {
            self.doubt_of(keys, rule.place);
        }
        for verdict in perhaps.iter().chain(&sure) {
            self.verdict(number, table, rule, verdict, state.clone(), depth, ends, next);
        }
        if sure.is_none() {
            push(next, state);
        }
    }

    fn translate(&mut self, to: Translation, place: Place, mut state: State, ends: &mut Ends) {
        match to {
            Translation::Source => {
                state.translated = true;
                ends.translated = true;
                accept(ends, state, place);
            }
            // It never reaches the one it was meant for.
            Translation::Here => note(&mut ends.stop, place),
            Translation::Destination(Some(ip)) if is_near(&ip) => note(&mut ends.stop, place),
            Translation::Destination(_) => {
                self.reason("it is sent to another destination", place);
                note(&mut ends.stop, place);
                accept(ends, state, place);
            }
        }
    }

    pub(crate) fn reason(&mut self, what: &str, place: Place) {
        if self.reasons.len() < 200 && !self.reasons.iter().any(|(_, p)| *p == place) {
            self.reasons.push((what.to_owned(), place));
        }
    }

    fn doubt(&mut self, tests: &[Step], table: &'a Table, state: &State, place: Place) {
        let mut what = None;
        for step in tests {
            if let Step::Test(test) = step
                && self.answer(table, test, state) == Tri::Maybe
            {
                what = Some(doubt_in(test));
                break;
            }
        }
        if let Some(what) = what {
            self.reason(&what, place);
        }
    }

    fn doubt_of(&mut self, keys: &[Key], place: Place) {
        let what = keys.iter().map(doubt_about).next().unwrap_or_default();
        self.reason(&what, place);
    }
}

fn is_near(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unspecified(),
    }
}

fn set_mark(state: &mut State, mark: Mark, change: Option<(u32, u32)>) {
    let to = match mark {
        Mark::Packet => &mut state.mark,
        Mark::Connection => &mut state.connection_mark,
    };
    *to = match (*to, change) {
        (_, Some((u32::MAX, bits))) => Value32::Known(bits),
        (Value32::Known(old), Some((clear, bits))) => Value32::Known((old & !clear) ^ bits),
        _ => Value32::Unknown,
    };
}
