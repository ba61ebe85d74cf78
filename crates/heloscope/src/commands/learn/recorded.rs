//! Recorded sessions with the name and kind of who spoke: from folders by speaker, or from a
//! folder of `lab senders`. Refused: a kind that is none, and a table that is not understood.

use anyhow::{Context, Result};
use heloscope_detect::dialect::Kind;
use heloscope_detect::learn::Labelled;
use heloscope_evidence::Sink;
use heloscope_model::Session;
use heloscope_model::sighting::TrapKind;
use heloscope_trap::Traps;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Programs of the lab that queue and retry as mail servers do; the others are libraries and tools.
const SERVERS: [&str; 6] = ["postfix", "exim", "opensmtpd", "sendmail", "dma", "nullmailer"];

/// A session and who spoke.
pub(super) struct Recorded {
    name: String,
    kind: Kind,
    on_trap: bool,
    session: Session,
}

impl Recorded {
    pub(super) fn labelled(&self) -> Labelled<'_> {
        let (name, session) = (self.name.as_str(), &self.session);
        Labelled { name, kind: self.kind, on_trap: self.on_trap, session }
    }
}

/// `DIR/KIND/NAME/…`: captures of one speaker below each NAME.
pub(super) fn of_folders(dir: &Path, traps: &Traps, into: &mut Vec<Recorded>) -> Result<()> {
    for (word, kind) in [("bot", Kind::Bot), ("mta", Kind::Mta), ("library", Kind::Library)] {
        for folder in folders(&dir.join(word))? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for session in of_any(&[folder]) {
                let on_trap = hits(&session, traps);
                into.push(Recorded { name: name.clone(), kind, on_trap, session });
            }
        }
    }
    Ok(())
}

/// Folders below one, in order; none where it is not there.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let listed =
        std::fs::read_dir(dir).with_context(|| format!("reading the folder {}", dir.display()))?;
    let mut found: Vec<PathBuf> =
        listed.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    found.retain(|path| path.is_dir());
    found.sort();
    Ok(found)
}

#[derive(Deserialize)]
struct Table {
    kind: Vec<Told>,
}

/// What `lab senders` tells of a kind, as far as it is needed.
#[derive(Deserialize)]
struct Told {
    kind: String,
    capture: String,
    software: String,
    configured: String,
    ptr: String,
    beside_postfix: bool,
}

/// A folder of `lab senders`: honest programs by their own name, however they are configured; bots by
/// their dialect's, alone or beside a Postfix, whose sessions are Postfix's.
pub(super) fn of_kinds(dir: &Path, traps: &Traps, into: &mut Vec<Recorded>) -> Result<()> {
    let path = dir.join("kinds.toml");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("reading {} (is it a folder of `lab senders`?)", path.display())
    })?;
    let table: Table = toml::from_str(&text).with_context(|| path.display().to_string())?;
    for told in table.kind {
        for session in of_any(&[dir.join(&told.capture)]) {
            let beside = told.beside_postfix
                && session.helo().is_some_and(|(_, helo)| helo.as_bytes() == told.ptr.as_bytes());
            let (name, kind) = match (told.configured.as_str(), beside) {
                ("bot", false) => {
                    (told.kind.trim_end_matches("-beside-postfix").to_owned(), Kind::Bot)
                }
                ("bot", true) => ("postfix".to_owned(), Kind::Mta),
                _ if SERVERS.contains(&told.software.as_str()) => {
                    (told.software.clone(), Kind::Mta)
                }
                _ => (told.software.clone(), Kind::Library),
            };
            let on_trap = hits(&session, traps);
            into.push(Recorded { name, kind, on_trap, session });
        }
    }
    Ok(())
}

/// The sessions of any captures.
pub(super) fn of_any(paths: &[PathBuf]) -> Vec<Session> {
    let mut evidence = heloscope_evidence::open(paths);
    let mut taken = Taken(Vec::new());
    evidence.stream(&mut taken, &mut |_, _| {});
    for input in &evidence.inputs {
        if let Some(note) = &input.note {
            eprintln!("heloscope: {}: {note}", input.path.display());
        }
    }
    taken.0
}

/// Only a trap that never was anybody's address proves a bot.
fn hits(session: &Session, traps: &Traps) -> bool {
    let recipients = session.rcpt_to();
    traps.hits(recipients.iter()).iter().any(|hit| hit.kind == TrapKind::NeverUsed)
}

struct Taken(Vec<Session>);

impl Sink for Taken {
    fn session(&mut self, session: Session) {
        self.0.push(session);
    }
}
