//! Power fails at every step of a script of appends, rotations and retentions, and the disk then
//! loses, tears and reorders what was not synced. After each crash the journal opens; what was
//! acknowledged is there, in order; of what was not, an append is there entirely or not at all.

// clippy.toml excuses test functions, not what they share outside of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use heloscope_journal::simulated::{Fate, SimulatedDisk};
use heloscope_journal::{Journal, Options, Sequence};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Act {
    Append(Vec<Vec<u8>>),
    Retain(u64),
    Reopen,
}

/// What was promised while a script ran.
#[derive(Debug, Default, Clone)]
struct Promised {
    records: Vec<Vec<u8>>,
    acknowledged: usize,
    /// Where appends end, in records.
    borders: Vec<usize>,
    retained: u64,
}

fn options() -> Options {
    Options { segment_bytes: 150, ..Options::default() }
}

/// Runs the script until an act fails or it ends.
fn run(disk: &SimulatedDisk, script: &[Act], promised: &mut Promised) -> bool {
    let open = || Journal::open(SimulatedDisk::clone(disk), options()).ok();
    let Some((mut journal, _)) = open() else { return false };
    for act in script {
        match act {
            Act::Append(batch) => {
                promised.records.extend(batch.iter().cloned());
                promised.borders.push(promised.records.len());
                match journal.append(batch) {
                    Ok(last) => {
                        promised.acknowledged = promised.records.len();
                        assert_eq!(last, Sequence(promised.acknowledged as u64));
                    }
                    Err(_) => return false,
                }
            }
            Act::Retain(before) => {
                promised.retained = promised.retained.max(*before);
                if journal.retain(Sequence(*before)).is_err() {
                    return false;
                }
            }
            Act::Reopen => {
                drop(journal);
                match open() {
                    Some((opened, recovery)) => {
                        assert_eq!(recovery.torn, None, "nothing is torn without a crash");
                        journal = opened;
                    }
                    None => return false,
                }
            }
        }
    }
    true
}

/// Opens after a crash and holds what is there against what was promised.
fn check(disk: &SimulatedDisk, promised: &Promised, told: &str) {
    let (mut journal, recovery) = Journal::open(disk.clone(), options())
        .unwrap_or_else(|error| panic!("{told}: does not open: {error}"));
    let last = recovery.last.0 as usize;
    assert!(last >= promised.acknowledged, "{told}: {last} of {}", promised.acknowledged);
    assert!(last == 0 || promised.borders.contains(&last), "{told}: half an append: {last}");
    assert!(recovery.first.0 <= promised.retained.max(1), "{told}: dropped what was to stay");
    let there: Vec<_> = journal.read(recovery.first).map(|record| record.expect(told)).collect();
    let wanted: Vec<_> = (recovery.first.0..=last as u64)
        .map(|n| (Sequence(n), promised.records[n as usize - 1].clone()))
        .collect();
    assert_eq!(there, wanted, "{told}");
    // And goes on: what is appended now outlives the loss of all that is unsynced.
    let next = journal.append(&[b"after the crash".to_vec()]).expect(told);
    assert_eq!(next.0 as usize, last + 1, "{told}");
    let (journal, recovery) = Journal::open(disk.crash(Fate::Lost), options()).expect(told);
    assert_eq!((recovery.last, recovery.torn), (next, None), "{told}");
    let newest: Vec<_> = journal.read(next).map(|record| record.expect(told).1).collect();
    assert_eq!(newest, [b"after the crash"], "{told}");
}

fn batch(records: &[&str]) -> Act {
    Act::Append(records.iter().map(|record| record.as_bytes().to_vec()).collect())
}

fn script() -> Vec<Act> {
    vec![
        batch(&["one"]),
        batch(&["two", "", "a third and longer record of the same append"]),
        batch(&["four, which fills the first segment so that the next append begins another"]),
        batch(&["five", "six"]),
        Act::Retain(2),
        batch(&["seven, which is again as long as it takes to have a new segment begun, and more"]),
        Act::Reopen,
        batch(&["eight"]),
        batch(&[
            "nine",
            "ten",
            "eleven, the last of a segment, with words to fill what is left of it",
        ]),
        Act::Retain(8),
        batch(&["twelve"]),
        Act::Reopen,
        batch(&["thirteen", "fourteen"]),
    ]
}

fn fates() -> impl Iterator<Item = Fate> {
    let torn = (0..200).map(Fate::Torn);
    [Fate::Lost, Fate::Kept].into_iter().chain(torn).chain((0..300).map(Fate::Drawn))
}

