//! What matches and targets print behind the columns of `iptables -L`: `tcp dpt:smtp owner UID
//! match postfix`, `reject-with …` -> tests and the target's options.

use super::options::{mark_test, state};
use super::{Target, maybe};
use crate::firewall::names;
use crate::firewall::rules::{Key, Mark, Test, Value};

pub(super) fn plain(word: &str) -> (&str, bool) {
    match word.strip_prefix('!') {
        Some(word) => (word, true),
        None => (word, false),
    }
}

pub(super) struct Words<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
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
pub(super) fn extensions(rest: &str, tests: &mut Vec<Test>, target: &mut Target<'_>) {
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
