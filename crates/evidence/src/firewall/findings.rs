//! What the owner of a firewall would want to know of it, for a mail port. Each finding is a
//! sentence for somebody who runs a mail server, with the rules it speaks of and what they
//! counted.

use super::nft::values::reread;
use super::rules::{
    Among, Chain, Entries, Hook, Key, Rule, Step, Table, Test, Translation, Value, Verdict,
};
use super::{Answer, Counters, Family, Finding, Origin, Question, RuleSet, ask, shown};
use heloscope_model::Place;
use std::collections::BTreeSet;

/// Findings given at most; a rule set with more of them is told well enough by these.
const MOST: usize = 40;
/// Earlier rules that a rule is held against.
const BEFORE: usize = 2000;

pub(super) fn all(sets: &[RuleSet], port: u16) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    for family in [Family::V4, Family::V6] {
        for table in shown::tables(sets, family) {
            // A table of both families is looked at once.
            if !seen.insert(table.place) {
                continue;
            }
            let hooks = reached(table);
            for (chain, hooks) in table.chains.iter().zip(&hooks) {
                let scene = Scene { table, chain, hooks, port };
                scene.shadowed(&mut found);
                scene.owner_where_there_is_none(&mut found);
                scene.tried(&mut found);
                scene.redirected(&mut found);
                scene.logged_only(sets, family, &mut found);
            }
        }
        owner_and_forwarded(sets, family, port, &mut found);
    }
    open_on_ipv6(sets, port, &mut found);
    found.truncate(MOST);
    found
}

fn answer(sets: &[RuleSet], origin: Origin, family: Family, port: u16) -> Answer {
    ask(sets, &Question { origin, family, port })
}

/// A chain, and the hooks from which the kernel comes to it.
struct Scene<'a> {
    table: &'a Table,
    chain: &'a Chain,
    hooks: &'a BTreeSet<Hook>,
    port: u16,
}

impl Scene<'_> {
    fn outgoing(&self) -> bool {
        self.hooks.iter().any(|h| matches!(h, Hook::Output | Hook::Forward | Hook::Postrouting))
    }

    /// A rule that never gets a packet, because one before it takes them all.
    fn shadowed(&self, found: &mut Vec<Finding>) {
        if !self.outgoing() {
            return;
        }
        for (at, rule) in self.chain.rules.iter().enumerate() {
            let Some(late) = end(rule) else { continue };
            let about = concerns(rule, self.table, self.port);
            if !about || !rule_is_plain(rule) {
                continue;
            }
            let before = self.chain.rules.get(at.saturating_sub(BEFORE)..at).unwrap_or_default();
            let first = before.iter().find(|early| {
                end(early).is_some_and(|e| e != late)
                    && rule_is_plain(early)
                    && tests(early).all(|wide| is_implied(wide, rule))
            });
            let Some(early) = first else { continue };
            let says = format!(
                "The rule `{}`{} never gets a packet for port {}: `{}`{} stands before it and {} them all.",
                rule.text,
                counted(rule.counters),
                self.port,
                early.text,
                counted(early.counters),
                if end(early) == Some(true) { "lets through" } else { "stops" },
            );
            push(found, "shadowed", says, vec![rule.place, early.place]);
        }
    }

    /// Forwarded packets have no user.
    fn owner_where_there_is_none(&self, found: &mut Vec<Finding>) {
        let never = !self.hooks.is_empty()
            && self.hooks.iter().all(|h| matches!(h, Hook::Forward | Hook::Prerouting));
        if !never {
            return;
        }
        for rule in &self.chain.rules {
            if !tests(rule).any(is_owner) || !concerns_or_all(rule, self.table, self.port) {
                continue;
            }
            let says = format!(
                "The rule `{}`{} asks which user sends, but it stands where packets of other machines pass: those have no user here, so it never fits them.",
                rule.text,
                counted(rule.counters),
            );
            push(found, "owner-never-sees-forwarded", says, vec![rule.place]);
        }
    }

    /// A rule that stops this port counted packets: somebody tried.
    fn tried(&self, found: &mut Vec<Finding>) {
        if !self.outgoing() {
            return;
        }
        for rule in &self.chain.rules {
            let Some(Counters { packets, bytes }) = rule.counters else { continue };
            if packets == 0 || end(rule) != Some(false) || !concerns(rule, self.table, self.port) {
                continue;
            }
            let who =
                match (self.hooks.contains(&Hook::Output), self.hooks.contains(&Hook::Forward)) {
                    (true, false) => "Programs of this host",
                    (false, true) => "Machines behind this host",
                    _ => "Programs of this host or machines behind it",
                };
            let says = format!(
                "{who} tried to reach port {} and were stopped by `{}`: {} since its counters began.",
                self.port,
                rule.text,
                amount(packets, bytes),
            );
            push(found, "tried", says, vec![rule.place]);
        }
    }

    fn redirected(&self, found: &mut Vec<Finding>) {
        for rule in &self.chain.rules {
            let to = rule.steps.iter().find_map(|step| match step {
                Step::Translate(Translation::Here) => Some("this host itself".to_owned()),
                Step::Translate(Translation::Destination(Some(ip))) => Some(ip.to_string()),
                _ => None,
            });
            let Some(to) = to else { continue };
            let hooks = self.hooks.iter().any(|h| matches!(h, Hook::Output | Hook::Prerouting));
            // What comes in for a server behind is meant for it.
            let published = self.hooks.contains(&Hook::Prerouting)
                && matches!(
                    rule.steps.iter().find(|s| matches!(s, Step::Translate(_))),
                    Some(Step::Translate(Translation::Destination(_)))
                );
            if !hooks || published || !concerns(rule, self.table, self.port) {
                continue;
            }
            let says = format!(
                "Connections to port {} that fit `{}`{} never reach the server they are meant for: they are sent to {to}.",
                self.port,
                rule.text,
                counted(rule.counters),
            );
            push(found, "redirected", says, vec![rule.place]);
        }
    }

    /// A line in the log for each connection, and then it passes.
    fn logged_only(&self, sets: &[RuleSet], family: Family, found: &mut Vec<Finding>) {
        let origin = match (self.hooks.contains(&Hook::Output), self.hooks.contains(&Hook::Forward))
        {
            (true, _) => Origin::Anyone,
            (_, true) => Origin::Forwarded(None),
            _ => return,
        };
        for rule in &self.chain.rules {
            let logs = rule.steps.contains(&Step::Log) && end(rule).is_none();
            if !logs || !concerns(rule, self.table, self.port) {
                continue;
            }
            if let Answer::Allowed(mut places) = answer(sets, origin.clone(), family, self.port) {
                places.insert(0, rule.place);
                let says = format!(
                    "The rule `{}`{} writes connections to port {} to the log, and nothing behind it stops them.",
                    rule.text,
                    counted(rule.counters),
                    self.port,
                );
                push(found, "logged-only", says, places);
                return;
            }
        }
    }
}

