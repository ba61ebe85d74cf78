//! The real disk: a writer killed with SIGKILL under load, again and again, and a disk that is
//! really full.

// clippy.toml excuses test functions, not what they share outside of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use heloscope_journal::{Error, FolderDisk, Journal, Options, Sequence};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Names the folder to the child.
const FOLDER: &str = "JOURNAL_CHILD_FOLDER";

/// What the record of a sequence must be: length and bytes follow from the number.
fn record(sequence: u64) -> Vec<u8> {
    let length = (sequence.wrapping_mul(2_654_435_761) % 700) as usize;
    sequence.to_le_bytes().iter().copied().cycle().take(8 + length).collect()
}

fn options() -> Options {
    Options { segment_bytes: 256 << 10, ..Options::default() }
}

fn open(folder: &Path) -> Result<(Journal, heloscope_journal::Recovery), Error> {
    Journal::open(FolderDisk::new(folder).unwrap(), options())
}

#[test]
#[ignore = "the child of a_writer_is_killed_twenty_times: it appends until it is killed"]
fn child_appends() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (mut journal, _) = open(Path::new(&folder)).unwrap();
    let mut out = std::io::stdout();
    for round in 0u64.. {
        let next = journal.last().0 + 1;
        let batch: Vec<_> = (next..=next + round % 40).map(record).collect();
        let last = journal.append(&batch).unwrap();
        writeln!(out, "acknowledged {last}").unwrap();
    }
}

#[test]
fn a_writer_is_killed_twenty_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let mut torn = 0;
    for round in 0..20u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_appends", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = acknowledged;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut killed = false;
        while let Some(Ok(line)) = lines.next() {
            let Some((_, number)) = line.rsplit_once("acknowledged ") else { continue };
            acknowledged = number.parse().unwrap();
            // Another moment each time; what it wrote into the pipe before it died counts too.
            if !killed && acknowledged > begun + 200 + 97 * round {
                kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL).unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "round {round}: the child ended by itself");
        let (journal, recovery) = open(folder.path()).unwrap();
        assert!(recovery.last.0 >= acknowledged, "round {round}: {recovery:?} < {acknowledged}");
        torn += u64::from(recovery.torn.is_some());
        let mut expected = 1;
        for item in journal.read(Sequence(1)) {
            let (sequence, bytes) = item.unwrap();
            assert_eq!((sequence, bytes), (Sequence(expected), record(expected)));
            expected += 1;
        }
        assert_eq!(expected, recovery.last.0 + 1);
    }
    println!("20 kills, {acknowledged} records acknowledged and there, {torn} torn tails");
}

#[test]
fn a_disk_is_really_full() {
    use nix::mount::{MsFlags, mount};
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A mount table of this thread's own: the file system goes with the thread.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some("size=1m")).unwrap();

    let (mut journal, _) = open(folder.path()).unwrap();
    let error = loop {
        let next = journal.last().0 + 1;
        let batch: Vec<_> = (next..next + 20).map(record).collect();
        if let Err(error) = journal.append(&batch) {
            break error;
        }
    };
    let Error::Stopped { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    assert!(journal.append(&[record(0)]).is_err(), "stopped until it is opened again");
    let acknowledged = journal.last();
    assert!(acknowledged.0 > 1000, "{acknowledged}");
    drop(journal);

    let (mut journal, recovery) = open(folder.path()).unwrap();
    assert_eq!(recovery.last, acknowledged, "{recovery:?}");
    for (item, expected) in journal.read(Sequence(1)).zip(1..) {
        assert_eq!(item.unwrap(), (Sequence(expected), record(expected)));
    }
    // Retention makes room, and it goes on.
    assert!(journal.retain(Sequence(acknowledged.0 / 2)).unwrap() > 0);
    assert_eq!(journal.append(&[record(acknowledged.0 + 1)]).unwrap(), acknowledged.next());
}
