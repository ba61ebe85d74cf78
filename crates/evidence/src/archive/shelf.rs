//! The members of one archive as they come: bytes kept, labels given, what is odd counted.

use super::bound::{Budget, Meter};
use super::{Unpacking, label};
use crate::opened::Body;
use crate::walk::Found;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// A member up to this size may be held in memory.
const SMALL: usize = 1 << 20;

/// All members held in memory.
const MEMORY: usize = 64 << 20;

/// Where the bytes of members are kept: in memory, else one after the other in one unlinked file.
#[derive(Debug, Default)]
pub(super) struct Store {
    held: usize,
    spool: Option<(Arc<File>, u64)>,
}

impl Store {
    /// Keeps what comes to its end; says how it ended where that was an error.
    fn keep(&mut self, input: &mut dyn Read) -> io::Result<(Body, Option<io::Error>)> {
        let mut head = Vec::new();
        let mut failed = input.take(SMALL as u64 + 1).read_to_end(&mut head).err();
        if head.len() <= SMALL && self.held + head.len() <= MEMORY {
            self.held += head.len();
            return Ok((Body::Bytes(head.into()), failed));
        }
        if self.spool.is_none() {
            self.spool = Some((Arc::new(tempfile::tempfile()?), 0));
        }
        let Some((file, end)) = &mut self.spool else { return Ok((Body::none(), failed)) };
        let from = *end;
        let mut to: &File = file;
        to.write_all(&head)?;
        *end += head.len() as u64;
        let mut block = vec![0; 256 << 10];
        while failed.is_none() {
            match input.read(&mut block) {
                Ok(0) => break,
                Ok(read) => {
                    to.write_all(block.get(..read).unwrap_or_default())?;
                    *end += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failed = Some(error),
            }
        }
        Ok((Body::Part(file.clone(), from, *end - from), failed))
    }
}

/// What a member is.
pub(super) enum What<'r> {
    /// A file whose bytes lie in the archive as they are.
    InPlace(Body),
    /// A file of so many bytes, where that is known, to be read.
    Read(&'r mut dyn Read, Option<u64>),
    /// A link, to where.
    Link(String),
    /// A device, pipe or the like.
    Device,
    /// A file that cannot be read, and why.
    Unread(&'static str),
}

/// What is said once of each kind, with the first name and how many there are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Odd {
    LeadsOut,
    Absolute,
    Nameless,
    Replaced,
    Link,
    Device,
    Unread(&'static str),
}

/// The shelf.
pub(super) struct Shelf<'a> {
    archive: &'a Found,
    pub(super) budget: &'a mut Budget,
    store: &'a mut Store,
    members: BTreeMap<PathBuf, Found>,
    odd: BTreeMap<Odd, (u64, String)>,
    last: Option<String>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(archive: &'a Found, unpacking: &'a mut Unpacking) -> Self {
        Self {
            archive,
            budget: &mut unpacking.budget,
            store: &mut unpacking.store,
            members: BTreeMap::new(),
            odd: BTreeMap::new(),
            last: None,
        }
    }

    /// Takes a member; an error ends the archive.
    pub(super) fn take(
        &mut self,
        name: &[u8],
        modified: Option<i64>,
        what: What<'_>,
    ) -> Result<(), String> {
        let said = label::shown(name.get(..name.len().min(300)).unwrap_or_default());
        let Some(label) = label::of(name) else {
            self.odd(Odd::Nameless, &said);
            return Ok(());
        };
        if label.leads_out {
            self.odd(Odd::LeadsOut, &said);
        }
        if label.absolute {
            self.odd(Odd::Absolute, &said);
        }
        let (body, note) = match what {
            What::Link(to) => {
                self.odd(Odd::Link, &format!("{said} to {to}"));
                return Ok(());
            }
            What::Device => {
                self.odd(Odd::Device, &said);
                return Ok(());
            }
            What::Unread(why) => {
                self.odd(Odd::Unread(why), &said);
                return Ok(());
            }
            What::InPlace(body) => (body, None),
            What::Read(input, size) => {
                let (body, failed) = self.store.keep(input).map_err(|error| {
                    format!(
                        "{said} does not fit the temporary folder ({error}; TMPDIR names another)"
                    )
                })?;
                let short = size.is_some_and(|size| body.size() < size);
                let note = match (failed, short) {
                    (Some(error), _) => {
                        Some(format!("damaged after byte {}: {error}", body.size()))
                    }
                    (None, true) => {
                        Some(format!("the archive ends within it, after byte {}", body.size()))
                    }
                    _ => None,
                };
                (body, note)
            }
        };
        self.last = Some(said.clone());
        let found = Found {
            path: self.archive.path.join(&label.path),
            root: self.archive.path.clone(),
            below: label.path.clone(),
            size: body.size(),
            body,
            modified,
            problem: None,
            note,
            archived: true,
        };
        if self.members.insert(label.path, found).is_some() {
            self.odd(Odd::Replaced, &said);
        }
        Ok(())
    }

    /// A meter for this archive.
    pub(super) fn meter(&self) -> Meter {
        self.budget.meter()
    }

    fn odd(&mut self, odd: Odd, name: &str) {
        self.odd.entry(odd).or_insert_with(|| (0, name.to_owned())).0 += 1;
    }

    /// The members in order of path, and what is to be said of the archive.
    pub(super) fn done(self, ended: Option<String>) -> (Vec<Found>, Option<String>) {
        let mut said = Vec::new();
        if let Some(why) = ended {
            said.push(match &self.last {
                Some(last) => format!("{why} (the last member that was read: {last})"),
                None => why,
            });
        }
        for (odd, (count, first)) in &self.odd {
            let what = match odd {
                Odd::LeadsOut => {
                    "whose name leads out of the archive, read under the rest of its name"
                }
                Odd::Absolute => "with an absolute name, read as if it were relative",
                Odd::Nameless => "without a name that a file can have, not read",
                Odd::Replaced => "that is there more than once, the last one read",
                Odd::Link => "that is a link, not followed",
                Odd::Device => "that is a device or pipe, not made",
                Odd::Unread(why) => why,
            };
            let what = match count {
                1 => format!("1 member {what}: {first}"),
                _ => format!("{count} members, each one {what}, the first {first}"),
            };
            said.push(what);
        }
        (self.members.into_values().collect(), (!said.is_empty()).then(|| said.join("; ")))
    }
}
