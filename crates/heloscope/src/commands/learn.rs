//! `heloscope detect learn`: recorded sessions of known speakers to dialect files, and ways of
//! speaking that nobody has named yet.
//!
//! In: captures in folders by speaker, a folder of `lab senders` (`--kinds`), or any captures
//! (`--unknown`). Out: one readable file a dialect, or clusters on stdout; on stderr what was refused and why.

mod recorded;

use crate::cli::Learn;
use crate::outcome::{CannotWrite, Outcome};
use crate::serve::dialects;
use anyhow::{Context, Result};
use heloscope_detect::learn::{self, Labelled};
use heloscope_trap::Traps;
use recorded::Recorded;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

pub(crate) fn run(args: &Learn) -> Result<Outcome> {
    if args.unknown {
        return unknown(args);
    }
    let traps = match &args.traps {
        Some(path) => read_traps(path)?,
        None => Traps::default(),
    };
    let mut recorded = Vec::new();
    for path in &args.paths {
        match args.kinds {
            true => recorded::of_kinds(path, &traps, &mut recorded)?,
            false => recorded::of_folders(path, &traps, &mut recorded)?,
        }
    }
    if recorded.is_empty() {
        eprintln!(
            "heloscope: no session in these folders: captures stand in DIR/bot/NAME/, DIR/mta/NAME/, \
             DIR/library/NAME/, or give --kinds for a folder of `lab senders`"
        );
        return Ok(Outcome::NothingReadable);
    }
    let sessions: Vec<Labelled<'_>> = recorded.iter().map(Recorded::labelled).collect();
    let learnt = learn::learn(&sessions);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for session in &sessions {
        *counts.entry(session.name).or_default() += 1;
    }
    let mut out = std::io::stdout().lock();
    for (known, (file, text)) in learnt.dialects.iter().zip(learnt.files()) {
        let count = counts.get(known.name.as_str()).copied().unwrap_or_default();
        let text = format!("# Learnt from {count} recorded sessions.\n{text}");
        match &args.output {
            Some(folder) => write(folder, &file, &text)?,
            None => writeln!(out, "{text}")?,
        }
    }
    out.flush()?;
    for (name, why) in &learnt.refused {
        eprintln!("heloscope: {name} is not learnt: {why}");
    }
    eprintln!(
        "heloscope: {} dialects learnt from {} sessions, {} refused",
        learnt.dialects.len(),
        sessions.len(),
        learnt.refused.len()
    );
    Ok(if learnt.refused.is_empty() { Outcome::Done } else { Outcome::Attention })
}

/// The operator's list of traps.
pub(crate) fn read_traps(path: &Path) -> Result<Traps> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the list of traps {}", path.display()))?;
    Traps::parse(&text).with_context(|| path.display().to_string())
}

fn write(folder: &Path, file: &str, text: &str) -> Result<()> {
    std::fs::create_dir_all(folder).context(CannotWrite(folder.to_owned()))?;
    let path = folder.join(file);
    std::fs::write(&path, text).context(CannotWrite(path))
}

/// The commonest first, each with who spoke so.
fn unknown(args: &Learn) -> Result<Outcome> {
    let known = dialects::known(args.dialects.as_deref())?;
    let sessions = recorded::of_any(&args.paths);
    if sessions.is_empty() {
        eprintln!("heloscope: no session in these files: give captures");
        return Ok(Outcome::NothingReadable);
    }
    let clusters = learn::unknown_clusters(&sessions, &known, args.fewest);
    let mut out = std::io::stdout().lock();
    for cluster in &clusters {
        let addresses: Vec<String> =
            cluster.addresses.iter().take(5).map(ToString::to_string).collect();
        let more = match cluster.addresses.len().saturating_sub(addresses.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(
            out,
            "# {} sessions from {} addresses: {}{more}",
            cluster.sessions,
            cluster.addresses.len(),
            addresses.join(", ")
        )?;
        for (name, value) in cluster.dialect.features() {
            writeln!(out, "{name} = {value}")?;
        }
        writeln!(out)?;
    }
    out.flush()?;
    eprintln!(
        "heloscope: {} ways of speaking that no dialect names, among {} sessions",
        clusters.len(),
        sessions.len()
    );
    Ok(if clusters.is_empty() { Outcome::Done } else { Outcome::Attention })
}
