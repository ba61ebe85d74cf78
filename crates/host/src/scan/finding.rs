//! What a check found, and what it could not see.
//!
//! A `Rule` holds what is always true of a finding of its id: why it matters, what to do, what speaks against it.
//! `Rule::found` makes a [`Finding`] of it. Ids are public words, as everywhere in the house.

use std::fmt;
use std::path::{Path, PathBuf};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Worth knowing; a sound host has many.
    Note,
    /// An expert would ask about it.
    Suspect,
    /// Hardly ever innocent.
    Bad,
}

impl Grade {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Suspect => "suspect",
            Self::Bad => "bad",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is always true of findings of one id.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The public word.
    pub(crate) id: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// What to do.
    pub(crate) todo: &'static str,
    /// What may make it innocent.
    pub(crate) against: &'static str,
}

impl Rule {
    /// A finding of this rule. `sure` is how sure it is that the thing is what it looks like, 0..1.
    pub(crate) fn found(&self, grade: Grade, sure: f32, what: impl Into<String>) -> Finding {
        let against = if self.against.is_empty() { vec![] } else { vec![self.against.to_owned()] };
        Finding {
            id: self.id,
            grade,
            what: what.into(),
            path: None,
            line: None,
            pid: None,
            why: self.why,
            sure,
            todo: self.todo,
            against,
        }
    }
}

/// One thing that stands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which rule.
    pub id: &'static str,
    /// How grave.
    pub grade: Grade,
    /// What was found, one sentence.
    pub what: String,
    /// The file or folder, as the scanned system names it.
    pub path: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The process.
    pub pid: Option<u32>,
    /// Why it matters.
    pub why: &'static str,
    /// How sure, 0..1.
    pub sure: f32,
    /// What to do.
    pub todo: &'static str,
    /// What speaks against it.
    pub against: Vec<String>,
}

impl Finding {
    /// Where: a file or folder.
    pub(crate) fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Where: a line, from 1.
    pub(crate) fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Where: a process.
    pub(crate) fn pid(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }

    /// What speaks against this one in particular.
    pub(crate) fn but(mut self, against: impl Into<String>) -> Self {
        self.against.insert(0, against.into());
        self
    }

    /// What names the finding from one scan to the next: not its process number, which changes.
    pub fn key(&self) -> String {
        let path = self.path.as_deref().map(shown).unwrap_or_default();
        let what = if path.is_empty() { self.what.as_str() } else { "" };
        format!("{} {} {path}{what}", self.id, self.grade)
    }
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// What: a path, a process, a check.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A path as one line of text: bytes that are no UTF-8 become U+00XX, control characters are escaped.
pub fn shown(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    visible(&heloscope_model::octets::lossy_text(path.as_os_str().as_bytes()).0)
}

/// Text in which nothing moves a reader's cursor.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
