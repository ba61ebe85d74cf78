//! Evidence as typed, and the commands that hold it against an earlier answer.

use super::seconds;
use clap::Args;
use std::path::PathBuf;

/// Evidence: what was handed over, and this host.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// Files, folders and archives of evidence; `-` is standard input.
    #[arg(required_unless_present = "live", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Also this host as it is: what `heloscope collect` gathers, its web sites, and what `heloscope record` or
    /// `watch` recorded. Reads only; without root, what can be seen.
    #[arg(long)]
    pub(crate) live: bool,
    /// The folder of this host's record, for --live.
    #[arg(
        long,
        value_name = "DIR",
        requires = "live",
        default_value = "/var/lib/heloscope/record"
    )]
    pub(crate) record: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The earlier answer: what `heloscope investigate --json` printed.
    #[arg(value_name = "ANSWER")]
    pub(crate) answer: PathBuf,
    #[command(flatten)]
    pub(crate) given: Given,
    /// When it was fixed; else the end of the earlier answer's evidence.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) since: Option<i64>,
    /// Print JSON (heloscope.verify/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ready {
    #[command(flatten)]
    pub(crate) given: Given,
    /// When the last fix was made; may also stand in site.toml.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) fixed: Option<i64>,
    /// Print JSON (heloscope.ready/1).
    #[arg(long)]
    pub(crate) json: bool,
}
