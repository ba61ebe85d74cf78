//! A disk in memory that loses all that a disk may lose, for tests and fuzzing.
//!
//! What was written is seen at once by reads, as with a page cache; durable is only what was
//! synced. [`SimulatedDisk::stop_after`] lets power fail at any step; [`SimulatedDisk::crash`] then
//! decides the fate of each unsynced write, cut and name: kept, lost, torn at any byte, in any
//! order. A failed sync leaves what it was to sync as the kernel does: seen, and never synced by a
//! later one ("fsyncgate").

use crate::disk::Disk;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What a crash does with what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// All of it is lost.
    Lost,
    /// All of it reached the disk.
    Kept,
    /// Names are kept; of the last write to each file, only so many bytes.
    Torn(usize),
    /// Each piece and each name for itself, by this seed; what is lost before something kept
    /// reads as zeros or as garbage.
    Drawn(u64),
}

/// A handle on the simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    /// Holds the lock while it lives.
    held: Option<Arc<()>>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    renames: Vec<NameChange>,
    lock: Weak<()>,
    salts: u64,
    /// Steps left before power fails.
    left: Option<u64>,
    /// Power has failed.
    dark: bool,
    steps: u64,
    syncs: u64,
    writes: u64,
    fail_sync: bool,
    /// Bytes that fit on the disk.
    room: Option<u64>,
}

#[derive(Debug, Default, Clone)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8>, lost_to_sync: bool },
    Cut { length: usize, lost_to_sync: bool },
}

#[derive(Debug, Clone)]
struct NameChange {
    gone: Option<String>,
    there: Option<(String, usize)>,
}

impl SimulatedDisk {
    /// A disk with these files, all durable.
    pub fn with_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> SimulatedDisk {
        let disk = SimulatedDisk::default();
        {
            let mut state = disk.state();
            for (name, bytes) in files {
                let at = state.files.len();
                state.files.push(Contents { seen: bytes.clone(), durable: bytes, pending: vec![] });
                state.names.insert(name.clone(), at);
                state.durable_names.insert(name, at);
            }
        }
        disk
    }

    /// The files as reads see them.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let contents = |at: &usize| state.files.get(*at).map(|file| file.seen.clone());
        state
            .names
            .iter()
            .map(|(name, at)| (name.clone(), contents(at).unwrap_or_default()))
            .collect()
    }

    /// Power fails at the step after so many more: that step and all later ones are errors.
    pub fn stop_after(&self, steps: u64) {
        self.state().left = Some(steps);
    }

    /// The next sync fails, and what it was to sync will not reach the disk by any later sync.
    pub fn fail_next_sync(&self) {
        self.state().fail_sync = true;
    }

    /// So many bytes fit on the disk in all; a write that goes beyond is done in part.
    pub fn limit(&self, room: Option<u64>) {
        self.state().room = room;
    }

    /// Changing steps done so far.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Writes and syncs of files done so far.
    pub fn writes_and_syncs(&self) -> (u64, u64) {
        let state = self.state();
        (state.writes, state.syncs)
    }

    /// The disk as it is found after a crash at this moment.
    pub fn crash(&self, fate: Fate) -> SimulatedDisk {
        let state = self.state();
        let mut draw = Draw(match fate {
            Fate::Drawn(seed) => seed,
            _ => 0,
        });
        let mut names = state.durable_names.clone();
        for change in &state.renames {
            let kept = match fate {
                Fate::Lost => false,
                Fate::Kept | Fate::Torn(_) => true,
                Fate::Drawn(_) => draw.one_in(2),
            };
            if kept {
                change.apply(&mut names);
            }
        }
        let files = state.files.iter().map(|file| file.after(fate, &mut draw)).collect::<Vec<_>>();
        let after = names.into_iter().filter_map(|(name, at)| Some((name, files.get(at)?.clone())));
        let disk = SimulatedDisk::with_files(after);
        disk.state().salts = state.salts;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        if let Some(gone) = &self.gone {
            names.remove(gone);
        }
        if let Some((name, at)) = &self.there {
            names.insert(name.clone(), *at);
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes: new, .. } => put(bytes, *offset, new, 0),
            Change::Cut { length, .. } => bytes.truncate(*length),
        }
    }

    fn lost_to_sync(&self) -> bool {
        let (Change::Write { lost_to_sync, .. } | Change::Cut { lost_to_sync, .. }) = self;
        *lost_to_sync
    }
}

