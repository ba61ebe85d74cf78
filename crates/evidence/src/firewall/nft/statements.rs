//! The statements of one rule of an nft listing, word by word. nft writes no mark between two
//! statements, so each word's first place tells where one begins. What is not known is a
//! [`Act::Strange`], and reading goes on behind it.

use super::tokens::{Token, What};
use super::tree::{Act, Element, Op, Term};

/// Where reading stands.
pub(crate) struct Cursor<'a> {
    pub(crate) tokens: &'a [Token],
    pub(crate) at: usize,
}

/// What comes next in a rule.
pub(crate) enum Line {
    Act(Act),
    /// `jump {`: a chain without a name follows (true: `goto {`).
    Inner(bool),
    End,
}

/// Depth of parentheses and hashes of expressions.
const DEEPEST: usize = 20;

impl<'a> Cursor<'a> {
    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn what(&self) -> Option<&'a What> {
        self.peek().map(|t| &t.what)
    }

    /// The next word, if it is one.
    fn peek_word(&self) -> Option<&'a str> {
        match self.what() {
            Some(What::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, what: &What) -> bool {
        let is = self.what() == Some(what);
        self.at += usize::from(is);
        is
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let is = self.peek_word() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// The next word or string; nothing is taken where there is none.
    pub(crate) fn word(&mut self) -> String {
        match self.what() {
            Some(What::Word(word) | What::Quoted(word)) => {
                self.at += 1;
                word.clone()
            }
            _ => String::new(),
        }
    }

    /// The words up to the next `{`, which is taken.
    pub(crate) fn words_to_open(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(token) = self.next() {
            match &token.what {
                What::Word(word) | What::Quoted(word) => words.push(word.clone()),
                What::Open => break,
                What::Close => {
                    self.at -= 1;
                    break;
                }
                What::End | What::Comma => {}
            }
        }
        words
    }

    /// The words up to the end of the line, sets passed over.
    pub(crate) fn words_to_end(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(token) = self.peek() {
            match &token.what {
                What::Word(word) | What::Quoted(word) => words.push(word.clone()),
                What::Open => {
                    self.at += 1;
                    self.skip_block();
                    continue;
                }
                What::End | What::Close => break,
                What::Comma => {}
            }
            self.at += 1;
        }
        words
    }

    /// Whether a word stands in the rest of the line.
    pub(crate) fn line_holds(&self, word: &str) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        rest.iter()
            .take_while(|t| !matches!(t.what, What::End | What::Close))
            .any(|t| matches!(&t.what, What::Word(w) if w == word))
    }

    /// Whether the rest of the line opens a block, which then is entered.
    pub(crate) fn line_opens(&mut self) -> bool {
        while let Some(token) = self.peek() {
            match token.what {
                What::Open => {
                    self.at += 1;
                    return true;
                }
                What::End | What::Close => return false,
                _ => self.at += 1,
            }
        }
        false
    }

    /// Passes over a block that was entered; whether its end was seen.
    pub(crate) fn skip_block(&mut self) -> bool {
        let mut depth = 1_usize;
        while let Some(token) = self.next() {
            match token.what {
                What::Open => depth += 1,
                What::Close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return true;
            }
        }
        false
    }

    /// Passes over the rest of a rule, up to its comment.
    fn rest(&mut self) {
        while let Some(token) = self.peek() {
            match &token.what {
                What::End | What::Close => return,
                What::Word(word) if word == "comment" => return,
                What::Open => {
                    self.at += 1;
                    self.skip_block();
                }
                _ => self.at += 1,
            }
        }
    }

    /// The next statement of the rule.
    pub(crate) fn statement(&mut self) -> Line {
        let word = match self.what() {
            None | Some(What::End | What::Close) => return Line::End,
            Some(What::Word(word)) => word.as_str(),
            Some(What::Open) => {
                self.at += 1;
                self.skip_block();
                return Line::Act(Act::Strange("a set where a statement belongs".to_owned()));
            }
            Some(What::Quoted(_) | What::Comma) => {
                self.at += 1;
                return Line::Act(Act::Strange("a string where a statement belongs".to_owned()));
            }
        };
        if matches!(word, "jump" | "goto") {
            self.at += 1;
            if self.take(&What::Open) {
                return Line::Inner(word == "goto");
            }
            let name = self.word();
            return Line::Act(if word == "goto" { Act::Goto(name) } else { Act::Jump(name) });
        }
        let from = self.at;
        let act = self.simple(word).unwrap_or_else(|| self.expression());
        if self.at == from {
            self.at += 1;
        }
        Line::Act(act)
    }

    /// Statements that begin with a word of their own.
    fn simple(&mut self, word: &str) -> Option<Act> {
        let from = self.at;
        self.at += 1;
        Some(match word {
            "accept" => Act::Accept,
            "drop" => Act::Drop,
            "continue" => Act::Continue,
            "return" => Act::Return,
            "notrack" => Act::Notrack,
            "reject" => {
                self.rest();
                Act::Reject
            }
            "queue" => {
                self.rest();
                Act::Queue
            }
            "masquerade" | "snat" => {
                self.rest();
                Act::Source
            }
            "redirect" => {
                self.rest();
                Act::Redirect
            }
            "dnat" => {
                while ["ip", "ip6", "prefix", "to", "interval"].iter().any(|w| self.take_word(w)) {}
                let to = self.value(0);
                self.rest();
                Act::Destination(to)
            }
            "tproxy" | "synproxy" | "fwd" => {
                self.rest();
                Act::Strange(word.to_owned())
            }
            "dup" => {
                self.rest();
                Act::Nothing
            }
            "counter" => self.counter(),
            "log" => self.log(),
            "limit" | "quota" => {
                self.limit();
                Act::Maybe(format!("a {word}"))
            }
            "flow" => {
                self.word();
                self.word();
                Act::Nothing
            }
            "add" | "update" | "delete" | "meter" => {
                let limited = self.line_opens() && self.limited_block();
                if limited { Act::Maybe("a limit".to_owned()) } else { Act::Nothing }
            }
            // Old versions: `set add ip saddr @name`.
            "set" => {
                while let Some(word) = self.peek_word() {
                    self.at += 1;
                    if word.starts_with('@') {
                        break;
                    }
                }
                Act::Nothing
            }
            "comment" => {
                self.word();
                Act::Nothing
            }
            "last" => {
                if self.take_word("used") {
                    self.word();
                }
                Act::Nothing
            }
            "reset" => {
                for _ in 0..3 {
                    self.word();
                }
                Act::Nothing
            }
            "xt" => {
                let kind = self.word();
                let name = self.word();
                let harmless = ["TCPMSS", "LOG", "NFLOG", "CHECKSUM", "CLASSIFY", "DSCP", "TOS"];
                match kind.as_str() {
                    "match" => Act::Maybe(format!("the match {name}, which nft does not show")),
                    _ if harmless.contains(&name.as_str()) => Act::Nothing,
                    _ => Act::Strange(format!("the target {name}, which nft does not show")),
                }
            }
            "ct" if self.peek_word() == Some("count") => {
                self.at += 1;
                self.take_word("over");
                self.word();
                Act::Maybe("a limit of connections".to_owned())
            }
            _ => {
                self.at = from;
                return None;
            }
        })
    }

    fn counter(&mut self) -> Act {
        if self.take_word("name") {
            self.named_object();
            return Act::Counter(None);
        }
        let mut numbers = (None, None);
        if self.take_word("packets") {
            numbers.0 = self.word().parse().ok();
        }
        if self.take_word("bytes") {
            numbers.1 = self.word().parse().ok();
        }
        Act::Counter(numbers.0.zip(numbers.1))
    }

    /// `"name"` or `ip saddr map @names`
    fn named_object(&mut self) {
        if matches!(self.what(), Some(What::Quoted(_))) {
            self.at += 1;
        } else {
            let from = self.at;
            if self.field(0) == Term::Strange || !self.take_word("map") {
                self.at = from;
                self.word();
            } else {
                self.value(0);
            }
        }
    }

    fn log(&mut self) -> Act {
        while let Some(word) = self.peek_word() {
            match word {
                "prefix" | "level" | "group" | "snaplen" | "queue-threshold" => {
                    self.at += 1;
                    self.word();
                }
                "flags" => {
                    self.at += 1;
                    // `flags tcp sequence,options flags ip options`, `flags all`, `flags skuid`
                    let which = self.word();
                    if matches!(which.as_str(), "tcp" | "ip") {
                        self.word();
                        while self.take(&What::Comma) {
                            self.word();
                        }
                    }
                }
                _ => break,
            }
        }
        Act::Log
    }

    /// `rate [over] 10/second [burst 5 packets]`, `over 25 mbytes [used 3 bytes]`, `name "x"`
    fn limit(&mut self) {
        if self.take_word("name") {
            self.named_object();
            return;
        }
        self.take_word("rate");
        let _ = self.take_word("over") || self.take_word("until");
        self.word();
        let unit = |w: &str| {
            ["bytes", "kbytes", "mbytes", "gbytes", "packets"]
                .iter()
                .any(|u| w == *u || w.strip_prefix(u).is_some_and(|r| r.starts_with('/')))
        };
        if self.peek_word().is_some_and(unit) {
            self.at += 1;
        }
        for more in ["burst", "used"] {
            if self.take_word(more) {
                self.word();
                if self.peek_word().is_some_and(unit) {
                    self.at += 1;
                }
            }
        }
    }

    /// Passes over `{ ip saddr limit rate over 10/minute }`; whether a limit is in it.
    fn limited_block(&mut self) -> bool {
        let from = self.at;
        self.skip_block();
        let inner = self.tokens.get(from..self.at).unwrap_or_default();
        inner.iter().any(|t| {
            matches!(&t.what, What::Word(w) if matches!(w.as_str(), "limit" | "quota" | "count"))
        })
    }

    /// A test, a look-up, or the setting of a field.
    fn expression(&mut self) -> Act {
        let from = self.at;
        let left = self.field(0);
        if left == Term::Strange {
            self.at = from + 1;
            let word = match self.tokens.get(from).map(|t| &t.what) {
                Some(What::Word(word)) => word.chars().take(40).collect(),
                _ => String::new(),
            };
            return Act::Strange(format!("`{word}`"));
        }
        if self.take_word("set") {
            let to = self.field_or_value();
            return Act::SetField(left, to);
        }
        if self.take_word("vmap") {
            return Act::Lookup { key: left, map: self.value(0) };
        }
        let op = match self.peek_word() {
            Some("==" | "eq") => Some(Op::Is),
            Some("!=" | "ne") => Some(Op::Not),
            Some("!") => Some(Op::NotIn),
            Some("<" | "lt") => Some(Op::Less),
            Some(">" | "gt") => Some(Op::More),
            Some("<=" | "le") => Some(Op::LessOrEqual),
            Some(">=" | "ge") => Some(Op::MoreOrEqual),
            _ => None,
        };
        self.at += usize::from(op.is_some());
        let right = self.value(0);
        Act::Match { left, op: op.unwrap_or(Op::In), right }
    }

    /// The right side of `set`: another field, a map, or a value.
    fn field_or_value(&mut self) -> Term {
        let from = self.at;
        let field = self.field(0);
        if field == Term::Strange {
            self.at = from;
            return self.value(0);
        }
        if self.take_word("map") {
            return Term::Mapped(Box::new(field), Box::new(self.value(0)));
        }
        field
    }

    /// What of a packet is looked at: fields, joined by dots, bits masked.
    fn field(&mut self, depth: usize) -> Term {
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

    fn one_field(&mut self, depth: usize) -> Term {
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
    fn value(&mut self, depth: usize) -> Term {
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
    fn joined(&mut self, depth: usize) -> Term {
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
