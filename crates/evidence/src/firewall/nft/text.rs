//! `nft list ruleset`, with and without `-a`, `-s`, `-n`: tables, chains and sets. The rules'
//! statements are read in [`super::statements`].

use super::statements::{Cursor, Line};
use super::tokens::{self, Token, What};
use super::tree::{Act, Element};
use super::{Ruleset, base, hook, kin, meaning, priority};
use crate::firewall::rules::{Rule, Table, Tool, text_of};
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Reads a text that starts at `base_at` of its source.
pub(crate) fn read(text: &[u8], source: SourceId, base_at: u64) -> Ruleset {
    let tokens = tokens::of(text);
    let mut reader = Reader {
        text,
        cursor: Cursor { tokens: &tokens, at: 0 },
        source,
        base: base_at,
        found: Ruleset::default(),
        unnamed: 0,
        depth: 0,
    };
    reader.ruleset();
    reader.found
}

struct Reader<'a> {
    text: &'a [u8],
    cursor: Cursor<'a>,
    source: SourceId,
    base: u64,
    found: Ruleset,
    unnamed: usize,
    depth: usize,
}

impl Reader<'_> {
    fn place(&self, line: u64) -> Place {
        Place::byte(self.source, self.base + line)
    }

    /// The line a rule begins in, as text.
    fn text_at(&self, line: u64) -> String {
        let from = usize::try_from(line).unwrap_or(usize::MAX);
        let rest = self.text.get(from..).unwrap_or_default();
        lines::of(rest).next().map(|(_, line)| text_of(line)).unwrap_or_default()
    }

    fn ruleset(&mut self) {
        while let Some(token) = self.cursor.next() {
            if token.what != What::Word("table".to_owned()) {
                continue;
            }
            let line = token.line;
            let mut words = self.cursor.words_to_open();
            // "table filter {" of old versions is IPv4's.
            if words.len() == 1 {
                words.insert(0, "ip".to_owned());
            }
            let (family, name) = match words.as_slice() {
                [family, name, ..] => (family.clone(), name.clone()),
                _ => continue,
            };
            let Some(kin) = kin(&family) else {
                self.cursor.skip_block();
                continue;
            };
            let place = self.place(line);
            let mut table = Table::new(&name, kin, Tool::Nft, place);
            let closed = self.table(&mut table);
            if !closed {
                table.cut = true;
                self.found.notes.push(format!("cut off inside the table {name}"));
            }
            self.found.tables.push(table);
        }
    }

    /// The inside of a table; whether its end was seen.
    fn table(&mut self, table: &mut Table) -> bool {
        let mut dormant = false;
        loop {
            let Some(token) = self.cursor.next() else { return false };
            let word = match &token.what {
                What::Close => break,
                What::Word(word) => word.as_str(),
                _ => continue,
            };
            let line = token.line;
            match word {
                "chain" => {
                    let name = self.cursor.words_to_open().pop().unwrap_or_default();
                    if !self.chain(table, &name, line) {
                        return false;
                    }
                }
                "set" | "map" => {
                    let name = self.cursor.words_to_open().pop().unwrap_or_default();
                    if !self.set(table, &name) {
                        return false;
                    }
                }
                "flags" => dormant = self.cursor.line_holds("dormant"),
                "comment" => {
                    self.cursor.next();
                }
                _ => {
                    // Counters, helpers, limits, …: nothing that decides.
                    if self.cursor.line_opens() && !self.cursor.skip_block() {
                        return false;
                    }
                }
            }
        }
        if dormant {
            // The kernel does not walk it.
            table.chains.iter_mut().for_each(|c| c.base = None);
        }
        true
    }

    fn set(&mut self, table: &mut Table, name: &str) -> bool {
        let mut changes = false;
        let mut elements: Vec<Element> = Vec::new();
        loop {
            let Some(token) = self.cursor.next() else { return false };
            match &token.what {
                What::Close => break,
                What::Word(word) if word == "flags" => {
                    changes |=
                        self.cursor.line_holds("dynamic") | self.cursor.line_holds("timeout");
                }
                What::Word(word) if word == "elements" => {
                    self.cursor.take_word("=");
                    if self.cursor.take(&What::Open) {
                        let (found, closed) = self.cursor.elements(0);
                        elements.extend(found);
                        if !closed {
                            return false;
                        }
                    }
                }
                What::Word(word) if word == "comment" => {
                    self.cursor.next();
                }
                _ => {}
            }
        }
        table.sets.insert(name.to_owned(), meaning::set(&elements, changes));
        true
    }

    fn chain(&mut self, table: &mut Table, name: &str, line: u64) -> bool {
        let place = self.place(line);
        let at = table.chain(name, place);
        loop {
            let Some(token) = self.cursor.peek() else { return false };
            let line = token.line;
            match &token.what {
                What::Close => {
                    self.cursor.next();
                    return true;
                }
                What::End | What::Comma => {
                    self.cursor.next();
                }
                What::Word(word) if word == "type" => self.hooked(table, at),
                What::Word(word) if word == "policy" => {
                    self.cursor.next();
                    let word = self.cursor.word();
                    if let Some(base) = table.chains.get_mut(at).and_then(|c| c.base.as_mut()) {
                        base.policy = super::base("", base.hook, 0, &word).policy;
                    }
                }
                What::Word(word) if word == "comment" && self.cursor.is_comment_line() => {
                    self.cursor.next();
                    self.cursor.next();
                }
                _ => self.rule(table, name, line),
            }
        }
    }

    /// `type filter hook output priority filter; policy drop;`
    fn hooked(&mut self, table: &mut Table, at: usize) {
        let words = self.cursor.words_to_end();
        let mut words = words.iter().map(String::as_str);
        let (mut kind, mut which, mut number) = ("", None, String::new());
        while let Some(word) = words.next() {
            match word {
                "type" => kind = words.next().unwrap_or_default(),
                "hook" => which = words.next().and_then(hook),
                "priority" => number = words.by_ref().collect::<Vec<_>>().join(" "),
                _ => {}
            }
        }
        if let (Some(which), Some(chain)) = (which, table.chains.get_mut(at)) {
            chain.base = Some(base(kind, which, priority(&number, which), ""));
        }
    }

    fn rule(&mut self, table: &mut Table, chain: &str, line: u64) {
        let mut acts: Vec<Act> = Vec::new();
        loop {
            match self.cursor.statement() {
                Line::Act(act) => acts.push(act),
                Line::Inner(goto) => {
                    self.unnamed += 1;
                    let name = format!("{{{}}}", self.unnamed);
                    // Braces in braces: nft nests them no deeper than its jumps.
                    self.depth += 1;
                    let closed = if self.depth < 16 {
                        self.chain(table, &name, line)
                    } else {
                        self.cursor.skip_block();
                        false
                    };
                    self.depth -= 1;
                    table.cut |= !closed;
                    acts.push(if goto { Act::Goto(name) } else { Act::Jump(name) });
                }
                Line::End => break,
            }
        }
        self.found.rules += 1;
        if self.found.rules > crate::firewall::iptables::save::MOST {
            table.cut = true;
            return;
        }
        let place = self.place(line);
        let text = self.text_at(line);
        let (steps, counters) = meaning::steps(&acts, table.kin);
        table.append(chain, Rule { place, text, steps, counters });
    }
}

impl Cursor<'_> {
    /// Whether what follows `comment` is all of the line: the chain's own.
    fn is_comment_line(&self) -> bool {
        let after = |n: usize| self.tokens.get(self.at + n).map(|t: &Token| &t.what);
        matches!((after(1), after(2)), (Some(What::Quoted(_)), Some(What::End) | None))
    }
}
