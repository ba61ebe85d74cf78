//! The paths given -> the files below them, in a fixed order.
//!
//! Symbolic links below a folder are followed only to files that lie inside the folder given, so
//! nothing outside is read and loops end; the number of files is bounded. At the root of a
//! folder given, `expect.toml` and `README.md` are never evidence. What cannot be opened is
//! named with its reason.

use crate::opened::Body;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Files taken from all paths together.
pub(crate) const MOST: usize = 400_000;

/// Folders nested below a path given.
const DEEPEST: usize = 64;

/// A file found, or why there is none.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it is; of an archive's member, the archive's path and its name there.
    pub(crate) path: PathBuf,
    /// The path given that it was found under, or the archive's.
    pub(crate) root: PathBuf,
    /// Its path below the folder given; empty for a file given itself.
    pub(crate) below: PathBuf,
    /// Its bytes.
    pub(crate) body: Body,
    /// Size.
    pub(crate) size: u64,
    /// Modified, in seconds since the epoch.
    pub(crate) modified: Option<i64>,
    /// Why it cannot be read.
    pub(crate) problem: Option<String>,
    /// What is wrong with it though it is read.
    pub(crate) note: Option<String>,
    /// A member of an archive: its path above the archive says nothing of it.
    pub(crate) archived: bool,
}

/// Every file below the paths, in order of path within each; the dash is for the caller.
pub(crate) fn files(paths: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    for given in paths {
        if given.as_os_str() == "-" {
            continue;
        }
        folder(given, &mut found);
    }
    found
}

fn folder(given: &Path, found: &mut Vec<Found>) {
    let real_root = given.canonicalize().ok();
    // Links that lead out: how many, and the first.
    let mut links: (u64, Option<PathBuf>) = (0, None);
    let walk =
        walkdir::WalkDir::new(given).max_depth(DEEPEST).follow_root_links(true).sort_by_file_name();
    for entry in walk {
        if found.len() >= MOST {
            found.push(problem(
                given,
                given,
                format!("more than {MOST} files; the rest was left out"),
            ));
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(given).to_path_buf();
                let reason = error.io_error().map_or_else(|| error.to_string(), reason);
                found.push(problem(&path, given, reason));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let below = path.strip_prefix(given).unwrap_or(path).to_path_buf();
        if entry.depth() == 1
            && (below == Path::new("expect.toml") || below == Path::new("README.md"))
        {
            continue;
        }
        if entry.file_type().is_symlink() {
            let inside = match (path.canonicalize(), &real_root) {
                (Ok(to), Some(root)) => to.starts_with(root),
                _ => false,
            };
            // What lies inside is found under its own name; what lies outside was not given.
            if !inside {
                links.1.get_or_insert_with(|| path.to_path_buf());
                links.0 += 1;
            }
            continue;
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                found.push(problem(
                    path,
                    given,
                    error.io_error().map_or_else(|| error.to_string(), reason),
                ));
                continue;
            }
        };
        if !metadata.is_file() && entry.depth() > 0 {
            found.push(problem(path, given, "neither file nor folder, not opened".to_owned()));
            continue;
        }
        let modified = metadata.modified().ok().map(|at| match at.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        });
        found.push(Found {
            path: path.to_path_buf(),
            root: given.to_path_buf(),
            below,
            body: Body::File(path.to_path_buf()),
            size: metadata.len(),
            modified,
            problem: None,
            note: None,
            archived: false,
        });
    }
    if let (count, Some(first)) = links {
        let note = match count {
            1 => "a link out of the folder, not followed".to_owned(),
            _ => format!("{count} links out of the folder, this one the first, not followed"),
        };
        found.push(problem(&first, given, note));
    }
}

/// Something that is named with its reason and not read.
pub(crate) fn problem(path: &Path, root: &Path, reason: String) -> Found {
    Found {
        path: path.to_path_buf(),
        root: root.to_path_buf(),
        below: path.strip_prefix(root).unwrap_or(path).to_path_buf(),
        body: Body::none(),
        size: 0,
        modified: None,
        problem: Some(reason),
        note: None,
        archived: false,
    }
}

/// An I/O error in words that say what to do.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "permission denied: run as a user who may read it, or copy it".to_owned()
        }
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    }
}
