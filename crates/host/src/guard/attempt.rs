//! A connection tried as somebody: this program started again, which becomes that user (in that control group, in that
//! namespace), connects and says what happened. Nothing is said to the other side.

use serde::Serialize;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a machine on the same host takes to answer, however busy.
const WAIT: Duration = Duration::from_secs(2);

/// As whom, and to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The control group to be in, a path below `/sys/fs/cgroup`.
    pub cgroup: Option<String>,
    /// The file of a network namespace.
    pub namespace: Option<String>,
    /// To where, one after the other.
    pub to: Vec<SocketAddr>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// The other side answered.
    Reached,
    /// It was reset.
    Refused,
    /// Nothing came back.
    Silence,
    /// It could not be tried, and why.
    Untried(String),
}

/// Has it tried by a process of its own.
pub fn order(exe: &Path, asked: &Asked) -> Vec<Happened> {
    let mut command = Command::new(exe);
    command.args([
        "guard",
        "attempt",
        "--uid",
        &asked.uid.to_string(),
        "--gid",
        &asked.gid.to_string(),
    ]);
    if let Some(cgroup) = &asked.cgroup {
        command.args(["--cgroup", cgroup]);
    }
    if let Some(namespace) = &asked.namespace {
        command.args(["--namespace", namespace]);
    }
    let output =
        command.args(asked.to.iter().map(ToString::to_string)).stdin(Stdio::null()).output();
    let (text, error) = match output {
        Ok(output) => (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ),
        Err(error) => (String::new(), error.to_string()),
    };
    let mut lines = text.lines();
    let happened = asked.to.iter().map(|_| match lines.next() {
        Some("reached") => Happened::Reached,
        Some("refused") => Happened::Refused,
        Some("silence") => Happened::Silence,
        Some(other) => Happened::Untried(other.to_owned()),
        None => Happened::Untried(error.clone()),
    });
    happened.collect()
}

/// The other process: becomes who is asked for, tries, prints a line each.
pub fn serve(asked: &Asked) -> io::Result<()> {
    if let Some(cgroup) = &asked.cgroup {
        fs::write(format!("/sys/fs/cgroup/{cgroup}/cgroup.procs"), "0").map_err(|e| {
            io::Error::new(e.kind(), format!("entering the control group {cgroup}: {e}"))
        })?;
    }
    if let Some(namespace) = &asked.namespace {
        nix::sched::setns(File::open(namespace)?, nix::sched::CloneFlags::CLONE_NEWNET)?;
    }
    let (uid, gid) = (nix::unistd::Uid::from_raw(asked.uid), nix::unistd::Gid::from_raw(asked.gid));
    nix::unistd::setgroups(&[gid])?;
    nix::unistd::setresgid(gid, gid, gid)?;
    nix::unistd::setresuid(uid, uid, uid)?;
    for to in &asked.to {
        match TcpStream::connect_timeout(to, WAIT) {
            Ok(_) => println!("reached"),
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => println!("refused"),
            Err(e) if e.kind() == io::ErrorKind::TimedOut => println!("silence"),
            Err(e) => println!("{e}"),
        }
    }
    Ok(())
}
