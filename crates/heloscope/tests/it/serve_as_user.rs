//! `heloscope serve` started by root and run as a user: what its threads may do, whose its files are, and
//! that it lists as before.

use crate::serve::List;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const NOBODY: u32 = 65534;

/// A folder that the user can enter; none where we are not root.
fn folder() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        println!("skipped: needs root");
        return None;
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    Some(folder)
}

/// The value of a line of /proc/PID/status, of each thread.
fn of_threads(list: &List, key: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", list.process.id())).unwrap();
    let status =
        tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok());
    let value = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    status.map(value).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => [vec![path.clone()], files(&path)].concat(),
        false => vec![path],
    };
    entries.flat_map(below).collect()
}

/// Low ports of an address of the loopback that no other test takes.
fn low_ports(address: &str) -> String {
    format!(
        "user = \"nobody\"\n[dns]\nlisten = [\"{address}:53\"]\n[web]\nlisten = [\"{address}:80\"]\n\
         [trap]\nlisten = [\"{address}:25\"]\n"
    )
}

/// Opens TLS as far as the server's answer to STARTTLS.
fn starttls(list: &List) -> String {
    let mut stream = TcpStream::connect(list.trap).unwrap();
    write!(stream, "PROXY TCP4 203.0.113.9 192.0.2.1 40001 25\r\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().find(|line| line.starts_with("220 ")).is_some());
    write!(stream, "EHLO mail.example.net\r\n").unwrap();
    assert!(lines.by_ref().find(|line| line.starts_with("250 ")).is_some());
    write!(stream, "STARTTLS\r\n").unwrap();
    lines.next().unwrap()
}

#[test]
fn nothing_is_left_of_root_but_the_sockets() {
    let Some(folder) = folder() else { return };
    let list = List::configured(folder.path(), &low_ports("127.91.0.1"));
    assert_eq!(list.trap.port(), 25);
    list.bot("198.51.100.7");
    list.wait_until_listed("198.51.100.7");
    assert_eq!(list.http("GET", "/api/v1/addresses/198.51.100.7").0, 200);
    assert!(starttls(&list).starts_with("220 "));

    let nobody = [NOBODY; 4].map(|id| id.to_string()).join(" ");
    for (key, want) in [
        ("Uid", nobody.as_str()),
        ("Gid", &nobody),
        ("Groups", ""),
        ("CapInh", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapEff", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        let values = of_threads(&list, key);
        assert!(values.len() > 2, "the writer, the judge, the workers");
        assert!(values.iter().all(|value| value == want), "{key}: {values:?}");
    }
    let state = folder.path().join("state");
    let files = files(&state);
    for name in ["list.key", "trap-key.pem", "trap-certificate.pem"] {
        assert!(files.contains(&state.join(name)), "{files:?}");
    }
    let of = |path: &PathBuf| fs::metadata(path).unwrap().uid();
    assert!(files.iter().all(|path| of(path) == NOBODY), "{files:?}");
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("runs as nobody (uid 65534), without capabilities"), "{log}");
    list.stop();
}

#[test]
fn a_state_that_root_left_is_taken_over() {
    let Some(folder) = folder() else { return };
    let ports = low_ports("127.91.0.2");
    let as_root = ports.replace("user = \"nobody\"\n", "");
    let list = List::configured(folder.path(), &as_root);
    list.bot("198.51.100.8");
    list.wait_until_listed("198.51.100.8");
    assert!(of_threads(&list, "CapEff").iter().all(|value| value == "0000000000000000"));
    list.stop();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("runs as root"), "{log}");

    let list = List::configured(folder.path(), &ports);
    assert_eq!(list.code("198.51.100.8"), Some(4));
    list.bot("198.51.100.9");
    list.wait_until_listed("198.51.100.9");
    // It ends with a snapshot, and begins with it.
    list.stop();
    let list = List::configured(folder.path(), &ports);
    assert_eq!(list.code("198.51.100.9"), Some(4));
    list.stop();
}

/// The trap's messages, once there are so many.
#[allow(clippy::disallowed_methods)] // a bound on waiting
fn bodies(folder: &Path, so_many: usize) -> Vec<PathBuf> {
    let begun = std::time::Instant::now();
    loop {
        let bodies = folder.join("state/bodies");
        let found = if bodies.exists() { files(&bodies) } else { Vec::new() };
        if found.len() == so_many {
            return found;
        }
        assert!(begun.elapsed().as_secs() < 20, "{so_many} are to be there: {found:?}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// One message, as a mail server sends it.
fn deliver(list: &List, text: &str) {
    let mut stream = TcpStream::connect(list.trap).unwrap();
    write!(stream, "PROXY TCP4 203.0.113.9 192.0.2.1 40001 25\r\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let mut expect = |code: &str| {
        let last = lines.by_ref().find(|line| line.as_bytes().get(3) == Some(&b' ')).unwrap();
        assert!(last.starts_with(code), "{last}");
    };
    expect("220");
    for (said, code) in [
        ("EHLO mail.example.net", "250"),
        ("MAIL FROM:<a@example.net>", "250"),
        ("RCPT TO:<b@bl.test>", "250"),
        ("DATA", "354"),
        (&format!("Subject: {text}\r\n\r\n{text}\r\n."), "250"),
        ("QUIT", "221"),
    ] {
        write!(stream, "{said}\r\n").unwrap();
        expect(code);
    }
}

#[test]
fn messages_are_kept_for_the_hours_that_are_said_and_no_longer() {
    let Some(folder) = folder() else { return };
    let ports = low_ports("127.91.0.3");
    let keeping = format!("{ports}bodies_hours = 2\n");
    let list = List::configured(folder.path(), &keeping);
    deliver(&list, "the first");
    deliver(&list, "the second");
    let kept = bodies(folder.path(), 2);
    for body in &kept {
        let facts = fs::metadata(body).unwrap();
        assert_eq!((facts.mode() & 0o777, facts.uid()), (0o600, NOBODY));
    }
    let is_first = |body: &&PathBuf| fs::read_to_string(body).unwrap().contains("the first");
    let first = kept.iter().find(is_first).unwrap();
    list.stop();

    #[allow(clippy::disallowed_methods)] // the file is made old, not the clock new
    let three_hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 3600);
    let file = fs::File::options().write(true).open(first).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(three_hours_ago)).unwrap();
    let list = List::configured(folder.path(), &keeping);
    let left = bodies(folder.path(), 1);
    assert!(fs::read_to_string(&left[0]).unwrap().contains("the second"));
    list.stop();

    // Who stops keeping them keeps none.
    let list = List::configured(folder.path(), &ports);
    deliver(&list, "the third");
    assert!(!folder.path().join("state/bodies").exists());
    list.stop();
}
