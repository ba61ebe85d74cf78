//! The classic capture file: a header of 24 bytes, then records of 16 bytes and a frame.
//! Micro- and nanoseconds, both byte orders, and the "modified" form of old Red Hat systems
//! with 24 bytes a record. A new header where a record belongs starts a joined file.

use super::window::Window;
use super::{FRAME_LIMIT, Facts, Record};
use crate::wire::{u16_at, u32_at};
use heloscope_model::Time;

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

/// What the file header says.
#[derive(Clone, Copy)]
pub(super) struct Header {
    big: bool,
    /// Nanoseconds in one unit of a stamp's fraction.
    unit: i64,
    /// Bytes of a record before the frame.
    record: usize,
    /// Link type without the frame-check bits above it.
    pub(super) link: u16,
}

/// Byte order, unit and record size by the magic number.
pub(super) fn magic(head: &[u8]) -> Option<(bool, i64, usize)> {
    match head.first_chunk()? {
        [0xa1, 0xb2, 0xc3, 0xd4] => Some((true, 1_000, 16)),
        [0xd4, 0xc3, 0xb2, 0xa1] => Some((false, 1_000, 16)),
        [0xa1, 0xb2, 0x3c, 0x4d] => Some((true, 1, 16)),
        [0x4d, 0x3c, 0xb2, 0xa1] => Some((false, 1, 16)),
        [0xa1, 0xb2, 0xcd, 0x34] => Some((true, 1_000, 24)),
        [0x34, 0xcd, 0xb2, 0xa1] => Some((false, 1_000, 24)),
        _ => None,
    }
}

/// The file header, where the bytes are one.
pub(super) fn header(head: &[u8]) -> Option<Header> {
    let (big, unit, record) = magic(head)?;
    // Every version ever written is 2.something; 543.0 and other oddities are other formats.
    if u16_at(head, 4, big)? != 2 {
        return None;
    }
    let link = u32_at(head, 20, big)?;
    // The upper bits tell of frame-check sequences.
    Some(Header { big, unit, record, link: (link & 0xffff) as u16 })
}

/// The next record. `Ok(None)` at a clean end.
#[inline]
pub(super) fn next(
    window: &mut Window<'_>,
    header: &mut Header,
    facts: &mut Facts,
) -> Result<Option<Record>, String> {
    loop {
        if !window.fill(header.record) {
            return match window.bytes().len() {
                0 => Ok(None),
                n => Err(format!("the file ends inside a record header ({n} bytes of it)")),
            };
        }
        let bytes = window.bytes();
        let field = |at| u32_at(bytes, at, header.big).unwrap_or(0);
        let (secs, fraction, kept, wire) = (field(0), field(4), field(8), field(12));
        let kept = kept as usize;
        if kept > FRAME_LIMIT || joined(bytes) {
            if window.fill(HEADER)
                && let Some(next) = self::header(window.bytes())
            {
                *header = next;
                facts.interface(crate::link::name(next.link));
                window.consume(HEADER);
                continue;
            }
            if kept > FRAME_LIMIT {
                return Err(format!("a record claims {kept} bytes: the file is damaged here"));
            }
        }
        let whole = header.record + kept;
        if !window.fill(whole) {
            let there = window.bytes().len().saturating_sub(header.record);
            return Err(format!("the file ends inside a frame ({there} of {kept} bytes)"));
        }
        // Seconds up to 2106 and any fraction fit; the sum cannot overflow.
        let at = i64::from(secs) * 1_000_000_000 + i64::from(fraction) * header.unit;
        return Ok(Some(Record {
            at: Time::from_nanos(at),
            link: header.link,
            head: header.record,
            kept,
            wire: wire as usize,
            whole,
        }));
    }
}

/// Whether the bytes where a record belongs are a file header's.
fn joined(bytes: &[u8]) -> bool {
    magic(bytes).is_some()
}
