//! `nft -j list ruleset`: one array of objects. Each is read by itself, so that its place is
//! known and a dump that is cut off gives what stands before the cut.

use super::tree::{Act, Element, Op, Term};
use super::{Ruleset, base, hook, kin, meaning, values};
use crate::firewall::rules::{Rule, Table, Tool, text_of};
use heloscope_model::{Place, SourceId};
use serde_json::{Map, Value as Json};

/// Reads a text that starts at `base_at` of its source.
pub(crate) fn read(text: &[u8], source: SourceId, base_at: u64) -> Ruleset {
    let mut found = Ruleset::default();
    let start = memchr::memmem::find(text, b"\"nftables\"")
        .and_then(|at| Some(at + memchr::memchr(b'[', text.get(at..)?)? + 1));
    let Some(mut at) = start else { return found };
    let mut complete = false;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
        at += blank;
        let rest = rest.get(blank..).unwrap_or_default();
        if rest.first() == Some(&b']') {
            complete = true;
            break;
        }
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Json>();
        let Some(Ok(Json::Object(object))) = stream.next() else { break };
        let length = stream.byte_offset();
        let place = Place::byte(source, base_at + at as u64);
        let line = rest.get(..length).unwrap_or_default();
        take(&object, place, line, &mut found);
        at += length;
        if found.rules > crate::firewall::iptables::save::MOST {
            break;
        }
    }
    if !complete {
        found.tables.iter_mut().for_each(|t| t.cut = true);
        found.notes.push(format!("cut off or broken at byte {}", base_at + at as u64));
    }
    found
}

fn take(object: &Map<String, Json>, place: Place, line: &[u8], found: &mut Ruleset) {
    for (what, value) in object {
        let Some(value) = value.as_object() else { continue };
        let text = |key: &str| value.get(key).and_then(Json::as_str).unwrap_or_default();
        let Some(kin) = kin(text("family")) else { continue };
        let name = if what == "table" { text("name") } else { text("table") };
        let known = found.tables.iter().position(|t| t.kin == kin && t.name == name);
        let at = known.unwrap_or(found.tables.len());
        if known.is_none() {
            found.tables.push(Table::new(name, kin, Tool::Nft, place));
        }
        let Some(table) = found.tables.get_mut(at) else { continue };
        match what.as_str() {
            "chain" => {
                let at = table.chain(text("name"), place);
                let Some(chain) = table.chains.get_mut(at) else { continue };
                chain.place = place;
                if let Some(hook) = hook(text("hook")) {
                    let priority = value.get("prio").and_then(Json::as_i64).unwrap_or(0);
                    let priority = i32::try_from(priority).unwrap_or(0);
                    chain.base = Some(base(text("type"), hook, priority, text("policy")));
                }
            }
            "set" | "map" => {
                let flags = value.get("flags").map(words).unwrap_or_default();
                let changes = flags.iter().any(|f| f == "dynamic" || f == "timeout")
                    || value.contains_key("timeout");
                let elements = value.get("elem").map(elements).unwrap_or_default();
                table.sets.insert(text("name").to_owned(), values::set(&elements, changes));
            }
            "rule" => {
                found.rules += 1;
                let empty = Vec::new();
                let all = value.get("expr").and_then(Json::as_array).unwrap_or(&empty);
                let mut acts = Vec::new();
                for one in all {
                    act(one, &mut acts);
                }
                let (steps, counters) = meaning::steps(&acts, table.kin);
                let rule = Rule { place, text: text_of(line), steps, counters };
                table.append(text("chain"), rule);
            }
            _ => {}
        }
    }
}

/// Strings of a list, or one.
fn words(json: &Json) -> Vec<String> {
    match json {
        Json::Array(all) => all.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Json::String(word) => vec![word.clone()],
        _ => Vec::new(),
    }
}

