//! Which file belongs to which package, and what it should be: dpkg's lists, checksums and conffiles.
//!
//! Paths are kept as keyed 64-bit hashes, so that a host with a thousand packages costs some ten megabytes. Merged
//! `/usr` is taken into account: `/bin/x` and `/usr/bin/x` are one file. Hosts with rpm or without a data base are
//! "unknown", which never accuses anybody.

use super::tree::Tree;
use md5::{Digest, Md5};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files known of, and bytes of one list.
const MOST: usize = 4_000_000;
const LIST: usize = 64 << 20;

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// A package's.
    Package(&'a str),
    /// No package's.
    Nobody,
    /// There is no data base that is read here.
    Unknown,
}

/// A file with its checksum.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    pub(crate) md5: [u8; 16],
    package: u32,
}

/// What the package manager knows.
#[derive(Debug, Default)]
pub(crate) struct Packages {
    hasher: RandomState,
    names: Vec<String>,
    owners: HashMap<u64, u32>,
    sums: HashMap<u64, [u8; 16]>,
    dpkg: bool,
    /// There is a data base of rpm.
    pub(crate) rpm: bool,
}

impl Packages {
    /// Reads dpkg's data base below a root.
    pub(crate) fn read(tree: &Tree) -> Self {
        let mut known = Self {
            rpm: ["/var/lib/rpm", "/usr/lib/sysimage/rpm"].iter().any(|f| {
                ["rpmdb.sqlite", "Packages", "Packages.db"]
                    .iter()
                    .any(|n| tree.exists(Path::new(f).join(n)))
            }),
            ..Self::default()
        };
        for list in tree.files("/var/lib/dpkg/info", ".list") {
            let Ok(text) = tree.read(&list, LIST) else { continue };
            known.dpkg = true;
            let package = known.package(&list);
            for path in text.split(|b| *b == b'\n').filter(|l| l.len() > 1) {
                known.own(path, package);
            }
        }
        for (package, listed) in lists(tree) {
            let package = known.package(Path::new(&package));
            for (path, md5) in listed {
                known.own(path.as_os_str().as_bytes(), package);
                let key = known.key(path.as_os_str().as_bytes());
                known.sums.insert(key, md5);
            }
            known.dpkg = true;
        }
        known.conffiles(&tree.read("/var/lib/dpkg/status", LIST).unwrap_or_default());
        known
    }

    fn package(&mut self, list: &Path) -> u32 {
        let name = list.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".list").trim_end_matches(".md5sums").to_owned();
        if self.names.last() != Some(&name) {
            self.names.push(name);
        }
        (self.names.len() - 1) as u32
    }

    fn own(&mut self, path: &[u8], package: u32) {
        if self.owners.len() < MOST {
            let key = self.key(path);
            self.owners.insert(key, package);
        }
    }

    /// ` /etc/cron.d/php 0123…` below `Conffiles:` of dpkg's status.
    fn conffiles(&mut self, status: &[u8]) {
        let mut inside = false;
        for line in status.split(|b| *b == b'\n') {
            if !line.starts_with(b" ") {
                inside = line.starts_with(b"Conffiles:");
            } else if inside {
                let mut words = line.split(|b| *b == b' ').filter(|w| !w.is_empty());
                if let (Some(path), Some(md5)) = (words.next(), words.next().and_then(hex)) {
                    let key = self.key(path);
                    self.sums.insert(key, md5);
                }
            }
        }
    }

    /// Merged `/usr`: both names of a file are one.
    fn key(&self, path: &[u8]) -> u64 {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let short = path.strip_prefix(b"usr/").filter(|rest| {
            let merged: [&[u8]; 6] = [b"bin/", b"sbin/", b"lib/", b"lib64/", b"lib32/", b"libx32/"];
            merged.iter().any(|m| rest.starts_with(m))
        });
        self.hasher.hash_one(short.unwrap_or(path))
    }

    /// Whose a file is.
    pub(crate) fn owner(&self, path: &Path) -> Owner<'_> {
        if !self.dpkg {
            return Owner::Unknown;
        }
        let package = self.owners.get(&self.key(path.as_os_str().as_bytes()));
        match package.and_then(|p| self.names.get(*p as usize)) {
            Some(name) => Owner::Package(name),
            None => Owner::Nobody,
        }
    }

    /// Whether a package brought the file; where nothing is known, whether it lies where packages put theirs.
    pub(crate) fn owns(&self, path: &Path) -> bool {
        match self.owner(path) {
            Owner::Package(_) => true,
            Owner::Nobody => false,
            Owner::Unknown => [
                "/usr/bin",
                "/usr/sbin",
                "/usr/lib",
                "/usr/lib64",
                "/usr/libexec",
                "/bin",
                "/sbin",
                "/lib",
            ]
            .iter()
            .any(|folder| path.starts_with(folder)),
        }
    }

    /// Whether these bytes are what the package brought; none where no checksum is known.
    pub(crate) fn is_as_packaged(&self, path: &Path, bytes: &[u8]) -> Option<bool> {
        let wanted = self.sums.get(&self.key(path.as_os_str().as_bytes()))?;
        Some(Md5::digest(bytes).as_slice() == wanted)
    }

    /// How many packages.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// Every file with a checksum that `wanted` takes.
    pub(crate) fn listed(&self, tree: &Tree, wanted: &dyn Fn(&Path) -> bool) -> Vec<Listed> {
        let mut found = Vec::new();
        let diverted = tree.read("/var/lib/dpkg/diversions", 4 << 20).unwrap_or_default();
        let diverted: Vec<&[u8]> = diverted.split(|b| *b == b'\n').step_by(3).collect();
        for (name, files) in lists(tree) {
            let package = self.names.iter().position(|n| *n == name).unwrap_or(usize::MAX) as u32;
            for (path, md5) in files {
                if wanted(&path) && !diverted.contains(&path.as_os_str().as_bytes()) {
                    found.push(Listed { path, md5, package });
                }
            }
        }
        found
    }

    /// The package of a listed file.
    pub(crate) fn name(&self, listed: &Listed) -> &str {
        self.names.get(listed.package as usize).map_or("?", String::as_str)
    }
}

