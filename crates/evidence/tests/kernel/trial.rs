//! One trial: rules, dumps, connections, and what the evaluator says of each.

use super::chance::Chance;
use super::ground::{
    self, BEHIND4, BEHIND6, Ground, HOST4, HOST6, OUTSIDE4, OUTSIDE6, PORTS, USERS, run,
};
use super::{iptables, nft};
use heloscope_evidence::firewall::{
    Answer, Family, Known, Origin, Question, RuleSet, User, ask, ask_knowing, read,
};
use heloscope_model::SourceId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was counted.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) loaded: u64,
    /// Rule sets that a tool refused, by what it said.
    refused: BTreeMap<String, u64>,
    forms: BTreeMap<&'static str, u64>,
    pub(crate) asked: u64,
    allowed: u64,
    denied: u64,
    pub(crate) unknown: u64,
    /// Asked without saying where it goes and by which interface.
    plain_unknown: u64,
    /// Why, most often.
    reasons: BTreeMap<String, u64>,
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn table(&self, trials: u64, seed: u64) -> String {
        let share = |n: u64| 100.0 * n as f64 / (self.asked as f64).max(1.0);
        let mut text = format!(
            "trials {trials} (seeds from {seed}), loaded {}, connections {}\n",
            self.loaded, self.asked
        );
        for (form, n) in &self.forms {
            text += &format!("  {form}: {n}\n");
        }
        text += &format!(
            "allowed {}, denied {}, unknown {} ({:.2} %); of the bare question unknown {} ({:.2} %)\nwrong {}\n",
            self.allowed,
            self.denied,
            self.unknown,
            share(self.unknown),
            self.plain_unknown,
            share(self.plain_unknown),
            self.wrong.len()
        );
        for (why, n) in &self.reasons {
            text += &format!("  unknown {n}: {why}\n");
        }
        for (why, n) in &self.refused {
            text += &format!("  refused {n}: {why}\n");
        }
        text
    }
}

/// What is dumped, and what printed it.
struct Dumped {
    form: &'static str,
    dumps: Vec<(String, String)>,
}

/// Who tries.
fn origins() -> Vec<Origin> {
    let mut all: Vec<Origin> = USERS.iter().map(|(u, _)| Origin::User(User::Id(*u))).collect();
    all.push(Origin::Forwarded(None));
    all
}

pub(crate) fn one(ground: &mut Ground, seed: u64, tally: &mut Tally) {
    let host = ground.host().to_owned();
    let made = ground::inside(&host, move || make(&mut Chance::new(seed)));
    let dumped = match made {
        Ok(Ok(dumped)) => dumped,
        Ok(Err(why)) | Err(why) => {
            let short: String =
                why.lines().take(2).collect::<Vec<_>>().join(" ").chars().take(160).collect();
            *tally.refused.entry(short).or_default() += 1;
            return;
        }
    };
    tally.loaded += 1;
    *tally.forms.entry(dumped.form).or_default() += 1;
    let mut sets: Vec<RuleSet> = Vec::new();
    for (n, (command, text)) in dumped.dumps.iter().enumerate() {
        let command = (!command.is_empty()).then_some(command.as_str());
        sets.extend(read(text.as_bytes(), SourceId(n as u32), 0, command));
    }
    // All at once: what is dropped is waited for only once.
    let mut asked = Vec::new();
    for (agent, origin) in origins().into_iter().enumerate() {
        for v6 in [false, true] {
            for port in PORTS {
                let family = if v6 { Family::V6 } else { Family::V4 };
                let bare = Question { origin: origin.clone(), family, port };
                let plain = ask(&sets, &bare);
                let origin = match (&origin, v6) {
                    (Origin::Forwarded(_), false) => Origin::Forwarded(Some(BEHIND4.into())),
                    (Origin::Forwarded(_), true) => Origin::Forwarded(Some(BEHIND6.into())),
                    (other, _) => (*other).clone(),
                };
                let question = Question { origin, family, port };
                let answer = ask_knowing(&sets, &question, &known(agent));
                let id = asked.len();
                ground.agents[agent].order(id, v6, port, wait(&answer, &plain));
                asked.push((agent, question, answer, plain));
            }
        }
    }
    let mut reached: Vec<Option<bool>> = vec![None; asked.len()];
    let each = asked.len() / ground.agents.len();
    for agent in &mut ground.agents {
        for _ in 0..each {
            if let Some((id, yes)) = agent.answer() {
                reached[id] = Some(yes);
            }
        }
    }
    for (id, (agent, question, answer, plain)) in asked.iter().enumerate() {
        let mut real = reached[id] == Some(true);
        let says_allowed =
            matches!(answer, Answer::Allowed(_)) || matches!(plain, Answer::Allowed(_));
        if !real && says_allowed {
            // A machine that is busy with other things may have been too slow.
            let v6 = question.family == Family::V6;
            ground.agents[*agent].order(id, v6, question.port, 3000);
            real = ground.agents[*agent].answer().is_some_and(|(_, yes)| yes);
        }
        tally.asked += 1;
        match answer {
            Answer::Allowed(_) => tally.allowed += 1,
            Answer::Denied(_) => tally.denied += 1,
            Answer::Unknown(why, places) => {
                tally.unknown += 1;
                let rule = places.first().and_then(|p| text_of(&sets, *p)).unwrap_or_default();
                let rule: String = rule.chars().take(140).collect();
                *tally.reasons.entry(format!("{why}: {rule}")).or_default() += 1;
            }
        }
        tally.plain_unknown += u64::from(matches!(plain, Answer::Unknown(..)));
        for (asked, answer) in [("knowing", answer), ("bare", plain)] {
            let right = match answer {
                Answer::Allowed(_) => real,
                Answer::Denied(_) => !real,
                Answer::Unknown(..) => true,
            };
            if !right && tally.wrong.len() < 5 {
                let texts: Vec<&str> =
                    places(answer).iter().filter_map(|p| text_of(&sets, *p)).collect();
                let dumps: String =
                    dumped.dumps.iter().map(|(c, d)| format!("# {c}\n{d}\n")).collect();
                tally.wrong.push(format!(
                    "seed {seed}, {}, {asked}: {question:?}: said {answer:?} {texts:#?}, the kernel let it {}\n{dumps}",
                    dumped.form, if real { "pass" } else { "not pass" }
                ));
            } else if !right {
                tally.wrong.push(format!("seed {seed}: another"));
            }
        }
    }
    if !tally.wrong.is_empty() && tally.wrong.len() < 30 {
        // What the rules counted meanwhile tells which of them a packet met.
        let counted = ground::inside(&host, || {
            let mut text = run(&["nft", "list", "ruleset"], "").unwrap_or_default();
            for tool in ["iptables-legacy-save", "ip6tables-legacy-save"] {
                text += &run(&[tool, "-c"], "").unwrap_or_default();
            }
            text
        });
        tally.wrong.push(format!("seed {seed}, afterwards:\n{}", counted.unwrap_or_default()));
    }
    anyone(&sets, &asked.iter().map(|a| a.1.clone()).collect::<Vec<_>>(), &reached, seed, tally);
}

