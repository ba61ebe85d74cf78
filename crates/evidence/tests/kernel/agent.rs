//! A process of one user in one namespace that connects when it is told to.

use super::ground::{OUTSIDE4, OUTSIDE6};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const MARK: &str = "HELOSCOPE_FW_AGENT";

pub(crate) struct Agent {
    child: Child,
    into: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Agent {
    /// In the namespace of the calling thread.
    pub(crate) fn start(user: u32, group: u32) -> std::io::Result<Self> {
        // Not by its path: the user may not be let into the folders above it.
        let mut child = Command::new("/proc/self/exe")
            .args(["--ignored", "--exact", "connects", "--nocapture"])
            .env(MARK, "1")
            .uid(user)
            .gid(group)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let into = child.stdin.take();
        let from = BufReader::new(child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?);
        Ok(Self { child, into, from })
    }

    /// Orders a connection; answers come in any order.
    pub(crate) fn order(&mut self, id: usize, v6: bool, port: u16, wait: u64) {
        if let Some(into) = &mut self.into {
            let _ = writeln!(into, "{id} {v6} {port} {wait}");
            let _ = into.flush();
        }
    }

    /// The next answer: which, and whether the machine outside was reached.
    pub(crate) fn answer(&mut self) -> Option<(usize, bool)> {
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // The test harness may have printed before it on the same line.
            let Some((_, answer)) = line.trim().split_once("@@") else { continue };
            let (id, reached) = answer.split_once(' ')?;
            return Some((id.parse().ok()?, reached == "true"));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.into.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn is_one() -> bool {
    #[allow(clippy::disallowed_methods)] // set by the process that started this one
    std::env::var(MARK).is_ok()
}

/// The agent's side.
pub(crate) fn serve() {
    if !is_one() {
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        std::thread::spawn(move || {
            let words: Vec<&str> = line.split(' ').collect();
            let &[id, v6, port, wait] = words.as_slice() else { return };
            let ip: IpAddr = if v6 == "true" { OUTSIDE6.into() } else { OUTSIDE4.into() };
            let port = port.parse().unwrap_or(0);
            let wait = Duration::from_millis(wait.parse().unwrap_or(200));
            let reached = reaches(SocketAddr::new(ip, port), wait);
            println!("\n@@{id} {reached}");
        });
    }
}

/// The whole of a conversation: the greeting of the one outside, a word, its answer.
fn reaches(to: SocketAddr, wait: Duration) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&to, wait) else { return false };
    let _ = stream.set_read_timeout(Some(wait));
    let mut greeting = [0; 4];
    if stream.read_exact(&mut greeting).is_err() || &greeting != b"out\n" {
        return false;
    }
    if stream.write_all(b"QUIT\n").is_err() {
        return false;
    }
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).is_ok() && &answer == b"bye\n"
}
