//! `iptables -L`, with and without `-v`, `-n`, `-x`, `--line-numbers`: the columns and the words
//! behind them -> tables. Without `-v` the interfaces of a rule are not shown, so each rule may be
//! one of another interface than it seems.

use super::options::{any_interface, mark_test, state};
use super::{Target, base, maybe, policy};
use crate::firewall::rules::{
    Chain, Counters, Key, Kin, Mark, Rule, Step, Table, Test, Tool, Value, text_of,
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

fn plain(word: &str) -> (&str, bool) {
    match word.strip_prefix('!') {
        Some(word) => (word, true),
        None => (word, false),
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn peek(&self) -> Option<&'a str> {
        Words { rest: self.rest }.next()
    }

    /// Takes a word that is none of a match's own without taking it.
    fn take_if(&mut self, is: impl Fn(&str) -> bool) -> Option<&'a str> {
        let word = self.peek().filter(|w| is(w))?;
        self.next();
        Some(word)
    }
}

/// What matches and targets print behind the columns.
fn extensions(rest: &str, tests: &mut Vec<Test>, target: &mut Target<'_>) {
    let rest = without_remarks(rest, tests);
    let mut words = Words { rest: &rest };
    let mut not = false;
    while let Some(word) = words.next() {
        let negated = std::mem::take(&mut not);
        match word {
            "!" => not = true,
            "[goto]" => target.goto = true,
            "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "icmp" | "ipv6-icmp" | "icmpv6" => {}
            "multiport" => multiport(&mut words, tests),
            "state" | "ctstate" => {
                let values = words.next().unwrap_or_default().split(',').map(state).collect();
                tests.push(Test::one(Key::State, negated, values));
            }
            "owner" => owner(&mut words, negated, tests),
            "OWNER" => {
                // Older: "OWNER UID match 33".
                owner(&mut words, negated, tests);
            }
            "match-set" | "set" if words.peek().is_some() && target.name != "SET" => {
                let name = words.next().unwrap_or_default().to_owned();
                let fields = words.take_if(|w| w.contains("src") || w.contains("dst"));
                let sources = fields.unwrap_or("dst").split(',').map(|f| f == "src").collect();
                tests.push(Test::Ipset { name, sources, not: negated });
            }
            "mark" | "MARK" if words.peek() == Some("match") => {
                words.next();
                mark(&mut words, Mark::Packet, tests);
            }
            "connmark" | "CONNMARK" if words.peek() == Some("match") => {
                words.next();
                mark(&mut words, Mark::Connection, tests);
            }
            "MARK" => mark_target(&mut words, target),
            "CONNMARK" => mark_target(&mut words, target),
            "CT" => {
                if words.take_if(|w| w == "notrack").is_some() {
                    target.options.push(("--notrack".to_owned(), String::new()));
                }
            }
            "NOTRACK" => target.options.push(("--notrack".to_owned(), String::new())),
            "source" | "destination" if words.peek() == Some("IP") => {
                words.next();
                words.take_if(|w| w == "range");
                let not = words.take_if(|w| w == "!").is_some() || negated;
                let value = names::address(words.next().unwrap_or_default());
                let key = if word == "source" { Key::Source } else { Key::Destination };
                tests.push(Test::one(key, not, vec![value]));
            }
            "ADDRTYPE" => address_types(&mut words, tests),
            "PKTTYPE" => {
                words.take_if(|w| w == "=" || w == "!=");
                let value = Value::Word(words.next().unwrap_or_default().to_ascii_lowercase());
                tests.push(Test::one(Key::PacketType, negated, vec![value]));
            }
            "rpfilter" => {
                let invert = words.take_if(|w| w == "invert").is_some();
                tests.push(if invert { Test::Never } else { Test::Always });
            }
            "reject-with" => {
                words.next();
            }
            "redir" => {
                words.take_if(|w| w == "ports");
                words.next();
            }
            "random" | "persistent" | "masq" if is_translation(target.name) => {}
            "TTL" | "HL" if target.name == word => {
                words.take_if(|w| w == "set" || w == "to");
                if let Some(to) = words.take_if(|w| w == "set" || w.parse::<u8>().is_ok()) {
                    target.options.push(("--ttl-set".to_owned(), to.to_owned()));
                }
            }
            // What these targets print of themselves.
            _ if is_said_by(target.name, word) => return_rest(&mut words),
            _ => other(word, negated, &mut words, tests, target),
        }
    }
}

