//! pcapng: blocks in sections, each with its own byte order and interfaces.
//!
//! Read: section header, interface description (name, filter, stamp resolution and offset),
//! enhanced, simple and the old packet block, interface statistics. Every other block (name
//! resolution, secrets, custom) is skipped unseen, whatever its size.

use super::window::Window;
use super::{FRAME_LIMIT, Facts, Record};
use crate::wire::{u16_at, u32_at, u64_at};
use heloscope_model::Time;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Interfaces kept of one section; packets of later ones are counted, not read.
const INTERFACES: usize = 4096;
/// A section header, interface or statistics block is never this large.
const BLOCK_LIMIT: usize = 1 << 20;

/// The state of the section being read.
#[derive(Default)]
pub(super) struct Section {
    big: bool,
    interfaces: Vec<Interface>,
    /// The latest stamp: simple packets have none of their own.
    latest: Time,
    /// Frames counted as lost in packet blocks.
    lost: Option<u64>,
    simple_seen: bool,
}

struct Interface {
    link: u16,
    /// Bytes kept of each frame; 0 is no limit.
    snap: u32,
    ticks: Ticks,
    /// Seconds to add to each stamp.
    offset: i64,
    /// Latest count of lost frames.
    dropped: Option<u64>,
}

/// How stamps count.
#[derive(Clone, Copy)]
enum Ticks {
    /// Each tick is so many nanoseconds.
    Nanos(i64),
    /// So many ticks make a second.
    PerSecond(u128),
}

/// Whether the bytes begin a section: block type and byte-order mark.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
        && matches!(head.get(8..12), Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]))
}

/// The next packet. `Ok(None)` at a clean end.
#[inline]
pub(super) fn next(
    window: &mut Window<'_>,
    section: &mut Section,
    facts: &mut Facts,
) -> Result<Option<Record>, String> {
    loop {
        if !window.fill(12) {
            return match window.bytes().len() {
                0 => {
                    section.close(facts);
                    *section = Section::default();
                    Ok(None)
                }
                n => Err(format!("the file ends inside a block ({n} bytes of it)")),
            };
        }
        let bytes = window.bytes();
        // The section header's type reads the same in both orders; its mark gives the order.
        if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            let big = match bytes.get(8..12) {
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
                _ => return Err("a section header without a byte-order mark".to_owned()),
            };
            section.close(facts);
            *section = Section {
                big,
                latest: section.latest,
                simple_seen: section.simple_seen,
                ..Section::default()
            };
        }
        let big = section.big;
        let kind = u32_at(bytes, 0, big).unwrap_or(0);
        let whole = u32_at(bytes, 4, big).unwrap_or(0) as usize;
        if whole < 12 || !whole.is_multiple_of(4) {
            return Err(format!("a block claims {whole} bytes: the file is damaged here"));
        }
        let packet = matches!(kind, ENHANCED_PACKET | SIMPLE_PACKET | OLD_PACKET);
        if !packet && !matches!(kind, SECTION | INTERFACE | STATISTICS) {
            if !window.skip(whole as u64) {
                return Err(format!("the file ends inside a block of type {kind:#x}"));
            }
            continue;
        }
        // Options may follow a frame; more than the frame's own limit of them is damage.
        let limit = if packet { 2 * FRAME_LIMIT } else { BLOCK_LIMIT };
        if whole > limit {
            return Err(format!(
                "a block of type {kind} claims {whole} bytes: the file is damaged here"
            ));
        }
        if !window.fill(whole) {
            let there = window.bytes().len();
            return Err(format!("the file ends inside a block ({there} of {whole} bytes)"));
        }
        let block = window.bytes().get(..whole).unwrap_or_default();
        if u32_at(block, whole - 4, big) != Some(whole as u32) {
            return Err("the two lengths of a block differ: the file is damaged here".to_owned());
        }
        let found = match kind {
            INTERFACE => {
                section.describe(block, facts);
                None
            }
            STATISTICS => {
                section.statistics(block);
                None
            }
            ENHANCED_PACKET => section.enhanced(block)?,
            OLD_PACKET => section.old(block)?,
            SIMPLE_PACKET => section.simple(block, facts)?,
            _ => None,
        };
        match found {
            Some(record) => return Ok(Some(record)),
            None => window.consume(whole),
        }
    }
}

impl Section {
    /// Adds what this section knows of lost frames to the facts.
    pub(super) fn close(&self, facts: &mut Facts) {
        let told: Option<u64> =
            self.interfaces.iter().filter_map(|i| i.dropped).reduce(u64::saturating_add);
        // Statistics at the end count what packet blocks counted one by one.
        if let Some(dropped) = told.or(self.lost) {
            facts.dropped = Some(facts.dropped.unwrap_or(0).saturating_add(dropped));
        }
    }

    fn describe(&mut self, block: &[u8], facts: &mut Facts) {
        let big = self.big;
        let link = u16_at(block, 8, big).unwrap_or(0);
        let mut interface = Interface {
            link,
            snap: u32_at(block, 12, big).unwrap_or(0),
            ticks: Ticks::Nanos(1_000),
            offset: 0,
            dropped: None,
        };
        let mut name = None;
        for (code, value) in options(block, 16, big) {
            match code {
                2 => name = Some(text(value)),
                3 if name.is_none() => name = Some(text(value)),
                9 => interface.ticks = resolution(value.first().copied().unwrap_or(6)),
                11 => {
                    // The first byte says how the filter is written: 0 is libpcap's language.
                    if let Some((0, filter)) = value.split_first() {
                        facts.filter.get_or_insert_with(|| text(filter));
                    }
                }
                14 => interface.offset = u64_at(value, 0, big).unwrap_or(0) as i64,
                _ => {}
            }
        }
        if self.interfaces.len() < INTERFACES {
            self.interfaces.push(interface);
            let name = name.filter(|n| !n.is_empty()).unwrap_or_else(|| crate::link::name(link));
            facts.interface(name);
        }
    }

