//! What of this host a mail server is found by: processes, files, users. Read once, in bounds.

use super::super::policy::Cgroup;
use crate::connection::text;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Processes looked at.
const PROCESSES: usize = 65_536;
/// Bytes read of a file.
const FILE: u64 = 1 << 20;

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its number.
    pub pid: u32,
    /// What it calls itself.
    pub comm: String,
    /// What it runs; none where that may not be read.
    pub exe: Option<String>,
    /// The path of its control group of cgroup2; empty where there is none.
    pub cgroup: String,
    /// It is in another network namespace than we are.
    pub elsewhere: bool,
}

/// This host.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    root: PathBuf,
    /// The processes.
    pub programs: Vec<Program>,
    users: String,
    groups: String,
    /// Why control groups cannot be named in rules.
    no_cgroups: Option<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
}

impl Surroundings {
    /// Reads what is below a folder: `/`.
    pub fn read(root: &Path) -> Self {
        let mut at = Self { root: root.to_owned(), ..Self::default() };
        at.users = at.file("/etc/passwd").unwrap_or_default();
        at.groups = at.file("/etc/group").unwrap_or_default();
        // nft looks control groups up below this folder and nowhere else.
        if !at.is_there("/sys/fs/cgroup/cgroup.controllers") {
            at.no_cgroups =
                Some("cgroup2 does not stand at /sys/fs/cgroup, where nft looks for it".to_owned());
        }
        at.processes();
        at
    }

    fn processes(&mut self) {
        let own = fs::read_link(self.path("/proc/self/ns/net")).ok();
        let Ok(entries) = fs::read_dir(self.path("/proc")) else {
            self.unseen
                .push("/proc cannot be read: which mail server runs is not known".to_owned());
            return;
        };
        let mut hidden = 0_usize;
        let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
        for pid in pids.take(PROCESSES) {
            let folder = format!("/proc/{pid}");
            let Some(comm) = self.file(&format!("{folder}/comm")) else { continue };
            let exe = fs::read_link(self.path(&format!("{folder}/exe"))).ok();
            let groups = self.file(&format!("{folder}/cgroup")).unwrap_or_default();
            let network = fs::read_link(self.path(&format!("{folder}/ns/net"))).ok();
            // Threads of the kernel run no file; whoever may read no namespace may not look at it.
            hidden += usize::from(exe.is_none() && network.is_none());
            self.programs.push(Program {
                pid,
                comm: text(comm.trim_end_matches('\n').as_bytes()),
                exe: exe.map(|exe| {
                    let exe = text(exe.as_os_str().as_bytes());
                    exe.strip_suffix(" (deleted)").map_or(exe.clone(), str::to_owned)
                }),
                cgroup: groups
                    .lines()
                    .find_map(|l| l.strip_prefix("0::"))
                    .unwrap_or_default()
                    .to_owned(),
                elsewhere: own.is_some() && network.is_some() && network != own,
            });
        }
        self.programs.sort_by_key(|p| p.pid);
        if hidden > 0 {
            self.unseen.push(format!(
                "what {hidden} of the processes run may not be read (without root few can): those are told by their names alone"
            ));
        }
    }

    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// A file's text, as far as it is read; none where it is not there or no file.
    fn file(&self, absolute: &str) -> Option<String> {
        use std::io::Read;
        let path = self.path(absolute);
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether something stands there.
    pub(super) fn is_there(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    /// What a file of lines `key = value` says, the last word of it.
    pub(super) fn setting(&self, file: &str, key: &str) -> Option<String> {
        let text = self.file(file)?;
        let value = text.lines().rev().find_map(|line| {
            let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
            // Sendmail adds a group; what is built of other settings is not followed.
            value.trim().split(':').next().map(str::to_owned)
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        (!value.is_empty() && value.chars().all(plain)).then_some(value)
    }

    /// A user's number, by name or number.
    pub fn uid(&self, name: &str) -> Option<u32> {
        name.parse().ok().or_else(|| number(&self.users, name))
    }

    /// A group's number.
    pub fn gid(&self, name: &str) -> Option<u32> {
        name.parse().ok().or_else(|| number(&self.groups, name))
    }

    /// A user's name.
    pub fn user(&self, uid: u32) -> Option<&str> {
        self.users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
        })
    }

    /// The group that a user begins with.
    pub fn group_of(&self, uid: u32) -> Option<u32> {
        self.users.lines().find_map(|line| {
            let mut fields = line.split(':').skip(2);
            (fields.next()?.parse() == Ok(uid)).then(|| fields.next()?.parse().ok())?
        })
    }

    /// The unit in which a process runs; why it cannot be asked for.
    pub(super) fn unit(&self, program: &Program) -> Result<Cgroup, String> {
        if let Some(why) = &self.no_cgroups {
            return Err(why.clone());
        }
        let cgroup = Cgroup::new(&program.cgroup).filter(|c| c.unit().ends_with(".service"));
        let cgroup = cgroup.ok_or_else(|| "no unit of systemd runs it".to_owned())?;
        if !self.is_there(&format!("/sys/fs/cgroup/{}", cgroup.path())) {
            return Err(format!("its control group {} is not to be found", cgroup.path()));
        }
        Ok(cgroup)
    }
}

/// The third field of the line of a name, as passwd and group have it.
fn number(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}
