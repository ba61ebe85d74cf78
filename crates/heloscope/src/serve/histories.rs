//! What is remembered of each address that spoke to a sensor, between its sessions and between two runs.
//!
//! In: sightings after they were judged. Out: an address's [`History`] for the next judgement. Bounded
//! by what it weighs (addresses and the speakers told apart at them): whoever was silent longest makes room.
//! Kept in one file of the state folder, one address a line, written now and then and at the end: it
//! supports judgements and decides nothing alone, so a crash may lose its last minutes. Of an address that the
//! operator erases nothing stays.

use super::aside;
use anyhow::{Context, Result};
use heloscope_detect::History;
use heloscope_model::{Sighting, Time};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const FILE: &str = "histories.jsonl";
/// What all of them may weigh: an address counts one, each speaker at it another; about 300 bytes each.
const MOST: usize = 400_000;
/// An address that was silent for so long is forgotten.
const MEMORY_S: f64 = 30.0 * 86_400.0;
/// A line of the file that is longer is none of ours.
const LINE: usize = 64 * 1024;

/// What is remembered of one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Its past.
    pub(crate) history: History,
    /// Whether the ledger was told of it: then it is also told what speaks for it.
    pub(crate) reported: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    address: IpAddr,
    #[serde(flatten)]
    memory: Memory,
}

/// All of them.
pub(crate) struct Histories {
    file: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    addresses: HashMap<IpAddr, Memory>,
    weight: usize,
}

impl Histories {
    /// Reads what the last run left. A line that is damaged is left out and counted: nothing depends
    /// on it.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let file = state.join(FILE);
        let mut kept = Kept::default();
        match File::open(&file) {
            Ok(opened) => {
                let damaged = kept
                    .read(BufReader::new(opened))
                    .with_context(|| format!("reading {}", file.display()))?;
                if damaged > 0 {
                    tracing::warn!("{}: {damaged} damaged lines are left out", file.display());
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        }
        kept.make_room(MOST);
        Ok(Self { file, kept: Mutex::new(kept) })
    }

    /// What is remembered of an address.
    pub(crate) fn of(&self, address: IpAddr) -> Memory {
        self.kept().addresses.get(&address.to_canonical()).cloned().unwrap_or_default()
    }

    /// Takes a session that was judged, and whether the ledger is told of it.
    pub(crate) fn note(&self, sighting: &Sighting, reported: bool) {
        self.kept().note(sighting, reported, MOST);
    }

    /// Forgets the addresses of a prefix, also on the disk.
    pub(crate) fn erase(&self, prefix: IpNet) -> Result<()> {
        let mut kept = self.kept();
        kept.addresses.retain(|address, _| !prefix.contains(address));
        kept.weigh();
        kept.write(&self.file)
    }

    /// Writes them for the next run, without whom nothing was heard of for a month.
    pub(crate) fn save(&self, now: Time) -> Result<()> {
        let mut kept = self.kept();
        kept.addresses.retain(|_, memory| now.since(last(memory)) <= MEMORY_S);
        kept.weigh();
        kept.write(&self.file)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn read(&mut self, lines: impl BufRead) -> std::io::Result<u64> {
        let mut damaged = 0;
        for line in lines.split(b'\n') {
            let line = line?;
            match serde_json::from_slice(&line) {
                Ok(Line { address, memory }) if line.len() <= LINE => {
                    self.weight += weight(&memory);
                    self.addresses.insert(address, memory);
                }
                _ => damaged += 1,
            }
        }
        Ok(damaged)
    }

    fn note(&mut self, sighting: &Sighting, reported: bool, most: usize) {
        let memory = self.addresses.entry(sighting.session.client.ip().to_canonical()).or_default();
        let before = if memory.history.sessions == 0 { 0 } else { weight(memory) };
        memory.history.note(sighting, None, None);
        memory.reported |= reported;
        self.weight = self.weight + weight(memory) - before;
        self.make_room(most);
    }

    fn write(&self, file: &Path) -> Result<()> {
        let mut sorted: Vec<_> = self.addresses.iter().collect();
        sorted.sort_by_key(|(address, _)| **address);
        aside::write(file, |out| {
            for (address, memory) in sorted {
                serde_json::to_writer(
                    &mut *out,
                    &Line { address: *address, memory: memory.clone() },
                )?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Drops an eighth, those that were silent longest: seldom, so that it may walk all of them.
    fn make_room(&mut self, most: usize) {
        if self.weight <= most {
            return;
        }
        let mut silent: Vec<_> = self.addresses.iter().map(|(a, m)| (last(m), *a)).collect();
        silent.sort();
        for (_, address) in silent.iter().take(silent.len().div_ceil(8)) {
            self.addresses.remove(address);
        }
        self.weigh();
    }

    fn weigh(&mut self) {
        self.weight = self.addresses.values().map(weight).sum();
    }
}

fn weight(memory: &Memory) -> usize {
    1 + memory.history.voices.len()
}

fn last(memory: &Memory) -> Time {
    memory.history.last.unwrap_or(Time::from_secs(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::station::tests::{MAIL, sighting};

    fn from(address: &str) -> Sighting {
        let mut sighting = sighting(&MAIL[..9], &[]);
        sighting.session.client = format!("{address}:40001").parse().unwrap();
        sighting
    }

    fn sessions(histories: &Histories, address: &str) -> u64 {
        histories.of(address.parse().unwrap()).history.sessions
    }

    #[test]
    fn the_next_run_remembers_and_an_erased_prefix_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let histories = Histories::open(state.path()).unwrap();
        for address in ["198.51.100.7", "198.51.100.7", "203.0.113.9", "[2001:db8::1]"] {
            histories.note(&from(address), address.starts_with("203"));
        }
        let now = from("198.51.100.7").session.end;
        histories.save(now).unwrap();
        histories.erase("2001:db8::/64".parse().unwrap()).unwrap();

        let again = Histories::open(state.path()).unwrap();
        assert_eq!(again.kept().weight, 4);
        for (address, count) in [("198.51.100.7", 2), ("203.0.113.9", 1), ("2001:db8::1", 0)] {
            assert_eq!(sessions(&again, address), count, "{address}");
        }
        assert!(again.of("203.0.113.9".parse().unwrap()).reported);
        again.save(now.plus_secs(MEMORY_S + 60.0)).unwrap();
        assert!(Histories::open(state.path()).unwrap().kept().addresses.is_empty());
    }

    #[test]
    fn who_was_silent_longest_makes_room() {
        let mut kept = Kept::default();
        for host in 0..60_u8 {
            let mut sighting = from(&format!("198.51.100.{host}"));
            sighting.session.start = Time::from_secs(1_700_000_000 + i64::from(host));
            kept.note(&sighting, false, 80);
            assert!(kept.weight <= 80);
        }
        let knows = |host: u8| kept.addresses.contains_key(&IpAddr::from([198, 51, 100, host]));
        assert!(!knows(0) && knows(59));
    }

    #[test]
    fn a_damaged_line_costs_itself_alone() {
        let state = tempfile::tempdir().unwrap();
        let histories = Histories::open(state.path()).unwrap();
        histories.note(&from("198.51.100.7"), false);
        histories.save(Time::from_secs(1_700_000_000)).unwrap();
        let path = state.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{{\"address\":\n{text}\u{0}")).unwrap();
        assert_eq!(sessions(&Histories::open(state.path()).unwrap(), "198.51.100.7"), 1);
    }
}