fn is_translation(target: &str) -> bool {
    matches!(target, "DNAT" | "SNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP")
}

/// Words of a target that stand last in a line.
fn is_said_by(target: &str, word: &str) -> bool {
    match target {
        "LOG" | "ULOG" => matches!(word, "LOG" | "ULOG"),
        "NFLOG" => word.starts_with("nflog-"),
        "NFQUEUE" | "TCPMSS" | "CLASSIFY" | "DSCP" | "TOS" | "CHECKSUM" | "SET" | "TEE"
        | "SECMARK" | "CONNSECMARK" | "TRACE" | "TPROXY" | "AUDIT" => {
            word == target || word == "add-set" || word == "del-set"
        }
        _ => false,
    }
}

fn return_rest(words: &mut Words<'_>) {
    words.rest = "";
}

/// `dpt:25`, `dpts:25:587`, `spt:!25`, `flags:0x17/0x02`, `to:192.0.2.1:25`, and what is not
/// known.
fn other(
    word: &str,
    negated: bool,
    words: &mut Words<'_>,
    tests: &mut Vec<Test>,
    target: &mut Target<'_>,
) {
    let Some((name, value)) = word.split_once(':') else {
        // Words of a match that was named as not known are its own.
        if !matches!(tests.last(), Some(Test::Maybe(_))) {
            tests.push(maybe(&format!("the match {word}")));
        }
        return;
    };
    match name {
        "dpt" | "dpts" | "spt" | "spts" => {
            let (value, not) = plain(value);
            let key = if name.starts_with('d') { Key::DestinationPort } else { Key::SourcePort };
            tests.push(Test::one(key, not != negated, vec![names::ports(value)]));
        }
        "flags" => {
            let (value, not) = plain(value);
            let flags = value.split_once('/').and_then(|(mask, value)| {
                Some((names::tcp_flags(mask)?, names::tcp_flags(value)?))
            });
            tests.push(match flags {
                Some((mask, value)) => {
                    Test::TcpFlags { mask, value, any: false, not: not != negated }
                }
                None => maybe("tcp flags that are not known"),
            });
        }
        "to" if is_translation(target.name) => {
            target.options.push(("--to-destination".to_owned(), value.to_owned()));
        }
        "recent" => {
            // "recent: SET name: x side: source mask: …" matches every packet.
            let sets = words.peek() == Some("SET");
            while words.take_if(|w| !matches!(w, "mask:")).is_some() {}
            words.next();
            words.next();
            if !sets {
                tests.push(maybe("the match recent"));
            }
        }
        _ => tests.push(maybe(&format!("the match {name}"))),
    }
}

fn multiport(words: &mut Words<'_>, tests: &mut Vec<Test>) {
    let which = words.next().unwrap_or_default();
    let mut list = words.next().unwrap_or_default();
    let mut not = list == "!";
    if not {
        list = words.next().unwrap_or_default();
    } else if let Some(rest) = list.strip_prefix('!') {
        (list, not) = (rest, true);
    }
    let values: Vec<Value> = list.split(',').map(names::ports).collect();
    match which {
        "dports" => tests.push(Test::one(Key::DestinationPort, not, values)),
        "sports" => tests.push(Test::one(Key::SourcePort, not, values)),
        "ports" if not => {
            for key in [Key::SourcePort, Key::DestinationPort] {
                tests.push(Test::one(key, true, values.clone()));
            }
        }
        "ports" => {
            let either = [Key::SourcePort, Key::DestinationPort];
            let either = either.map(|key| Test::one(key, false, values.clone()));
            tests.push(Test::Either(either.to_vec()));
        }
        _ => tests.push(maybe("the match multiport")),
    }
}

