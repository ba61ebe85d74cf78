//! How much archives may grow: in all, against what they are packed in, in members.

use crate::opened::{Packing, Stream};
use crate::walk;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes unpacked from all archives together.
const BYTES: u64 = 16 << 30;

/// Logs pack to a twentieth, logs of one line again and again to a hundredth or so.
const RATIO: u64 = 500;

/// Below this the ratio does not matter.
const SMALL: u64 = 256 << 20;

/// What may still come.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    members: usize,
}

impl Budget {
    /// Beside so many files found.
    pub(super) fn new(files: usize) -> Self {
        Self { bytes: BYTES, members: walk::MOST.saturating_sub(files) }
    }

    /// One more member; whether it may be.
    pub(super) fn member(&mut self) -> Result<(), String> {
        self.members = self
            .members
            .checked_sub(1)
            .ok_or_else(|| format!("more than {} members; the rest was left out", walk::MOST))?;
        Ok(())
    }

    /// Bytes that were unpacked.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// A meter for one archive that is packed in so many bytes.
    pub(super) fn meter(&self) -> Meter {
        Meter { left: self.bytes, came: 0 }
    }
}

/// Counts what one archive unpacks to.
#[derive(Debug)]
pub(super) struct Meter {
    left: u64,
    came: u64,
}

impl Meter {
    /// So many bytes more, of an archive of which so many packed bytes were read.
    pub(super) fn count(&mut self, bytes: u64, packed: u64) -> Result<(), String> {
        self.came = self.came.saturating_add(bytes);
        if self.came > self.left {
            return Err(format!("unpacks to more than {} GiB; the rest was left out", BYTES >> 30));
        }
        if self.came > SMALL && self.came > packed.saturating_mul(RATIO) {
            return Err(format!(
                "unpacks to more than {RATIO} times its size, as archives do that are made to fill \
                 a disk; the rest was left out"
            ));
        }
        Ok(())
    }

    /// Bytes that came.
    pub(super) fn came(&self) -> u64 {
        self.came
    }
}

/// A decompressed stream that ends where the meter says so. What lies there uncompressed costs
/// nothing and is not counted.
pub(super) struct Bounded {
    stream: Stream,
    meter: Meter,
    /// Why it ended; the reader of the archive holds the other end.
    stopped: Rc<Cell<Option<String>>>,
    is_stopped: bool,
}

impl Bounded {
    pub(super) fn new(stream: Stream, budget: &Budget) -> (Self, Rc<Cell<Option<String>>>) {
        let stopped = Rc::new(Cell::new(None));
        let bounded =
            Self { stream, meter: budget.meter(), stopped: stopped.clone(), is_stopped: false };
        (bounded, stopped)
    }

    /// What came, and why the stream ended early, if it did.
    pub(super) fn end(&self) -> (u64, Option<String>) {
        (self.meter.came(), self.stopped.take().or(self.stream.problem().map(str::to_owned)))
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_stopped {
            return Ok(0);
        }
        let read = self.stream.read(buffer)?;
        if self.stream.packing != Packing::Plain
            && let Err(why) = self.meter.count(read as u64, self.stream.raw_bytes())
        {
            self.stopped.set(Some(why));
            self.is_stopped = true;
            return Ok(0);
        }
        Ok(read)
    }
}
