//! How a command ended, and the exit status that says so (CONTRACT.md; sysexits.h).

use std::io;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// Done, and something needs attention.
    Attention,
    /// The command line was wrong.
    BadUsage,
    /// Nothing readable in the input.
    NothingReadable,
    /// A service that is needed is away.
    ServiceAway,
    /// An output cannot be made.
    CannotWrite,
    /// Reading or writing failed on the way.
    InputOutput,
    /// A privilege is missing.
    NoPermission,
    /// As a monitoring plugin says it: 0 ok, 1 warning, 2 critical, 3 unknown.
    Plugin(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Attention => 1,
            Outcome::BadUsage => 64,
            Outcome::NothingReadable => 65,
            Outcome::ServiceAway => 69,
            Outcome::CannotWrite => 73,
            Outcome::InputOutput => 74,
            Outcome::NoPermission => 77,
            Outcome::Plugin(status) => status,
        })
    }
}

/// An output file that could not be made.
#[derive(Debug)]
pub(crate) struct CannotWrite(pub(crate) std::path::PathBuf);

impl std::fmt::Display for CannotWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cannot write {} (choose another path, or make its folder first)",
            self.0.display()
        )
    }
}

impl std::error::Error for CannotWrite {}

/// What was asked for is against the rules; the words say which.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// There is nothing to read where it was looked for.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

/// Somebody who should have answered did not.
#[derive(Debug)]
pub(crate) struct ServiceAway(pub(crate) &'static str);

impl std::fmt::Display for ServiceAway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ServiceAway {}

/// The outcome that an error stands for.
pub(crate) fn of_error(error: &anyhow::Error) -> Outcome {
    if error.downcast_ref::<CannotWrite>().is_some() {
        return Outcome::CannotWrite;
    }
    if error.downcast_ref::<Refused>().is_some() {
        return Outcome::BadUsage;
    }
    if error.downcast_ref::<Unreadable>().is_some() {
        return Outcome::NothingReadable;
    }
    if error.downcast_ref::<ServiceAway>().is_some() {
        return Outcome::ServiceAway;
    }
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::PermissionDenied) => Outcome::NoPermission,
        _ => Outcome::InputOutput,
    }
}

/// Whether the reader of our output went away, which is its right.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let direct = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let of_json =
            cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        direct.or(of_json) == Some(io::ErrorKind::BrokenPipe)
    })
}