#[test]
fn power_fails_at_every_step() {
    let whole = SimulatedDisk::default();
    let mut all = Promised::default();
    assert!(run(&whole, &script(), &mut all), "the script runs where power stays");
    assert_eq!(all.acknowledged, 15);
    let steps = whole.steps();
    assert!(steps > 40, "{steps} steps");
    let mut crashes = 0;
    for step in 0..=steps {
        let disk = SimulatedDisk::default();
        disk.stop_after(step);
        let mut promised = Promised::default();
        assert_eq!(run(&disk, &script(), &mut promised), step == steps, "step {step}");
        for fate in fates() {
            check(&disk.crash(fate), &promised, &format!("step {step}, {fate:?}"));
            crashes += 1;
        }
    }
    println!("{crashes} crashes at {steps} steps");
}

#[test]
fn power_fails_again_while_the_journal_recovers() {
    let whole = SimulatedDisk::default();
    run(&whole, &script(), &mut Promised::default());
    for step in 0..whole.steps() {
        let disk = SimulatedDisk::default();
        disk.stop_after(step);
        let mut promised = Promised::default();
        run(&disk, &script(), &mut promised);
        for seed in 0..12 {
            for again in 0..8 {
                let second = disk.crash(Fate::Drawn(seed));
                second.stop_after(again);
                let _ = Journal::open(second.clone(), options());
                for fate in [Fate::Lost, Fate::Kept, Fate::Torn(9), Fate::Drawn(seed ^ 0xff)] {
                    let told = format!("step {step}, seed {seed}, again at {again}, {fate:?}");
                    check(&second.crash(fate), &promised, &told);
                }
            }
        }
    }
}

#[test]
fn an_append_is_torn_at_every_byte() {
    let records: Vec<Vec<u8>> = (0..20u8).map(|n| vec![n; usize::from(n) * 3]).collect();
    let before = batch(&["acknowledged"]);
    for length in 0..900 {
        let disk = SimulatedDisk::default();
        let mut promised = Promised::default();
        assert!(run(&disk, std::slice::from_ref(&before), &mut promised));
        let (mut journal, _) = Journal::open(disk.clone(), options()).unwrap();
        disk.stop_after(1); // the write is done, the sync is not
        promised.records.extend(records.iter().cloned());
        promised.borders.push(promised.records.len());
        journal.append(&records).expect_err("not synced");
        let crashed = disk.crash(Fate::Torn(length));
        let whole = 28 + 20 * 8 + records.iter().map(Vec::len).sum::<usize>();
        let (_, recovery) = Journal::open(crashed.crash(Fate::Kept), options()).unwrap();
        let torn = if length < whole { length } else { 0 };
        assert_eq!(recovery.torn_bytes(), torn as u64, "torn after {length} of {whole}");
        check(&crashed, &promised, &format!("torn after {length}"));
    }
}

#[test]
fn after_a_failed_sync_nothing_later_hides_the_loss() {
    // The kernel calls the pages clean and they never reach the disk: an append acknowledged after
    // reopening must not stand behind a hole.
    let disk = SimulatedDisk::default();
    let (mut journal, _) = Journal::open(disk.clone(), options()).unwrap();
    journal.append(&[b"safe".to_vec()]).unwrap();
    disk.fail_next_sync();
    let first = journal.append(&[b"doubtful".to_vec()]).expect_err("the sync failed").to_string();
    let again = journal.append(&[b"more".to_vec()]).expect_err("stopped for good").to_string();
    assert_eq!(first, again);
    assert!(first.contains("cannot sync") && first.contains("restart"), "{first}");
    assert!(journal.retain(Sequence(1)).is_err(), "a stopped writer does not drop either");
    let seen: Vec<_> = journal.read(Sequence(1)).map(|record| record.unwrap().1).collect();
    assert_eq!(seen, [b"safe"], "what was not acknowledged is not read");
    drop(journal);

    let (mut journal, recovery) = Journal::open(disk.clone(), options()).unwrap();
    assert_eq!(recovery.last, Sequence(2), "whole in the page cache");
    journal.append(&[b"later".to_vec()]).unwrap();
    let (journal, recovery) = Journal::open(disk.crash(Fate::Lost), options()).unwrap();
    assert_eq!((recovery.last, recovery.torn), (Sequence(3), None));
    let there: Vec<_> = journal.read(Sequence(1)).map(|record| record.unwrap().1).collect();
    assert_eq!(there, [b"safe".to_vec(), b"doubtful".to_vec(), b"later".to_vec()]);
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let record = prop::collection::vec(any::<u8>(), 0..90);
    let act = prop_oneof![
        6 => prop::collection::vec(record, 0..5).prop_map(Act::Append),
        1 => (1u64..40).prop_map(Act::Retain),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn any_script_any_crash(script in acts(), step in 0u64..70, seed: u64) {
        let disk = SimulatedDisk::default();
        disk.stop_after(step);
        let mut promised = Promised::default();
        run(&disk, &script, &mut promised);
        for draw in 0..4 {
            check(&disk.crash(Fate::Drawn(seed ^ draw)), &promised, "drawn");
        }
    }
}
