//! The incidents, one a file.

use anyhow::{Context, Result};
use std::path::Path;

mod backdrop;

mod seed_guest_laptop;
mod seed_php_script;

/// An incident that can be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Name, also of its folder.
    pub name: &'static str,
    /// One line about it.
    pub says: &'static str,
    /// Seed of its chance, where none is given.
    pub seed: u64,
    /// Plays and writes it.
    pub record: fn(&Plan<'_>) -> Result<()>,
}

/// How to record.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The story's name.
    pub name: &'a str,
    /// The folder to write.
    pub out: &'a Path,
    /// Seconds to play.
    pub length: f64,
    /// Seed.
    pub seed: u64,
}

/// All of them.
pub const ALL: &[Story] = &[
    Story {
        name: "seed-php-script",
        says: "a planted PHP script speaks SMTP past a clean Postfix",
        seed: 11,
        record: seed_php_script::record,
    },
    Story {
        name: "seed-guest-laptop",
        says: "a guest's laptop behind the office NAT speaks to exchangers itself",
        seed: 12,
        record: seed_guest_laptop::record,
    },
];

/// Records one by its name.
pub fn record(name: &str, out: &Path, minutes: u32, seed: Option<u64>) -> Result<()> {
    let story = ALL
        .iter()
        .find(|story| story.name == name)
        .with_context(|| format!("no story {name}; `lab list` names them"))?;
    let plan =
        Plan { name, out, length: f64::from(minutes) * 60.0, seed: seed.unwrap_or(story.seed) };
    (story.record)(&plan)
}
