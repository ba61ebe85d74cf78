//! `heloscope check`: asks lists about addresses and says it for people, as JSON, or as a monitoring plugin.
//!
//! Nothing is asked before everything typed is understood: an inside address, an unknown list, a key that is none is
//! bad usage (64; as a plugin 3). A key is read from its file and never printed.

mod nagios;
mod terminal;

use crate::cli::Check;
use crate::outcome::{Outcome, Refused};
use crate::serve::clock::now;
use anyhow::{Context, Result};
use heloscope_lists::{Asker, Asking, Key, Lists, Target};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// Bytes of a file of lists, and of a key's.
const LISTS: u64 = 4 << 20;
const KEY: u64 = 4 << 10;

pub(crate) fn run(args: &Check) -> Result<Outcome> {
    match asked(args) {
        // A plugin's reader takes any other status for a plugin that is broken.
        Err(error) if args.nagios => {
            let said = format!("{error:#}").replace(['\n', '|'], " ");
            println!("HELOSCOPE UNKNOWN - {said}");
            Ok(Outcome::Plugin(3))
        }
        outcome => outcome,
    }
}

fn asked(args: &Check) -> Result<Outcome> {
    let lists = lists(args)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.show_lists {
        terminal::lists(&mut out, &lists)?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    if args.of.len() > heloscope_lists::TARGETS {
        let most = heloscope_lists::TARGETS;
        return Err(Refused(format!("at most {most} addresses at once: split them")).into());
    }
    let mut targets: Vec<Target> = Vec::new();
    for typed in &args.of {
        let target = Target::parse(typed, args.lab).map_err(|e| Refused(e.to_string()))?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let asking = Asking {
        resolvers: args.resolver.clone(),
        timeout: Duration::from_secs(args.timeout),
        at_once: usize::try_from(args.at_once).unwrap_or(64),
        keys: keys(&args.key)?,
        only: args.list.clone(),
        ..Asking::default()
    };
    let asker = Asker::new(lists, asking).map_err(|e| Refused(e.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting to ask")?;
    let begun = now();
    let check = runtime.block_on(asker.ask(&targets));
    let took_s = now().since(begun);
    if args.nagios {
        let (line, status) = nagios::line(&check, took_s);
        writeln!(out, "{line}")?;
        out.flush()?;
        return Ok(Outcome::Plugin(status));
    }
    if args.json {
        out.write_all(check.to_text(begun).as_bytes())?;
    } else {
        terminal::print(&mut out, &targets, &check)?;
    }
    out.flush()?;
    Ok(if check.severity() > heloscope_lists::Severity::None {
        Outcome::Attention
    } else if check.is_heard() {
        Outcome::Done
    } else {
        Outcome::ServiceAway
    })
}

/// Ours, and those of the files given.
fn lists(args: &Check) -> Result<Lists> {
    let mut lists = if args.own_lists_only { Lists::none() } else { Lists::shipped()? };
    for path in &args.lists {
        let text = read(path, LISTS)?;
        lists = lists
            .with(&text)
            .map_err(|e| Refused(format!("the lists in {}: {e}", path.display())))?;
    }
    Ok(lists)
}

fn keys(files: &[(String, std::path::PathBuf)]) -> Result<BTreeMap<String, Key>> {
    let mut keys = BTreeMap::new();
    for (list, path) in files {
        let key = Key::new(&read(path, KEY)?)
            .map_err(|e| Refused(format!("the key in {}: {e}", path.display())))?;
        keys.insert(list.clone(), key);
    }
    Ok(keys)
}

fn read(path: &Path, most: u64) -> Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path);
    file.and_then(|f| f.take(most).read_to_string(&mut text))
        .map_err(|e| Refused(format!("reading {}: {e}", path.display())))?;
    Ok(text)
}
