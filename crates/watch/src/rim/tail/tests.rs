//! A log as its writers and rotators treat it: each whole line is read once, whatever they do.

use super::*;
use std::io::Write;

struct Log {
    folder: tempfile::TempDir,
    tail: Tail,
    lines: Vec<String>,
}

impl Log {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.log");
        std::fs::write(&path, text).unwrap();
        let tail = Tail::new(&path, None).unwrap();
        Self { folder, tail, lines: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &[u8]) {
        let mut file =
            fs::OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text).unwrap();
    }

    fn poll(&mut self) -> Vec<String> {
        self.lines.clear();
        loop {
            let lines = &mut self.lines;
            let polled = self
                .tail
                .poll(&mut |line| lines.push(String::from_utf8_lossy(line).into_owned()))
                .unwrap();
            if !polled.more {
                return self.lines.clone();
            }
        }
    }

    /// As a new run would.
    fn restart(&mut self) {
        let saved = self.tail.position();
        // Through what is kept.
        let saved = serde_json::to_string(&saved).unwrap();
        let saved: Option<Position> = serde_json::from_str(&saved).unwrap();
        self.tail = Tail::new(&self.path("mail.log"), saved.as_ref()).unwrap();
    }
}

#[test]
fn begins_at_the_end_and_takes_whole_lines() {
    let mut log = Log::with("old\nhalf an old");
    assert!(log.poll().is_empty());
    log.append("mail.log", b" line\nnew\nha");
    assert_eq!(log.poll(), ["new"]);
    log.append("mail.log", b"lf");
    assert!(log.poll().is_empty());
    log.append("mail.log", b" a line\n");
    assert_eq!(log.poll(), ["half a line"]);
}

#[test]
fn renamed_and_its_writer_learns_it_late() {
    let mut log = Log::with("");
    log.append("mail.log", b"1\n");
    assert_eq!(log.poll(), ["1"]);
    fs::rename(log.path("mail.log"), log.path("mail.log.1")).unwrap();
    log.append("mail.log.1", b"2\nha");
    assert_eq!(log.poll(), ["2"]);
    log.append("mail.log", b"4\n");
    assert_eq!(log.poll(), ["4"]);
    log.append("mail.log.1", b"lf\n");
    assert_eq!(log.poll(), ["half"]);
}

#[test]
fn copied_and_truncated() {
    let mut log = Log::with("");
    log.append("mail.log", b"first line\nsecond line\nha");
    assert_eq!(log.poll(), ["first line", "second line"]);
    fs::copy(log.path("mail.log"), log.path("mail.log.1")).unwrap();
    fs::OpenOptions::new().write(true).open(log.path("mail.log")).unwrap().set_len(0).unwrap();
    log.append("mail.log", b"3\n");
    assert_eq!(log.poll(), ["3"]);
    // And grown beyond where we stood before anybody looked.
    fs::OpenOptions::new().write(true).open(log.path("mail.log")).unwrap().set_len(0).unwrap();
    log.append("mail.log", b"another\nand another\n");
    assert_eq!(log.poll(), ["another", "and another"]);
}

#[test]
fn a_writer_that_kept_its_offset_leaves_nuls() {
    let mut log = Log::with("");
    let mut writer = fs::OpenOptions::new().write(true).open(log.path("mail.log")).unwrap();
    writer.write_all(b"before\n").unwrap();
    assert_eq!(log.poll(), ["before"]);
    writer.set_len(0).unwrap();
    assert!(log.poll().is_empty());
    std::io::Seek::seek(&mut writer, std::io::SeekFrom::Start(200_000)).unwrap();
    writer.write_all(b"after\n").unwrap();
    assert_eq!(log.poll(), ["after"]);
}

#[test]
fn a_new_run_goes_on_where_the_last_stopped() {
    let mut log = Log::with("");
    log.append("mail.log", b"1\nha");
    assert_eq!(log.poll(), ["1"]);
    log.append("mail.log", b"lf\n2\n");
    log.restart();
    assert_eq!(log.poll(), ["half", "2"]);
    // Rotated while nobody looked.
    log.append("mail.log", b"3\n");
    fs::rename(log.path("mail.log"), log.path("mail.log.1")).unwrap();
    log.append("mail.log", b"4\n");
    log.restart();
    assert_eq!(log.poll(), ["3", "4"]);
    // Truncated while nobody looked.
    fs::write(log.path("mail.log"), "other first\nlines\n").unwrap();
    log.restart();
    assert_eq!(log.poll(), ["other first", "lines"]);
}

#[test]
fn endless_lines_and_gigabytes_cost_no_memory() {
    let mut log = Log::with("");
    log.append("mail.log", &vec![b'x'; 3 * LONGEST]);
    log.append("mail.log", b"\nshort\n");
    assert_eq!(log.poll(), ["short"]);
    // Sparse: no disk is filled.
    let file = fs::OpenOptions::new().write(true).open(log.path("mail.log")).unwrap();
    file.set_len(5 << 30).unwrap();
    let polled = log.tail.poll(&mut |_| panic!("no line")).unwrap();
    assert!(polled.passed_over > 4 << 30, "{polled:?}");
    log.append("mail.log", b"\nafter\n");
    assert_eq!(log.poll(), ["after"]);
}

#[test]
fn a_log_that_is_not_there_yet_is_read_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let mut tail = Tail::new(&folder.path().join("mail.log"), None).unwrap();
    let mut lines = 0;
    tail.poll(&mut |_| lines += 1).unwrap();
    fs::write(folder.path().join("mail.log"), "1\n2\n").unwrap();
    tail.poll(&mut |_| lines += 1).unwrap();
    assert_eq!(lines, 2);
    fs::create_dir(folder.path().join("a folder")).unwrap();
    assert!(Tail::new(&folder.path().join("a folder"), None).is_err());
}
