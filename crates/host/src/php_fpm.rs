//! Which script a php-fpm worker runs, from the scoreboard that the workers of a master share.
//!
//! A worker says nothing of its script by its name or arguments: it only changes into the script's folder. But it notes
//! each request in a shared page, from which php-fpm's status page is made (`fpm_scoreboard_proc_s` in PHP's
//! `sapi/fpm/fpm/fpm_scoreboard.h`, the same since PHP 5.4). Read after the connection was seen, so an entry counts only
//! if it is executing and its request had been accepted before the connection began, to the microsecond: the next request of
//! the same worker is another script's. Anything that does not look like an entry is none.

use crate::connection::text;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Shared pages larger than this are no scoreboard: a master of 1,000 workers has one of 1.2 MB.
const LARGEST: u64 = 4 << 20;
/// Where an entry's fields stand, counted from its process number.
const STARTED_BEFORE: usize = 8;
const STAGE: usize = 0x10;
/// Seconds and microseconds of the clock that only goes on.
const ACCEPTED: usize = 0x18;
/// Seconds since 1970.
const ACCEPTED_AT: usize = 0x38;
const URI: usize = 0x50;
const METHOD: usize = 0x2d0;
const SCRIPT: usize = 0x2e8;
const SCRIPT_END: usize = SCRIPT + 256;
/// `FPM_REQUEST_EXECUTING`.
const EXECUTING: u64 = 4;

/// The script that a worker runs, if it has run it since before `at`, in microseconds of CLOCK_MONOTONIC. `proc` is /proc.
///
/// Needs the right to read the worker's memory: root, or its own user.
pub fn script(proc: &Path, pid: u32, at: i64) -> Option<String> {
    let process = proc.join(pid.to_string());
    let number = inner_number(&fs::read_to_string(process.join("status")).ok()?)?;
    let maps = fs::read_to_string(process.join("maps")).ok()?;
    let memory = File::open(process.join("mem")).ok()?;
    maps.lines().filter_map(shared).find_map(|(start, len)| {
        let mut page = vec![0; usize::try_from(len).ok()?];
        memory.read_exact_at(&mut page, start).ok()?;
        executing(&page, number, at)
    })
}

/// The number that the worker knows itself by, where it lives in a namespace of its own.
fn inner_number(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().next_back()?.parse().ok()
}

/// An anonymous page that is shared, from a line of /proc/PID/maps: where it begins and how long it is.
fn shared(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    if words.next()? != "rw-s" || words.nth(3)? != "/dev/zero" {
        return None;
    }
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    let len = end.checked_sub(start)?;
    (len <= LARGEST).then_some((start, len))
}

