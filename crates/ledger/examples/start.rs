//! How long a list takes to start: makes a ledger of so many listings in a folder, then opens it from its
//! last snapshot, and from a snapshot with 99,000 events behind it, as after a kill. See bench/ledger.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement, run by hand"
)]

use heloscope_ledger::{Config, Detected, HeloClass, Ledger, Policy, Rule};
use heloscope_model::Time;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Instant;

const THREADS: u32 = 64;

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = words.next().unwrap();
    let listings: u32 = words.next().map_or(1_000_000, |n| n.parse().unwrap());
    let folder = Path::new(&folder);
    let tail = 99_000.min(listings);

    let (ledger, _) = open(folder);
    let began = Instant::now();
    feed(&ledger, listings);
    let secs = began.elapsed().as_secs_f64();
    println!(
        "{listings} detections recorded by {THREADS} threads in {secs:.1} s, {:.0} a second",
        f64::from(listings) / secs
    );
    drop(ledger);
    let (ledger, secs) = open(folder);
    println!(
        "opened from a snapshot: {secs:.2} s, {} listings, {} MB resident",
        ledger.active(),
        resident()
    );
    feed(&ledger, tail);
    let copy = folder.join("killed");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    let (killed, secs) = open(&copy);
    println!("opened from a snapshot and {tail} events: {secs:.2} s, {} listings", killed.active());
    assert_eq!(killed.listed(), ledger.listed());
}

fn open(folder: &Path) -> (Ledger, f64) {
    let config = Config { folder: Some(folder.into()), key: [1; 32], policy: Policy::lab() };
    let began = Instant::now();
    let ledger = Ledger::open(config, Time::from_secs(1_700_000_000)).unwrap();
    (ledger, began.elapsed().as_secs_f64())
}

fn feed(ledger: &Ledger, listings: u32) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in (thread..listings).step_by(THREADS as usize) {
                    ledger.detected(session(n)).unwrap();
                }
            });
        }
    });
}

fn session(n: u32) -> Detected {
    let at = Time::from_secs(1_700_000_000 + i64::from(n / 1000));
    Detected {
        address: Ipv4Addr::from(0x0b00_0000 + n).into(),
        port: 4711,
        at,
        arrived: at,
        sensor: format!("sensor-{}", n % 10),
        rules: vec![Rule {
            detector: "helo-ylmf-pc".into(),
            version: 1,
            class: 'A',
            family: "helo".into(),
            owner: "It said EHLO ylmf-pc.".into(),
            operator: "It said EHLO ylmf-pc, 0.2 s after the connection.".into(),
        }],
        traps: vec![],
        helo: Some("ylmf-pc".into()),
        helo_class: HeloClass::Dotless,
        key: u64::from(n % 50),
        dialect: u64::from(n % 50),
        session: "{\"format\":\"heloscope.session/1\"}".into(),
    }
}

/// Memory of this process, in MB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
