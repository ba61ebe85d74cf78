//! Evidence as the command line gives it: paths, and with `--live` this host itself.
//!
//! The host is read by the very script that `collect` runs, into a private folder that goes with the value; to that
//! come the files of its web sites, where they lie, and the recorder's folder. What cannot be read is said, and costs only
//! itself. A file that the script copied is named by the path it was copied from.

use crate::cli::Given;
use crate::commands::collect;
use anyhow::{Context, Result};
use heloscope_evidence::Evidence;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where sites usually stand: those that are there are read.
const WEB_ROOTS: [&str; 4] = ["/var/www", "/srv/www", "/srv/http", "/usr/share/nginx/html"];

/// Evidence, and the folder it may lie in.
pub(crate) struct Opened {
    pub(crate) evidence: Evidence,
    _gathered: Option<TempDir>,
}

/// Gathers what is to be gathered, and opens everything.
pub(crate) fn open(given: &Given) -> Result<Opened> {
    let mut paths = given.paths.clone();
    let gathered = if given.live { Some(gather(&given.record, &mut paths)?) } else { None };
    let mut evidence = heloscope_evidence::open(&paths);
    if let Some(folder) = &gathered {
        let bundle = folder.path().join(BUNDLE);
        for own in OWN {
            evidence.name_below(&bundle.join(own), &Path::new("this host").join(own));
        }
        evidence.name_below(&bundle, Path::new("/"));
    }
    Ok(Opened { evidence, _gathered: gathered })
}

/// The archive's name in the private folder.
const BUNDLE: &str = "this-host.tar";

/// What in it is no copy of a file: the outputs of commands, and the script's own notes.
const OWN: [&str; 4] = ["host", "MANIFEST", "could-not-read.txt", "site.toml"];

fn gather(record: &Path, paths: &mut Vec<PathBuf>) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("heloscope-").tempdir();
    let folder = folder.context("making a private folder (TMPDIR names another place)")?;
    let bundle = folder.path().join(BUNDLE);
    collect::into(&bundle)?;
    paths.push(bundle);
    paths.extend(WEB_ROOTS.into_iter().map(PathBuf::from).filter(|root| root.is_dir()));
    match std::fs::read_dir(record) {
        Ok(_) => paths.push(record.to_owned()),
        Err(error) => eprintln!(
            "heloscope: no record of connections in {}: {error} (`heloscope record` or `heloscope watch` makes one)",
            record.display()
        ),
    }
    Ok(folder)
}
