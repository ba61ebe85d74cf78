//! One file a command.

mod cases;
mod check;
pub(crate) mod collect;
mod feed;
mod guard;
mod helo;
mod investigate;
mod learn;
mod manual;
mod ready;
mod record;
mod scan;
mod sessions;
mod summary;
mod top;
mod verify;
mod watch;

use crate::cli::{Command, DetectCommand};
use crate::outcome::Outcome;

/// Runs a command.
pub(crate) fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Investigate(args) => investigate::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Ready(args) => ready::run(&args),
        Command::Helo(args) => helo::run(&args),
        Command::Collect(args) => collect::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Guard(args) => guard::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Cases(args) => cases::run(&args),
        Command::Serve(args) => crate::serve::run(&args),
        Command::Feed(args) => feed::run(&args),
        Command::Detect { command: DetectCommand::Learn(args) } => learn::run(&args),
        Command::List(args) => crate::list::run(args),
        Command::Man { dir } => manual::pages(&dir),
        Command::Completions { shell } => manual::completions(shell),
    }
}