/// What the scoreboard says that the process executes.
fn executing(page: &[u8], pid: u32, at: i64) -> Option<String> {
    (0..page.len().saturating_sub(SCRIPT_END)).step_by(8).find_map(|begin| {
        let entry = page.get(begin..)?;
        let before = page.get(begin.checked_sub(STARTED_BEFORE)?..)?;
        let started = i64::try_from(number(before, 0)?).ok()?;
        let accepted_at = i64::try_from(number(entry, ACCEPTED_AT)?).ok()?;
        let seconds = i64::try_from(number(entry, ACCEPTED)?).ok()?;
        let micros = i64::try_from(number(entry, ACCEPTED + 8)?).ok()?;
        let accepted = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
        let is_entry = number(entry, 0)? as u32 == pid
            && number(entry, STAGE)? & 0xffff_ffff == EXECUTING
            && 0 < started
            && started <= accepted_at
            && (0..1_000_000).contains(&micros)
            && accepted <= at
            && word(entry.get(URI..METHOD)?).is_some()
            && word(entry.get(METHOD..METHOD + 16)?)?.iter().all(u8::is_ascii_uppercase);
        let script = word(entry.get(SCRIPT..SCRIPT_END)?)?;
        (is_entry && script.starts_with(b"/")).then(|| text(script))
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
}

/// A string that ends within its field.
fn word(field: &[u8]) -> Option<&[u8]> {
    let end = field.iter().position(|&byte| byte == 0)?;
    field.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::{Child, Command, Stdio};

    /// Accepted so many microseconds after the 5th second.
    fn page(pid: u32, stage: u64, micros: u64, script: &[u8]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        let mut put =
            |at: usize, bytes: &[u8]| page[0xa0 + at..][..bytes.len()].copy_from_slice(bytes);
        put(0, &u64::from(pid).to_ne_bytes());
        put(STAGE, &stage.to_ne_bytes());
        put(ACCEPTED, &5u64.to_ne_bytes());
        put(ACCEPTED + 8, &micros.to_ne_bytes());
        put(ACCEPTED_AT, &1000u64.to_ne_bytes());
        put(METHOD, b"POST");
        put(SCRIPT, script);
        page[0xa0 - STARTED_BEFORE..][..8].copy_from_slice(&900u64.to_ne_bytes());
        page
    }

    #[test]
    fn only_what_was_running_at_the_time_is_believed() {
        let script = b"/var/www/shop/x.php";
        let said = |page: &[u8]| executing(page, 7, 5_000_300);
        assert_eq!(said(&page(7, EXECUTING, 300, script)).as_deref(), Some("/var/www/shop/x.php"));
        assert_eq!(said(&page(8, EXECUTING, 300, script)), None, "another worker's");
        assert_eq!(said(&page(7, 6, 300, script)), None, "finished");
        assert_eq!(said(&page(7, EXECUTING, 301, script)), None, "a later request's");
        assert_eq!(said(&page(7, EXECUTING, 300, b"x.php")), None, "no path");
        assert_eq!(said(&page(7, EXECUTING, 300, &[b'/'; 256])), None, "no end");
    }

    proptest! {
        #[test]
        fn never_panics(page in proptest::collection::vec(any::<u8>(), 0..3000), line in ".*") {
            let _ = executing(&page, 1, 1000);
            let _ = (shared(&line), inner_number(&line));
        }
    }

    /// Told to end when the test is over: a master takes its workers with it.
    struct Running(Child);
    impl Drop for Running {
        fn drop(&mut self) {
            let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM);
            drop(self.0.wait());
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a real php-fpm runs by the real clock")]
    fn a_real_worker_is_read() {
        let fpm = (5..10).flat_map(|major| {
            (0..10).map(move |minor| format!("/usr/sbin/php-fpm{major}.{minor}"))
        });
        let Some(fpm) = fpm.into_iter().find(|path| Path::new(path).exists()) else {
            println!("skipped: needs php-fpm");
            return;
        };
        if !Path::new("/usr/bin/cgi-fcgi").exists() {
            println!("skipped: needs libfcgi-bin");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let root = nix::unistd::geteuid().is_root();
        let user = if root { "user = root\n" } else { "" };
        fs::write(at("fpm.conf"), format!(
            "[global]\nerror_log = {}\ndaemonize = no\n[www]\n{user}listen = {}\npm = static\npm.max_children = 2\n",
            at("error.log"), at("socket")
        )).unwrap();
        fs::write(
            at("mailer.php"),
            format!("<?php file_put_contents('{}', getmypid()); sleep(20);", at("pid")),
        )
        .unwrap();
        let mut line = Command::new(fpm);
        line.args(["-y", &at("fpm.conf")]).args(root.then_some("-R"));
        let _master = Running(line.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let until = |what: &str| {
            for _ in 0..200 {
                if Path::new(what).exists() {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            panic!("{what} did not come: {:?}", fs::read_to_string(at("error.log")));
        };
        until(&at("socket"));
        let asked = Command::new("cgi-fcgi")
            .args(["-bind", "-connect", &at("socket")])
            .env("SCRIPT_FILENAME", at("mailer.php"))
            .env("REQUEST_METHOD", "POST")
            .env("CONTENT_LENGTH", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let _asked = Running(asked.unwrap());
        until(&at("pid"));
        let pid: u32 = fs::read_to_string(at("pid")).unwrap().parse().unwrap();
        let now = crate::clock::monotonic();
        assert_eq!(script(Path::new("/proc"), pid, now), Some(at("mailer.php")));
        assert_eq!(script(Path::new("/proc"), pid, now - 60_000_000), None);
        assert_eq!(script(Path::new("/proc"), std::process::id(), now), None);
    }
}
