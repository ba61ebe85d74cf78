//! Whose a socket is, from `/proc`: its number among the open files of a process, and that process as it is now.
//!
//! What may not be looked into, or vanishes meanwhile, is left out. Every text is cut: a command line may have megabytes.

use super::table::{Open, Who};
use crate::connection::text;
use crate::{Process, clock, script};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Ancestors named.
const KIN: usize = 5;
/// Bytes of a command line.
const ARGS: u64 = 768;
/// Ticks a second in which the kernel tells times to programs, on every architecture that is left.
const TICKS: f64 = 100.0;

/// The processes that have these sockets open.
pub(super) fn owners(inodes: &BTreeSet<u32>) -> BTreeMap<u32, u32> {
    let mut found = BTreeMap::new();
    if inodes.is_empty() {
        return found;
    }
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid else { continue };
        for file in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let Ok(link) = fs::read_link(file.path()) else { continue };
            if let Some(inode) = socket_of(link.as_os_str().as_bytes())
                && inodes.contains(&inode)
            {
                found.entry(inode).or_insert(pid);
            }
        }
        if found.len() == inodes.len() {
            break;
        }
    }
    found
}

/// `socket:[4711]`.
fn socket_of(link: &[u8]) -> Option<u32> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The network namespace that is seen: this process's own.
pub(super) fn netns() -> u32 {
    fs::metadata("/proc/self/ns/net").map_or(0, |m| u32::try_from(m.ino()).unwrap_or_default())
}

/// The process of a socket; where nobody is found, the user alone.
pub(super) fn who(open: &Open, owners: &BTreeMap<u32, u32>, netns: u32) -> Who {
    let found = owners.get(&open.inode).and_then(|pid| read(*pid));
    let Some((process, parent)) = found else {
        let process = Process { uid: open.uid, ..Process::default() };
        return Who { process, netns, ..Who::default() };
    };
    let mut ancestors = Vec::new();
    let mut next = parent;
    while next != 0
        && ancestors.len() < KIN
        && let Some((ancestor, parent)) = read(next)
    {
        ancestors.push(Process { folder: None, started: None, ..ancestor });
        next = parent;
    }
    Who { script: script::of(&process), process, ancestors, netns }
}

/// A process and its parent's number.
fn read(pid: u32) -> Option<(Process, u32)> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let status = fs::read(folder.join("status")).ok()?;
    let numbers = |name: &str| -> Vec<u32> {
        let mut lines = status.split(|&b| b == b'\n');
        let line = lines.find_map(|line| line.strip_prefix(name.as_bytes())).unwrap_or_default();
        let words = std::str::from_utf8(line).unwrap_or_default().split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let uids = numbers("Uid:");
    let (uid, euid) = (*uids.first()?, *uids.get(1)?);
    let parent = numbers("PPid:").first().copied().unwrap_or_default();
    let comm = fs::read(folder.join("comm")).unwrap_or_default();
    let exe =
        fs::read_link(folder.join("exe")).ok().map(|path| path.as_os_str().as_bytes().to_vec());
    let (exe, deleted) = match exe {
        Some(exe) => match exe.strip_suffix(b" (deleted)") {
            // A file may be called so; it is then still there.
            Some(name) if fs::metadata(Path::new(std::ffi::OsStr::from_bytes(&exe))).is_err() => {
                (Some(text(name)), true)
            }
            _ => (Some(text(&exe)), false),
        },
        None => (None, false),
    };
    let process = Process {
        pid,
        thread: None,
        uid,
        euid: (euid != uid).then_some(euid),
        comm: text(comm.trim_ascii_end()),
        exe,
        deleted,
        began_as: Vec::new(),
        args: arguments(&folder),
        folder: fs::read_link(folder.join("cwd")).ok().map(|p| text(p.as_os_str().as_bytes())),
        started: started(&folder).map(|since| clock::boot().plus_secs(since)),
    };
    Some((process, parent))
}

fn arguments(folder: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    let Ok(file) = fs::File::open(folder.join("cmdline")) else { return Vec::new() };
    let _ = file.take(ARGS).read_to_end(&mut bytes);
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    let written = bytes.get(..end).unwrap_or_default();
    if written.is_empty() {
        return Vec::new();
    }
    written.split(|&b| b == 0).map(text).collect()
}

/// Seconds after the machine's start: the 22nd field, of which the second may hold anything, also blanks and brackets.
fn started(folder: &Path) -> Option<f64> {
    let stat = fs::read(folder.join("stat")).ok()?;
    let behind = stat.rsplit(|&b| b == b')').next()?;
    let ticks: u64 = std::str::from_utf8(behind).ok()?.split_whitespace().nth(19)?.parse().ok()?;
    Some(ticks as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_its_own_socket() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let link = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        let inode = socket_of(link.as_os_str().as_bytes()).unwrap();
        let owners = owners(&BTreeSet::from([inode]));
        assert_eq!(owners[&inode], std::process::id());
        let (process, parent) = read(std::process::id()).unwrap();
        assert_eq!(parent, std::os::unix::process::parent_id());
        assert_eq!(process.exe.as_deref(), std::env::current_exe().unwrap().to_str());
        let age = clock::now().since(process.started.unwrap());
        assert!((-1.0..600.0).contains(&age), "{age}");
    }

    #[test]
    fn who_has_vanished_is_nobody() {
        // A number above the highest that the kernel gives.
        assert_eq!(read(u32::MAX), None);
        assert_eq!(socket_of(b"socket:[x]"), None);
        assert_eq!(socket_of(b"pipe:[7]"), None);
    }
}
