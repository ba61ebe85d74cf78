//! Zip: stored and deflated members. Read by its directory, or from its start where that is cut
//! off. Own code, because the directory is then read entry by entry, within bounds, and because a
//! zip whose end is missing still has members.
//!
//! The time of a member is its extended time (UTC) where it has one, else its DOS time, which has
//! no zone and is taken for UTC.

use super::fill;
use super::shelf::{Shelf, What};
use crate::opened::Body;
use std::io::{self, BufReader, Read};

/// Bytes of the end in which the directory's place is looked for: its record and a comment.
const END: u64 = 22 + 65_535;

/// A member's header, of the directory or before its bytes.
#[derive(Debug, Default)]
struct Member {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its own header lies.
    at: u64,
    modified: Option<i64>,
    /// The mode of a Unix file, where the directory has it.
    mode: u16,
}

/// Documents and programs that are zip archives, by their first member.
pub(super) fn is_document(head: &[u8]) -> bool {
    let name = head.get(30..).unwrap_or_default();
    ["[Content_Types].xml", "mimetype", "META-INF/", "AndroidManifest.xml", "_rels/"]
        .iter()
        .any(|first| name.starts_with(first.as_bytes()))
}

/// Takes every member; says what ended the archive early.
pub(super) fn read(body: &Body, shelf: &mut Shelf<'_>) -> Option<String> {
    let body = match body.pinned() {
        Ok(body) => body,
        Err(error) => return Some(crate::walk::reason(&error)),
    };
    let mut taking = Taking { body: &body, meter: shelf.meter(), shelf };
    let ended = match taking.directory() {
        Ok(true) => None,
        Ok(false) => match taking.header_by_header() {
            Ok(()) => Some(
                "its directory is missing, so it was cut off or damaged; what came was read"
                    .to_owned(),
            ),
            Err(why) => Some(why),
        },
        Err(why) => Some(why),
    };
    let came = taking.meter.came();
    shelf.budget.spend(came);
    ended
}

struct Taking<'a, 's> {
    body: &'a Body,
    meter: super::bound::Meter,
    shelf: &'a mut Shelf<'s>,
}

impl Taking<'_, '_> {
    /// Reads by the directory; false where there is none.
    fn directory(&mut self) -> Result<bool, String> {
        let Some((at, count)) = place_of_directory(self.body) else { return Ok(false) };
        let Ok(raw) = self.body.at(at) else { return Ok(false) };
        let mut input = BufReader::new(raw);
        let mut read = 0;
        while let Some(member) = central(&mut input) {
            read += 1;
            self.shelf.budget.member()?;
            let mut own = [0; 30];
            let len = self.body.at(member.at).map(|mut raw| fill(&mut raw, &mut own));
            if len.ok() != Some(30) || !own.starts_with(b"PK\x03\x04") {
                self.shelf.take(
                    &member.name,
                    None,
                    What::Unread("whose bytes are not there, not read"),
                )?;
                continue;
            }
            let skip = 30 + u64::from(u16_at(&own, 26)) + u64::from(u16_at(&own, 28));
            self.member(&member, member.at.saturating_add(skip))?;
        }
        if read < count {
            return Err(format!("its directory ends after {read} of {count} members"));
        }
        Ok(true)
    }

