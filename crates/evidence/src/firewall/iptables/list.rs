//! `iptables -L`, with and without `-v`, `-n`, `-x`, `--line-numbers`: the columns and the words
//! behind them -> tables. Without `-v` the interfaces of a rule are not shown, so each rule may be
//! one of another interface than it seems.

use super::extensions::{Words, extensions, plain};
use super::options::any_interface;
use super::{Target, base, maybe, policy};
use crate::firewall::rules::{
    Chain, Counters, Key, Kin, Rule, Step, Table, Test, Tool, Value, text_of,
};
use crate::firewall::{Family, names};
use crate::lines;
use heloscope_model::{Place, SourceId};

/// What was read of one run of `iptables -L`.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) table: Table,
    pub(crate) family: Option<Family>,
}

/// Reads all runs of a text, one after the other; `table` is the one that a command above names.
pub(crate) fn read(text: &[u8], source: SourceId, base_at: u64, table: Option<&str>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut chain: Option<String> = None;
    let mut columns = Columns::default();
    let mut rules = 0_usize;
    for (offset, line) in lines::of(text) {
        let place = Place::byte(source, base_at + offset);
        let text = String::from_utf8_lossy(line).into_owned();
        if let Some(header) = text.strip_prefix("Chain ") {
            let name = header.split([' ', '\t']).next().unwrap_or_default();
            // A chain for the second time is another run's.
            if runs.last().is_none_or(|r| r.table.get(name).is_some()) {
                let name = table.unwrap_or_default();
                let table = Table::new(name, Kin::V4, Tool::Iptables, place);
                runs.push(Run { table, family: None });
            }
            if let Some(run) = runs.last_mut() {
                begin(&mut run.table, name, header, place);
            }
            chain = Some(name.to_owned());
            columns = Columns::default();
        } else if text.trim_start().starts_with("target ")
            || text.trim_start().starts_with("pkts ")
            || text.trim_start().starts_with("num ")
        {
            columns = Columns::of(&text);
        } else if let (Some(chain), Some(run), false) =
            (&chain, runs.last_mut(), text.trim().is_empty())
        {
            rules += 1;
            if rules > super::save::MOST {
                run.table.cut = true;
                break;
            }
            let name = run.table.name.clone();
            match rule(&text, &columns, &name, chain, place) {
                Some((rule, family)) => {
                    run.family = run.family.or(family);
                    run.table.append(chain, Rule { text: text_of(line), ..rule });
                }
                None => {
                    // A line that is no rule may be one that was broken: nothing behind it is sure.
                    let steps = vec![Step::Strange("a line that is not understood".to_owned())];
                    let text = text_of(line);
                    run.table.append(chain, Rule { place, text, steps, counters: None });
                }
            }
        }
    }
    for run in &mut runs {
        name_table(&mut run.table);
    }
    runs
}

/// `INPUT (policy DROP 12 packets, 720 bytes)`, `mine (2 references)`
fn begin(table: &mut Table, name: &str, header: &str, place: Place) {
    let at = table.chain(name, place);
    let words: Vec<&str> =
        header.split_whitespace().map(|w| w.trim_matches(['(', ')', ','])).collect();
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    let Some(chain) = table.chains.get_mut(at) else { return };
    if word(1) == "policy" {
        let verdict = policy(word(2));
        chain.base = verdict.and_then(|v| base("", name, v));
        if let (Some(packets), Some(bytes)) = (count(word(3)), count(word(5))) {
            chain.counters = Some(Counters { packets, bytes });
        }
    }
}

/// The table by its built-in chains, where no command says it, and the hooks' priorities by it.
fn name_table(table: &mut Table) {
    if table.name.is_empty() {
        let has = |name: &str| table.get(name).is_some();
        table.name = match (has("PREROUTING"), has("FORWARD"), has("POSTROUTING"), has("INPUT")) {
            (true, true, ..) | (_, true, true, _) => "mangle",
            (true, false, true, _) => "nat",
            (true, false, false, false) => "raw",
            (false, false, true, _) => "nat",
            _ => "filter",
        }
        .to_owned();
    }
    let name = table.name.clone();
    for chain in &mut table.chains {
        rebase(chain, &name);
    }
}

fn rebase(chain: &mut Chain, table: &str) {
    if let Some(old) = chain.base.take() {
        chain.base = base(table, &chain.name, old.policy);
    }
}

