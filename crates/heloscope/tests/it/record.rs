//! `heloscope record` on this kernel: a script that mails and dies is named, by what was kept and by
//! what `investigate` takes it for.

use crate::heloscope;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

struct Recording(Child);

impl Recording {
    /// Runs it; none where this user or kernel cannot, which is said.
    fn start(store: &std::path::Path, port: u16) -> Option<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_heloscope"))
            .args(["record", "--port", &port.to_string(), "--store"])
            .arg(store)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.starts_with("ready record ") {
            return Some(Self(process));
        }
        let status = process.wait().unwrap();
        assert_ne!(status.code(), Some(0));
        println!("skipped: needs root and a kernel with BTF");
        None
    }

    fn end(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        drop(self.0.kill());
    }
}

#[test]
fn a_script_that_mails_and_dies_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(recording) = Recording::start(&store, port) else { return };
    let status = std::fs::read_to_string(format!("/proc/{}/status", recording.0.id())).unwrap();
    for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
        let line = status.lines().find(|line| line.starts_with(set)).unwrap();
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
    let hidden = folder.path().join(".x y");
    std::fs::create_dir(&hidden).unwrap();
    std::fs::write(
        hidden.join("mailer.pl"),
        format!("use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => {port}) or die;"),
    )
    .unwrap();
    let ran = Command::new("sh").args(["-c", "perl mailer.pl; true"]).current_dir(&hidden).status();
    assert!(ran.unwrap().success());
    // Ended at once: what was noted is kept all the same.
    std::thread::sleep(std::time::Duration::from_millis(500));
    recording.end();

    let shown =
        heloscope(["record".as_ref(), "--show".as_ref(), "--store".as_ref(), store.as_os_str()]);
    assert_eq!(shown.status.code(), Some(0));
    let text = String::from_utf8(shown.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let script = format!("{}/mailer.pl", hidden.canonicalize().unwrap().display());
    let [connection] =
        &lines.iter().filter(|l| l["script"] == script.as_str()).collect::<Vec<_>>()[..]
    else {
        panic!("{text}")
    };
    assert_eq!(connection["outcome"], "open");
    assert_eq!(connection["ancestors"][0]["args"][2], "perl mailer.pl; true");
    assert!(lines.iter().any(|l| l["event"] == "ended" && l["socket"] == connection["socket"]));

    let kept = folder.path().join("record.jsonl");
    std::fs::write(&kept, text).unwrap();
    let answer = crate::investigate(&[&kept]);
    assert_eq!(answer["inputs"][0]["kind"], "connections");
}
