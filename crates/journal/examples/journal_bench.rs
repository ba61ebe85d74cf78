//! Append throughput by batch size, and how long a journal of many records takes to open and read.
//!
//!     journal_bench FOLDER [RECORDS]
//!
//! The folder must not exist yet; it is left behind for a look.

#![allow(clippy::disallowed_methods)] // a measurement reads the clock

use heloscope_journal::{FolderDisk, Journal, Options, Sequence};
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1);
    let folder = PathBuf::from(words.next().ok_or("usage: journal_bench FOLDER [RECORDS]")?);
    let records = match words.next() {
        Some(word) => word.to_str().ok_or("RECORDS is no number")?.parse()?,
        None => 1_000_000u64,
    };
    if folder.exists() {
        return Err("FOLDER exists already: name another".into());
    }
    // About what a listing's event takes.
    let payload = vec![0x5a; 200];
    println!("| batch | records | seconds | records a second | appends a second |");
    println!("| --- | --- | --- | --- | --- |");
    for batch in [1usize, 16, 256, 4096] {
        let (mut journal, _) = open(folder.join(batch.to_string()))?;
        let block = vec![payload.clone(); batch];
        let (began, mut appends) = (Instant::now(), 0u32);
        while began.elapsed().as_secs_f64() < 3.0 {
            journal.append(&block)?;
            appends += 1;
        }
        let (seconds, count) = (began.elapsed().as_secs_f64(), journal.last().get());
        let (rate, appends) = (count as f64 / seconds, f64::from(appends) / seconds);
        println!("| {batch} | {count} | {seconds:.2} | {rate:.0} | {appends:.0} |");
    }
    let whole = folder.join("whole");
    let (mut journal, _) = open(whole.clone())?;
    while journal.last().get() < records {
        let left = (records - journal.last().get()).min(4096) as usize;
        journal.append(&vec![payload.clone(); left])?;
    }
    drop(journal);
    let began = Instant::now();
    let (journal, recovery) = open(whole)?;
    let opened = began.elapsed().as_secs_f64();
    let mut bytes = 0;
    for record in journal.read(Sequence(1)) {
        bytes += record?.1.len();
    }
    let read = began.elapsed().as_secs_f64() - opened;
    println!(
        "{} records, {bytes} bytes in {} segments: opened in {opened:.3} s, read in {read:.3} s",
        recovery.last, recovery.segments
    );
    Ok(())
}

fn open(folder: PathBuf) -> Result<(Journal, heloscope_journal::Recovery), Box<dyn Error>> {
    Ok(Journal::open(FolderDisk::new(folder)?, Options::default())?)
}
