//! The expressions of an nft listing: which field of a packet is looked at, the values it is
//! compared with, the members of sets and maps.

use super::cursor::Cursor;
use super::tokens::What;
use super::tree::{Act, Element, Term};

/// Depth of parentheses and hashes of expressions.
const DEEPEST: usize = 20;

impl Cursor<'_> {
    /// What of a packet is looked at: fields, joined by dots, bits masked.
    pub(super) fn field(&mut self, depth: usize) -> Term {
        if depth > DEEPEST {
            return Term::Strange;
        }
        let first = self.one_field(depth);
        if first == Term::Strange {
            return first;
        }
        let mut all = vec![first];
        loop {
            match self.peek_word() {
                Some(".") => {
                    self.at += 1;
                    match self.one_field(depth) {
                        Term::Strange => return Term::Strange,
                        next => all.push(next),
                    }
                }
                Some("&" | "and") => {
                    self.at += 1;
                    let mask = self.value(depth + 1);
                    let Some(last) = all.pop() else { return Term::Strange };
                    all.push(Term::Masked(Box::new(last), Box::new(mask)));
                }
                Some("|" | "or" | "^" | "xor" | "<<" | ">>") => {
                    self.at += 1;
                    self.value(depth + 1);
                    all.pop();
                    all.push(Term::Field("computed".to_owned(), String::new()));
                }
                _ => break,
            }
        }
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                all.push(last);
                Term::Concat(all)
            }
            (None, _) => Term::Strange,
        }
    }

    pub(super) fn one_field(&mut self, depth: usize) -> Term {
        let Some(word) = self.peek_word() else { return Term::Strange };
        let field = |a: &str, b: String| Term::Field(a.to_owned(), b);
        self.at += 1;
        match word {
            "(" => {
                let inner = self.field(depth + 1);
                self.take_word(")");
                inner
            }
            "iif" | "oif" | "iifname" | "oifname" | "iiftype" | "oiftype" | "skuid" | "skgid"
            | "mark" | "nftrace" | "rtclassid" | "pkttype" | "cpu" | "iifgroup" | "oifgroup"
            | "cgroup" | "ibrname" | "obrname" | "ibriport" | "obriport" | "ibridgename"
            | "obridgename" | "iifkind" | "oifkind" | "sdif" | "sdifname" | "secpath" => {
                field("meta", word.to_owned())
            }
            "meta" | "socket" => {
                let key = self.word();
                if key == "cgroupv2" {
                    self.take_word("level");
                    self.word();
                }
                field(word, key)
            }
            "ct" => {
                let mut key = self.word();
                if matches!(key.as_str(), "original" | "reply") {
                    let mut next = self.word();
                    // `ct original ip saddr`
                    if matches!(next.as_str(), "ip" | "ip6") {
                        next = self.word();
                    }
                    key = format!("{key} {next}");
                }
                field(word, key)
            }
            "fib" => {
                let mut keys = vec![self.word()];
                while self.take_word(".") {
                    keys.push(self.word());
                }
                let result = self.word();
                field("fib", format!("{} {result}", keys.join(" . ")))
            }
            "rt" | "ipsec" => {
                let mut key = self.word();
                while matches!(key.as_str(), "ip" | "ip6" | "in" | "out" | "spnum") {
                    key = self.word();
                }
                if key.parse::<u32>().is_ok() {
                    key = self.word();
                }
                field(word, key)
            }
            "numgen" | "jhash" | "symhash" => {
                if word == "jhash" {
                    self.field(depth + 1);
                } else if word == "numgen" {
                    self.word();
                }
                for option in ["mod", "seed", "offset"] {
                    if self.take_word(option) {
                        self.word();
                    }
                }
                field(word, String::new())
            }
            "osf" => {
                if self.take_word("ttl") {
                    self.word();
                }
                field(word, self.word())
            }
            "tcp" | "ip" | "sctp" | "dccp"
                if matches!(self.peek_word(), Some("option" | "chunk")) =>
            {
                self.at += 1;
                let name = self.word();
                let parts = [
                    "kind", "length", "size", "left", "right", "tsval", "tsecr", "value", "type",
                    "ptr", "flags",
                ];
                let part = self.peek_word().filter(|w| parts.contains(w) || word == "sctp");
                self.at += usize::from(part.is_some());
                field(word, format!("option {name}"))
            }
            "ip" | "ip6" | "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "th" | "icmp"
            | "icmpv6" | "icmp6" | "igmp" | "ether" | "vlan" | "arp" | "esp" | "ah" | "comp"
            | "dst" | "hbh" | "frag" | "mh" | "srh" | "exthdr" | "gre" | "gretap" | "geneve"
            | "vxlan" => {
                let name = self.word();
                if name.is_empty() {
                    return Term::Strange;
                }
                field(word, name)
            }
            raw if raw.starts_with("@ih")
                || raw.starts_with("@nh")
                || raw.starts_with("@th")
                || raw.starts_with("@ll") =>
            {
                for _ in 0..2 {
                    if self.take(&What::Comma) {
                        self.word();
                    }
                }
                field("raw", raw.to_owned())
            }
            _ => {
                self.at -= 1;
                Term::Strange
            }
        }
    }

    /// The right side of a test: a value, several, a set.
    pub(super) fn value(&mut self, depth: usize) -> Term {
        let first = self.joined(depth);
        let mut all = vec![first];
        loop {
            let comma = self.what() == Some(&What::Comma);
            if comma || matches!(self.peek_word(), Some("|" | "or")) {
                self.at += 1;
                all.push(self.joined(depth));
            } else if self.take_word("/") {
                // `syn / fin,syn,rst,ack`
                let mask = self.value(depth + 1);
                return Term::Masked(Box::new(list(all)), Box::new(mask));
            } else {
                return list(all);
            }
            if depth > DEEPEST {
                return Term::Strange;
            }
        }
    }

    /// Values joined by dots.
    pub(super) fn joined(&mut self, depth: usize) -> Term {
        let mut all = vec![self.one_value(depth)];
        while self.take_word(".") {
            all.push(self.one_value(depth));
        }
        if all.len() == 1 { all.pop().unwrap_or(Term::Strange) } else { Term::Concat(all) }
    }

    fn one_value(&mut self, depth: usize) -> Term {
        match self.what() {
            Some(What::Open) if depth <= DEEPEST => {
                self.at += 1;
                Term::Set(self.elements(depth + 1).0)
            }
            Some(What::Quoted(word)) => {
                self.at += 1;
                Term::Word(word.clone())
            }
            Some(What::Word(word)) => {
                if word == "(" {
                    self.at += 1;
                    if depth > DEEPEST {
                        return Term::Strange;
                    }
                    let inner = self.value(depth + 1);
                    self.take_word(")");
                    return inner;
                }
                self.at += 1;
                if word == "*" {
                    return Term::Any;
                }
                match word.strip_prefix('@') {
                    Some(name) => Term::Named(name.to_owned()),
                    None => Term::Word(word.clone()),
                }
            }
            _ => Term::Strange,
        }
    }

    /// The members of a set whose `{` was taken; whether its end was seen.
    pub(crate) fn elements(&mut self, depth: usize) -> (Vec<Element>, bool) {
        let mut found = Vec::new();
        loop {
            match self.what() {
                None => return (found, false),
                Some(What::Close) => {
                    self.at += 1;
                    return (found, true);
                }
                Some(What::Comma | What::End) => self.at += 1,
                Some(_) => {
                    let from = self.at;
                    found.push(self.element(depth));
                    if self.at == from {
                        self.at += 1;
                    }
                }
            }
        }
    }

    fn element(&mut self, depth: usize) -> Element {
        let mut flags = vec![self.joined(depth)];
        while self.take_word("|") {
            flags.push(self.joined(depth));
        }
        let mut element = Element::plain(list(flags));
        loop {
            match self.what() {
                None | Some(What::Close | What::Comma) => return element,
                Some(What::End) => self.at += 1,
                Some(What::Word(word)) => {
                    self.at += 1;
                    match word.as_str() {
                        "timeout" | "expires" | "limit" | "quota" => element.passing = true,
                        ":" => self.mapped_to(&mut element, depth),
                        _ => {}
                    }
                }
                Some(What::Quoted(_)) => self.at += 1,
                Some(What::Open) => {
                    self.at += 1;
                    self.skip_block();
                }
            }
        }
    }

    fn mapped_to(&mut self, element: &mut Element, depth: usize) {
        element.verdict = match self.peek_word() {
            Some("accept") => Some(Act::Accept),
            Some("drop") => Some(Act::Drop),
            Some("continue") => Some(Act::Continue),
            Some("return") => Some(Act::Return),
            Some(word @ ("jump" | "goto")) => {
                self.at += 1;
                let name = self.word();
                self.at -= 1;
                Some(if word == "goto" { Act::Goto(name) } else { Act::Jump(name) })
            }
            _ => {
                element.value = Some(self.joined(depth));
                return;
            }
        };
        self.at += 1;
    }
}

/// One term as it is, several as flags.
fn list(mut all: Vec<Term>) -> Term {
    if all.len() == 1 { all.pop().unwrap_or(Term::Strange) } else { Term::List(all) }
}
