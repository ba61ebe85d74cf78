//! Which file a place's source means. Every file that records come from has a number; an input
//! of the report may stand for many files (a web root, a Maildir).

use crate::opened::Body;
use crate::{Input, Kind};
use heloscope_model::SourceId;
use std::path::{Path, PathBuf};

/// A file that records come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its path as found.
    pub(crate) path: PathBuf,
    /// Its bytes.
    pub(crate) body: Body,
    /// The input it belongs to, by index.
    pub(crate) input: usize,
}

/// All of them, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    /// The next number.
    fn next(&self) -> SourceId {
        SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }

    /// A file of an input.
    pub(crate) fn add(&mut self, path: &Path, body: Body, input: usize) -> SourceId {
        let id = self.next();
        self.0.push(Source { path: path.to_path_buf(), body, input });
        id
    }

    /// A file that is an input of its own.
    pub(crate) fn add_input(
        &mut self,
        inputs: &mut Vec<Input>,
        path: &Path,
        body: Body,
        kind: Kind,
    ) -> SourceId {
        let source = self.add(path, body, inputs.len());
        inputs.push(Input {
            source,
            path: path.to_path_buf(),
            kind,
            records: 0,
            first: None,
            last: None,
            note: None,
            what: None,
            gaps: Vec::new(),
        });
        source
    }

    /// Takes the number given last back.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// A source that is one of an input's files, not the input's own path.
    pub(crate) fn set_path(&mut self, id: SourceId, path: &Path) {
        if let Some(source) = usize::try_from(id.0).ok().and_then(|i| self.0.get_mut(i)) {
            source.path = path.to_path_buf();
        }
    }

    /// Every file's path.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.0.iter_mut().map(|source| &mut source.path)
    }

    /// The file of a number.
    pub(crate) fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(usize::try_from(id.0).ok()?)
    }
}

/// Adds a note behind those an input has.
pub(crate) fn note(input: &mut Input, text: &str) {
    match &mut input.note {
        Some(note) if note.contains(text) => {}
        Some(note) => {
            note.push_str("; ");
            note.push_str(text);
        }
        None => input.note = Some(text.to_owned()),
    }
}
