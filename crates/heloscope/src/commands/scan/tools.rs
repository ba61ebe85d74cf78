//! Other scanners that are installed here, run because the user asked for it (`--with`): rkhunter, chkrootkit, AIDE,
//! Tripwire. Their output is read as a report handed over would be. Each is ended when the scan's time is over.

use crate::cli::scan::With;
use heloscope_host::scan::Report;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Bytes of one report.
const MOST: u64 = 16 << 20;

/// Runs each that is asked for, and adds what it says.
pub(super) fn run(with: &[With], stop: &dyn Fn() -> bool, report: &mut Report) {
    for scanner in with {
        let (name, command): (&str, &[&str]) = match scanner {
            With::Clamd => continue,
            With::Rkhunter => (
                "rkhunter",
                &[
                    "rkhunter",
                    "--check",
                    "--skip-keypress",
                    "--report-warnings-only",
                    "--nocolors",
                    "--nolog",
                ],
            ),
            With::Chkrootkit => ("chkrootkit", &["chkrootkit", "-q"]),
            With::Aide if std::path::Path::new("/etc/aide/aide.conf").exists() => {
                ("aide", &["aide", "--config", "/etc/aide/aide.conf", "--check"])
            }
            With::Aide => ("aide", &["aide", "--check"]),
            With::Tripwire => ("tripwire", &["tripwire", "--check", "--no-tty-output"]),
        };
        match output(command, stop) {
            Ok(text) => report.said(name, &text),
            Err(why) => report.cannot(name, &why),
        }
    }
}

/// What a program prints before the time is over.
fn output(command: &[&str], stop: &dyn Fn() -> bool) -> Result<Vec<u8>, String> {
    let (program, args) = command.split_first().ok_or("no program")?;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            format!("cannot run it: {error} (install it, or leave it out of --with)")
        })?;
    let pipe = child.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = pipe.take(MOST).read_to_end(&mut text);
        read.map(|_| text)
    });
    wait(&mut child, stop)?;
    match reader.join() {
        Ok(Ok(text)) => Ok(text),
        _ => Err("its output could not be read".to_owned()),
    }
}

fn wait(child: &mut Child, stop: &dyn Fn() -> bool) -> Result<(), String> {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if stop() => {
                drop(child.kill());
                drop(child.wait());
                return Err("the time limit was reached: give a longer --limit".to_owned());
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(error.to_string()),
        }
    }
}