/// `owner UID match 33`, `owner GID match !33`, `owner socket exists`
fn owner(words: &mut Words<'_>, mut not: bool, tests: &mut Vec<Test>) {
    let what = words.next().unwrap_or_default();
    if what == "socket" {
        words.take_if(|w| w == "exists");
        tests.push(Test::one(Key::Socket, not, vec![Value::number(1)]));
        return;
    }
    words.take_if(|w| w == "match");
    if words.take_if(|w| w == "!").is_some() {
        not = !not;
    }
    let (value, again) = plain(words.next().unwrap_or_default());
    let key = match what {
        "UID" => Key::User,
        "GID" => Key::Group,
        _ => return tests.push(maybe("the match owner")),
    };
    tests.push(Test::one(key, not != again, vec![names::user(value)]));
}

fn mark(words: &mut Words<'_>, mark: Mark, tests: &mut Vec<Test>) {
    let not = words.take_if(|w| w == "!").is_some();
    let (value, again) = plain(words.next().unwrap_or_default());
    tests.push(mark_test(mark, value, not || again));
}

/// `MARK set 0x1`, `MARK or 0x4`, `CONNMARK save`
fn mark_target(words: &mut Words<'_>, target: &mut Target<'_>) {
    let option = match words.next().unwrap_or_default() {
        "set" | "xset" => "--set-xmark",
        "or" => "--or-mark",
        "and" => "--and-mark",
        "xor" => "--xor-mark",
        "save" => "--save-mark",
        "restore" => "--restore-mark",
        _ => return,
    };
    let value = words.next().unwrap_or_default();
    // "save mask 0xff": in part.
    let masked = value == "mask" || value == "nfmask";
    let value = if masked { String::new() } else { value.to_owned() };
    target.options.push((option.to_owned(), value));
    if masked {
        target.options.push(("--mask".to_owned(), words.next().unwrap_or_default().to_owned()));
    }
}

fn address_types(words: &mut Words<'_>, tests: &mut Vec<Test>) {
    words.take_if(|w| w == "match");
    while let Some(side) = words.take_if(|w| w == "src-type" || w == "dst-type") {
        let list = words.next().unwrap_or_default();
        let (list, not) = plain(list);
        let values = list.split(',').map(|w| Value::Word(w.to_ascii_lowercase())).collect();
        let key = if side == "src-type" { Key::SourceKind } else { Key::DestinationKind };
        tests.push(Test::one(key, not, values));
    }
    if words.take_if(|w| w.starts_with("limit-")).is_some() {
        tests.push(maybe("addresses of one interface"));
    }
}

/// Comments and prefixes are anybody's words: they are taken out. Where it cannot be told whether
/// words stand between two comments or inside one, the rule may be anything.
fn without_remarks(rest: &str, tests: &mut Vec<Test>) -> String {
    // In the words of a log line all is data up to the end of the line.
    let prefix = rest.find(" prefix \"").or_else(|| rest.find("nflog-prefix "));
    let head = match prefix {
        Some(at) if rest.find("/*").is_none_or(|c| at < c) => rest.split_at(at).0,
        _ => rest,
    };
    let Some(from) = head.find("/*") else { return head.to_owned() };
    let (front, inner) = head.split_at(from);
    let Some(to) = inner.rfind("*/") else {
        tests.push(maybe("a comment whose end cannot be told"));
        return front.to_owned();
    };
    let (inner, back) = inner.split_at(to);
    // One comment may end only where the next begins: what stands there is data or a match.
    let doubtful = inner
        .split("*/")
        .skip(1)
        .any(|piece| piece.split_once("/*").is_some_and(|(between, _)| !between.trim().is_empty()));
    if doubtful {
        tests.push(maybe("a comment whose end cannot be told"));
    }
    let back = back.strip_prefix("*/").unwrap_or(back);
    let back = back.find(" prefix \"").map_or(back, |at| back.split_at(at).0);
    format!("{front} {back}")
}
