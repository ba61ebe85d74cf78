//! Processes that were there before the recorder: what `/proc` says of them, in the layout that the kernel's part
//! keeps of a process, so that their children too know whom they come from.
//!
//! What vanishes while it is read is left out. A number that is used again between two reads is told apart
//! by nothing here; the kernel's own entries win, and they come with every fork and exec.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const COMM: usize = 16;
const KIN_EXE: usize = 384;
const KIN_ARGS: usize = 192;
const KIN: usize = 5;
/// Bytes of one ancestor.
const ONE: usize = 4 + 4 + COMM + 2 + 2 + 4 + KIN_EXE + KIN_ARGS;
/// Bytes of a process: itself and its ancestors.
pub(super) const SIZE: usize = ONE * (1 + KIN);

struct Found {
    parent: u32,
    kin: [u8; ONE],
}

/// Every process in `/proc`, as the kernel's part keeps it.
pub(super) fn processes(proc: &Path) -> BTreeMap<u32, [u8; SIZE]> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if let Some(pid) = pid
            && let Some(process) = read(&entry.path(), pid)
        {
            found.insert(pid, process);
        }
    }
    found.keys().map(|pid| (*pid, line(*pid, &found))).collect()
}

/// A process and those it comes from.
fn line(pid: u32, found: &BTreeMap<u32, Found>) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let mut next = Some(pid);
    for room in bytes.chunks_exact_mut(ONE) {
        let Some(process) = next.and_then(|pid| found.get(&pid)) else { break };
        room.copy_from_slice(&process.kin);
        next = (process.parent != 0).then_some(process.parent);
    }
    bytes
}

fn read(folder: &Path, pid: u32) -> Option<Found> {
    let status = fs::read(folder.join("status")).ok()?;
    let field = |name: &str| {
        let mut lines = status.split(|&b| b == b'\n');
        lines.find_map(|line| line.strip_prefix(name.as_bytes()))
    };
    let number = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        text.split_whitespace().next()?.parse::<u32>().ok()
    };
    let parent = field("PPid:").and_then(number)?;
    let uid = field("Uid:").and_then(number)?;
    let comm = fs::read(folder.join("comm")).ok()?;
    let exe = fs::read_link(folder.join("exe")).map(leaf_first).unwrap_or_default();
    let args = fs::read(folder.join("cmdline")).unwrap_or_default();
    let (exe, args) = (cut(&exe, KIN_EXE), cut(&args, KIN_ARGS));
    let mut kin = Vec::with_capacity(ONE);
    kin.extend(pid.to_ne_bytes());
    kin.extend(uid.to_ne_bytes());
    kin.extend(padded::<COMM>(cut(comm.trim_ascii_end(), COMM - 1)));
    for length in [exe.len(), args.len()] {
        kin.extend(u16::try_from(length).ok()?.to_ne_bytes());
    }
    kin.extend([0; 4]);
    kin.extend(padded::<KIN_EXE>(exe));
    kin.extend(padded::<KIN_ARGS>(args));
    Some(Found { parent, kin: kin.try_into().ok()? })
}

/// A path as the kernel's part writes it.
fn leaf_first(path: std::path::PathBuf) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    let names = bytes.split(|&b| b == b'/').filter(|name| !name.is_empty());
    let mut walked = Vec::new();
    for name in names.collect::<Vec<_>>().into_iter().rev() {
        walked.extend_from_slice(name);
        walked.push(0);
    }
    walked
}

fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut room = [0; N];
    room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_whom_it_comes_from() {
        let all = processes(Path::new("/proc"));
        let own = std::process::id();
        let bytes = all[&own];
        assert_eq!(u32::from_ne_bytes(bytes[..4].try_into().unwrap()), own);
        let parent = u32::from_ne_bytes(bytes[ONE..ONE + 4].try_into().unwrap());
        assert_eq!(parent, std::os::unix::process::parent_id());
        let exe = std::env::current_exe().unwrap();
        let walked = leaf_first(exe);
        assert_eq!(cut(&walked, KIN_EXE), &bytes[32..32 + walked.len().min(KIN_EXE)]);
    }
}
