//! The files: opened again they give the same state; nothing acknowledged is lost whatever the
//! disk does; damage is refused; what is erased is gone and the chain still verifies.

use super::*;
use crate::ledger::tests::{at, session};
use crate::verify::{Verified, verify_on};
use crate::{Asked, Config, Ledger, replay, standing, verify};
use heloscope_journal::simulated::{Fate, SimulatedDisk};
use std::net::IpAddr;

const KEY: [u8; 32] = [5; 32];

fn open(disk: &SimulatedDisk) -> Result<(Store, Book), Error> {
    Store::open(Storage::memory(disk)?, Policy::lab(), Key::new(KEY))
}

fn checked(disk: &SimulatedDisk) -> Verified {
    verify_on(disk.clone(), Shelf::new(disk.clone())).unwrap()
}

/// The nth of a history with every kind of event that a disk makes a difference to.
fn event(n: u64) -> (Event, Entry) {
    let now = at(n as i64 * 10);
    let address: IpAddr = format!("203.0.113.{}", n % 7).parse().unwrap();
    let event = match n % 5 {
        0 => Event::Ticked { at: now },
        1 => Event::RemovalAsked { at: now, address, by: Asked::Operator },
        _ => {
            let detected = session(&address.to_string(), n as i64 * 10, "A:helo");
            let facts = crate::seal::facts(&detected, |_| 1);
            let told = crate::Told { time: now, tolerance_s: 900 };
            let payload =
                Payload::of_detection(detected, &facts, told, &mut || [n as u8; 16]).unwrap();
            let chained = Chained::Sealed(payload.commitments());
            return (Event::Detected(facts), Entry { chained, payload: Some(payload) });
        }
    };
    let payload = event.prefix().map(|_| Payload::of_event(&event, &mut || [n as u8; 16]).unwrap());
    let chained = match &payload {
        Some(payload) => Chained::Sealed(payload.commitments()),
        None => Chained::Open(event.clone()),
    };
    (event, Entry { chained, payload })
}

/// The state after the first so many.
fn state(events: u64) -> Vec<u8> {
    let mut book = Book::new(Policy::lab(), Key::new(KEY));
    (1..=events).for_each(|n| drop(book.apply(&event(n).0)));
    bytes(&book)
}

fn bytes(book: &Book) -> Vec<u8> {
    snapshot::encode(&Head::default(), &book.state).unwrap()
}

/// Batches of three with a snapshot after every fourth, until the disk says no. What was acknowledged.
fn run(disk: &SimulatedDisk, most: u64) -> u64 {
    let Ok((mut store, mut book)) = open(disk) else { return 0 };
    while store.sequence < most {
        let first = store.sequence + 1;
        let (events, entries): (Vec<_>, Vec<_>) = (first..first + 3).map(event).unzip();
        if store.append(&entries).is_err() {
            break;
        }
        events.iter().for_each(|event| drop(book.apply(event)));
        if store.sequence % 12 == 0 && store.snapshot(&book).is_err() {
            break;
        }
    }
    store.sequence
}

#[test]
fn nothing_acknowledged_is_lost_at_whatever_step_power_fails() {
    let whole = SimulatedDisk::default();
    run(&whole, 45);
    let steps = whole.steps();
    assert!(steps > 60, "{steps}");
    let fates = [Fate::Lost, Fate::Kept, Fate::Torn(5), Fate::Torn(90)];
    for step in 0..steps {
        for fate in fates.into_iter().chain((0..4).map(|n| Fate::Drawn(step * 4 + n))) {
            let disk = SimulatedDisk::default();
            disk.stop_after(step);
            let acknowledged = run(&disk, 45);
            let found = disk.crash(fate);
            let (store, book) =
                open(&found).unwrap_or_else(|e| panic!("step {step}, {fate:?}: {e}"));
            let reached = book.generation();
            assert_eq!(reached, store.sequence);
            assert!(reached >= acknowledged, "step {step}, {fate:?}: {reached} < {acknowledged}");
            assert!(reached <= acknowledged + 3, "a batch is there whole or not at all");
            assert_eq!(bytes(&book), state(reached), "step {step}, {fate:?}");
            drop(store);
            assert_eq!(checked(&found).faults, [""; 0], "step {step}, {fate:?}");
            // And it goes on.
            let goes_on = run(&found, reached + 3);
            assert_eq!(goes_on, reached + 3, "step {step}, {fate:?}");
            assert_eq!(bytes(&open(&found).unwrap().1), state(goes_on));
        }
    }
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let disk = SimulatedDisk::default();
    let before = run(&disk, 30);
    let used: usize = disk.files().iter().map(|(_, bytes)| bytes.len()).sum();
    disk.limit(Some(used as u64 + 300));
    assert_eq!(run(&disk, 60), before, "it takes nothing more");
    disk.limit(None);
    let (_, book) = open(&disk).unwrap();
    assert_eq!(bytes(&book), state(before));
    assert_eq!(run(&disk, 60), 60);
    assert_eq!(checked(&disk).faults, [""; 0]);
}

