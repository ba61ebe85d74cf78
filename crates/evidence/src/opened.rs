//! A file, a member of an archive, or spooled standard input -> its decompressed bytes, as a stream.
//!
//! `.gz`, `.xz`, `.zst` and `.bz2` are told by their magic bytes, concatenated members included.
//! A truncated or damaged archive, or a file that cannot be read to its end, is not an error:
//! the stream ends there and [`Stream::problem`] says where and why, so that what came is used.
//! Memory is bounded: xz by a limit of its own, zstd by its window limit.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes read from the disk at a time.
const BUFFER: usize = 256 << 10;

/// Memory an xz stream may ask for; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 192 << 20;

/// Standard input held in memory; what is longer goes to an unlinked file.
const SPOOL_MEMORY: usize = 32 << 20;

/// Standard input taken at all.
const SPOOL_MOST: u64 = 8 << 30;

/// Where a source's bytes come from, again and again.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A file on the disk.
    File(PathBuf),
    /// Bytes held.
    Bytes(Arc<[u8]>),
    /// So many bytes of an open file from an offset on: of an unlinked temporary file, or of an
    /// archive that is not compressed.
    Part(Arc<File>, u64, u64),
}

impl Body {
    /// Takes in standard input; what came before an error is kept, with a note.
    pub(crate) fn spool(input: &mut dyn Read) -> (Self, Option<String>) {
        let mut held = Vec::new();
        let first = input.take(SPOOL_MEMORY as u64 + 1).read_to_end(&mut held);
        if let Err(error) = first {
            let note = format!("reading stopped at byte {}: {error}", held.len());
            return (Self::Bytes(held.into()), Some(note));
        }
        if held.len() <= SPOOL_MEMORY {
            return (Self::Bytes(held.into()), None);
        }
        let spooled = tempfile::tempfile().and_then(|mut file| {
            let mut all = Cursor::new(&held).chain(input.take(SPOOL_MOST));
            let len = io::copy(&mut all, &mut file)?;
            Ok((file, len))
        });
        match spooled {
            Ok((file, len)) => {
                let cut = len >= SPOOL_MOST;
                let note = cut.then(|| format!("only the first {len} bytes were taken"));
                (Self::Part(Arc::new(file), 0, len), note)
            }
            Err(error) => {
                let note = format!(
                    "only the first {} bytes were taken, no temporary file: {error}",
                    held.len()
                );
                (Self::Bytes(held.into()), Some(note))
            }
        }
    }

    /// Its size on the disk.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::File(path) => std::fs::metadata(path).map_or(0, |m| m.len()),
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Part(_, _, len) => *len,
        }
    }

    /// Without bytes: what is named and not read.
    pub(crate) fn none() -> Self {
        Self::Bytes(Arc::from([]))
    }

    /// The same bytes, to be read at any place: a path becomes an open file.
    pub(crate) fn pinned(&self) -> io::Result<Self> {
        Ok(match self {
            Self::File(path) => {
                let file = File::open(path)?;
                let len = file.metadata()?.len();
                Self::Part(Arc::new(file), 0, len)
            }
            other => other.clone(),
        })
    }

    /// A stretch of it where it is an open file.
    pub(crate) fn stretch(&self, from: u64, len: u64) -> Option<Self> {
        match self {
            Self::Part(file, start, all)
                if from.checked_add(len).is_some_and(|end| end <= *all) =>
            {
                Some(Self::Part(file.clone(), start.checked_add(from)?, len))
            }
            _ => None,
        }
    }

    /// Its raw bytes from an offset on.
    pub(crate) fn at(&self, offset: u64) -> io::Result<impl Read + use<>> {
        let mut raw = self.raw()?;
        raw.seek_to(offset)?;
        Ok(raw)
    }

    /// The raw bytes from the start.
    fn raw(&self) -> io::Result<Raw> {
        Ok(match self {
            Self::File(path) => Raw::File(File::open(path)?),
            Self::Bytes(bytes) => Raw::Bytes(Cursor::new(bytes.clone())),
            // The handle's position is shared: each stream keeps its own.
            Self::Part(file, from, len) => {
                Raw::Part { file: file.clone(), from: *from, at: 0, len: *len }
            }
        })
    }

    /// The last bytes of what is not compressed, with the offset of their first.
    pub(crate) fn tail(&self, len: usize) -> io::Result<(u64, Vec<u8>)> {
        let size = self.size();
        let from = size.saturating_sub(len as u64);
        let mut raw = self.raw()?;
        raw.seek_to(from)?;
        let mut tail = Vec::new();
        raw.take(len as u64).read_to_end(&mut tail)?;
        Ok((from, tail))
    }
}