/// Which columns a listing has.
#[derive(Debug, Default)]
struct Columns {
    number: bool,
    counters: bool,
    interfaces: bool,
}

impl Columns {
    fn of(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let has = |w: &str| words.contains(&w);
        Self { number: has("num"), counters: has("pkts"), interfaces: has("in") && has("out") }
    }
}

/// `1234`, `12K`, `3456M`
fn count(word: &str) -> Option<u64> {
    let (digits, times) = match word.as_bytes().last()? {
        b'K' => (word.get(..word.len() - 1)?, 1_000),
        b'M' => (word.get(..word.len() - 1)?, 1_000_000),
        b'G' => (word.get(..word.len() - 1)?, 1_000_000_000),
        b'T' => (word.get(..word.len() - 1)?, 1_000_000_000_000),
        _ => (word, 1),
    };
    digits.parse::<u64>().ok().map(|n| n.saturating_mul(times))
}

/// One rule's line.
fn rule(
    line: &str,
    columns: &Columns,
    table: &str,
    chain: &str,
    place: Place,
) -> Option<(Rule, Option<Family>)> {
    let mut words = Words { rest: line };
    if columns.number {
        words.next()?.parse::<u32>().ok()?;
    }
    let mut counters = None;
    if columns.counters {
        let (packets, bytes) = (count(words.next()?)?, count(words.next()?)?);
        counters = Some(Counters { packets, bytes });
    }
    // A rule without target has blanks there: the protocol stands in the second column's place.
    let mut target = words.next()?;
    let mut protocol;
    let after = words.rest;
    match words.next() {
        Some(word) if is_protocol(word) => protocol = word,
        _ if is_protocol(target) => {
            (protocol, target) = (target, "");
            words.rest = after;
        }
        _ => return None,
    }
    let protocol_not = protocol.strip_prefix('!');
    let not_protocol = protocol_not.is_some();
    protocol = protocol_not.unwrap_or(protocol);
    // "--", "-f", "!f"; ip6tables leaves it blank.
    let mut family = None;
    let before = words.rest;
    let mut fragments = false;
    match words.next()? {
        "--" => {}
        "-f" | "!f" | "+f" => fragments = true,
        _ => {
            words.rest = before;
            family = Some(Family::V6);
        }
    }
    let mut tests = Vec::new();
    if fragments {
        tests.push(maybe("fragments"));
    }
    match names::protocol(protocol) {
        Some(value) => tests.push(Test::one(Key::Protocol, not_protocol, vec![value])),
        None if not_protocol => tests.push(Test::Never),
        None => {}
    }
    if columns.interfaces {
        for key in [Key::In, Key::Out] {
            let (word, not) = plain(words.next()?);
            if !matches!(word, "any" | "*") {
                tests.push(Test::one(key, not, vec![names::interface(word)]));
            }
        }
    } else {
        tests.push(any_interface());
    }
    for key in [Key::Source, Key::Destination] {
        let (word, not) = plain(words.next()?);
        let value = names::address(word);
        if let Value::Net(net) = &value {
            family = Some(if net.addr().is_ipv4() { Family::V4 } else { Family::V6 });
        }
        let all = matches!(&value, Value::Net(net) if net.prefix_len() == 0) && !not;
        if value != Value::Any && !all {
            tests.push(Test::one(key, not, vec![value]));
        }
    }
    let mut made = Target { name: target, goto: false, options: Vec::new() };
    extensions(words.rest, &mut tests, &mut made);
    family = family_by_reject(words.rest).or(family);
    let mut steps: Vec<Step> = tests.into_iter().map(Step::Test).collect();
    steps.extend(made.step(table, chain));
    Some((Rule { place, text: String::new(), steps, counters }, family))
}

/// Sure marks of a family behind the columns.
fn family_by_reject(rest: &str) -> Option<Family> {
    if rest.contains("reject-with icmp6-") {
        return Some(Family::V6);
    }
    rest.contains("reject-with icmp-").then_some(Family::V4)
}

fn is_protocol(word: &str) -> bool {
    let word = word.strip_prefix('!').unwrap_or(word);
    match names::protocol(word) {
        None | Some(Value::Numbers(..)) => true,
        Some(_) => false,
    }
}
