//! Recovery on any folder of segments: it does not panic, what it opens it opens again without
//! anything more to cut, and an append goes on from there. Where the segments were written by the
//! journal and one stretch of up to four bytes was then changed, or a tail cut off or put on, each
//! record read is the one appended: damage is named, never given out.
//!
//! Input: a byte that chooses between raw segments and an edited journal, then three bytes for the
//! edit, then the segments' bytes or the records.

#![no_main]

use heloscope_journal::simulated::SimulatedDisk;
use heloscope_journal::{Journal, Options, Sequence};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[choice, where_high, where_low, edit], rest)) = input.split_first_chunk() else {
        return;
    };
    let options = Options { segment_bytes: 200, ..Options::default() };
    let place = usize::from(u16::from_be_bytes([where_high, where_low]));
    let mut appended = None;
    let files = if choice & 1 == 0 {
        // Half of them with a header that is right, else nothing behind it is ever reached.
        let fresh = SimulatedDisk::default();
        Journal::open(fresh.clone(), options.clone()).expect("an empty disk");
        let mut first = if choice & 2 == 0 { fresh.files()[0].1.clone() } else { Vec::new() };
        let (front, back) = rest.split_at(place.min(rest.len()));
        first.extend_from_slice(front);
        let second = format!("{:020}.journal", u64::from(edit) + 1);
        let mut files = vec![(format!("{:020}.journal", 1), first)];
        if !back.is_empty() && edit > 0 {
            files.push((second, back.to_vec()));
        }
        files
    } else {
        let disk = SimulatedDisk::default();
        let (mut journal, _) = Journal::open(disk.clone(), options.clone()).expect("an empty disk");
        let records: Vec<Vec<u8>> = rest.split(|&b| b == 0).map(<[u8]>::to_vec).collect();
        for batch in records.chunks(usize::from(choice >> 4) + 1) {
            journal.append(batch).expect("the disk takes all");
        }
        let mut files = disk.files();
        let at = place % files.len();
        let bytes = &mut files[at].1;
        let offset = place % bytes.len();
        match choice >> 1 & 3 {
            0 => bytes.truncate(offset),
            1 => bytes.extend_from_slice(&rest[..rest.len().min(usize::from(edit))]),
            _ => bytes.iter_mut().skip(offset).take(4).for_each(|byte| *byte ^= edit),
        }
        appended = Some(records);
        files
    };
    let disk = SimulatedDisk::with_files(files);
    let Ok((journal, found)) = Journal::open(disk.clone(), options.clone()) else { return };
    let read: Vec<_> = journal.read(found.first).collect();
    for (item, sequence) in read.iter().zip(found.first.0..) {
        let Ok((at, record)) = item else { continue };
        assert_eq!(*at, Sequence(sequence));
        if let Some(appended) = &appended {
            assert_eq!(Some(record), appended.get(sequence as usize - 1));
        }
    }
    drop(journal);
    let (mut journal, again) = Journal::open(disk, options).expect("opened once, opens again");
    assert_eq!((again.last, again.torn), (found.last, None));
    if let Ok(next) = journal.append(&[b"more".to_vec()]) {
        assert_eq!(next.0, found.last.0 + 1);
        assert_eq!(
            journal.read(next).map(|item| item.map(|(_, record)| record).ok()).last(),
            Some(Some(b"more".to_vec()))
        );
    }
});
