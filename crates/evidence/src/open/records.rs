//! The files of a recorder's record, segments of one journal -> one input a folder, with what it covers.
//!
//! Files come in order of their names, which is the order of their records. A segment that holds something else (the
//! list's ledger keeps such files, too) is no evidence and said so; what is not whole at its end was being written.

use super::Opening;
use crate::connections::recorder::{self, Reader};
use crate::opened::{self, Body};
use crate::recognise::WHOLE;
use crate::{Kind, walk};
use heloscope_journal::Scan;
use heloscope_model::{Place, SourceId};
use std::path::Path;

/// A record being read.
pub(super) struct Record {
    source: SourceId,
    /// The number of its input.
    input: usize,
    files: usize,
    reader: Reader,
}

impl Opening {
    /// Takes one segment.
    pub(super) fn record(&mut self, path: &Path, body: &Body) {
        let (bytes, all, problem) = match opened::whole(body, WHOLE) {
            Ok(whole) => whole,
            Err(error) => {
                self.unrecognised(path, &walk::reason(&error));
                return;
            }
        };
        let mut scan = match Scan::new(&bytes) {
            Ok(scan) => scan.peekable(),
            Err(what) => {
                self.unrecognised(path, &format!("a journal's file that cannot be read: {what}"));
                return;
            }
        };
        let first = scan.peek().map(|first| recorder::recognise(first.payload));
        if first == Some(false) || first.is_none() && path.extension().is_none() {
            self.unrecognised(path, "a journal of something else than `heloscope record`");
            return;
        }
        let folder = path.parent().unwrap_or(path).to_path_buf();
        let (source, input) = match self.records.get(&folder) {
            Some(record) => (self.sources.add(path, body.clone(), record.input), record.input),
            None => {
                let input = self.inputs.len();
                (self.input(path, body, Kind::Connections), input)
            }
        };
        let record = self.records.entry(folder).or_insert_with(|| Record {
            source,
            input,
            files: 0,
            reader: Reader::default(),
        });
        record.files += 1;
        for one in scan.by_ref() {
            let line = one.payload.trim_ascii_end();
            record.reader.line(line, Place::byte(source, one.offset));
        }
        let first = record.source;
        let mut notes: Vec<String> = problem.into_iter().collect();
        if !all {
            notes.push(format!("only the first {WHOLE} bytes of {} were read", path.display()));
        }
        for note in notes {
            self.note(first, &note);
        }
    }

    /// Every record is read: what they hold, and what they cover.
    pub(super) fn read_records(&mut self) {
        for (folder, mut record) in std::mem::take(&mut self.records) {
            self.facts.leases.extend(record.reader.leases());
            let (found, cover) = record.reader.end();
            if let Some(input) = self.inputs.get_mut(record.input) {
                input.records += found.len() as u64;
                if record.files > 1 {
                    input.path = folder;
                    crate::sources::note(input, &format!("{} files", record.files));
                }
                cover.tell(input);
            }
            self.plan.tables.extend(found);
        }
    }
}
