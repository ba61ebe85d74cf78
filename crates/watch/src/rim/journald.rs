//! The mail log where it is in no file: `journalctl -o json -f`, from the cursor that was kept, or from now on.
//!
//! journalctl is the journal's own reader; it is started once and again when it ends, and stopped with us.

use super::clock;
use super::inbox::Inbox;
use super::notes::Notes;
use crate::event::Event;
use heloscope_maillog::Live;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The longest entry.
const LONGEST: u64 = 256 << 10;
/// Entries between two times at which the cursor is kept.
const KEEP_EVERY: u32 = 50;
const FILE: &str = "journal-cursor";
const AGAIN: Duration = Duration::from_secs(10);

/// Whether this host has the journal's reader and a journal.
pub(crate) fn is_here() -> bool {
    let journal = ["/run/log/journal", "/var/log/journal"].iter().any(|p| Path::new(p).is_dir());
    journal && ["/usr/bin/journalctl", "/bin/journalctl"].iter().any(|p| Path::new(p).is_file())
}

/// Follows the journal until the inbox is gone.
pub(crate) fn follow(program: &str, state: &Path, inbox: &Inbox, notes: &Notes) {
    let kept = state.join(FILE);
    while !inbox.is_ending() {
        let trouble = match start(program, &kept) {
            Ok(child) => {
                notes.set("journal", None);
                read(child, &kept, inbox);
                "journalctl ended and is started again".to_owned()
            }
            Err(error) => format!("the journal cannot be followed: {program}: {error}"),
        };
        notes.set("journal", Some(trouble));
        inbox.pause(AGAIN);
    }
}

fn start(program: &str, kept: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    command.args(["-o", "json", "-f", "--no-pager", "SYSLOG_FACILITY=2"]);
    match std::fs::read_to_string(kept) {
        Ok(cursor) if is_cursor(cursor.trim()) => {
            command.arg(format!("--after-cursor={}", cursor.trim()));
        }
        _ => {
            command.args(["-n", "0"]);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

fn is_cursor(text: &str) -> bool {
    !text.is_empty()
        && text.len() < 512
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ";=".contains(c))
}

fn read(mut child: Child, kept: &Path, inbox: &Inbox) {
    let Some(out) = child.stdout.take() else { return };
    // Its stamps are whole.
    let mut live = Live::new(&clock::calendar(&jiff::tz::TimeZone::UTC));
    let mut lines = BufReader::new(out);
    let (mut line, mut since) = (Vec::new(), 0_u32);
    loop {
        line.clear();
        // journalctl writes whole lines: what is waited for here is the next one.
        if lines.buffer().is_empty() && !comes(lines.get_ref()) {
            if inbox.is_ending() {
                break;
            }
            continue;
        }
        match lines.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let mut listening = true;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        live.line(text, &mut |entry| listening &= inbox.send(Event::Log(entry)));
        since += 1;
        if since >= KEEP_EVERY || lines.buffer().is_empty() {
            since = 0;
            if let Some(cursor) = cursor(text) {
                // Not kept, some lines are read again after a restart: counted twice, never missed.
                drop(super::kept::replace(kept, cursor.as_bytes()));
            }
        }
        if !listening || inbox.is_ending() {
            break;
        }
    }
    drop(child.kill());
    drop(child.wait());
}

/// Whether something comes before long.
fn comes(out: &ChildStdout) -> bool {
    let mut fds = [PollFd::new(out.as_fd(), PollFlags::POLLIN)];
    // An error is found by the read that follows.
    nix::poll::poll(&mut fds, PollTimeout::from(500_u16)).is_ok_and(|ready| ready > 0)
}

fn cursor(line: &[u8]) -> Option<String> {
    let entry: serde_json::Value = serde_json::from_slice(line).ok()?;
    let cursor = entry.get("__CURSOR")?.as_str()?;
    is_cursor(cursor).then(|| cursor.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn entries_are_read_and_the_cursor_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("journalctl");
        let entry = r#"{"__REALTIME_TIMESTAMP":"1448976600000000","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"9","MESSAGE":"ABCDEF1: removed","__CURSOR":"s=1;i=2"}"#;
        let script = format!(
            "#!/bin/sh\necho \"$@\" > {}/asked\necho '{entry}'\nexec sleep 60\n",
            folder.path().display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (inbox, events, end) = Inbox::for_tests();
        let (path, state) = (program.display().to_string(), folder.path().to_owned());
        let following =
            std::thread::spawn(move || follow(&path, &state, &inbox, &Notes::default()));
        assert!(matches!(events.recv().unwrap(), Event::Log(_)));
        let kept = folder.path().join(FILE);
        while !kept.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        end();
        following.join().unwrap();
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "s=1;i=2");
        assert!(std::fs::read_to_string(folder.path().join("asked")).unwrap().contains("-n 0"));
    }
}