/// The users of this host are told apart, what others send through it is not.
fn owner_and_forwarded(sets: &[RuleSet], family: Family, port: u16, found: &mut Vec<Finding>) {
    let mut owners = Vec::new();
    let mut forwarded = Vec::new();
    for table in shown::tables(sets, family) {
        for (chain, hooks) in table.chains.iter().zip(reached(table)) {
            if hooks.contains(&Hook::Output) {
                let rules = chain.rules.iter().filter(|r| tests(r).any(is_owner));
                owners.extend(rules.filter(|r| concerns(r, table, port)));
            }
            if chain.base.as_ref().is_some_and(|b| b.hook == Hook::Forward) {
                forwarded.extend(chain.counters.map(|c| c.packets));
                forwarded.extend(chain.rules.iter().filter_map(|r| r.counters).map(|c| c.packets));
            }
        }
    }
    let Some(owner) = owners.first() else { return };
    let locked = matches!(answer(sets, Origin::Anyone, family, port), Answer::Denied(_));
    let Answer::Allowed(passing) = answer(sets, Origin::Forwarded(None), family, port) else {
        return;
    };
    if !locked {
        return;
    }
    let name = of(family);
    let packets = forwarded.iter().max().copied().unwrap_or(0);
    let seen = match packets {
        0 => "if it forwards for others".to_owned(),
        n => format!("and it does forward: {n} packets passed one rule of that chain"),
    };
    let says = format!(
        "Which user may reach port {port} over {name} is ruled by `{}`{}, but only for programs of this host: what machines behind it send passes unasked, {seen}.",
        owner.text,
        counted(owner.counters),
    );
    let mut places = vec![owner.place];
    places.extend(passing);
    push(found, "owner-never-sees-forwarded", says, places);
}

/// What is locked over IPv4 is open over IPv6.
fn open_on_ipv6(sets: &[RuleSet], port: u16, found: &mut Vec<Finding>) {
    for (origin, who) in [
        (Origin::Anyone, "any program of this host"),
        (Origin::Forwarded(None), "any machine behind this host"),
    ] {
        let four = answer(sets, origin.clone(), Family::V4, port);
        let six = answer(sets, origin, Family::V6, port);
        if let (Answer::Denied(four), Answer::Allowed(six)) = (four, six) {
            let says = format!(
                "Port {port} is locked over IPv4 and open over IPv6: {who} reaches it there."
            );
            push(found, "ipv6-open", says, four.into_iter().chain(six).collect());
        }
    }
}

