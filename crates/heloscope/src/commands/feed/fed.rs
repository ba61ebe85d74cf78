//! Which sessions were fed before: `STATE/fed/SENSOR`, a key and a time a session, one a line.
//!
//! The key is a hash of what tells sessions of one sensor apart (client, port, start, HELO, and which of
//! those alike it was), so that a log that was rotated, renamed or packed since, or a capture that
//! overlaps another, gives nothing twice. What is older than the policy's window is forgotten here, and then
//! refused as too old: it would not be weighed either. The file is written after the ledger
//! has recorded: a kill between the two repeats those sessions at the next feed. It holds
//! hashes and times, no addresses.

use anyhow::{Context, Result, ensure};
use heloscope_model::{Session, Time};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Longer than the policy's window.
const REMEMBERED_S: i64 = 15 * 86_400;

/// What was fed of one sensor.
#[derive(Default)]
pub(crate) struct Fed {
    /// The file, and the lock that is held until the feeding is over: two at once would count twice.
    kept: Option<(PathBuf, File)>,
    /// Fed before.
    known: BTreeMap<u64, i64>,
    /// Met now.
    met: BTreeMap<u64, i64>,
    /// Sessions alike, of each file.
    alike: HashMap<(u32, u64), u32>,
    horizon: i64,
}

/// How a session stands to what was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    New,
    /// At an earlier feeding.
    Before,
    /// In another of the files that are fed now.
    Twice,
    /// So old that nothing is remembered of it.
    TooOld,
}

impl Fed {
    /// Reads what is known of a sensor.
    pub(crate) fn open(state: &Path, sensor: &str, now: Time) -> Result<Self> {
        let folder = state.join("fed");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        let lock = folder.join(format!("{sensor}.lock"));
        let lock = File::create(&lock).with_context(|| format!("opening {}", lock.display()))?;
        ensure!(lock.try_lock().is_ok(), "somebody feeds the sensor {sensor} at this moment: wait");
        let path = folder.join(sensor);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let horizon = now.secs() - REMEMBERED_S;
        let mut known = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let read = line
                .split_once(' ')
                .and_then(|(key, at)| Some((u64::from_str_radix(key, 16).ok()?, at.parse().ok()?)));
            let (key, at): (u64, i64) = read.with_context(|| {
                format!(
                    "{} is damaged at line {}: put back a copy, or remove it (then sessions fed before count again)",
                    path.display(),
                    number + 1
                )
            })?;
            if at >= horizon {
                known.insert(key, at);
            }
        }
        Ok(Self { kept: Some((path, lock)), known, horizon, ..Self::default() })
    }

    /// Notes a session of a file; without a list's folder only what is fed now is known.
    pub(crate) fn meet(&mut self, session: &Session, file: u32) -> Met {
        let helo = session.helo().map(|(_, helo)| helo).unwrap_or_default();
        let client = session.client.ip().to_canonical().to_string();
        let base = hash(&[
            client.as_bytes(),
            &session.client.port().to_be_bytes(),
            &session.start.nanos().to_be_bytes(),
            helo.as_bytes(),
        ]);
        let alike = self.alike.entry((file, base)).or_default();
        *alike += 1;
        let key = hash(&[&base.to_be_bytes(), &alike.to_be_bytes()]);
        if self.met.insert(key, session.start.secs()).is_some() {
            Met::Twice
        } else if self.kept.is_some() && session.start.secs() < self.horizon {
            Met::TooOld
        } else if self.known.contains_key(&key) {
            Met::Before
        } else {
            Met::New
        }
    }

    /// Keeps it: what is known is on the disk when this returns.
    pub(crate) fn save(&self) -> Result<()> {
        let Some((path, _)) = &self.kept else { return Ok(()) };
        let aside = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = std::io::BufWriter::new(File::create(&aside)?);
            let new = self.met.iter().filter(|(key, _)| !self.known.contains_key(key));
            for (key, at) in self.known.iter().chain(new) {
                writeln!(file, "{key:016x} {at}")?;
            }
            file.flush()?;
            file.get_ref().sync_all()?;
            std::fs::rename(&aside, path)
        };
        write().with_context(|| {
            format!("writing {}: what was recorded now would count again", path.display())
        })
    }
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let bytes: [u8; 32] = digest.finalize().into();
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
