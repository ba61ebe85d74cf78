//! What starts by itself or with somebody's login: cron, anacron, timers and units, at jobs, rc and profile files,
//! keys that let in, libraries that are loaded into everything. One module a kind; a file that is as its package
//! brought it accuses nobody.

mod at;
mod cron;
mod keys;
mod preload;
mod profiles;
mod units;

pub(super) use cron::Job;

use super::Host;
use super::command;
use super::finding::{Finding, Grade, Rule, visible};
use super::out::Out;
use std::path::Path;

/// Bytes of one file.
const MOST: usize = 1 << 20;

/// Looks at every kind.
pub(super) fn look(host: &Host<'_>, out: &mut Out) -> Vec<Job> {
    let jobs = cron::look(host, out);
    units::look(host, out);
    at::look(host, out);
    profiles::look(host, out);
    keys::look(host, out);
    preload::look(host, out);
    jobs
}

/// Whether a package brought the file and it is as it came.
fn is_packaged(host: &Host<'_>, path: &Path, bytes: &[u8]) -> bool {
    host.packages.is_as_packaged(path, bytes) == Some(true)
}

/// A finding for a command that starts by itself, where the command says something.
fn started(host: &Host<'_>, rule: &Rule, command: &str, who: &str) -> Option<Finding> {
    let said = command::judge(command).or_else(|| hides(host, command))?;
    let told: String = command.chars().take(300).collect();
    Some(rule.found(said.grade, said.sure, format!("{who}: {}: {}", said.because, visible(&told))))
}

/// What the script behind a command is, where it is a small one of nobody's package in an odd place.
fn hides(host: &Host<'_>, command: &str) -> Option<command::Trait> {
    let first = command.split_whitespace().find(|w| w.starts_with('/'))?;
    let meta = host.tree.meta(Path::new(first)).ok()?;
    use std::os::unix::fs::MetadataExt;
    // Everybody may change what root runs.
    (meta.is_file() && meta.mode() & 0o002 != 0 && !host.packages.owns(Path::new(first))).then_some(
        command::Trait {
            grade: Grade::Suspect,
            sure: 0.6,
            because: "it runs a file that everybody may change",
        },
    )
}