fn of(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

fn push(found: &mut Vec<Finding>, rule: &'static str, says: String, places: Vec<Place>) {
    let finding = Finding { rule, says, places };
    if found.len() < MOST && !found.contains(&finding) {
        found.push(finding);
    }
}

fn counted(counters: Option<Counters>) -> String {
    counters.map_or_else(String::new, |c| format!(" ({})", amount(c.packets, c.bytes)))
}

fn amount(packets: u64, bytes: u64) -> String {
    let plural = if packets == 1 { "" } else { "s" };
    format!("{packets} packet{plural}, {bytes} bytes")
}

/// For each chain the hooks that lead to it.
fn reached(table: &Table) -> Vec<BTreeSet<Hook>> {
    let mut hooks: Vec<BTreeSet<Hook>> = vec![BTreeSet::new(); table.chains.len()];
    let mut open: Vec<(usize, Hook)> = Vec::new();
    for (at, chain) in table.chains.iter().enumerate() {
        open.extend(chain.base.as_ref().map(|base| (at, base.hook)));
    }
    while let Some((at, hook)) = open.pop() {
        let new = hooks.get_mut(at).is_some_and(|h| h.insert(hook));
        let Some(chain) = table.chains.get(at).filter(|_| new) else { continue };
        for step in chain.rules.iter().flat_map(|r| &r.steps) {
            let mut follow = |verdict: &Verdict| {
                if let Verdict::Jump(name) | Verdict::Goto(name) = verdict
                    && let Some((to, _)) = table.get(name)
                {
                    open.push((to, hook));
                }
            };
            match step {
                Step::Verdict(verdict) => follow(verdict),
                Step::VerdictMap { map: Entries::These(all), .. } => {
                    all.iter().for_each(|(_, verdict)| follow(verdict));
                }
                Step::VerdictMap { map: Entries::Map(name), .. } => {
                    let verdicts = table.sets.get(name).map(|s| s.verdicts.as_slice());
                    verdicts.unwrap_or_default().iter().for_each(follow);
                }
                _ => {}
            }
        }
    }
    hooks
}

fn tests(rule: &Rule) -> impl Iterator<Item = &Test> {
    rule.steps.iter().filter_map(|step| match step {
        Step::Test(test) => Some(test),
        _ => None,
    })
}

/// How a rule ends: it lets packets through (true), stops them, or neither.
fn end(rule: &Rule) -> Option<bool> {
    rule.steps.iter().find_map(|step| match step {
        Step::Verdict(Verdict::Accept) => Some(true),
        Step::Verdict(Verdict::Drop | Verdict::Reject) => Some(false),
        _ => None,
    })
}

/// Nothing in it that is not understood.
fn rule_is_plain(rule: &Rule) -> bool {
    rule.steps.iter().all(|step| {
        !matches!(step, Step::Strange(_) | Step::VerdictMap { .. } | Step::Test(Test::Maybe(_)))
    })
}

fn is_owner(test: &Test) -> bool {
    matches!(test, Test::Is { keys, .. } if keys.iter().any(|k| matches!(k, Key::User | Key::Group)))
}

/// Whether a rule asks for the port, among few others.
fn concerns(rule: &Rule, table: &Table, port: u16) -> bool {
    tests(rule).any(|test| asks_for(test, table, port) == Some(true))
}

/// As [`concerns`], or no port is asked for.
fn concerns_or_all(rule: &Rule, table: &Table, port: u16) -> bool {
    let mut asked = tests(rule).filter_map(|test| asks_for(test, table, port)).peekable();
    asked.peek().is_none() || asked.any(|yes| yes)
}

fn asks_for(test: &Test, table: &Table, port: u16) -> Option<bool> {
    let Test::Is { keys, not, among } = test else { return None };
    let at = keys.iter().position(|k| *k == Key::DestinationPort)?;
    let holds = |value: &Value| match reread(&Key::DestinationPort, value) {
        Value::Numbers(low, high) => (low..=high).contains(&port.into()) && high - low < 1000,
        _ => false,
    };
    let any = |all: &[Vec<Value>]| all.iter().filter_map(|e| e.get(at)).any(holds);
    let is = match among {
        Among::These(all) => any(all),
        Among::Set(name) => table.sets.get(name).is_some_and(|set| any(&set.elements)),
    };
    Some(is && !not)
}

/// Whether every packet that fits a rule fits a test of another.
fn is_implied(wide: &Test, rule: &Rule) -> bool {
    if *wide == Test::Always || takes_whole_connections(wide) {
        return true;
    }
    tests(rule).any(|narrow| narrow == wide || covers(wide, narrow))
}

/// A test for connections both new and established: nothing of a connection is left for a rule behind.
fn takes_whole_connections(wide: &Test) -> bool {
    let Test::Is { keys, not: false, among: Among::These(values) } = wide else { return false };
    let has = |state: &str| {
        values
            .iter()
            .any(|v| matches!(v.first(), Some(Value::Word(w)) if w.eq_ignore_ascii_case(state)))
    };
    keys.as_slice() == [Key::State] && has("new") && has("established")
}

/// One plain test whose values hold all of another's.
fn covers(wide: &Test, narrow: &Test) -> bool {
    let (
        Test::Is { keys: a, not: false, among: Among::These(wide) },
        Test::Is { keys: b, not: false, among: Among::These(narrow) },
    ) = (wide, narrow)
    else {
        return false;
    };
    a == b
        && a.len() == 1
        && wide.len() * narrow.len() < 10_000
        && narrow.iter().all(|n| {
            wide.iter().any(|w| match (w.first(), n.first()) {
                (Some(Value::Numbers(low, high)), Some(Value::Numbers(from, to))) => {
                    low <= from && to <= high
                }
                (Some(Value::Net(wide)), Some(Value::Net(narrow))) => wide.contains(narrow),
                (Some(w), Some(n)) => w == n && *w != Value::Unclear,
                _ => false,
            })
        })
}
