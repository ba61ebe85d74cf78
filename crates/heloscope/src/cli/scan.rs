//! `heloscope scan` as typed.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A scanner that is asked or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// Web files are handed to clamd over its socket.
    Clamd,
    /// `rkhunter --check` is run.
    Rkhunter,
    /// `chkrootkit` is run.
    Chkrootkit,
    /// `aide --check` is run.
    Aide,
    /// `tripwire --check` is run.
    Tripwire,
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Scan the system below this folder instead of this host: a mounted disk, a container's root.
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Where processes are read; else `proc` below the root. Of another root only those count whose program lies in it.
    #[arg(long, value_name = "DIR")]
    pub(crate) proc: Option<PathBuf>,
    /// A folder of web sites, as the root names it, beside those that are found; may be given again.
    #[arg(long, value_name = "DIR")]
    pub(crate) web_root: Vec<PathBuf>,
    /// Hold every file of every package against its checksum, not only the programs that matter most.
    #[arg(long)]
    pub(crate) packages: bool,
    /// Also ask or run other scanners that are installed here. These execute their own programs.
    #[arg(long, value_name = "SCANNER", value_delimiter = ',')]
    pub(crate) with: Vec<With>,
    /// The socket of clamd.
    #[arg(long, value_name = "SOCKET", default_value = "/run/clamav/clamd.ctl")]
    pub(crate) clamd: PathBuf,
    /// Ask name servers for the name that the mail server says, and back. Nothing else is ever sent.
    #[arg(long)]
    pub(crate) dns: bool,
    /// Stop after so many seconds and say what was left.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) limit: u64,
    /// Write what is there into this file the first time; afterwards say what has changed since.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Print JSON (heloscope.scan/1), which `investigate` reads.
    #[arg(long)]
    pub(crate) json: bool,
}
