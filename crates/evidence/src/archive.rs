//! Archives (tar, plain or compressed, and zip) -> their members, as if the folder had been given.
//!
//! Nothing is ever unpacked to a place that an archive names: a member's bytes stay where they lie
//! in an archive that is not compressed, else they are held in memory or in one unlinked temporary
//! file, and its name is a label. Links are not followed, devices not made. Bytes, members and
//! archives within archives are bounded, all of them together and by how much the archive grew.
//! What came before a bound, a cut or a damage is used, and the archive is named with what stopped
//! it.

mod bound;
mod label;
mod shelf;
mod tar;
mod zip;

use crate::open::standing;
use crate::opened::{Body, Packing, Stream};
use crate::walk::{self, Found};
use bound::Budget;
use shelf::{Shelf, Store};
use std::io::Read;
use std::path::{Component, Path};

/// Archives within archives that are opened: one in another.
const DEEPEST: usize = 2;

/// What all archives of one opening share.
struct Unpacking {
    budget: Budget,
    store: Store,
}

/// Puts the members of every archive in its place, where `opens` allows it; an archive that was
/// given itself is always opened.
pub(crate) fn expand(found: Vec<Found>, opens: &dyn Fn(&Found) -> bool) -> Vec<Found> {
    let mut unpacking = Unpacking { budget: Budget::new(found.len()), store: Store::default() };
    let mut all = Vec::with_capacity(found.len());
    for file in found {
        let given = file.below.as_os_str().is_empty();
        if file.problem.is_some() || !(given || opens(&file)) {
            all.push(file);
            continue;
        }
        match open(&file, 1, opens, &mut unpacking) {
            Some(mut members) => {
                if given {
                    members.retain(|m| m.problem.is_some() || !is_expectation(m));
                }
                all.extend(members);
            }
            None => all.push(file),
        }
    }
    all
}

/// What is never evidence at the root of a folder given.
fn is_expectation(member: &Found) -> bool {
    member.below == Path::new("expect.toml") || member.below == Path::new("README.md")
}

/// The members of an archive; none where it is none.
fn open(
    archive: &Found,
    depth: usize,
    opens: &dyn Fn(&Found) -> bool,
    unpacking: &mut Unpacking,
) -> Option<Vec<Found>> {
    let form = Form::of(&archive.body)?;
    if depth > DEEPEST {
        let why = "an archive within an archive within an archive, not opened: unpack it and hand over the folder";
        return Some(vec![walk::problem(&archive.path, &archive.root, why.to_owned())]);
    }
    let mut shelf = Shelf::new(archive, unpacking);
    let ended = match form {
        Form::Tar => tar::read(&archive.body, &mut shelf),
        Form::Zip => zip::read(&archive.body, &mut shelf),
    };
    let (members, trouble) = shelf.done(ended);
    let mut all = Vec::with_capacity(members.len());
    for member in below_the_only_folder(members, archive) {
        let inner = if opens(&member) { open(&member, depth + 1, opens, unpacking) } else { None };
        match inner {
            Some(inner) => all.extend(inner),
            None => all.push(member),
        }
    }
    if let Some(trouble) = trouble.or_else(|| all.is_empty().then(|| "no file in it".to_owned())) {
        let form = form.word();
        all.push(walk::problem(&archive.path, &archive.root, format!("{form}: {trouble}")));
    }
    Some(all)
}

/// `tar czf case.tar.gz case` packs a folder with its name: the folder is what was given. A
/// folder that means a place in a file system stays.
fn below_the_only_folder(mut members: Vec<Found>, archive: &Found) -> Vec<Found> {
    if !archive.below.as_os_str().is_empty() {
        return members;
    }
    let top = |m: &Found| match m.below.components().next() {
        Some(Component::Normal(name)) if m.below.components().count() > 1 => Some(name.to_owned()),
        _ => None,
    };
    let Some(first) = members.first().and_then(top) else { return members };
    if standing::TOP.iter().any(|k| first == *k)
        || !members.iter().all(|m| top(m).as_ref() == Some(&first))
    {
        return members;
    }
    for member in &mut members {
        if let Ok(below) = member.below.strip_prefix(&first) {
            member.below = below.to_path_buf();
        }
    }
    members
}

/// What kind of archive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Tar,
    Zip,
}

impl Form {
    /// By the first bytes, behind the compression of the whole.
    fn of(body: &Body) -> Option<Self> {
        let mut head = [0; 512];
        let len = fill(&mut body.at(0).ok()?, &mut head);
        if Packing::of(&head) != Packing::Plain {
            // Zip compresses its members itself: only a tar is compressed as a whole.
            let len = fill(&mut Stream::open(body).ok()?, &mut head);
            return tar::is_header(head.get(..len)?).then_some(Self::Tar);
        }
        let head = head.get(..len)?;
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return (!zip::is_document(head)).then_some(Self::Zip);
        }
        tar::is_header(head).then_some(Self::Tar)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Tar => "a tar archive",
            Self::Zip => "a zip archive",
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|f| !f.is_empty()) {
        match input.read(free) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    filled
}

#[cfg(test)]
mod tests;
