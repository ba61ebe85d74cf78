//! Processes as `/proc` tells of them -> [`Process`]es and the sockets they hold, and what their traits say (`traits`,
//! `sockets`).
//!
//! A process may end at any step of its reading: what was read by then stays where the executable is known, else it is
//! passed over. What another user's process does not show us is counted and said. With a root that is not the running
//! system's, the processes are those whose executable lies in it, and their paths are told as the root names them.

mod sockets;
mod traits;

pub(crate) use sockets::{Socket, State, is_outside};

use super::Host;
use super::finding::{Unseen, visible};
use super::out::Out;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Processes, descriptors of one process, and bytes of one file of /proc that are read.
const MOST: usize = 100_000;
const DESCRIPTORS: usize = 4_096;
const BYTES: u64 = 64 << 10;
/// The flag of kernel threads in /proc/PID/stat.
const PF_KTHREAD: u64 = 0x0020_0000;

/// A process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) uid: u32,
    pub(crate) comm: String,
    /// Without ` (deleted)`; none where it may not be read.
    pub(crate) exe: Option<PathBuf>,
    pub(crate) deleted: bool,
    /// It never was a file with a name (memfd_create).
    pub(crate) memory: bool,
    pub(crate) args: Vec<String>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) script: Option<PathBuf>,
    pub(crate) kernel: bool,
    /// `LD_PRELOAD`, `LD_AUDIT` of its environment.
    pub(crate) preload: Vec<String>,
    pub(crate) sockets: Vec<Socket>,
    /// Its standard input and output are sockets.
    pub(crate) talks_to_socket: Option<Socket>,
    /// The unit of systemd that it belongs to (`apache2.service`).
    pub(crate) unit: Option<String>,
    /// Files it holds open in places for temporary files.
    pub(crate) open_files: Vec<PathBuf>,
}

impl Process {
    /// The executable's own name.
    pub(crate) fn name(&self) -> String {
        let name = self.exe.as_deref().and_then(Path::file_name);
        name.map_or_else(|| self.comm.clone(), |n| n.to_string_lossy().into_owned())
    }

    /// Whether it interprets scripts.
    pub(crate) fn is_interpreter(&self) -> bool {
        let name = self.name();
        let starts = ["perl", "python", "php", "ruby", "node", "lua", "tclsh", "busybox"];
        matches!(name.as_str(), "sh" | "bash" | "dash" | "ksh" | "zsh" | "ash")
            || starts.iter().any(|s| name.starts_with(s)) && !name.starts_with("php-fpm")
    }

    /// As a person reads it.
    pub(crate) fn shown(&self) -> String {
        let command =
            if self.args.is_empty() { format!("[{}]", self.comm) } else { self.args.join(" ") };
        visible(&command.chars().take(200).collect::<String>())
    }
}

/// Reads the processes and judges them.
pub(crate) fn look(host: &Host<'_>, out: &mut Out) -> Vec<Process> {
    let mut processes = read(host, out);
    let listening = sockets::fill(host, &mut processes);
    for process in &processes {
        traits::judge(host, process, &processes, out);
    }
    sockets::judge(host, &processes, &listening, out);
    processes
}

fn read(host: &Host<'_>, out: &mut Out) -> Vec<Process> {
    let proc = host.proc.as_path();
    let Ok(listed) = fs::read_dir(proc) else {
        out.unseen.insert(Unseen {
            what: "processes".to_owned(),
            why: format!("{} cannot be read", proc.display()),
        });
        return Vec::new();
    };
    if host.tree.is_live() && !proc.join("1/stat").exists() {
        out.cannot("processes of other users", "/proc hides them (hidepid): run as root");
    }
    let number = |e: fs::DirEntry| e.file_name().to_str()?.parse::<u32>().ok();
    let mut pids: Vec<u32> = listed.flatten().filter_map(number).take(MOST).collect();
    pids.sort_unstable();
    let mut shut = 0;
    let mut found = Vec::new();
    for pid in pids {
        if (host.options.stop)() {
            out.cut("processes");
            break;
        }
        match one(host, &proc.join(pid.to_string()), pid) {
            Some((_, true)) if !host.tree.is_live() => {}
            Some((process, hidden)) => {
                shut += usize::from(hidden);
                found.push(process);
            }
            None => {}
        }
    }
    if shut > 0 {
        out.unseen.insert(Unseen {
            what: format!("executables and sockets of {shut} processes of other users"),
            why: "no permission: run as root".to_owned(),
        });
    }
    found
}

