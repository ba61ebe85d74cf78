//! Known dialects in readable files: sections with a name, a kind and features.
//!
//! ```text
//! # learnt from 12 sessions
//! [example-bot]
//! kind = bot                       bot | mta | library
//! proved = yes                     seen to hit traps: one hit lists (only with kind = bot)
//! case = lower
//! path = HELO MAIL RCPT DATA | HELO MAIL RCPT DATA QUIT
//! ```
//!
//! A feature may name several values, parted by ` | `. A session speaks a dialect when it showed
//! every feature named, with a value named. A bot needs at least four features. What is not
//! understood is refused with the file, the line and what to do.

use super::{Dialect, FEATURES};
use std::collections::BTreeMap;
use std::fmt;

/// Features without which a bot's dialect would be everybody's.
pub const FEWEST: usize = 4;

/// Who speaks a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Malware: it speaks against an address.
    Bot,
    /// A mail server: it speaks for the sessions.
    Mta,
    /// A library or program that honest people use: nothing is said of a bot that shares it.
    Library,
}

/// One known dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name, a word.
    pub name: String,
    /// Who speaks it.
    pub kind: Kind,
    /// Whether it was proved on traps.
    pub proved: bool,
    /// Features and the values allowed.
    pub features: BTreeMap<&'static str, Vec<String>>,
}

/// All known dialects, in the order they were read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Dialects(Vec<Known>);

/// A file of dialects that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDialect {
    /// As the caller named it.
    pub file: String,
    /// From 1 on.
    pub line: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for BadDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading dialects from {}, line {}: {}", self.file, self.line, self.problem)
    }
}

impl std::error::Error for BadDialect {}

impl Known {
    /// Whether a fingerprint is of this dialect.
    pub fn is_spoken_in(&self, dialect: &Dialect) -> bool {
        self.features.iter().all(|(name, values)| {
            dialect.feature(name).is_some_and(|value| values.iter().any(|v| v == value))
        })
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}]", self.name)?;
        let kind = match self.kind {
            Kind::Bot => "bot",
            Kind::Mta => "mta",
            Kind::Library => "library",
        };
        writeln!(f, "kind = {kind}")?;
        if self.proved {
            writeln!(f, "proved = yes")?;
        }
        for name in FEATURES {
            if let Some(values) = self.features.get(name) {
                writeln!(f, "{name} = {}", values.join(" | "))?;
            }
        }
        Ok(())
    }
}

impl Dialects {
    /// Reads one file and adds its dialects; on an error nothing is added.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), BadDialect> {
        let mut reading = Reading { file, all: &self.0, read: Vec::new(), open: None };
        for (at, line) in text.lines().enumerate() {
            reading.line(at + 1, line)?;
        }
        reading.close()?;
        let read = reading.read;
        self.0.extend(read);
        Ok(())
    }

    /// The dialects that a fingerprint is of.
    pub fn spoken_in<'a>(&'a self, dialect: &'a Dialect) -> impl Iterator<Item = &'a Known> {
        self.0.iter().filter(|known| known.is_spoken_in(dialect))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }
}

struct Reading<'a> {
    file: &'a str,
    all: &'a [Known],
    read: Vec<Known>,
    /// The section that is being read, where it began, and whether its kind was named.
    open: Option<(Known, usize, bool)>,
}

impl Reading<'_> {
    fn bad<T>(&self, line: usize, problem: String) -> Result<T, BadDialect> {
        Err(BadDialect { file: self.file.to_owned(), line, problem })
    }

    fn line(&mut self, at: usize, line: &str) -> Result<(), BadDialect> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix('[') {
            self.close()?;
            return self.section(at, rest.strip_suffix(']').unwrap_or_default());
        }
        let Some((key, value)) = line.split_once('=') else {
            return self.bad(at, format!("\"{}\" is no `name = value`", cut(line)));
        };
        let (key, value) = (key.trim(), value.trim());
        if value.is_empty() {
            return self.bad(at, format!("\"{}\" has no value", cut(key)));
        }
        let Some(mut open) = self.open.take() else {
            return self.bad(at, "a value before the first section: begin with [name]".into());
        };
        let (known, _, kind_named) = &mut open;
        match (key, value) {
            ("kind", "bot" | "mta" | "library") => {
                known.kind = match value {
                    "bot" => Kind::Bot,
                    "mta" => Kind::Mta,
                    _ => Kind::Library,
                };
                *kind_named = true;
            }
            ("kind", other) => {
                return self.bad(at, format!("kind \"{}\": say bot, mta or library", cut(other)));
            }
            ("proved", "yes" | "no") => known.proved = value == "yes",
            ("proved", other) => {
                return self.bad(at, format!("proved \"{}\": say yes or no", cut(other)));
            }
            (name, value) => {
                let Some(name) = FEATURES.iter().find(|f| **f == name) else {
                    return self.bad(
                        at,
                        format!(
                            "no feature is called \"{}\": there are {}",
                            cut(name),
                            FEATURES.join(", ")
                        ),
                    );
                };
                let values = value.split(" | ").map(|v| v.trim().to_owned()).collect();
                if known.features.insert(name, values).is_some() {
                    return self.bad(at, format!("{name} stands twice: part values by \" | \""));
                }
            }
        }
        self.open = Some(open);
        Ok(())
    }

    fn section(&mut self, at: usize, name: &str) -> Result<(), BadDialect> {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(word) {
            return self.bad(
                at,
                "a section is [name], of small letters, digits and hyphens, at most 64".into(),
            );
        }
        if self.all.iter().chain(&self.read).any(|known| known.name == name) {
            return self.bad(at, format!("there is a dialect {name} already: choose another name"));
        }
        let known = Known {
            name: name.into(),
            kind: Kind::Library,
            proved: false,
            features: BTreeMap::new(),
        };
        self.open = Some((known, at, false));
        Ok(())
    }

    fn close(&mut self) -> Result<(), BadDialect> {
        let Some((known, at, kind_named)) = self.open.take() else { return Ok(()) };
        let (name, count) = (&known.name, known.features.len());
        if !kind_named {
            return self.bad(at, format!("{name} has no kind: say kind = bot, mta or library"));
        }
        if known.proved && known.kind != Kind::Bot {
            return self.bad(at, format!("{name} is proved but no bot: only bots are proved"));
        }
        if count == 0 || (known.kind == Kind::Bot && count < FEWEST) {
            return self.bad(at, format!("{name} names {count} features, too few to tell it from others: name at least {FEWEST}"));
        }
        self.read.push(known);
        Ok(())
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
