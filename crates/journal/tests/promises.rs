//! What the journal promises where no power fails: order, bounds, one write and one sync, refusal
//! of a second opener, damage named and never skipped, retention by whole segments.

// clippy.toml excuses test functions, not what they share outside of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use heloscope_journal::simulated::SimulatedDisk;
use heloscope_journal::{Error, FolderDisk, Journal, Options, Sequence};
use proptest::prelude::*;

fn small() -> Options {
    Options { segment_bytes: 200, record_bytes: 100, batch_bytes: 400 }
}

fn record(n: usize) -> Vec<u8> {
    format!("record {n}").into_bytes()
}

/// A journal of 60 records in batches of 3, in several segments.
fn filled() -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    let (mut journal, _) = Journal::open(disk.clone(), small()).unwrap();
    for n in 0..20 {
        journal.append(&[record(3 * n + 1), record(3 * n + 2), record(3 * n + 3)]).unwrap();
    }
    disk
}

#[test]
fn a_batch_is_one_write_and_one_sync() {
    let disk = SimulatedDisk::default();
    let (mut journal, _) = Journal::open(disk.clone(), Options::default()).unwrap();
    let (writes, syncs) = disk.writes_and_syncs();
    let batch: Vec<_> = (0..1000).map(record).collect();
    assert_eq!(journal.append(&batch).unwrap(), Sequence(1000));
    assert_eq!(disk.writes_and_syncs(), (writes + 1, syncs + 1));
    assert_eq!(journal.append(&[[0_u8; 0]; 0]).unwrap(), Sequence(1000), "nothing to do");
    assert_eq!(disk.writes_and_syncs(), (writes + 1, syncs + 1));
}

#[test]
fn what_is_too_large_is_refused_and_the_journal_goes_on() {
    let (mut journal, _) = Journal::open(SimulatedDisk::default(), small()).unwrap();
    let refused = [vec![vec![7; 101]], vec![vec![7; 90]; 5]];
    for batch in refused {
        assert!(matches!(journal.append(&batch), Err(Error::TooLarge { .. })));
    }
    assert_eq!(journal.append(&[vec![7; 100]]).unwrap(), Sequence(1));
    assert_eq!(journal.read(Sequence(1)).count(), 1);
}

#[test]
fn a_second_opener_is_refused_until_the_first_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        || Journal::open(FolderDisk::new(folder.path().join("new/journal")).unwrap(), small());
    let (mut first, _) = open().unwrap();
    first.append(&[record(1)]).unwrap();
    let refused = open().expect_err("locked");
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains("new/journal is in use"), "{refused}");
    drop(first);
    let (second, recovery) = open().unwrap();
    assert_eq!((recovery.last, recovery.torn_bytes()), (Sequence(1), 0));
    assert_eq!(second.last(), Sequence(1));
}

#[test]
fn retention_drops_whole_segments_and_says_what_is_gone() {
    let disk = filled();
    let (mut journal, recovery) = Journal::open(disk.clone(), small()).unwrap();
    assert!(recovery.segments > 5, "{recovery:?}");
    assert_eq!(journal.retain(Sequence(1)).unwrap(), 0, "nothing stands before the first");
    let dropped = journal.retain(Sequence(31)).unwrap();
    assert!(dropped > 0);
    let first = journal.first();
    assert!(first > Sequence(1) && first <= Sequence(31), "{first}");
    let gone = journal.read(Sequence(1)).next().unwrap().expect_err("no longer kept");
    assert!(gone.to_string().contains(&format!("begins at {first}")), "{gone}");
    let there: Vec<_> = journal.read(first).map(|record| record.unwrap()).collect();
    let wanted: Vec<_> = (first.get()..=60).map(|n| (Sequence(n), record(n as usize))).collect();
    assert_eq!(there, wanted);
    // The segment that is written to stays, and with it the sequence.
    let left = recovery.segments - dropped;
    assert_eq!(journal.retain(Sequence(u64::MAX)).unwrap(), left - 1);
    drop(journal);
    let (mut journal, recovery) = Journal::open(disk, small()).unwrap();
    assert_eq!((recovery.segments, recovery.last), (1, Sequence(60)));
    assert_eq!(journal.append(&[record(61)]).unwrap(), Sequence(61));
}

