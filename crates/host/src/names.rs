//! Where a process runs, as an administrator names it: its control group's path, the systemd unit, the container.
//!
//! In: the number of a control group, or a process that still lives. Out: [`Place`]. Looked up while the process lives and
//! kept in mind, because a container that is gone has no name any more; what cannot be found stays unknown. The paths'
//! patterns are those of systemd, Docker, Podman, containerd, CRI-O, Kubernetes and LXC.

mod runtime;

use crate::Connection;
use crate::connection::text;
use heloscope_model::Time;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Places kept in mind.
const MOST: usize = 8192;
/// Control groups nested in each other, and looked at in one walk.
const DEEPEST: usize = 24;
const GROUPS: usize = 50_000;

/// Where a process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The control group's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The systemd unit (`apache2.service`, `session-3.scope`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Whose it is: `docker`, `podman`, `containerd`, `cri-o`, `kubernetes`, `lxc`, `nspawn`.
    pub runtime: &'static str,
    /// Its number or name as the runtime knows it.
    pub id: String,
    /// The name that people gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Places found before.
#[derive(Debug, Default)]
pub struct Names {
    groups: BTreeMap<u64, Place>,
    /// By number and start of the process: where the numbers of groups say nothing (hybrid hierarchies).
    processes: BTreeMap<(u32, i64), Place>,
    root: Option<Option<PathBuf>>,
}

impl Names {
    /// Fills in where a connection's process runs.
    pub fn fill(&mut self, connection: &mut Connection) {
        connection.place = self.of(connection);
    }

    fn of(&mut self, connection: &Connection) -> Place {
        let group = connection.cgroup;
        if let Some(place) = self.groups.get(&group) {
            if place.group.as_deref() != Some("/") {
                return place.clone();
            }
        } else if group != 0 {
            self.walk(group);
            match self.groups.get(&group) {
                Some(place) if place.group.as_deref() != Some("/") => return place.clone(),
                _ => {}
            }
        }
        // The root of a hybrid hierarchy, or a group that this walk did not find: the process itself is asked.
        let process = &connection.process;
        let key = (process.pid, process.started.map_or(0, Time::secs));
        if let Some(place) = self.processes.get(&key) {
            return place.clone();
        }
        let found = fs::read(format!("/proc/{}/cgroup", process.pid)).ok();
        let place = found.and_then(|bytes| group_of(&bytes)).map(place).unwrap_or_default();
        if self.processes.len() >= MOST {
            self.processes.clear();
        }
        self.processes.insert(key, place.clone());
        place
    }

    /// Reads which number each group has, until the wanted one is found.
    fn walk(&mut self, wanted: u64) {
        let root = self.root.get_or_insert_with(|| {
            let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
            unified(&mounts)
        });
        let Some(root) = root.clone() else { return };
        let mut left = vec![(root.clone(), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = left.pop() {
            seen += 1;
            let Ok(meta) = fs::metadata(&folder) else { continue };
            let found = meta.ino() == wanted;
            if found {
                let below = folder.strip_prefix(&root).unwrap_or(Path::new(""));
                let path = format!("/{}", text(below.as_os_str().as_bytes()));
                if self.groups.len() >= MOST {
                    self.groups.clear();
                }
                self.groups.insert(wanted, place(path));
                return;
            }
            if depth >= DEEPEST || seen >= GROUPS {
                continue;
            }
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    left.push((entry.path(), depth + 1));
                }
            }
        }
        // Gone already: it is not looked for again at each of its connections.
        self.groups.insert(wanted, Place { group: Some("/".to_owned()), ..Place::default() });
    }
}

