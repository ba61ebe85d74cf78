//! Bytes of segments, batches and frames: written and read, pure. The format stands in lib.rs.
//!
//! What comes in may be anything; what is not exactly as it would be written is refused with the
//! place and a reason.

/// The longest record of the format; `Options` may ask for less.
pub const MOST_RECORD_BYTES: usize = 16 << 20;
/// The longest batch of the format, frames included; `Options` may ask for less.
pub const MOST_BATCH_BYTES: usize = 64 << 20;

pub(crate) const VERSION: u32 = 1;
pub(crate) const SEGMENT_HEADER: usize = 32;
pub(crate) const BATCH_HEADER: usize = 28;
pub(crate) const FRAME_HEADER: usize = 8;
pub(crate) const MAGIC: &[u8; 8] = b"HELOJRNL";

/// A segment's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) first: u64,
    pub(crate) salt: u64,
}

/// Why a segment's header was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Damaged(&'static str),
    Version(u32),
}

/// What stands before a batch's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) first: u64,
    pub(crate) records: u32,
    pub(crate) bytes: u32,
}

pub(crate) fn write_segment_header(header: SegmentHeader) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEGMENT_HEADER);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&header.first.to_le_bytes());
    out.extend_from_slice(&header.salt.to_le_bytes());
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

pub(crate) fn read_segment_header(bytes: &[u8]) -> Result<SegmentHeader, BadHeader> {
    let mut rest = bytes;
    let (Some(magic), Some(version), Some(first), Some(salt), Some(crc)) = (
        take::<8>(&mut rest),
        take::<4>(&mut rest),
        take::<8>(&mut rest),
        take::<8>(&mut rest),
        take::<4>(&mut rest),
    ) else {
        return Err(BadHeader::Damaged("the segment's header is cut short"));
    };
    if magic != *MAGIC {
        return Err(BadHeader::Damaged("this is no segment of a journal"));
    }
    // Before the checksum: a later version may keep it elsewhere.
    if u32::from_le_bytes(version) != VERSION {
        return Err(BadHeader::Version(u32::from_le_bytes(version)));
    }
    if bytes.get(..SEGMENT_HEADER - 4).map(crc32fast::hash) != Some(u32::from_le_bytes(crc)) {
        return Err(BadHeader::Damaged("the checksum of the segment's header does not match"));
    }
    Ok(SegmentHeader { first: u64::from_le_bytes(first), salt: u64::from_le_bytes(salt) })
}

/// The bytes of one batch. The caller has checked the sizes.
pub(crate) fn write_batch(salt: u64, first: u64, records: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let bytes: usize = records.iter().map(|record| FRAME_HEADER + record.as_ref().len()).sum();
    let mut out = Vec::with_capacity(BATCH_HEADER + bytes);
    out.extend_from_slice(&salt.to_le_bytes());
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&(records.len() as u32).to_le_bytes());
    out.extend_from_slice(&(bytes as u32).to_le_bytes());
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    for (record, sequence) in records.iter().map(AsRef::as_ref).zip(first..) {
        let length = (record.len() as u32).to_le_bytes();
        out.extend_from_slice(&length);
        out.extend_from_slice(&frame_crc(sequence, length, record).to_le_bytes());
        out.extend_from_slice(record);
    }
    out
}

/// The batch header at the beginning of `bytes`, if one of this segment stands there.
pub(crate) fn read_batch_header(bytes: &[u8], salt: u64) -> Option<BatchHeader> {
    let mut rest = bytes;
    if u64::from_le_bytes(take::<8>(&mut rest)?) != salt {
        return None;
    }
    let first = u64::from_le_bytes(take::<8>(&mut rest)?);
    let records = u32::from_le_bytes(take::<4>(&mut rest)?);
    let length = u32::from_le_bytes(take::<4>(&mut rest)?);
    let crc = u32::from_le_bytes(take::<4>(&mut rest)?);
    let sane = records > 0
        && length as usize <= MOST_BATCH_BYTES
        && first.checked_add(u64::from(records)).is_some();
    let whole = bytes.get(..BATCH_HEADER - 4).map(crc32fast::hash) == Some(crc);
    (sane && whole).then_some(BatchHeader { first, records, bytes: length })
}

/// The payloads of a batch's frames, which must fill `bytes` exactly; else where and why not.
pub(crate) fn read_frames(
    header: BatchHeader,
    bytes: &[u8],
) -> Result<Vec<&[u8]>, (u64, &'static str)> {
    let mut rest = bytes;
    // Each frame has a header: what a lying count can reserve is bounded by what is there.
    let most = bytes.len() / FRAME_HEADER;
    let mut payloads = Vec::with_capacity((header.records as usize).min(most));
    for at in 0..u64::from(header.records) {
        let offset = (bytes.len() - rest.len()) as u64;
        let (Some(length), Some(crc)) = (take::<4>(&mut rest), take::<4>(&mut rest)) else {
            return Err((offset, "a frame's header is cut short"));
        };
        let Some((payload, behind)) = rest.split_at_checked(u32::from_le_bytes(length) as usize)
        else {
            return Err((offset, "a frame is longer than its batch"));
        };
        let sequence = header.first.saturating_add(at);
        if frame_crc(sequence, length, payload) != u32::from_le_bytes(crc) {
            return Err((offset, "the checksum of a frame does not match"));
        }
        payloads.push(payload);
        rest = behind;
    }
    match rest.is_empty() {
        true => Ok(payloads),
        false => Err(((bytes.len() - rest.len()) as u64, "a batch is longer than its frames")),
    }
}

fn frame_crc(sequence: u64, length: [u8; 4], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&sequence.to_le_bytes());
    crc.update(&length);
    crc.update(payload);
    crc.finalize()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*taken)
}
