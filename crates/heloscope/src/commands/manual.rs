//! Man pages and completions, from the one definition of the command line.

use crate::cli::Cli;
use crate::outcome::{CannotWrite, Outcome};
use anyhow::Context;
use clap::CommandFactory;
use std::path::Path;

/// Writes `heloscope.1` and a page for each command.
pub(crate) fn pages(dir: &Path) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(dir).context(CannotWrite(dir.to_owned()))?;
    clap_mangen::generate_to(Cli::command(), dir).context(CannotWrite(dir.to_owned()))?;
    Ok(Outcome::Done)
}

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    clap_complete::generate(shell, &mut Cli::command(), "heloscope", &mut std::io::stdout());
    Ok(Outcome::Done)
}