/// Where the unified hierarchy is mounted.
fn unified(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (front, behind) = line.split_once(" - ")?;
        let kind = behind.split(' ').next()?;
        (kind == "cgroup2").then(|| front.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// The most telling path of `/proc/PID/cgroup`: the unified one, else systemd's, else the longest.
fn group_of(bytes: &[u8]) -> Option<String> {
    let mut best: Option<(u8, String)> = None;
    for line in bytes.split(|&b| b == b'\n') {
        let mut fields = line.splitn(3, |&b| b == b':');
        let (Some(number), Some(names), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let rank = match (number, names) {
            _ if path == b"/" => 0,
            (b"0", b"") => 3,
            (_, b"name=systemd") => 2,
            _ => 1,
        };
        let path = text(path);
        let better =
            best.as_ref().is_none_or(|(r, p)| rank > *r || rank == *r && path.len() > p.len());
        if better {
            best = Some((rank, path));
        }
    }
    best.map(|(_, path)| path)
}

/// What a path says.
fn place(path: String) -> Place {
    let mut container = container(&path);
    if let Some(container) = &mut container {
        container.name = runtime::name(container);
    }
    let unit = unit(&path);
    Place { unit, container, group: Some(path) }
}

/// The innermost unit that is no container's own scope.
fn unit(path: &str) -> Option<String> {
    let mut names = path.split('/').rev();
    names
        .find(|name| {
            (name.ends_with(".service") || name.ends_with(".scope"))
                && scope(name).is_none()
                && *name != "init.scope"
        })
        .map(str::to_owned)
}

/// The container whose processes a path holds; the innermost, where one runs in another.
fn container(path: &str) -> Option<Container> {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    for (at, name) in names.iter().enumerate().rev() {
        let before = at.checked_sub(1).and_then(|at| names.get(at)).copied().unwrap_or_default();
        let found = |runtime, id: &str| Some(Container { runtime, id: id.to_owned(), name: None });
        if let Some((runtime, id)) = scope(name) {
            return found(runtime, id);
        }
        if is_id(name) {
            let kubernetes = names.iter().any(|n| n.starts_with("kubepods"));
            let runtime = match before {
                "docker" => "docker",
                "libpod_parent" | "libpod" => "podman",
                _ if kubernetes => "kubernetes",
                // A number of that length under a name nobody knows is not taken for a container.
                _ => continue,
            };
            return found(runtime, name);
        }
        if before == "lxc" || before == "lxc.payload" {
            return found("lxc", name);
        }
        if let Some(id) = name.strip_prefix("lxc.payload.").filter(|id| !id.is_empty()) {
            return found("lxc", id);
        }
    }
    None
}

/// A container's own scope: `docker-….scope`, `libpod-….scope`, `cri-containerd-….scope`, `crio-….scope`, `machine-….scope`.
fn scope(name: &str) -> Option<(&'static str, &str)> {
    if let Some(id) = name.strip_prefix("libpod-").filter(|id| is_id(id)) {
        return Some(("podman", id));
    }
    if let Some(id) =
        name.strip_prefix("systemd-nspawn@").and_then(|rest| rest.strip_suffix(".service"))
    {
        return Some(("nspawn", id));
    }
    let name = name.strip_suffix(".scope")?;
    for (prefix, runtime) in [
        ("docker-", "docker"),
        ("libpod-", "podman"),
        ("cri-containerd-", "containerd"),
        ("nerdctl-", "containerd"),
        ("crio-", "cri-o"),
    ] {
        if let Some(id) = name.strip_prefix(prefix).filter(|id| is_id(id)) {
            return Some((runtime, id));
        }
    }
    name.strip_prefix("machine-").filter(|id| !id.is_empty()).map(|id| ("nspawn", id))
}

/// 64 hexadecimal digits, as every runtime numbers them.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn paths_as_the_runtimes_make_them() {
        for (path, unit, runtime) in [
            ("/system.slice/apache2.service", Some("apache2.service"), None),
            ("/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope"), None),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service",
                Some("bot.service"),
                None,
            ),
            ("/system.slice/docker-ID.scope", None, Some("docker")),
            ("/docker/ID", None, Some("docker")),
            ("/docker/ID/system.slice/cron.service", Some("cron.service"), Some("docker")),
            ("/machine.slice/libpod-ID.scope/container", None, Some("podman")),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
                Some("user@1000.service"),
                Some("podman"),
            ),
            (
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-ID.scope",
                None,
                Some("containerd"),
            ),
            ("/kubepods/burstable/podf2c/ID", None, Some("kubernetes")),
            ("/lxc/web1", None, Some("lxc")),
            ("/lxc.payload.web1/system.slice/exim4.service", Some("exim4.service"), Some("lxc")),
            ("/machine.slice/machine-build.scope", None, Some("nspawn")),
            ("/system.slice/ID", None, None),
            ("/init.scope", None, None),
            ("/", None, None),
        ] {
            let path = path.replace("ID", ID);
            assert_eq!(super::unit(&path).as_deref(), unit, "{path}");
            assert_eq!(container(&path).map(|c| c.runtime), runtime, "{path}");
        }
        assert_eq!(container(&format!("/docker/{ID}")).unwrap().id, ID);
        assert_eq!(container("/lxc.payload.web1/init.scope").unwrap().id, "web1");
    }

    #[test]
    fn the_line_of_a_process_that_tells_most() {
        let unified = b"0::/system.slice/a.service\n";
        assert_eq!(group_of(unified).as_deref(), Some("/system.slice/a.service"));
        let hybrid = b"9:pids:/\n1:name=systemd:/system.slice/b.service\n0::/\n";
        assert_eq!(group_of(hybrid).as_deref(), Some("/system.slice/b.service"));
        let docker = b"4:memory:/docker/x\n3:cpu:/\n0::/\n";
        assert_eq!(group_of(docker).as_deref(), Some("/docker/x"));
        assert_eq!(group_of(b""), None);
    }

    #[test]
    fn a_group_is_found_by_its_number() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let Some(root) = unified(&mounts) else { return println!("skipped: needs cgroup2") };
        let own = root.join(format!("heloscope-test-{}.service", std::process::id()));
        if let Err(error) = fs::create_dir(&own) {
            return println!("skipped: needs root and cgroup2: {error}");
        }
        let number = fs::metadata(&own).unwrap().ino();
        let mut names = Names::default();
        names.walk(number);
        fs::remove_dir(&own).unwrap();
        let place = &names.groups[&number];
        assert_eq!(place.unit.as_deref(), own.file_name().unwrap().to_str());
    }

    proptest! {
        #[test]
        fn never_panics(path in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (super::unit(&path), container(&path), unified(&path), group_of(&bytes));
        }
    }
}
