//! The command line of the lab: `record`, `list`, and `speak`, which the hosts inside call.

use anyhow::Result;
use clap::{Parser, Subcommand};
use lab::{speaker, stories};
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
        What::Speak(dialect) => return speaker::speak(&dialect),
    }
    Ok(ExitCode::SUCCESS)
}
