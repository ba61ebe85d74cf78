//! `heloscope collect`: runs the script that gathers evidence, or prints it. The script is part of
//! the binary, so both are the same; its exit status is the command's.

use crate::cli::Collect;
use crate::outcome::Outcome;
use anyhow::Context;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Read-only, POSIX shell.
const SCRIPT: &str = include_str!("../collect/collect.sh");

pub(crate) fn run(args: &Collect) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    if args.script {
        out.write_all(SCRIPT.as_bytes())?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    if args.json && args.out.as_ref().is_some_and(|out| out.as_os_str() == "-") {
        eprintln!("heloscope: --json and --out - both want standard output: give --out a file");
        return Ok(Outcome::BadUsage);
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT, "heloscope-collect"]).args(words(args)).stdin(Stdio::null());
    // The archive's name and hash go to stdout, which --json says in its own way.
    let status = if args.json {
        let done = shell.stderr(Stdio::inherit()).output().context("cannot run /bin/sh")?;
        if matches!(done.status.code(), Some(0 | 1)) {
            serde_json::to_writer_pretty(&mut out, &told(&done.stdout))?;
            writeln!(out)?;
            out.flush()?;
        }
        done.status
    } else {
        shell.status().context("cannot run /bin/sh")?
    };
    Ok(outcome(status))
}

/// Gathers this host of the last days into an archive at a place of our own.
pub(crate) fn into(archive: &Path) -> anyhow::Result<()> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT, "heloscope-collect", "--out"]).arg(archive).stdin(Stdio::null());
    let done = shell.output().context("cannot run /bin/sh")?;
    // What could not be read is in the archive.
    match outcome(done.status) {
        Outcome::Done | Outcome::Attention => Ok(()),
        _ => anyhow::bail!(
            "this host could not be gathered: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        ),
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match status.code() {
        Some(0) => Outcome::Done,
        Some(1) => Outcome::Attention,
        Some(64) => Outcome::BadUsage,
        Some(73) => Outcome::CannotWrite,
        Some(77) => Outcome::NoPermission,
        _ => Outcome::InputOutput,
    }
}

/// The script's own command line.
fn words(args: &Collect) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut put = |name: &str, value: OsString| words.extend([name.into(), value]);
    if let Some(out) = &args.out {
        put("--out", out.into());
    }
    let at = |seconds: i64| format!("@{seconds}").into();
    if let Some(around) = args.around {
        put("--around", at(around));
        put("--window", args.window.to_string().into());
    }
    if let Some(since) = args.since {
        put("--since", at(since));
    }
    if let Some(until) = args.until {
        put("--until", at(until));
    }
    if let Some(capture) = args.capture {
        put("--capture", capture.to_string().into());
    }
    if let Some(limit) = args.limit {
        put("--limit", limit.to_string().into());
    }
    for root in &args.web_root {
        put("--web-root", root.into());
    }
    words
}

/// `KEY\tVALUE` lines as `heloscope.collect/1`.
fn told(stdout: &[u8]) -> serde_json::Value {
    let text = String::from_utf8_lossy(stdout);
    let mut answer = serde_json::json!({ "format": "heloscope.collect/1" });
    for (key, value) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(object) = answer.as_object_mut() {
            let value = value.parse::<u64>().map_or_else(|_| value.into(), Into::into);
            object.insert(key.to_owned(), value);
        }
    }
    answer
}