/// The last user is named by no rule: where nobody gets out, he does not; and where he does,
/// the answer is not that nobody does.
fn anyone(
    sets: &[RuleSet],
    asked: &[Question],
    reached: &[Option<bool>],
    seed: u64,
    tally: &mut Tally,
) {
    let unnamed = Origin::User(User::Id(USERS[USERS.len() - 1].0));
    for (question, reached) in asked.iter().zip(reached) {
        if question.origin != unnamed || *reached != Some(true) {
            continue;
        }
        let question = Question { origin: Origin::Anyone, ..question.clone() };
        let known = Known { group: Some(54321), ..known(0) };
        let answer = ask_knowing(sets, &question, &known);
        if matches!(answer, Answer::Denied(_)) {
            tally.wrong.push(format!("seed {seed}: {question:?} denied, but user 54321 passed"));
        }
    }
}

/// The rule at a place.
fn text_of(sets: &[RuleSet], place: heloscope_model::Place) -> Option<&str> {
    sets.iter().filter(|s| s.source() == place.source).find_map(|s| s.rule_text(place))
}

fn places(answer: &Answer) -> &[heloscope_model::Place] {
    match answer {
        Answer::Allowed(places) | Answer::Denied(places) | Answer::Unknown(_, places) => places,
    }
}

/// How long a connection is waited for, in milliseconds: where the kernel drops, all of it.
fn wait(answer: &Answer, plain: &Answer) -> u64 {
    let allowed = |a: &Answer| matches!(a, Answer::Allowed(_));
    if allowed(answer) || allowed(plain) { 800 } else { 220 }
}

fn known(agent: usize) -> Known {
    let numbers = |file: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut all: Vec<(String, u32)> = text
            .lines()
            .filter_map(|l| {
                let mut fields = l.split(':');
                Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
            })
            .collect();
        // Numbers without a name are shown as numbers.
        for (user, group) in USERS {
            all.push((format!("#{user}"), user));
            all.push((format!("#{group}"), group));
        }
        all
    };
    let group = USERS.get(agent).map(|(_, group)| *group);
    Known {
        to: vec![OUTSIDE4.into(), OUTSIDE6.into()],
        own: vec![HOST4.into(), HOST6.into()],
        out: Some("eth0".to_owned()),
        inside: Some("eth1".to_owned()),
        group,
        users: numbers("/etc/passwd"),
        groups: numbers("/etc/group"),
    }
}

/// The trial before left rules of iptables-legacy.
static LEGACY_LEFT: AtomicBool = AtomicBool::new(false);

/// Makes, loads and dumps a rule set in the host's namespace.
fn make(chance: &mut Chance) -> Result<Dumped, String> {
    iptables::clear(false);
    if LEGACY_LEFT.swap(false, Ordering::Relaxed) {
        iptables::clear(true);
    }
    let legacy_there = ground::is_there("iptables-legacy");
    match chance.below(10) {
        0..=3 => {
            nft::load(chance)?;
            let (form, dump) = nft::dump(chance)?;
            Ok(Dumped { form, dumps: vec![dump] })
        }
        4 | 5 if legacy_there => {
            LEGACY_LEFT.store(true, Ordering::Relaxed);
            tables(chance, true)
        }
        _ => tables(chance, false),
    }
}

fn tables(chance: &mut Chance, legacy: bool) -> Result<Dumped, String> {
    let mut dumps = Vec::new();
    let rules = [iptables::rules(chance, false), iptables::rules(chance, true)];
    for (rules, v6) in rules.iter().zip([false, true]) {
        iptables::load(legacy, v6, rules)?;
    }
    if !legacy && chance.percent(60) && rules.iter().all(|r| r.translatable) {
        let text = run(&["nft", "list", "ruleset"], "")?;
        return Ok(Dumped {
            form: "iptables-nft as nft text",
            dumps: vec![("nft list ruleset".to_owned(), text)],
        });
    }
    for (rules, v6) in rules.iter().zip([false, true]) {
        dumps.extend(iptables::dump(chance, legacy, v6, rules)?);
    }
    Ok(Dumped { form: if legacy { "iptables-legacy" } else { "iptables-nft" }, dumps })
}