/// The checksums of every package.
fn lists(tree: &Tree) -> impl Iterator<Item = (String, Vec<(PathBuf, [u8; 16])>)> {
    tree.files("/var/lib/dpkg/info", ".md5sums").into_iter().filter_map(|file| {
        let name = file.file_name()?.to_string_lossy().trim_end_matches(".md5sums").to_owned();
        Some((name, sums(&tree.read(&file, LIST).ok()?)))
    })
}

/// `0123…  usr/bin/x`, a line a file.
fn sums(text: &[u8]) -> Vec<(PathBuf, [u8; 16])> {
    let row = |line: &[u8]| {
        let (md5, path) = line.split_at_checked(32)?;
        let path = path.strip_prefix(b"  ")?;
        let path = path.strip_prefix(b"./").unwrap_or(path);
        Some((Path::new("/").join(std::ffi::OsStr::from_bytes(path)), hex(md5)?))
    };
    text.split(|b| *b == b'\n').filter_map(row).collect()
}

fn hex(text: &[u8]) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// MD5 of a file, read in pieces.
pub(crate) fn md5(mut file: impl Read) -> io::Result<[u8; 16]> {
    let mut hash = Md5::new();
    let mut block = vec![0; 128 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(block.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whose_and_whether_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let info = folder.path().join("var/lib/dpkg/info");
        std::fs::create_dir_all(&info).unwrap();
        std::fs::write(info.join("a.list"), "/.\n/bin\n/bin/x\n/etc/cron.d/a\n").unwrap();
        std::fs::write(
            info.join("a.md5sums"),
            "900150983cd24fb0d6963f7d28e17f72  bin/x\nbad line\n",
        )
        .unwrap();
        std::fs::write(
            info.join("../status"),
            "Package: a\nConffiles:\n /etc/cron.d/a 900150983cd24fb0d6963f7d28e17f72\nDescription: x\n y 900150983cd24fb0d6963f7d28e17f72\n",
        )
        .unwrap();
        let tree = Tree::open(folder.path()).unwrap();
        let known = Packages::read(&tree);
        assert_eq!(known.owner(Path::new("/usr/bin/x")), Owner::Package("a"));
        assert_eq!(known.owner(Path::new("/usr/bin/y")), Owner::Nobody);
        assert_eq!(known.is_as_packaged(Path::new("/usr/bin/x"), b"abc"), Some(true));
        assert_eq!(known.is_as_packaged(Path::new("/etc/cron.d/a"), b"abd"), Some(false));
        assert_eq!(known.is_as_packaged(Path::new("y"), b"abd"), None);
        assert_eq!(md5(&b"abc"[..]).unwrap(), known.listed(&tree, &|_| true)[0].md5);
        let empty = tempfile::tempdir().unwrap();
        let none = Packages::read(&Tree::open(empty.path()).unwrap());
        assert_eq!(none.owner(Path::new("/usr/bin/x")), Owner::Unknown);
        assert!(none.owns(Path::new("/usr/bin/x")) && !none.owns(Path::new("/tmp/x")));
    }

    proptest! {
        #[test]
        fn never_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
            sums(&text);
            Packages::default().conffiles(&[b"Conffiles:\n ", text.as_slice()].concat());
        }
    }
}
