//! The command line as typed. Help, man pages and completions are made from this definition.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Find out why an address is on a blocklist, and prove it.
#[derive(Debug, Parser)]
#[command(name = "heloscope", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Name the cause of a listing from whatever evidence there is.
    ///
    /// Takes any files and folders in any mix: the list's notice, mail logs, captures, web logs,
    /// leases, socket and process tables, web roots. Each is recognised by its content; .gz, .xz,
    /// .zst and .bz2 are opened, tar and zip archives read as the folder they hold. Exits 1 when a cause was found, 0 when not, 65 when nothing
    /// could be read.
    Investigate(Investigate),
    /// Print every SMTP session in captures or logs, one JSON object a line.
    Sessions(Sessions),
    /// Print the numbers of a mail log and who is behind them.
    Summary(Summary),
    /// Run recorded cases and say which answers are right.
    ///
    /// A case is a folder with evidence and an expect.toml. Exits 1 when an answer is wrong.
    Cases(Cases),
    /// Write the man pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        dir: PathBuf,
    },
    /// Print a completion script for a shell.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Investigate {
    /// Files, folders and archives of evidence; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Print the answer as JSON (heloscope.investigation/1).
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write the report as one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Captures or mail logs; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Accepted for uniformity: the output is always JSON lines (heloscope.session/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Summary {
    /// Mail logs, rotated and compressed ones in any order; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON (heloscope.summary/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cases {
    /// Folders; every folder with an expect.toml at or below them is a case.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