/// One process, and whether it hides its executable from us; none where it is gone or belongs to another root.
fn one(host: &Host<'_>, folder: &Path, pid: u32) -> Option<(Process, bool)> {
    let stat = head(&folder.join("stat"))?;
    // The name in brackets may hold brackets and blanks itself: the last one closes it.
    let open = memchr::memchr(b'(', &stat)?;
    let close = memchr::memrchr(b')', &stat)?;
    let comm = lossy(stat.get(open + 1..close)?);
    let rest = String::from_utf8_lossy(stat.get(close + 2..)?).into_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let kernel = fields.get(6)?.parse::<u64>().ok()? & PF_KTHREAD != 0;
    let uid = fs::metadata(folder).ok()?.uid();
    let status = head(&folder.join("status")).unwrap_or_default();
    let uid = status
        .split(|b| *b == b'\n')
        .find_map(|l| {
            std::str::from_utf8(l.strip_prefix(b"Uid:")?)
                .ok()?
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()
        })
        .unwrap_or(uid);
    let mut process = Process { pid, parent, uid, comm, kernel, ..Process::default() };
    if kernel {
        return host.tree.is_live().then_some((process, false));
    }
    let link = fs::read_link(folder.join("exe"));
    let hidden = link.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied);
    if let Ok(link) = link {
        let (path, deleted) = without_mark(&link, &folder.join("exe"));
        process.memory = path.as_os_str().as_bytes().starts_with(b"/memfd:");
        process.deleted = deleted;
        // What runs from memory lies nowhere: it belongs to the root that it was given.
        if process.memory && !host.tree.is_live() {
            host.tree.inside(&fs::read_link(folder.join("root")).ok()?)?;
        }
        process.exe = Some(if process.memory { path } else { host.tree.inside(&path)? });
    } else if !host.tree.is_live() && !hidden {
        return None;
    }
    let inside = |path: PathBuf| host.tree.inside(&path);
    process.folder = fs::read_link(folder.join("cwd"))
        .ok()
        .map(|link| without_mark(&link, &folder.join("cwd")).0)
        .and_then(inside);
    process.args = head(&folder.join("cmdline"))
        .unwrap_or_default()
        .split(|b| *b == 0)
        .map(|word| told(host, word))
        .collect();
    while process.args.last().is_some_and(String::is_empty) {
        process.args.pop();
    }
    let environment = head(&folder.join("environ")).unwrap_or_default();
    for word in environment.split(|b| *b == 0) {
        for name in [&b"LD_PRELOAD="[..], b"LD_AUDIT="] {
            if let Some(value) = word.strip_prefix(name).filter(|v| !v.is_empty()) {
                let paths = value.split(|b| matches!(b, b':' | b' '));
                process.preload.extend(paths.filter(|p| !p.is_empty()).map(|p| told(host, p)));
            }
        }
    }
    process.script = script(&process);
    process.unit = unit(&head(&folder.join("cgroup")).unwrap_or_default());
    Some((process, hidden))
}

/// `0::/system.slice/apache2.service`: the last part that is a service.
fn unit(cgroups: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(cgroups).into_owned();
    let mut parts = text.lines().flat_map(|l| l.rsplit('/')).filter(|p| p.ends_with(".service"));
    parts.find(|p| !p.starts_with("user@")).map(str::to_owned)
}

/// A word of a command line; a path below the root as the root names it.
fn told(host: &Host<'_>, word: &[u8]) -> String {
    let path = Path::new(std::ffi::OsStr::from_bytes(word));
    match host.tree.inside(path).filter(|_| path.is_absolute() && !host.tree.is_live()) {
        Some(inside) => lossy(inside.as_os_str().as_bytes()),
        None => lossy(word),
    }
}

/// ` (deleted)` is a mark of the kernel, unless the very file has a name that ends so.
fn without_mark(link: &Path, magic: &Path) -> (PathBuf, bool) {
    let Some(path) = link.as_os_str().as_bytes().strip_suffix(b" (deleted)") else {
        return (link.to_path_buf(), false);
    };
    let same = match (fs::symlink_metadata(link), fs::metadata(magic)) {
        (Ok(named), Ok(meant)) => (named.dev(), named.ino()) == (meant.dev(), meant.ino()),
        _ => false,
    };
    if same {
        return (link.to_path_buf(), false);
    }
    (PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())), true)
}

fn script(process: &Process) -> Option<PathBuf> {
    let text = |p: &Option<PathBuf>| p.as_ref().map(|p| p.to_string_lossy().into_owned());
    let noted = crate::Process {
        exe: text(&process.exe),
        args: process.args.clone(),
        folder: text(&process.folder),
        ..crate::Process::default()
    };
    crate::script::of(&noted).map(PathBuf::from)
}

/// The beginning of a file of /proc.
fn head(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn lossy(bytes: &[u8]) -> String {
    heloscope_model::octets::lossy_text(bytes).0.into_owned()
}

/// The sockets' numbers of each process, and what its standard channels and open files are.
fn descriptors(
    host: &Host<'_>,
    processes: &mut [Process],
) -> (BTreeMap<u64, BTreeSet<u32>>, BTreeMap<u32, u64>) {
    let mut holders: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    let mut channels = BTreeMap::new();
    for process in processes.iter_mut().filter(|p| !p.kernel) {
        let folder = host.proc.join(process.pid.to_string()).join("fd");
        let Ok(listed) = fs::read_dir(&folder) else { continue };
        let (mut input, mut output) = (None, None);
        for entry in listed.flatten().take(DESCRIPTORS) {
            let Ok(link) = fs::read_link(entry.path()) else { continue };
            let bytes = link.as_os_str().as_bytes();
            let inode = bytes.strip_prefix(b"socket:[").and_then(|r| r.strip_suffix(b"]"));
            let inode = inode.and_then(|n| std::str::from_utf8(n).ok()?.parse::<u64>().ok());
            if let Some(inode) = inode {
                holders.entry(inode).or_default().insert(process.pid);
                match entry.file_name().as_bytes() {
                    b"0" => input = Some(inode),
                    b"1" => output = Some(inode),
                    _ => {}
                }
            } else if let Some(path) = host.tree.inside(&without_mark(&link, &entry.path()).0)
                && super::command::is_temporary(&path.to_string_lossy())
                && process.open_files.len() < 32
            {
                process.open_files.push(path);
            }
        }
        if let (Some(input), Some(output)) = (input, output)
            && input == output
        {
            channels.insert(process.pid, input);
        }
    }
    (holders, channels)
}