    /// Reads header after header.
    fn header_by_header(&mut self) -> Result<(), String> {
        let mut at = 0;
        while let Some((member, start)) = local(self.body, at) {
            self.shelf.budget.member()?;
            let end = self.member(&member, start)?;
            // Behind a member whose sizes were not known before stand its sizes.
            let found =
                [0, 12, 16, 20, 24].into_iter().map(|more| end.saturating_add(more)).find(|at| {
                    let mut magic = [0; 4];
                    let len = self.body.at(*at).map(|mut raw| fill(&mut raw, &mut magic));
                    len.ok() == Some(4) && (magic == *b"PK\x03\x04" || magic == *b"PK\x01\x02")
                });
            match found {
                Some(next) if next > at => at = next,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes one member whose bytes begin there; says where they end.
    fn member(&mut self, member: &Member, start: u64) -> Result<u64, String> {
        let end = start.saturating_add(member.packed);
        if member.name.ends_with(b"/") {
            return Ok(end);
        }
        let mut take = |what: What<'_>| self.shelf.take(&member.name, member.modified, what);
        if member.flags & 1 != 0 {
            take(What::Unread("that is encrypted, not read"))?;
            return Ok(end);
        }
        match member.mode & 0o170_000 {
            0o120_000 => {
                let mut to = Vec::new();
                if let Ok(raw) = self.body.at(start) {
                    let raw = BufReader::new(raw.take(member.packed));
                    let _ = match member.method {
                        8 => {
                            flate2::bufread::DeflateDecoder::new(raw).take(256).read_to_end(&mut to)
                        }
                        _ => raw.take(256).read_to_end(&mut to),
                    };
                }
                take(What::Link(super::label::shown(&to)))?;
                return Ok(end);
            }
            0o020_000 | 0o060_000 | 0o010_000 | 0o140_000 => {
                take(What::Device)?;
                return Ok(end);
            }
            _ => {}
        }
        let Ok(raw) = self.body.at(start) else { return Ok(end) };
        match member.method {
            0 => {
                match self.body.stretch(start, member.packed) {
                    Some(body) => take(What::InPlace(body))?,
                    None => take(What::Read(&mut raw.take(member.packed), Some(member.packed)))?,
                }
                Ok(end)
            }
            8 => {
                // Sizes that are not known before the bytes are none.
                let known = member.flags & 8 == 0 || member.packed > 0;
                let packed = if known { member.packed } else { u64::MAX };
                let mut inflated = Inflated {
                    input: flate2::bufread::DeflateDecoder::new(BufReader::new(raw.take(packed))),
                    meter: &mut self.meter,
                    archive: self.body.size(),
                    crc: flate2::Crc::new(),
                    want: known.then_some(member.crc),
                    stopped: None,
                };
                take(What::Read(&mut inflated, known.then_some(member.size)))?;
                match inflated.stopped {
                    Some(why) => Err(why),
                    None if known => Ok(end),
                    None => Ok(start.saturating_add(inflated.input.total_in())),
                }
            }
            _ => {
                take(What::Unread(
                    "that is packed by a method not read here (only stored and deflated are)",
                ))?;
                Ok(end)
            }
        }
    }
}

/// The bytes of a deflated member: bounded, and held against their check sum.
struct Inflated<'m, R> {
    input: flate2::bufread::DeflateDecoder<BufReader<R>>,
    meter: &'m mut super::bound::Meter,
    /// Bytes of the whole archive.
    archive: u64,
    crc: flate2::Crc,
    want: Option<u32>,
    stopped: Option<String>,
}

impl<R: Read> Read for Inflated<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stopped.is_some() {
            return Ok(0);
        }
        let read = self.input.read(buffer)?;
        if let Err(why) = self.meter.count(read as u64, self.archive) {
            self.stopped = Some(why);
            return Ok(0);
        }
        self.crc.update(buffer.get(..read).unwrap_or_default());
        if read == 0 && !buffer.is_empty() && self.want.take().is_some_and(|w| w != self.crc.sum())
        {
            return Err(io::Error::other("its check sum is another"));
        }
        Ok(read)
    }
}

/// Where the directory begins, and how many members it has.
fn place_of_directory(body: &Body) -> Option<(u64, u64)> {
    let (_, tail) = body.tail(usize::try_from(END).ok()?).ok()?;
    let at = memchr::memmem::rfind(&tail, b"PK\x05\x06")?;
    let record = tail.get(at..).filter(|r| r.len() >= 22)?;
    let (count, place) = (u64::from(u16_at(record, 10)), u64::from(u32_at(record, 16)));
    if count != 0xffff && place != 0xffff_ffff {
        return Some((place, count));
    }
    // Zip64: its own record is named by a locator just before.
    let locator =
        at.checked_sub(20).and_then(|at| tail.get(at..)).filter(|l| l.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Some((place, count)) };
    let mut record = [0; 56];
    let len = fill(&mut body.at(u64_at(locator, 8)).ok()?, &mut record);
    (len == 56 && record.starts_with(b"PK\x06\x06"))
        .then(|| (u64_at(&record, 48), u64_at(&record, 32)))
}

