//! One segment, read batch by batch through a window of bounded size; and where its tail is torn.

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::{self, BATCH_HEADER, BadHeader, BatchHeader, SEGMENT_HEADER, SegmentHeader};

/// Bytes asked of the disk at a time, unless a batch is longer.
const WINDOW: usize = 1 << 20;

/// A segment as its header says.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) first: u64,
    pub(crate) salt: u64,
}

/// The name of the segment that begins with this record.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.journal")
}

/// The first record of the segment of this name; none where the name is no segment's.
pub(crate) fn first_of(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(".journal")?;
    let first: u64 = digits.parse().ok()?;
    (first > 0 && name(first) == file).then_some(first)
}

/// Reads and checks a segment's header.
pub(crate) fn open(disk: &dyn Disk, first: u64) -> Result<Segment, Error> {
    let name = name(first);
    let mut bytes = [0; SEGMENT_HEADER];
    let read = disk
        .read(&name, 0, &mut bytes)
        .map_err(|error| Error::disk("read", disk.place(&name), error))?;
    let file = disk.place(&name);
    match frame::read_segment_header(bytes.get(..read).unwrap_or_default()) {
        Ok(header) if header.first == first => Ok(Segment { name, first, salt: header.salt }),
        Ok(_) => Err(Error::Damaged {
            file,
            offset: 12,
            what: "the segment begins with another record than its name says",
        }),
        Err(BadHeader::Damaged(what)) => Err(Error::Damaged { file, offset: 0, what }),
        Err(BadHeader::Version(version)) => Err(Error::Version { file, version }),
    }
}

/// Makes a segment: complete and durable before it has its name.
pub(crate) fn create(disk: &mut dyn Disk, first: u64) -> Result<Segment, Error> {
    let (name, salt) = (name(first), disk.salt());
    let new = format!("{name}.new");
    let header = frame::write_segment_header(SegmentHeader { first, salt });
    let place = disk.place(&new);
    let stopped = |operation| {
        let place = place.clone();
        move |error| Error::stopped(operation, place, error)
    };
    disk.create(&new).map_err(stopped("create"))?;
    disk.write(&new, 0, &header).map_err(stopped("write"))?;
    disk.sync(&new).map_err(stopped("sync"))?;
    disk.rename(&new, &name).map_err(stopped("rename"))?;
    disk.sync_dir().map_err(stopped("sync the folder of"))?;
    Ok(Segment { name, first, salt })
}

/// The next thing in a segment.
pub(crate) enum Step {
    /// A whole batch, every checksum right.
    Batch { header: BatchHeader, payloads: Vec<Vec<u8>> },
    /// The file's end, exactly after a batch.
    End,
    /// Something else: where, what, and whether it can be an append that a crash cut short.
    Bad { offset: u64, what: &'static str, torn: bool },
}

/// Walks a segment's batches from its first.
#[derive(Debug)]
pub(crate) struct Walk {
    segment: Segment,
    /// Where the next batch begins.
    pub(crate) offset: u64,
    /// The sequence it must begin with.
    pub(crate) next: u64,
    length: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Walk {
    pub(crate) fn new(disk: &dyn Disk, segment: &Segment) -> Result<Walk, Error> {
        let length = disk
            .open(&segment.name)
            .map_err(|error| Error::disk("open", disk.place(&segment.name), error))?;
        Ok(Walk {
            segment: segment.clone(),
            offset: SEGMENT_HEADER as u64,
            next: segment.first,
            length,
            window: Vec::new(),
            window_at: 0,
        })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The next batch. With `keep` false the payloads are checked and not copied.
    pub(crate) fn step(&mut self, disk: &dyn Disk, keep: bool) -> Result<Step, Error> {
        if self.offset == self.length {
            return Ok(Step::End);
        }
        let (at, salt, next) = (self.offset, self.segment.salt, self.next);
        let header = frame::read_batch_header(self.bytes(disk, at, BATCH_HEADER)?, salt);
        let Some(header) = header.filter(|header| header.first == next) else {
            // Torn only where no batch was begun behind it: one is begun after the sync of the last.
            let torn = !self.batch_behind(disk)?;
            return Ok(Step::Bad { offset: at, what: "no batch begins here", torn });
        };
        let frames_at = at.saturating_add(BATCH_HEADER as u64);
        let end = frames_at.saturating_add(u64::from(header.bytes));
        let torn = end >= self.length;
        let bytes = self.bytes(disk, frames_at, header.bytes as usize)?;
        if bytes.len() < header.bytes as usize {
            return Ok(Step::Bad { offset: at, what: "the batch is cut short", torn });
        }
        let payloads = match frame::read_frames(header, bytes) {
            Ok(payloads) if keep => payloads.into_iter().map(<[u8]>::to_vec).collect(),
            Ok(_) => Vec::new(),
            Err((within, what)) => {
                return Ok(Step::Bad { offset: frames_at.saturating_add(within), what, torn });
            }
        };
        self.offset = end;
        self.next = next.saturating_add(u64::from(header.records));
        Ok(Step::Batch { header, payloads })
    }

    /// Whether a batch's header stands anywhere behind this place.
    fn batch_behind(&mut self, disk: &dyn Disk) -> Result<bool, Error> {
        let salt = self.segment.salt;
        let mut at = self.offset.saturating_add(1);
        while at < self.length {
            let bytes = self.bytes(disk, at, WINDOW)?;
            if bytes.windows(BATCH_HEADER).any(|b| frame::read_batch_header(b, salt).is_some()) {
                return Ok(true);
            }
            // A header may stand across the windows' border.
            at = at.saturating_add((WINDOW - BATCH_HEADER) as u64);
        }
        Ok(false)
    }

    /// The `want` bytes at an offset; fewer at the file's end.
    fn bytes(&mut self, disk: &dyn Disk, at: u64, want: usize) -> Result<&[u8], Error> {
        let have = self.window_at.saturating_add(self.window.len() as u64);
        let until = at.saturating_add(want as u64).min(self.length);
        if at < self.window_at || until > have {
            let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
            self.window.clear();
            self.window.resize(want.max(WINDOW).min(left), 0);
            self.window_at = at;
            let read = disk
                .read(&self.segment.name, at, &mut self.window)
                .map_err(|error| Error::disk("read", disk.place(&self.segment.name), error))?;
            self.window.truncate(read);
        }
        let begin = usize::try_from(at - self.window_at).unwrap_or(usize::MAX);
        let rest = self.window.get(begin..).unwrap_or_default();
        Ok(rest.get(..want).unwrap_or(rest))
    }
}