    fn statistics(&mut self, block: &[u8]) {
        let big = self.big;
        let Some(id) = u32_at(block, 8, big) else { return };
        let Some(interface) = self.interfaces.get_mut(id as usize) else { return };
        let mut dropped = None;
        for (code, value) in options(block, 20, big) {
            // 5: lost by the interface, 7: by the operating system.
            if let (5 | 7, Some(n)) = (code, u64_at(value, 0, big)) {
                dropped = Some(dropped.unwrap_or(0_u64).saturating_add(n));
            }
        }
        // Counts run from the start of the capture: the latest holds.
        interface.dropped = dropped.or(interface.dropped);
    }

    fn enhanced(&mut self, block: &[u8]) -> Result<Option<Record>, String> {
        let big = self.big;
        let field = |at| u32_at(block, at, big).unwrap_or(0);
        let (id, high, low, kept, wire) = (field(8), field(12), field(16), field(20), field(24));
        let record = self.record(block, id, (high, low), 28, (kept, wire))?;
        let after = 28 + (kept as usize).next_multiple_of(4);
        if block.len() > after + 8 {
            for (code, value) in options(block, after, big) {
                if let (4, Some(n)) = (code, u64_at(value, 0, big)) {
                    self.lost = Some(self.lost.unwrap_or(0).saturating_add(n));
                }
            }
        }
        Ok(Some(record))
    }

    fn old(&mut self, block: &[u8]) -> Result<Option<Record>, String> {
        let big = self.big;
        let field = |at| u32_at(block, at, big).unwrap_or(0);
        let id = u16_at(block, 8, big).unwrap_or(0);
        // All ones: not known.
        if let Some(drops @ 1..=0xfffe) = u16_at(block, 10, big) {
            self.lost = Some(self.lost.unwrap_or(0).saturating_add(u64::from(drops)));
        }
        let (high, low, kept, wire) = (field(12), field(16), field(20), field(24));
        self.record(block, u32::from(id), (high, low), 28, (kept, wire)).map(Some)
    }

    fn simple(&mut self, block: &[u8], facts: &mut Facts) -> Result<Option<Record>, String> {
        let wire = u32_at(block, 8, self.big).unwrap_or(0);
        let Some(first) = self.interfaces.first() else {
            return Err("a packet before any interface: the file is damaged here".to_owned());
        };
        let room = u32::try_from(block.len().saturating_sub(16)).unwrap_or(u32::MAX);
        let snap = if first.snap == 0 { u32::MAX } else { first.snap };
        let kept = wire.min(snap).min(room);
        if !self.simple_seen {
            self.simple_seen = true;
            facts.notes.push(
                "simple packets have no stamp; each got that of the packet before".to_owned(),
            );
        }
        Ok(Some(Record {
            at: self.latest,
            link: first.link,
            head: 12,
            kept: kept as usize,
            wire: wire as usize,
            whole: block.len(),
        }))
    }

    #[inline]
    fn record(
        &mut self,
        block: &[u8],
        id: u32,
        (high, low): (u32, u32),
        head: usize,
        (kept, wire): (u32, u32),
    ) -> Result<Record, String> {
        let kept = kept as usize;
        if kept > block.len().saturating_sub(head + 4) {
            return Err("a packet is longer than its block: the file is damaged here".to_owned());
        }
        let (at, link) = match self.interfaces.get(id as usize) {
            Some(interface) => {
                let ticks = u64::from(high) << 32 | u64::from(low);
                (interface.stamp(ticks), interface.link)
            }
            // Beyond the interfaces kept, or named before it was described.
            None => (self.latest, crate::link::UNKNOWN),
        };
        self.latest = at;
        Ok(Record { at, link, head, kept, wire: wire as usize, whole: block.len() })
    }
}

impl Interface {
    #[inline]
    fn stamp(&self, ticks: u64) -> Time {
        let nanos = match self.ticks {
            Ticks::Nanos(unit) => i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(unit),
            Ticks::PerSecond(per) => {
                let nanos = u128::from(ticks) * 1_000_000_000 / per.max(1);
                i64::try_from(nanos).unwrap_or(i64::MAX)
            }
        };
        Time::from_nanos(nanos.saturating_add(self.offset.saturating_mul(1_000_000_000)))
    }
}

/// if_tsresol: the high bit chooses a power of two instead of ten.
fn resolution(code: u8) -> Ticks {
    let exponent = u32::from(code & 0x7f);
    if code & 0x80 != 0 {
        // Beyond 2^64 ticks a second every stamp is zero anyway.
        return Ticks::PerSecond(1_u128 << exponent.min(100));
    }
    match exponent {
        0..=9 => Ticks::Nanos(10_i64.pow(9 - exponent)),
        _ => Ticks::PerSecond(10_u128.pow(exponent.min(30))),
    }
}

/// The options from `at` to the block's closing length: code and value.
fn options(block: &[u8], at: usize, big: bool) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = block.get(at..block.len().saturating_sub(4)).unwrap_or_default();
    std::iter::from_fn(move || {
        let code = u16_at(rest, 0, big)?;
        let len = usize::from(u16_at(rest, 2, big)?);
        let value = rest.get(4..4 + len)?;
        rest = rest.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

/// Text of an option, bounded.
fn text(value: &[u8]) -> String {
    let value = value.get(..value.len().min(512)).unwrap_or_default();
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}