/// Every byte of every segment, changed: named as damage, or, in the last batch alone, cut off.
#[test]
fn any_changed_byte_is_found_and_named() {
    let files = filled().files();
    let (last, _) = files.last().unwrap().clone();
    let (mut named, mut cut) = (0, 0);
    for (file, bytes) in &files {
        for at in 0..bytes.len() {
            let changed = files.iter().map(|(name, bytes)| {
                let mut bytes = bytes.clone();
                if name == file {
                    bytes[at] ^= 0x10;
                }
                (name.clone(), bytes)
            });
            let told = format!("{file}, byte {at}");
            let disk = SimulatedDisk::with_files(changed);
            let (read, torn) = match Journal::open(disk, small()) {
                Ok((journal, recovery)) => {
                    (journal.read(Sequence(1)).collect::<Result<Vec<_>, _>>(), recovery.torn)
                }
                Err(error) => (Err(error), None),
            };
            match (read, torn) {
                (Ok(records), Some(torn)) => {
                    assert_eq!(file, &last, "{told}: only the last segment is ever cut");
                    assert!(torn.offset <= at as u64, "{told}: {torn:?}");
                    assert_eq!(records.len(), 57, "{told}: only the last batch is ever cut");
                    cut += 1;
                }
                (Err(error), _) => {
                    let text = error.to_string();
                    assert!(text.contains(file.as_str()), "{told}: {text}");
                    let a_version = matches!(error, Error::Version { .. });
                    assert!(a_version || matches!(error, Error::Damaged { .. }), "{told}: {text}");
                    named += 1;
                }
                (Ok(_), None) => panic!("{told}: not noticed"),
            }
        }
    }
    assert!(named > 1000 && cut > 50, "{named} named, {cut} cut");
}

#[test]
fn a_missing_segment_is_damage() {
    let mut files = filled().files();
    files.remove(2);
    let (journal, _) = Journal::open(SimulatedDisk::with_files(files), small()).unwrap();
    let error = journal.read(Sequence(1)).last().unwrap().expect_err("a gap");
    assert!(error.to_string().contains("records are missing before the next segment"), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    let disk = filled();
    let used: usize = disk.files().iter().map(|(_, bytes)| bytes.len()).sum();
    for room in used..used + 120 {
        let disk = SimulatedDisk::with_files(disk.files());
        disk.limit(Some(room as u64));
        let (mut journal, _) = Journal::open(disk.clone(), small()).unwrap();
        let mut acknowledged = 60;
        let error = loop {
            match journal.append(&[record(acknowledged + 1)]) {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("full?"), "{error}");
        drop(journal);
        // Still full: it opens, and reads. With room again it goes on.
        let (journal, recovery) = Journal::open(disk.clone(), small()).unwrap();
        assert_eq!(recovery.last.0 as usize, acknowledged, "room {room}");
        assert_eq!(journal.read(Sequence(1)).filter(Result::is_ok).count(), acknowledged);
        drop(journal);
        disk.limit(None);
        let (mut journal, _) = Journal::open(disk, small()).unwrap();
        assert_eq!(journal.append(&[record(0)]).unwrap().0 as usize, acknowledged + 1);
    }
}

proptest! {
    #[test]
    fn reading_from_anywhere_gives_what_was_appended(
        batches in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..4), 0..30),
        from in 0u64..60,
    ) {
        let (mut journal, _) = Journal::open(SimulatedDisk::default(), small()).unwrap();
        for batch in &batches {
            journal.append(batch).unwrap();
        }
        let wanted: Vec<_> = (1..).map(Sequence).zip(batches.concat())
            .filter(|(sequence, _)| sequence.0 >= from).collect();
        let there: Vec<_> = journal.read(Sequence(from)).map(|record| record.unwrap()).collect();
        prop_assert_eq!(there, wanted);
    }

    #[test]
    fn never_panics(
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..3),
        real in any::<bool>(),
    ) {
        let names = ["00000000000000000001.journal", "00000000000000000004.journal", "x.new"];
        let header = filled().files()[0].1[..32].to_vec();
        let files = names.iter().zip(files).map(|(name, mut bytes)| {
            if real {
                bytes.splice(0..0, header.iter().copied());
            }
            ((*name).to_owned(), bytes)
        });
        if let Ok((journal, _)) = Journal::open(SimulatedDisk::with_files(files), small()) {
            journal.read(Sequence(1)).for_each(drop);
        }
    }
}