impl Contents {
    fn after(&self, fate: Fate, draw: &mut Draw) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let last = self.pending.len().saturating_sub(1);
        for (at, change) in self.pending.iter().enumerate() {
            match (fate, change) {
                (Fate::Lost, _) => {}
                (Fate::Torn(length), Change::Write { offset, bytes: new, .. }) if at == last => {
                    put(&mut bytes, *offset, new.get(..length).unwrap_or(new), 0);
                }
                (Fate::Kept | Fate::Torn(_), change) => change.apply(&mut bytes),
                (Fate::Drawn(_), Change::Cut { .. }) => {
                    if draw.one_in(2) {
                        change.apply(&mut bytes);
                    }
                }
                (Fate::Drawn(_), Change::Write { offset, bytes: new, .. }) => {
                    // Pieces of any length; a lost one leaves what was there, zeros or garbage.
                    let fill = if draw.one_in(2) { 0 } else { draw.next() as u8 };
                    let (mut from, most) = (0, 1 + draw.below(new.len().max(1)));
                    while from < new.len() {
                        let until = (from + 1 + draw.below(most)).min(new.len());
                        if let Some(piece) = new.get(from..until).filter(|_| draw.one_in(2)) {
                            put(&mut bytes, offset + from, piece, fill);
                        }
                        from = until;
                    }
                }
            }
        }
        bytes
    }

    fn sync(&mut self, fails: bool) {
        for change in &mut self.pending {
            if fails {
                let (Change::Write { lost_to_sync, .. } | Change::Cut { lost_to_sync, .. }) =
                    change;
                *lost_to_sync = true;
            } else if !change.lost_to_sync() {
                change.apply(&mut self.durable);
            }
        }
        if !fails {
            self.pending.retain(Change::lost_to_sync);
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8], fill: u8) {
    let end = offset.saturating_add(new.len());
    if bytes.len() < end {
        bytes.resize(end, fill);
    }
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(new);
    }
}

impl State {
    /// Counts a step: whether it still has power, or is the one that power fails in.
    fn step(&mut self) -> io::Result<bool> {
        if self.dark {
            return Err(no_power());
        }
        self.steps += 1;
        self.dark = self.left == Some(0);
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(!self.dark)
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Contents> {
        let at = self.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        self.files.get_mut(at).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_names(&mut self, gone: Option<&str>, there: Option<(&str, usize)>) {
        let change = NameChange {
            gone: gone.map(str::to_owned),
            there: there.map(|(name, at)| (name.to_owned(), at)),
        };
        change.apply(&mut self.names);
        self.renames.push(change);
    }

    /// Runs a change that may be under way when power fails: it is begun, and an error follows.
    fn begun(&mut self, change: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let powered = self.step()?;
        change(self)?;
        if powered { Ok(()) } else { Err(no_power()) }
    }
}

fn no_power() -> io::Error {
    io::Error::other("the simulated power failed")
}

impl Disk for SimulatedDisk {
    fn lock(&mut self) -> io::Result<bool> {
        let token = Arc::new(());
        let mut state = self.state();
        if state.lock.upgrade().is_some() {
            return Ok(false);
        }
        state.lock = Arc::downgrade(&token);
        drop(state);
        self.held = Some(token);
        Ok(true)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<u64> {
        Ok(self.state().file(name)?.seen.len() as u64)
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let seen = &state.file(name)?.seen;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = seen.get(from..).unwrap_or_default();
        let length = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..length), rest.get(..length)) {
            into.copy_from_slice(rest);
        }
        Ok(length)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.state().begun(|state| {
            let at = state.files.len();
            state.files.push(Contents::default());
            state.change_names(None, Some((name, at)));
            Ok(())
        })
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.state().begun(|state| {
            state.writes += 1;
            let used: usize = state
                .names
                .values()
                .filter_map(|&at| state.files.get(at))
                .map(|file| file.seen.len())
                .sum();
            let room = state.room;
            let file = state.file(name)?;
            let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
            let more = (offset + bytes.len()).saturating_sub(file.seen.len());
            let over = room.map_or(0, |room| ((used + more) as u64).saturating_sub(room)) as usize;
            let fits = bytes.get(..bytes.len().saturating_sub(over)).unwrap_or_default().to_vec();
            let change = Change::Write { offset, bytes: fits, lost_to_sync: false };
            change.apply(&mut file.seen);
            file.pending.push(change);
            if over > 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn cut(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.state().begun(|state| {
            let file = state.file(name)?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let change = Change::Cut { length, lost_to_sync: false };
            change.apply(&mut file.seen);
            file.pending.push(change);
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        if !state.step()? {
            // Under way when power failed: nothing is promised.
            return Err(no_power());
        }
        state.syncs += 1;
        let fails = std::mem::take(&mut state.fail_sync);
        state.file(name)?.sync(fails);
        if fails { Err(io::Error::other("the simulated sync failed")) } else { Ok(()) }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.state().begun(|state| {
            let at = state.names.get(from).copied().ok_or(io::ErrorKind::NotFound)?;
            state.change_names(Some(from), Some((to, at)));
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.state().begun(|state| {
            state.file(name)?;
            state.change_names(Some(name), None);
            Ok(())
        })
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let mut state = self.state();
        if !state.step()? {
            return Err(no_power());
        }
        state.durable_names = state.names.clone();
        state.renames.clear();
        Ok(())
    }

    fn salt(&mut self) -> u64 {
        let mut state = self.state();
        state.salts += 1;
        Draw(state.salts).next()
    }

    fn place(&self, name: &str) -> String {
        format!("simulated/{name}")
    }
}

/// SplitMix64: the same seed, the same crash.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