/// Raw bytes of a body.
enum Raw {
    File(File),
    Bytes(Cursor<Arc<[u8]>>),
    Part { file: Arc<File>, from: u64, at: u64, len: u64 },
}

impl Raw {
    fn seek_to(&mut self, to: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.seek(SeekFrom::Start(to)).map(drop),
            Self::Bytes(cursor) => cursor.seek(SeekFrom::Start(to)).map(drop),
            Self::Part { at, .. } => {
                *at = to;
                Ok(())
            }
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(cursor) => cursor.read(buffer),
            Self::Part { file, from, at, len } => {
                let left = usize::try_from(len.saturating_sub(*at)).unwrap_or(usize::MAX);
                let most = buffer.len().min(left);
                let wanted = buffer.get_mut(..most).unwrap_or_default();
                let place = from.saturating_add(*at);
                let read = std::os::unix::fs::FileExt::read_at(&**file, wanted, place)?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}

/// Counts what is read from the disk, for progress.
struct Counted {
    inner: Raw,
    count: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not.
    Plain,
    /// RFC 1952.
    Gzip,
    /// .xz
    Xz,
    /// RFC 8878.
    Zstd,
    /// .bz2
    Bzip2,
}

impl Packing {
    /// By magic bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }
}

/// The decompressed bytes of a body.
pub(crate) struct Stream {
    inner: Box<dyn Read>,
    /// How it was packed.
    pub(crate) packing: Packing,
    raw: Rc<Cell<u64>>,
    at: u64,
    problem: Option<String>,
}

impl Stream {
    /// Opens from the start.
    pub(crate) fn open(body: &Body) -> io::Result<Self> {
        let count = Rc::new(Cell::new(0));
        let mut raw = Counted { inner: body.raw()?, count: count.clone() };
        let mut magic = Vec::new();
        raw.by_ref().take(6).read_to_end(&mut magic)?;
        let packing = Packing::of(&magic);
        let raw = BufReader::with_capacity(BUFFER, Cursor::new(magic).chain(raw));
        let inner: Box<dyn Read> = match packing {
            Packing::Plain => Box::new(raw),
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(raw)?),
            Packing::Xz => {
                let decoder = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY,
                    liblzma::stream::CONCATENATED,
                )
                .map_err(io::Error::other)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(raw, decoder))
            }
        };
        Ok(Self { inner, packing, raw: count, at: 0, problem: None })
    }

    /// Why the stream ended before its end, with the byte of the decompressed stream.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Bytes read from the disk so far.
    pub(crate) fn raw_bytes(&self) -> u64 {
        self.raw.get()
    }

    /// Bytes given out so far.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }
}

impl Read for Stream {
    /// Never fails: what goes wrong ends the stream and is kept as its problem.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.problem.is_some() {
            return Ok(0);
        }
        loop {
            match self.inner.read(buffer) {
                Ok(read) => {
                    self.at += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = match (self.packing, error.kind()) {
                        (Packing::Plain, _) => "cannot be read on",
                        (_, io::ErrorKind::UnexpectedEof) => "the archive is cut off",
                        _ => "the archive is damaged",
                    };
                    self.problem = Some(format!(
                        "{what} after byte {} of its content ({error}); what came before was used",
                        self.at
                    ));
                    return Ok(0);
                }
            }
        }
    }
}

/// Reads the whole content, at most `most` bytes; says whether that was all, and any problem.
pub(crate) fn whole(body: &Body, most: usize) -> io::Result<(Vec<u8>, bool, Option<String>)> {
    let mut stream = Stream::open(body)?;
    let mut bytes = Vec::new();
    stream.by_ref().take(most as u64 + 1).read_to_end(&mut bytes)?;
    let all = bytes.len() <= most;
    bytes.truncate(most);
    Ok((bytes, all, stream.problem().map(str::to_owned)))
}