/// The next member of the directory.
fn central(input: &mut dyn Read) -> Option<Member> {
    let mut head = [0; 46];
    if fill(input, &mut head) != 46 || !head.starts_with(b"PK\x01\x02") {
        return None;
    }
    let mut member = Member {
        flags: u16_at(&head, 8),
        method: u16_at(&head, 10),
        modified: dos_time(u16_at(&head, 14), u16_at(&head, 12)),
        crc: u32_at(&head, 16),
        packed: u64::from(u32_at(&head, 20)),
        size: u64::from(u32_at(&head, 24)),
        at: u64::from(u32_at(&head, 42)),
        ..Member::default()
    };
    // The upper half of the attributes is a mode where a Unix system made the archive.
    if head.get(5) == Some(&3) {
        member.mode = u16_at(&head, 40);
    }
    let mut rest = vec![0; usize::from(u16_at(&head, 28)) + usize::from(u16_at(&head, 30))];
    let comment = u64::from(u16_at(&head, 32));
    if fill(input, &mut rest) != rest.len() {
        return None;
    }
    let (name, extra) = rest.split_at_checked(usize::from(u16_at(&head, 28)))?;
    name_it(&mut member, name, head.get(5).copied());
    extras(&mut member, extra, true);
    io::copy(&mut input.take(comment), &mut io::sink()).ok()?;
    Some(member)
}

/// The header before a member's bytes, and where these begin.
fn local(body: &Body, at: u64) -> Option<(Member, u64)> {
    let mut raw = body.at(at).ok()?;
    let mut head = [0; 30];
    if fill(&mut raw, &mut head) != 30 || !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    let mut member = Member {
        flags: u16_at(&head, 6),
        method: u16_at(&head, 8),
        modified: dos_time(u16_at(&head, 12), u16_at(&head, 10)),
        crc: u32_at(&head, 14),
        packed: u64::from(u32_at(&head, 18)),
        size: u64::from(u32_at(&head, 22)),
        ..Member::default()
    };
    let mut rest = vec![0; usize::from(u16_at(&head, 26)) + usize::from(u16_at(&head, 28))];
    if fill(&mut raw, &mut rest) != rest.len() {
        return None;
    }
    let (name, extra) = rest.split_at_checked(usize::from(u16_at(&head, 26)))?;
    name_it(&mut member, name, None);
    extras(&mut member, extra, false);
    Some((member, at.saturating_add(30).saturating_add(rest.len() as u64)))
}

/// Windows programs write backslashes.
fn name_it(member: &mut Member, name: &[u8], made_by: Option<u8>) {
    let windows = !matches!(made_by, Some(3)) && !name.contains(&b'/');
    member.name = name.iter().map(|b| if windows && *b == b'\\' { b'/' } else { *b }).collect();
}

/// Large sizes and exact times.
fn extras(member: &mut Member, mut extra: &[u8], directory: bool) {
    while let (Some(head), true) = (extra.get(..4), extra.len() >= 4) {
        let (id, len) = (u16_at(head, 0), usize::from(u16_at(head, 2)));
        let Some(field) = extra.get(4..4 + len) else { return };
        match id {
            1 => {
                let mut at = 0;
                let places = [&mut member.size, &mut member.packed, &mut member.at];
                for place in places.into_iter().take(if directory { 3 } else { 2 }) {
                    if *place == 0xffff_ffff && field.len() >= at + 8 {
                        *place = u64_at(field, at);
                        at += 8;
                    }
                }
            }
            0x5455 if field.first().is_some_and(|flags| flags & 1 != 0) && field.len() >= 5 => {
                member.modified = Some(i64::from(u32_at(field, 1).cast_signed()));
            }
            _ => {}
        }
        extra = extra.get(4 + len..).unwrap_or_default();
    }
}

/// A DOS date and time, taken for UTC.
fn dos_time(date: u16, time: u16) -> Option<i64> {
    let part =
        |word: u16, from: u16, bits: u16| i8::try_from(word >> from & ((1 << bits) - 1)).ok();
    let year = i16::try_from(1980 + (date >> 9)).ok()?;
    let date = jiff::civil::Date::new(year, part(date, 5, 4)?, part(date, 0, 5)?).ok()?;
    let time = jiff::civil::Time::new(
        part(time, 11, 5)?,
        part(time, 5, 6)?,
        part(time, 0, 5)?.min(29) * 2,
        0,
    )
    .ok()?;
    let at = jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    Some(at.as_second())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