fn act(json: &Json, acts: &mut Vec<Act>) {
    if let Some(word) = json.as_str() {
        acts.push(match word {
            "notrack" => Act::Notrack,
            other => Act::Strange(other.to_owned()),
        });
        return;
    }
    let Some(object) = json.as_object() else { return };
    for (name, value) in object {
        let field = |key: &str| value.get(key);
        let word = |key: &str| field(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        acts.push(match name.as_str() {
            "match" => matched(value),
            "vmap" => Act::Lookup {
                key: field("key").map_or(Term::Strange, term),
                map: field("data").map_or(Term::Strange, term),
            },
            "accept" => Act::Accept,
            "drop" => Act::Drop,
            "continue" => Act::Continue,
            "return" => Act::Return,
            "reject" => Act::Reject(match word("type").as_str() {
                "icmp" => Some(4),
                "icmpv6" => Some(6),
                _ => None,
            }),
            "jump" => Act::Jump(word("target")),
            "goto" => Act::Goto(word("target")),
            "queue" => Act::Queue,
            "notrack" => Act::Notrack,
            "log" => Act::Log,
            "counter" => {
                let number = |key: &str| field(key).and_then(Json::as_u64);
                Act::Counter(number("packets").zip(number("bytes")))
            }
            "mangle" => Act::SetField(
                field("key").map_or(Term::Strange, term),
                field("value").map_or(Term::Strange, term),
            ),
            "redirect" => Act::Redirect,
            "dnat" => Act::Destination(field("addr").map_or(Term::Strange, term)),
            "snat" | "masquerade" => Act::Source,
            "limit" | "quota" | "ct count" | "connlimit" => Act::Maybe(format!("a {name}")),
            "meter" => Act::Maybe("a meter".to_owned()),
            "set" | "map" => {
                let limited = field("stmt").and_then(Json::as_array).is_some_and(|s| !s.is_empty());
                if limited { Act::Maybe("a limit".to_owned()) } else { Act::Nothing }
            }
            "flow" | "dup" | "ct helper" | "ct timeout" | "ct expectation" | "secmark" | "last"
            | "comment" | "reset" => Act::Nothing,
            "xt" => {
                let target = word("type") == "target";
                let what = word("name");
                let harmless = ["comment", "LOG", "NFLOG", "TCPMSS", "CHECKSUM", "CLASSIFY"];
                if harmless.contains(&what.as_str()) {
                    Act::Nothing
                } else if target {
                    Act::Strange(format!("the target {what}, which nft does not show"))
                } else {
                    Act::Maybe(format!("the match {what}, which nft does not show"))
                }
            }
            other => Act::Strange(other.to_owned()),
        });
    }
}

fn matched(value: &Json) -> Act {
    let side = |key: &str| value.get(key).map_or(Term::Strange, term);
    let op = match value.get("op").and_then(Json::as_str).unwrap_or("==") {
        "==" => Op::Is,
        "in" => Op::In,
        "!=" => Op::Not,
        "!" => Op::NotIn,
        "<" => Op::Less,
        ">" => Op::More,
        "<=" => Op::LessOrEqual,
        ">=" => Op::MoreOrEqual,
        _ => return Act::Maybe("a comparison that is not understood".to_owned()),
    };
    Act::Match { left: side("left"), op, right: side("right") }
}

/// serde_json bounds how deep a text nests, and with it this recursion.
fn term(json: &Json) -> Term {
    match json {
        Json::String(word) => match word.strip_prefix('@') {
            Some(name) => Term::Named(name.to_owned()),
            None if word == "*" => Term::Any,
            None => Term::Word(word.clone()),
        },
        Json::Number(number) => Term::Word(number.to_string()),
        Json::Bool(true) => Term::Word("exists".to_owned()),
        Json::Bool(false) => Term::Word("missing".to_owned()),
        Json::Array(all) => Term::List(all.iter().map(term).collect()),
        Json::Null => Term::Strange,
        Json::Object(object) => object.iter().next().map_or(Term::Strange, |(n, v)| tagged(n, v)),
    }
}

fn tagged(name: &str, value: &Json) -> Term {
    let word = |key: &str| value.get(key).and_then(Json::as_str).unwrap_or_default();
    let field = |header: &str, field: &str| Term::Field(header.to_owned(), field.to_owned());
    match name {
        "payload" if value.get("protocol").is_some() => field(word("protocol"), word("field")),
        "meta" => field("meta", word("key")),
        "ct" => {
            let key = match word("key") {
                "ip saddr" | "ip6 saddr" => "saddr",
                "ip daddr" | "ip6 daddr" => "daddr",
                key => key,
            };
            match word("dir") {
                "" => field("ct", key),
                dir => field("ct", &format!("{dir} {key}")),
            }
        }
        "fib" => {
            let flags = value.get("flags").map(words).unwrap_or_default().join(" . ");
            field("fib", &format!("{flags} {}", word("result")))
        }
        "rt" | "socket" => field(name, word("key")),
        "prefix" => {
            let length = value.get("len").and_then(Json::as_u64).and_then(|n| u8::try_from(n).ok());
            match (value.get("addr"), length) {
                (Some(addr), Some(length)) => Term::Prefix(Box::new(term(addr)), length),
                _ => Term::Strange,
            }
        }
        "range" => match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => Term::Range(Box::new(term(low)), Box::new(term(high))),
            _ => Term::Strange,
        },
        "set" => Term::Set(elements(value)),
        "concat" => match value.as_array() {
            Some(all) => Term::Concat(all.iter().map(term).collect()),
            None => Term::Strange,
        },
        "&" => match value.as_array().map(Vec::as_slice) {
            Some([left, right]) => Term::Masked(Box::new(term(left)), Box::new(term(right))),
            _ => Term::Strange,
        },
        "|" => match value.as_array() {
            Some(all) if all.iter().all(|v| !matches!(term(v), Term::Field(..))) => {
                Term::List(all.iter().map(term).collect())
            }
            _ => field("computed", ""),
        },
        "^" | "<<" | ">>" | "numgen" | "jhash" | "symhash" | "map" => field("computed", ""),
        "elem" => value.get("val").map_or(Term::Strange, term),
        other => field(other, word("key")),
    }
}

/// Members of a set, or of a map as pairs.
fn elements(json: &Json) -> Vec<Element> {
    match json {
        Json::Array(all) => all.iter().map(element).collect(),
        one => vec![element(one)],
    }
}

fn element(json: &Json) -> Element {
    match json.as_array().map(Vec::as_slice) {
        Some([key, value]) => {
            let mut made = element(key);
            let mut acts = Vec::new();
            act(value, &mut acts);
            let verdict = acts.pop().filter(|_| value.is_object());
            match verdict {
                Some(
                    act @ (Act::Accept
                    | Act::Drop
                    | Act::Continue
                    | Act::Return
                    | Act::Jump(_)
                    | Act::Goto(_)),
                ) => made.verdict = Some(act),
                _ => made.value = Some(term(value)),
            }
            made
        }
        _ => {
            let inner = json.get("elem");
            let passing = inner.is_some_and(|e| {
                ["timeout", "expires", "limit", "quota"].iter().any(|k| e.get(k).is_some())
            });
            Element { passing, ..Element::plain(term(json)) }
        }
    }
}
