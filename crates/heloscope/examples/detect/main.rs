//! Measures the list's judgement on recorded senders and bots (`bench/detect`): which sessions would
//! be told to the ledger, whom the standard policy would list, and in which words.
//!
//! In: a folder of `lab senders` (captures and `kinds.toml`), also the kept part in
//! `recordings/senders`. Out: two tables in Markdown on stdout, and exit status 1 where a well
//! configured sender would be listed. Judged by the code that `serve` runs (`heloscope::report`),
//! recorded in a ledger in memory.

#![allow(clippy::print_stdout, reason = "a measurement prints")]

mod play;
mod recording;
mod tables;

use anyhow::{Result, ensure};
use heloscope::report::Reporter;
use heloscope_detect::Dialects;
use std::path::Path;
use std::process::ExitCode;

fn main() -> Result<ExitCode> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let without = words.iter().position(|w| w == "--without-dialects");
    let dialects = match without {
        Some(at) => {
            words.remove(at);
            Dialects::default()
        }
        None => Dialects::shipped(),
    };
    ensure!(words.len() == 1, "usage: detect [--without-dialects] FOLDER (of `lab senders`)");
    let kinds = recording::read(Path::new(words.first().map_or("", String::as_str)))?;
    let judge = Reporter { dialects, ..Reporter::default() };
    let mut played = Vec::new();
    for kind in &kinds {
        played.push(play::kind(kind, &judge)?);
    }
    let wrong = tables::senders(&played) + tables::bots(&played);
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
