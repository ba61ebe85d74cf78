//! Pass 0: paths -> files -> what each is; the small kinds are read whole here, the large ones
//! noted in the [`Plan`]. Nothing stops it: what cannot be read becomes an input with a note.

mod bundle;
mod examine;
mod logs;
mod records;
pub(crate) mod standing;
mod trees;

use crate::opened::Body;
use crate::plan::Plan;
use crate::sources::{self, Sources};
use crate::{Evidence, Facts, Input, Kind, archive, packets, walk};
use heloscope_model::SourceId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Walks and recognises.
pub(crate) fn open(paths: &[PathBuf]) -> Evidence {
    let mut opening = Opening::default();
    let mut found = Vec::new();
    if paths.iter().any(|p| p.as_os_str() == "-") {
        found.push(standard_input());
    }
    found.extend(walk::files(paths));
    opening.trees.plan(&mut found);
    // An archive in a web site is one of its files: nothing in it is called by a browser.
    let mut found = archive::expand(found, &|file| {
        !opening.trees.takes(file, standing::absolute(file).as_deref())
    });
    opening.trees.plan(&mut found);
    opening.bundles(&mut found);
    for file in found {
        if let Some(problem) = &file.problem {
            opening.unrecognised(&file.path, problem);
            continue;
        }
        let body = file.body.clone();
        let standing = standing::absolute(&file);
        if opening.trees.takes(&file, standing.as_deref()) {
            opening.trees.keep(file, body, standing);
            continue;
        }
        let note = file.note.clone();
        opening.file(&file.path, &body, standing.as_deref(), file.modified, note);
        if let Some(standing) = standing {
            opening.maybe_program(file, body, standing);
        }
    }
    opening.finish()
}

/// Standard input as a file found.
fn standard_input() -> walk::Found {
    let (body, note) = Body::spool(&mut std::io::stdin().lock());
    walk::Found {
        path: PathBuf::from("-"),
        root: PathBuf::from("-"),
        below: PathBuf::new(),
        size: body.size(),
        body,
        modified: None,
        problem: None,
        note,
        archived: false,
    }
}

/// Pass 0 under way.
#[derive(Default)]
struct Opening {
    facts: Facts,
    inputs: Vec<Input>,
    sources: Sources,
    plan: Plan,
    trees: trees::Trees,
    /// Single mails by the folder they lie in: one input a folder.
    mails: BTreeMap<PathBuf, Vec<(PathBuf, Body)>>,
    /// Records of `heloscope record` by their folder: one input each, however many files it has.
    records: BTreeMap<PathBuf, records::Record>,
    /// `ps` tables, which need the site's zone.
    processes: Vec<(SourceId, Vec<u8>, u64)>,
    /// What VPN servers print, which needs the site's zone, too.
    vpns: Vec<(SourceId, Vec<u8>, u64, Option<String>)>,
    /// Captures as text, what their stamps say, when the file was written.
    texts: Vec<(SourceId, packets::Stamps, Option<i64>)>,
    /// From when to when evidence is dated.
    dated: Vec<(i64, i64)>,
    /// Offsets that web logs write.
    web_offsets: BTreeMap<i32, usize>,
}

impl Opening {
    /// A new input and its source.
    fn input(&mut self, path: &Path, body: &Body, kind: Kind) -> SourceId {
        self.sources.add_input(&mut self.inputs, path, body.clone(), kind)
    }

    /// The input of a source, to be filled in.
    fn input_of(&mut self, source: SourceId) -> Option<&mut Input> {
        let index = self.sources.get(source)?.input;
        self.inputs.get_mut(index)
    }

    fn note(&mut self, source: SourceId, text: &str) {
        if let Some(input) = self.input_of(source) {
            sources::note(input, text);
        }
    }

    fn unrecognised(&mut self, path: &Path, why: &str) -> SourceId {
        let source = self.input(path, &Body::none(), Kind::Unrecognised);
        self.note(source, why);
        source
    }

    /// What could only be done when everything was seen.
    fn finish(mut self) -> Evidence {
        self.mail_folders();
        self.read_records();
        self.resolve_texts();
        self.resolve_logs();
        self.read_processes();
        self.read_vpns();
        self.read_trees();
        self.plan.captures.sort_by_key(|c| (c.first, c.source));
        self.plan.webs.sort_by_key(|w| (w.first, w.source));
        self.plan.tables.sort_by_key(|c| (c.time, c.place));
        self.facts.leases.sort_by_key(|l| l.place);
        Evidence { facts: self.facts, inputs: self.inputs, sources: self.sources, plan: self.plan }
    }

    /// The clocks of captures as text.
    fn resolve_texts(&mut self) {
        let zone = self.site_zone();
        for (source, stamps, modified) in std::mem::take(&mut self.texts) {
            let (clock, note) = packets::clock(stamps, zone.as_ref(), modified);
            if let Some(note) = note {
                self.note(source, note);
            }
            self.plan.captures.push(crate::plan::Capture {
                source,
                first: clock.day,
                text: Some(clock),
            });
        }
    }

    /// One input for each folder of mails; a single mail is one itself.
    fn mail_folders(&mut self) {
        for (folder, files) in std::mem::take(&mut self.mails) {
            let single = files.len() == 1;
            let count = files.len() as u64;
            let mut index = None;
            for (path, body) in files {
                let source = match index {
                    Some(index) => self.sources.add(&path, body, index),
                    None => {
                        index = Some(self.inputs.len());
                        let shown = if single { path.clone() } else { folder.clone() };
                        let source = self.input(&shown, &body, Kind::Messages);
                        if !single {
                            self.note(source, &format!("{count} files"));
                        }
                        // The input's path is the folder's; the source is the file.
                        self.sources.set_path(source, &path);
                        source
                    }
                };
                self.plan.mails.push(source);
            }
        }
    }
}
