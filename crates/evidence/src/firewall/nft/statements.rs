//! The statements of one rule of an nft listing, word by word. nft writes no mark between two
//! statements, so each word's first place tells where one begins. What is not known is a
//! [`Act::Strange`], and reading goes on behind it.

use super::cursor::Cursor;
use super::tokens::What;
use super::tree::{Act, Op, Term};

/// What comes next in a rule.
pub(crate) enum Line {
    Act(Act),
    /// `jump {`: a chain without a name follows (true: `goto {`).
    Inner(bool),
    End,
}

impl Cursor<'_> {
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
                let of = match (self.line_holds("icmp"), self.line_holds("icmpv6")) {
                    (true, _) => Some(4),
                    (_, true) => Some(6),
                    _ => None,
                };
                self.rest();
                Act::Reject(of)
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
}
