//! A file system below a root, read as if the root were `/`: symbolic links are followed inside it and never out of it
//! (openat2, RESOLVE_IN_ROOT; on kernels before 5.6 links in paths are resolved by hand).
//!
//! Only regular files are opened for reading, so that no FIFO blocks and no device is touched, and without changing
//! the time of access where we may. Files that grow are read up to a bound; what vanishes is an error like any other.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use nix::sys::statfs::{self, fstatfs};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Entries taken of one folder.
const ENTRIES: usize = 200_000;
/// Links that one path may go through.
const LINKS: usize = 40;

/// A root and what lies below it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    old_kernel: AtomicBool,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// FIFOs, devices, sockets.
    Other,
}

/// Something that a walk came by.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) depth: usize,
    pub(crate) entries: usize,
}

impl Tree {
    /// Takes a root.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open(path, flags, Mode::empty())?;
        Ok(Self { root, path: path.canonicalize()?, old_kernel: AtomicBool::new(false) })
    }

    /// Where the root stands in our own file system.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the root is that of the running system.
    pub(crate) fn is_live(&self) -> bool {
        self.path == Path::new("/")
    }

    /// A path of our own system as the root names it; none where it lies outside.
    pub(crate) fn inside(&self, path: &Path) -> Option<PathBuf> {
        if self.is_live() {
            return Some(path.to_path_buf());
        }
        path.strip_prefix(&self.path).ok().map(|below| Path::new("/").join(below))
    }

    /// The thing at a path itself, also where it is a link.
    pub(crate) fn look(&self, path: &Path) -> io::Result<Metadata> {
        File::from(self.fd(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?).metadata()
    }

    /// What a path leads to.
    pub(crate) fn meta(&self, path: &Path) -> io::Result<Metadata> {
        File::from(self.fd(path, OFlag::O_PATH)?).metadata()
    }

    /// Whether a path leads to something.
    pub(crate) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.meta(path.as_ref()).is_ok()
    }

    /// Where a link points, as it says.
    pub(crate) fn link(&self, path: &Path) -> io::Result<PathBuf> {
        let fd = self.fd(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        Ok(PathBuf::from(nix::fcntl::readlinkat(fd, "")?))
    }

    /// Opens a regular file. `known` says that a folder's entry has just told that it is one.
    pub(crate) fn file(&self, path: &Path, known: bool) -> io::Result<(File, Metadata)> {
        if !known && !self.meta(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"));
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let fd = match self.fd(path, flags | OFlag::O_NOATIME) {
            Err(error) if error.raw_os_error() == Some(Errno::EPERM as i32) => {
                self.fd(path, flags)?
            }
            other => other?,
        };
        let file = File::from(fd);
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"));
        }
        Ok((file, meta))
    }

    /// The first bytes of a regular file.
    pub(crate) fn read(&self, path: impl AsRef<Path>, most: usize) -> io::Result<Vec<u8>> {
        let (file, meta) = self.file(path.as_ref(), false)?;
        read_up_to(file, &meta, most)
    }

    /// The names in a folder, in order.
    pub(crate) fn folder(&self, path: impl AsRef<Path>) -> io::Result<Vec<Entry>> {
        let path = path.as_ref();
        let mut dir =
            Dir::from_fd(self.fd(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW)?)?;
        self.entries(&mut dir, path)
    }

    /// The files in a folder with an ending, in order; none where the folder cannot be read.
    pub(crate) fn files(&self, folder: &str, ending: &str) -> Vec<PathBuf> {
        let entries = self.folder(folder).unwrap_or_default();
        let right = |e: &Entry| {
            matches!(e.kind, Kind::File | Kind::Link)
                && e.path.as_os_str().as_bytes().ends_with(ending.as_bytes())
        };
        entries.into_iter().filter(right).map(|e| e.path).collect()
    }

    fn entries(&self, dir: &mut Dir, path: &Path) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let path = path.join(OsStr::from_bytes(name));
            let kind = match entry.file_type() {
                Some(nix::dir::Type::File) => Kind::File,
                Some(nix::dir::Type::Directory) => Kind::Folder,
                Some(nix::dir::Type::Symlink) => Kind::Link,
                Some(_) => Kind::Other,
                // Some file systems do not tell.
                None => self.look(&path).map_or(Kind::Other, |m| kind(&m)),
            };
            found.push(Entry { path, kind });
            if found.len() >= ENTRIES {
                break;
            }
        }
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Everything below a folder, folders before what they hold, in order. Links are told of and not followed;
    /// file systems of the kernel are not entered. What could not be read, and what lies beyond the bounds, is
    /// handed to `unseen`.
    pub(crate) fn walk(
        &self,
        start: &Path,
        bounds: Bounds,
        stop: &(dyn Fn() -> bool + Sync),
        seen: &mut dyn FnMut(&Entry),
        unseen: &mut dyn FnMut(&Path, &str),
    ) {
        let mut left = bounds.entries;
        let mut been: HashSet<(u64, u64)> = HashSet::new();
        let mut waiting: Vec<(PathBuf, usize)> = vec![(start.to_path_buf(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            if stop() {
                unseen(&folder, "the time limit was reached: give a longer --limit");
                return;
            }
            let listed = self.enter(&folder, &mut been);
            let entries = match listed {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    unseen(&folder, &reason(&error));
                    continue;
                }
            };
            let mut folders = Vec::new();
            for entry in entries {
                if left == 0 {
                    unseen(&folder, "more entries than are looked at in one tree");
                    return;
                }
                left -= 1;
                seen(&entry);
                if entry.kind == Kind::Folder {
                    folders.push(entry.path);
                }
            }
            if depth >= bounds.depth {
                if let Some(first) = folders.first() {
                    unseen(first, "deeper than is looked at");
                }
                continue;
            }
            waiting.extend(folders.into_iter().rev().map(|path| (path, depth + 1)));
        }
    }

    fn enter(&self, path: &Path, been: &mut HashSet<(u64, u64)>) -> io::Result<Vec<Entry>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let fd = self.fd(path, flags)?;
        let meta = File::from(fd.try_clone()?).metadata()?;
        // A folder mounted within itself is seen once.
        if !been.insert((meta.dev(), meta.ino())) {
            return Ok(Vec::new());
        }
        let kernels = [
            statfs::PROC_SUPER_MAGIC,
            statfs::SYSFS_MAGIC,
            statfs::TRACEFS_MAGIC,
            statfs::DEBUGFS_MAGIC,
            statfs::CGROUP_SUPER_MAGIC,
            statfs::CGROUP2_SUPER_MAGIC,
        ];
        if fstatfs(fd.as_fd()).is_ok_and(|s| kernels.contains(&s.filesystem_type())) {
            return Err(io::Error::other("a file system of the kernel"));
        }
        self.entries(&mut Dir::from_fd(fd)?, path)
    }

    fn fd(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC;
        if !self.old_kernel.load(Ordering::Relaxed) {
            let how = OpenHow::new()
                .flags(flags)
                .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
            match openat2(&self.root, path, how) {
                Err(Errno::ENOSYS) => self.old_kernel.store(true, Ordering::Relaxed),
                // Where something was renamed meanwhile the kernel is not sure; once more is enough.
                Err(Errno::EAGAIN) => return Ok(openat2(&self.root, path, how)?),
                other => return Ok(other?),
            }
        }
        let follow = !flags.contains(OFlag::O_NOFOLLOW);
        let real = self.by_hand(path, follow)?;
        Ok(nix::fcntl::openat(&self.root, &real, flags | OFlag::O_NOFOLLOW, Mode::empty())?)
    }

    /// A path without links in it, relative to the root.
    fn by_hand(&self, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
        let mut left: Vec<PathBuf> = parts(path);
        left.reverse();
        let (mut real, mut links) = (PathBuf::new(), 0);
        while let Some(part) = left.pop() {
            if part == Path::new("..") {
                real.pop();
                continue;
            }
            let next = real.join(&part);
            let link = match nix::fcntl::readlinkat(&self.root, &next) {
                Ok(link) if follow_last || !left.is_empty() => PathBuf::from(link),
                _ => {
                    real = next;
                    continue;
                }
            };
            links += 1;
            if links > LINKS {
                return Err(Errno::ELOOP.into());
            }
            if link.is_absolute() {
                real = PathBuf::new();
            }
            left.extend(parts(&link).into_iter().rev());
        }
        Ok(if real.as_os_str().is_empty() { PathBuf::from(".") } else { real })
    }
}

fn parts(path: &Path) -> Vec<PathBuf> {
    let part = |c: Component<'_>| match c {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    };
    path.components().filter_map(part).collect()
}

/// What a file's metadata says it is.
pub(crate) fn kind(meta: &Metadata) -> Kind {
    let kind = meta.file_type();
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        debug_assert!(
            kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device()
        );
        Kind::Other
    }
}

/// The first bytes of an open file; one that grows meanwhile is cut.
pub(crate) fn read_up_to(file: File, meta: &Metadata, most: usize) -> io::Result<Vec<u8>> {
    let room = usize::try_from(meta.len()).unwrap_or(most).min(most);
    let mut bytes = Vec::with_capacity(room + 1);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An error in the words of a report.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission: run as root".to_owned(),
        io::ErrorKind::NotFound => "it vanished while it was looked at".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
