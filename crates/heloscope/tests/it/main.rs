//! The binary as its users meet it: exit status, what it prints, what it does with bad input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and clippy.toml spares only functions marked as tests"
)]

mod answers;
mod bad_input;
mod check;
mod collect;
mod dialects;
mod feed;
mod guard;
mod guard_story;
mod helo;
mod hostile;
mod list;
mod live;
mod one_address;
mod permission;
mod record;
mod redact;
mod router;
mod scan;
mod senders;
mod serve;
mod serve_as_user;
mod serve_letters;
mod the_loop;
mod transforms;
mod usage;
mod washer;
mod watch;
mod watch_story;
mod watch_tls;
mod witness;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A bundled case.
fn case(name: &str) -> PathBuf {
    root().join("cases").join(name)
}

/// Runs the binary.
fn heloscope<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heloscope")).args(args).output().expect("it starts")
}

/// What it printed.
fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// What it complained of.
fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether this user may make networks and the software that is played with is here; what is missing is said.
fn can_play(needed: &[&str]) -> bool {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return false;
    }
    let missing = needed.iter().find(|path| !Path::new(path).exists());
    if let Some(path) = missing {
        println!("skipped: needs {path} (the packages that test.sh installs)");
    }
    missing.is_none()
}

/// The JSON answer of an investigation.
fn investigate(paths: &[&Path]) -> serde_json::Value {
    let output = heloscope(
        ["investigate".as_ref(), "--json".as_ref()]
            .into_iter()
            .chain(paths.iter().map(|p| p.as_os_str())),
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)))
}