#[test]
fn a_failed_sync_stops_the_writer_for_good() {
    let disk = SimulatedDisk::default();
    run(&disk, 9);
    let (mut store, _) = open(&disk).unwrap();
    disk.fail_next_sync();
    assert!(store.append(&[event(10).1]).is_err());
    assert!(store.broken().is_some());
    assert!(matches!(store.append(&[event(10).1]), Err(Error::Stopped(_))));
}

#[test]
fn damage_is_refused_with_what_and_where() {
    let disk = SimulatedDisk::default();
    run(&disk, 45);
    let files = disk.files();
    // The texts of what no snapshot holds yet; a snapshot that cannot be read is no harm.
    for (kind, refused) in [("texts-", true), ("snapshot-", false), ("", true)] {
        let mut files = files.clone();
        let of_kind =
            |n: &str| if kind.is_empty() { n.ends_with(".journal") } else { n.starts_with(kind) };
        let (_, file) = files.iter_mut().rev().find(|(n, _)| of_kind(n)).unwrap();
        let half = if kind.is_empty() { file.len() / 2 } else { file.len() - 40 };
        file[half] ^= 0x40;
        let damaged = SimulatedDisk::with_files(files);
        assert!(!checked_or_refused(&damaged).is_empty(), "{kind}: verification sees it");
        match open(&damaged) {
            Ok((_, book)) => {
                assert!(!refused, "{kind}");
                assert_eq!(bytes(&book), state(45));
            }
            Err(error) => {
                assert!(refused && error.to_string().contains("damaged"), "{kind}: {error}")
            }
        }
    }
}

fn checked_or_refused(disk: &SimulatedDisk) -> Vec<String> {
    match verify_on(disk.clone(), Shelf::new(disk.clone())) {
        Ok(verified) => verified.faults,
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn a_folder_opened_again_is_the_same_and_erasure_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config { folder: Some(folder.path().into()), ..Config::memory(true) };
    let ledger = Ledger::open(config(), at(0)).unwrap();
    assert!(Ledger::open(config(), at(0)).is_err(), "one process has it");
    for host in 1..=20 {
        ledger.detected(session(&format!("203.0.113.{host}"), host, "A:helo")).unwrap();
    }
    ledger.remove("203.0.113.3".parse().unwrap(), Asked::Anybody, at(50)).unwrap();
    let (listed, generation) = (ledger.listed(), ledger.generation());
    assert!(verify(folder.path()).unwrap().faults.is_empty(), "also beside the writer");
    drop(ledger);

    let ledger = Ledger::open(config(), at(1)).unwrap();
    assert_eq!((ledger.listed(), ledger.generation()), (listed, generation));
    let victim: IpAddr = "203.0.113.9".parse().unwrap();
    assert_eq!(ledger.operator(victim).unwrap().seen[0].traps[0].0, "trap@example.net");
    assert!(holds(folder.path(), victim));
    ledger.erase(victim.into(), at(60)).unwrap();
    assert!(ledger.operator(victim).is_none() && ledger.public(victim).1.is_empty());
    assert!(ledger.owner("203.0.113.10".parse().unwrap()).is_some());
    assert!(!holds(folder.path(), victim), "no file speaks of it any more");
    drop(ledger);

    let verified = verify(folder.path()).unwrap();
    assert_eq!((&verified.faults[..], verified.erased), (&[][..], 2), "{verified:?}");
    assert_eq!(verified.texts, 19 * 3 + 1);
    let replayed = replay(folder.path(), Policy::lab(), [0; 32], |_, event| Some(event)).unwrap();
    assert_eq!(replayed.erased, 2, "the session and the erasure of it");
    assert_eq!(replayed.book.listed().count(), 18, "what was said of the others stands");
    let (_, standing) = standing(folder.path(), Policy::lab(), [0; 32]).unwrap().unwrap();
    let whole = |book: &crate::Book| book.listings(None, None, usize::MAX);
    assert_eq!(whole(&replayed.book), whole(&standing));
    let none = replay(folder.path(), Policy::lab(), [0; 32], |_, event| match event {
        Event::Detected(mut facts) => {
            facts.rules.retain(|r| r.detector != "helo-ylmf-pc");
            Some(Event::Detected(facts))
        }
        other => Some(other),
    });
    assert_eq!(none.unwrap().book.listed().count(), 0, "what another set of detectors had listed");
    let ledger = Ledger::open(config(), at(70)).unwrap();
    assert_eq!(ledger.listed().len(), 18);
    assert!(ledger.operator(victim).is_none());
}

/// Whether any file has the address's four bytes in it, as the encoding writes them.
fn holds(folder: &std::path::Path, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let needle = address.octets();
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(4).any(|four| four == needle)
    })
}
