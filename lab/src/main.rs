//! The command line of the lab: `record`, `list`, `senders`, `verdicts`, and `speak`, which the hosts inside call.

use anyhow::Result;
use clap::{Parser, Subcommand};
use lab::{senders, speaker, stories};
use std::path::PathBuf;
use std::process::ExitCode;

/// Plays incidents with real software in network namespaces and records them as case folders.
#[derive(Parser)]
#[command(name = "lab", version)]
struct Line {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Plays one incident and writes its case folder.
    Record {
        /// Its name, as `list` shows it.
        name: String,
        /// The folder to write; cases/NAME by default.
        #[arg(long)]
        out: Option<PathBuf>,
        /// How long to play, in minutes. Shorter recordings hold fewer events.
        #[arg(long, default_value_t = 16)]
        minutes: u32,
        /// Seed of the chance in the story.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Names the incidents.
    List,
    /// Records as many real senders and bots as there are at one receiver, a capture a kind.
    Senders {
        /// The folder to write.
        #[arg(long)]
        out: PathBuf,
        /// Mails that each kind sends; bots hold twice as many sessions. 30 give more than 4,000 sessions, 1 gives some 150.
        #[arg(long, default_value_t = 30)]
        mails: u32,
        /// Only kinds whose names begin so, by commas.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Write the captures compressed.
        #[arg(long)]
        packed: bool,
        /// Seed of the chance in it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Shows what `heloscope sessions` makes of a folder that `senders` wrote.
    Verdicts {
        /// The folder.
        folder: PathBuf,
        /// The program; the one built beside the lab by default.
        #[arg(long)]
        heloscope: Option<PathBuf>,
    },
    /// Speaks SMTP in a given dialect; what the scripted clients of the lab are made of.
    #[command(hide = true)]
    Speak(speaker::Dialect),
}

fn main() -> Result<ExitCode> {
    match Line::parse().what {
        What::Record { name, out, minutes, seed } => {
            if !nix::unistd::geteuid().is_root() {
                println!("skipped: needs root");
                return Ok(ExitCode::from(77));
            }
            let out = out.unwrap_or_else(|| PathBuf::from("cases").join(&name));
            stories::record(&name, &out, minutes, seed)?;
            println!("{}", out.display());
        }
        What::List => {
            for story in stories::ALL {
                println!("{:<28} {}", story.name, story.says);
            }
        }
        What::Senders { out, mails, only, packed, seed } => {
            if !nix::unistd::geteuid().is_root() {
                println!("skipped: needs root");
                return Ok(ExitCode::from(77));
            }
            let told =
                senders::record(&senders::Order { out: out.clone(), mails, only, packed, seed })?;
            println!("{} kinds in {}", told.len(), out.display());
        }
        What::Verdicts { folder, heloscope } => {
            let beside = || std::env::current_exe().map(|lab| lab.with_file_name("heloscope"));
            let heloscope = heloscope.map_or_else(beside, Ok)?;
            senders::verdicts::print(&folder, &heloscope)?;
        }
        What::Speak(dialect) => return speaker::speak(&dialect),
    }
    Ok(ExitCode::SUCCESS)
}
