//! A host: a process tree in its own net, mount, pid, uts and ipc namespaces, with its own /etc, /var, /home, /tmp.
//!
//! In: a name and a zone. Out: a handle to run, write and read there. All its processes end when the handle is
//! dropped (its first process is killed by pid, the kernel ends the rest), and at the latest when its
//! lifetime runs out, even when the lab itself was killed.

use crate::clock;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Longest life of a host, whatever happens.
const LIFETIME_S: u32 = 5400;

/// Where the lab's own program stands on every host, for scripted clients.
pub const CLIENT: &str = "/usr/local/lib/lab-client";

/// A running host.
#[derive(Debug)]
pub struct Host {
    /// Its host name.
    pub name: String,
    /// Zone of its clock.
    pub zone: String,
    keeper: Child,
    init: i32,
}

impl Host {
    /// Starts a host. `scratch` is an empty folder of its own.
    pub fn start(name: &str, zone: &str, scratch: &Path) -> Result<Self> {
        let script = scratch.join("host.sh");
        let space = scratch.join("s");
        fs::create_dir_all(&space)?;
        fs::write(&script, include_str!("host.sh"))?;
        let program = std::env::current_exe().context("cannot find the lab's own program")?;
        let errors = fs::File::create(scratch.join("errors"))?;
        // When the lab dies, however it dies, `timeout` is killed; then `unshare`; then the first process.
        const DIE_WITH_PARENT: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];
        let [program_of, flag, signal] = DIE_WITH_PARENT;
        let keeper = Command::new(program_of)
            .args([flag, signal, "timeout", "-s", "KILL", &LIFETIME_S.to_string()])
            .args(DIE_WITH_PARENT)
            .args(["unshare", "--net", "--mount", "--pid", "--uts", "--ipc"])
            .args(["--fork", "--kill-child", "--mount-proc"])
            .arg("bash")
            .arg(&script)
            .args([space.as_os_str(), name.as_ref(), zone.as_ref(), program.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start host {name}"))?;
        let mut host = Self { name: name.to_owned(), zone: zone.to_owned(), keeper, init: 0 };
        for _ in 0..800 {
            clock::pause(0.05);
            if host.init == 0 {
                host.init = grandchild(host.keeper.id()).unwrap_or(0);
            } else if host.inside("/run/host-is-up").exists() {
                return Ok(host);
            }
        }
        bail!(
            "host {name} did not come up: {}",
            fs::read_to_string(scratch.join("errors")).unwrap_or_default()
        )
    }

    /// Process id of its first process, seen from outside.
    pub fn pid(&self) -> i32 {
        self.init
    }

    /// A path of the host, seen from outside.
    pub fn inside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init))
    }

    /// A command that runs in the host.
    pub fn command(&self, argv: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.init.to_string(), "-m", "-u", "-i", "-n", "-p", "--"])
            .args(argv)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs a bash script there to its end and gives what it printed.
    pub fn sh(&self, script: &str) -> Result<Vec<u8>> {
        // Files and not pipes: daemons keep what they inherit open, and a pipe would wait for them.
        let mut output = tempfile::tempfile()?;
        let mut errors = tempfile::tempfile()?;
        let status = self
            .command(&["timeout", "120", "bash", "-c", script])
            .stdout(output.try_clone()?)
            .stderr(errors.try_clone()?)
            .status()
            .with_context(|| format!("cannot run on {}", self.name))?;
        if !status.success() {
            bail!(
                "on {}: `{script}` failed: {}",
                self.name,
                String::from_utf8_lossy(&all(&mut errors)?)
            );
        }
        all(&mut output)
    }

    /// Starts something that goes on by itself; it ends with the host.
    pub fn daemon(&self, argv: &[&str]) -> Result<()> {
        let mut line = vec!["setsid", "-f"];
        line.extend(argv);
        let status = self
            .command(&line)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| format!("cannot start {argv:?} on {}", self.name))?;
        if !status.success() {
            bail!("{argv:?} did not start on {}", self.name);
        }
        Ok(())
    }

    /// Starts something with input that is waited for elsewhere.
    pub fn spawn(&self, argv: &[&str], input: &[u8]) -> Result<Child> {
        let mut line = vec!["timeout", "-k", "5", "150"];
        line.extend(argv);
        let mut child = self
            .command(&line)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {argv:?} on {}", self.name))?;
        if let Some(mut pipe) = child.stdin.take() {
            // A child that does not read its input is not an error of the lab.
            let _ = pipe.write_all(input);
        }
        Ok(child)
    }

    /// Writes a file there, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let place = self.inside(path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{}: {path}", self.name))?;
        }
        fs::write(&place, content).with_context(|| format!("{}: {path}", self.name))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(mode))?;
        Ok(())
    }

    /// Reads a file of the host.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        fs::read(self.inside(path)).with_context(|| format!("{}: {path}", self.name))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.init > 0 {
            let _ = kill(Pid::from_raw(self.init), Signal::SIGKILL);
        }
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Everything written to a file that others wrote.
fn all(file: &mut fs::File) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// `timeout` has the child `unshare`, which has the host's first process.
fn grandchild(keeper: u32) -> Option<i32> {
    let unshare = only_child(keeper)?;
    only_child(unshare).and_then(|pid| i32::try_from(pid).ok())
}

fn only_child(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
