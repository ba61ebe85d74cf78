//! Tar: V7, ustar, GNU and pax headers. The headers are the `tar` crate's in its raw form, so that
//! long names and pax records are read here, within bounds; a member's time is its header's.

use super::bound::Bounded;
use super::label;
use super::shelf::{Shelf, What};
use crate::opened::{Body, Packing, Stream};
use std::io::Read;
use tar::{Archive, EntryType};

/// Bytes of a long name or of pax records.
const EXTENSION: u64 = 64 << 10;

/// What extension headers say of the member that follows.
#[derive(Debug, Default)]
struct Extended {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    modified: Option<i64>,
    size: Option<u64>,
    sparse: bool,
}

/// Whether a block is the header of a member: its sum is right, or it says so itself.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; 512]>::try_from(block) else { return false };
    if block.get(257..262) == Some(b"ustar") {
        return true;
    }
    let header = tar::Header::from_byte_slice(block);
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    let field: u32 = block.get(148..156).unwrap_or_default().iter().map(|b| u32::from(*b)).sum();
    block.first() != Some(&0) && header.cksum().is_ok_and(|said| said == sum - field + 8 * 32)
}

/// Takes every member; says what ended the archive early.
pub(super) fn read(body: &Body, shelf: &mut Shelf<'_>) -> Option<String> {
    let pinned = match body.pinned() {
        Ok(pinned) => pinned,
        Err(error) => return Some(crate::walk::reason(&error)),
    };
    let stream = match Stream::open(&pinned) {
        Ok(stream) => stream,
        Err(error) => return Some(crate::walk::reason(&error)),
    };
    let in_place = (stream.packing == Packing::Plain).then_some(&pinned);
    let (bounded, stopped) = Bounded::new(stream, shelf.budget);
    let mut archive = Archive::new(bounded);
    let ended = members(&mut archive, in_place, shelf, &|| stopped.take());
    let (came, why) = archive.into_inner().end();
    shelf.budget.spend(came);
    // What stopped the bytes stands before what that did to the headers.
    why.or(ended)
}

fn members(
    archive: &mut Archive<Bounded>,
    in_place: Option<&Body>,
    shelf: &mut Shelf<'_>,
    stopped: &dyn Fn() -> Option<String>,
) -> Option<String> {
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => return Some(error.to_string()),
    };
    let mut extended = Extended::default();
    let mut end = 0;
    for entry in entries {
        if let Err(why) = shelf.budget.member() {
            return Some(why);
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(_) => {
                return stopped().or_else(|| {
                    Some(format!(
                        "damaged or cut off after byte {end}, where no header of a member is"
                    ))
                });
            }
        };
        let kind = entry.header().entry_type();
        let size = entry.size();
        end = entry.raw_file_position().saturating_add(size);
        if kind == EntryType::GNULongName || kind == EntryType::GNULongLink {
            let mut name = Vec::new();
            let _ = entry.by_ref().take(EXTENSION).read_to_end(&mut name);
            name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
            let to = if kind == EntryType::GNULongName {
                &mut extended.name
            } else {
                &mut extended.link
            };
            *to = Some(name);
            continue;
        }
        if kind == EntryType::XHeader {
            let mut records = Vec::new();
            let _ = entry.by_ref().take(EXTENSION).read_to_end(&mut records);
            pax(&records, &mut extended);
            continue;
        }
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let Extended { name, link, modified, size: said, sparse } = std::mem::take(&mut extended);
        let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
        let modified =
            modified.or_else(|| entry.header().mtime().ok().and_then(|at| i64::try_from(at).ok()));
        let told = if kind.is_dir() {
            continue;
        } else if kind.is_symlink() || kind.is_hard_link() {
            let to = link.or_else(|| entry.link_name_bytes().map(|l| l.into_owned()));
            let to = label::shown(to.as_deref().unwrap_or_default());
            shelf.take(&name, modified, What::Link(to))
        } else if kind.is_gnu_sparse() || sparse {
            shelf.take(&name, modified, What::Unread("that is sparse, not read"))
        } else if said.is_some_and(|said| said != size) {
            // Without the header's word for where the next header lies there is no next one.
            return Some(format!(
                "{} has two sizes, and what follows was left out",
                label::shown(&name)
            ));
        } else if kind.is_file() || kind.is_contiguous() {
            match in_place.and_then(|body| body.stretch(entry.raw_file_position(), size)) {
                Some(body) => shelf.take(&name, modified, What::InPlace(body)),
                None => shelf.take(&name, modified, What::Read(&mut entry, Some(size))),
            }
        } else {
            shelf.take(&name, modified, What::Device)
        };
        if let Err(why) = told.and_then(|()| stopped().map_or(Ok(()), Err)) {
            return Some(why);
        }
    }
    None
}

/// `LENGTH KEY=VALUE\n`, one after the other.
fn pax(mut records: &[u8], extended: &mut Extended) {
    while let Some(blank) = memchr::memchr(b' ', records).filter(|at| *at < 12) {
        let len = records.get(..blank).and_then(|n| std::str::from_utf8(n).ok());
        let Some(len) = len.and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > blank) else {
            return;
        };
        let Some((record, rest)) = records.split_at_checked(len) else { return };
        records = rest;
        let Some(text) = record.get(blank + 1..) else { return };
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let Some(equals) = memchr::memchr(b'=', text) else { continue };
        let (key, value) = (text.get(..equals).unwrap_or_default(), text.get(equals + 1..));
        let value = value.unwrap_or_default();
        let number = || std::str::from_utf8(value).ok()?.split('.').next()?.parse::<i64>().ok();
        match key {
            b"path" if extended.name.is_none() => extended.name = Some(value.to_vec()),
            b"GNU.sparse.name" => extended.name = Some(value.to_vec()),
            b"linkpath" => extended.link = Some(value.to_vec()),
            b"mtime" => extended.modified = number(),
            b"size" => extended.size = number().and_then(|n| u64::try_from(n).ok()),
            _ => {}
        }
        extended.sparse |= key.starts_with(b"GNU.sparse.");
    }
}
