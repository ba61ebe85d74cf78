//! The one binary: parses the command line, runs the command, turns its outcome into the exit
//! status of CONTRACT.md. Results go to stdout, everything else to stderr.

mod cli;
mod commands;
mod helo;
mod list;
mod live;
mod outcome;
mod progress;
mod rights;
mod serve;

use clap::Parser;
use outcome::Outcome;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version to stdout with success, all else is bad usage.
            let wanted = !error.use_stderr();
            if error.print().is_err() {
                return Outcome::CannotWrite.into();
            }
            return if wanted { Outcome::Done.into() } else { Outcome::BadUsage.into() };
        }
    };
    match commands::run(cli.command) {
        Ok(outcome) => outcome.into(),
        Err(error) if outcome::is_broken_pipe(&error) => Outcome::Done.into(),
        Err(error) => {
            eprintln!("heloscope: {error:#}");
            outcome::of_error(&error).into()
        }
    }
}
