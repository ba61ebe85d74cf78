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
use std::path::Path;

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
#[derive(Default)]
pub(crate) struct Histories {
    addresses: HashMap<IpAddr, Memory>,
    weight: usize,
    most: Option<usize>,
}

impl Histories {
    /// Reads what the last run left. A line that is damaged is left out and counted: nothing depends
    /// on it.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let path = state.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let (mut histories, mut damaged) = (Self::default(), 0_u64);
        for line in BufReader::new(file).split(b'\n') {
            let line = line.with_context(|| format!("reading {}", path.display()))?;
            match serde_json::from_slice(&line) {
                Ok(Line { address, memory }) if line.len() <= LINE => {
                    histories.weight += weight(&memory);
                    histories.addresses.insert(address, memory);
                }
                _ => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::warn!("{}: {damaged} damaged lines are left out", path.display());
        }
        histories.make_room();
        Ok(histories)
    }

    /// What is remembered of an address.
    pub(crate) fn of(&self, address: IpAddr) -> Memory {
        self.addresses.get(&address.to_canonical()).cloned().unwrap_or_default()
    }

    /// Takes a session that was judged, and whether the ledger is told of it.
    pub(crate) fn note(&mut self, sighting: &Sighting, reported: bool) {
        let memory = self.addresses.entry(sighting.session.client.ip().to_canonical()).or_default();
        let before = if memory.history.sessions == 0 { 0 } else { weight(memory) };
        memory.history.note(sighting, None, None);
        memory.reported |= reported;
        self.weight = self.weight + weight(memory) - before;
        self.make_room();
    }

    /// Forgets the addresses of a prefix.
    pub(crate) fn erase(&mut self, prefix: IpNet) {
        self.addresses.retain(|address, _| !prefix.contains(address));
        self.weigh();
    }

    /// Writes them for the next run, without whom nothing was heard of for a month.
    pub(crate) fn save(&mut self, state: &Path, now: Time) -> Result<()> {
        self.addresses.retain(|_, memory| now.since(last(memory)) <= MEMORY_S);
        self.weigh();
        let mut sorted: Vec<_> = self.addresses.iter().collect();
        sorted.sort_by_key(|(address, _)| **address);
        aside::write(&state.join(FILE), |out| {
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
    fn make_room(&mut self) {
        if self.weight <= self.most.unwrap_or(MOST) {
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
        let mut histories = Histories::open(state.path()).unwrap();
        for address in ["198.51.100.7", "198.51.100.7", "203.0.113.9", "[2001:db8::1]"] {
            histories.note(&from(address), address.starts_with("203"));
        }
        histories.erase("2001:db8::/64".parse().unwrap());
        let now = from("198.51.100.7").session.end;
        histories.save(state.path(), now).unwrap();

        let mut again = Histories::open(state.path()).unwrap();
        assert_eq!(again.weight, 4);
        for (address, count) in [("198.51.100.7", 2), ("203.0.113.9", 1), ("2001:db8::1", 0)] {
            assert_eq!(sessions(&again, address), count, "{address}");
        }
        assert!(again.of("203.0.113.9".parse().unwrap()).reported);
        again.save(state.path(), now.plus_secs(MEMORY_S + 60.0)).unwrap();
        assert!(Histories::open(state.path()).unwrap().addresses.is_empty());
    }

    #[test]
    fn who_was_silent_longest_makes_room() {
        let mut histories = Histories { most: Some(80), ..Histories::default() };
        for host in 0..60_u8 {
            let mut sighting = from(&format!("198.51.100.{host}"));
            sighting.session.start = Time::from_secs(1_700_000_000 + i64::from(host));
            histories.note(&sighting, false);
            assert!(histories.weight <= 80);
        }
        assert_eq!(sessions(&histories, "198.51.100.0"), 0);
        assert_eq!(sessions(&histories, "198.51.100.59"), 1);
    }

    #[test]
    fn a_damaged_line_costs_itself_alone() {
        let state = tempfile::tempdir().unwrap();
        let mut histories = Histories::default();
        histories.note(&from("198.51.100.7"), false);
        histories.save(state.path(), Time::from_secs(1_700_000_000)).unwrap();
        let path = state.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{{\"address\":\n{text}\u{0}")).unwrap();
        assert_eq!(sessions(&Histories::open(state.path()).unwrap(), "198.51.100.7"), 1);
    }
}
