//! `heloscope feed`: captures of `recordings/senders` and the log of a real Postfix
//! (tests/feed/record.py recorded it) become what the list is told; own mail, users and what was fed
//! before do not.

use crate::{heloscope, root, stderr, stdout};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;

fn recording(name: &str) -> PathBuf {
    root().join("recordings/senders").join(name)
}

fn log() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feed/mail.log")
}

fn feed(args: &[&str], files: &[PathBuf]) -> Output {
    let files = files.iter().map(|f| f.to_str().unwrap());
    heloscope(["feed", "--sensor", "mx1"].into_iter().chain(args.iter().copied()).chain(files))
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The detectors that spoke of each address.
fn told(output: &Output) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines(output) {
        assert_eq!(line["format"], "heloscope.feed/1");
        assert_eq!(line["sensor"], "mx1");
        let of = told.entry(line["address"].as_str().unwrap().to_owned()).or_default();
        for detection in line["detections"].as_array().unwrap() {
            of.insert(detection["detector"].as_str().unwrap().to_owned());
        }
    }
    told
}

#[test]
fn of_a_capture_only_sessions_to_the_named_server_count() {
    let files = [recording("loopback-direct.pcap.xz")];
    let ours = feed(&["--json", "--receiver", "192.0.2.10"], &files);
    assert_eq!(ours.status.code(), Some(1), "{}", stderr(&ours));
    let told = told(&ours);
    assert_eq!(told.len(), 1, "one address: {told:?}");
    assert!(told.values().next().unwrap().contains("helo-loopback-private"), "{told:?}");
    // By the name it greets with, the same.
    let named = feed(&["--json", "--receiver", "mx.inbox.example"], &files);
    assert_eq!(stdout(&named), stdout(&ours));
    // The same capture, taken by the sender's gateway: nothing of it came in here.
    let address = told.keys().next().unwrap();
    let gateway = feed(&["--json", "--receiver", address], &files);
    assert_eq!((gateway.status.code(), stdout(&gateway)), (Some(0), String::new()));
    assert!(stderr(&gateway).contains("sent by the server itself"), "{}", stderr(&gateway));
}

#[test]
fn a_capture_without_a_receiver_is_refused_with_the_servers_in_it() {
    let output = feed(&["--json"], &[recording("postfix.pcap.xz")]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(64), String::new()));
    let said = stderr(&output);
    assert!(said.contains("--receiver") && said.contains("192.0.2.10"), "{said}");
}

#[test]
fn a_well_configured_sender_gives_nothing_of_class_a_or_b() {
    let output = feed(&["--json", "--receiver", "192.0.2.10"], &[recording("postfix.pcap.xz")]);
    for line in lines(&output) {
        for detection in line["detections"].as_array().unwrap() {
            assert!(!matches!(detection["class"].as_str(), Some("A" | "B")), "{detection}");
        }
    }
}

#[test]
fn a_log_tells_of_strangers_at_smtpd_and_postscreen_and_of_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let traps = folder.path().join("traps");
    std::fs::write(&traps, "spamtrap@inbox.example never-used\nelsewhere.example never-used\n")
        .unwrap();
    let output = feed(&["--json", "--zone", "UTC", "--traps", traps.to_str().unwrap()], &[log()]);
    let told = told(&output);
    let says = |address: &str, detector: &str| {
        let of = told.get(address).unwrap_or_else(|| panic!("{address} is not told of: {told:?}"));
        assert!(of.contains(detector), "{address}: {detector} is not among {of:?}");
    };
    says("203.0.113.7", "helo-loopback-private");
    says("203.0.113.8", "helo-ylmf-pc");
    says("203.0.113.8", "pregreet");
    says("203.0.113.9", "proxy-command");
    says("203.0.113.11", "unadvertised-pipelining");
    says("203.0.113.12", "bare-lf");
    says("203.0.113.12", "helo-localhost");
    // Mail servers, and a user whose mail was sent on to another site's trap.
    for innocent in ["198.51.100.10", "198.51.100.11", "127.0.0.9", "127.0.0.1"] {
        assert!(!told.contains_key(innocent), "{innocent}: {told:?}");
    }
    // A trap that smtpd took mail for; the one of another site is not what came in here.
    let hits: Vec<(Value, Value)> = lines(&output)
        .into_iter()
        .flat_map(|line| {
            let traps = line["traps"].as_array().unwrap().clone();
            traps.into_iter().map(move |t| (line["address"].clone(), t["recipient"].clone()))
        })
        .collect();
    assert_eq!(hits, [("203.0.113.7".into(), "spamtrap@inbox.example".into())]);
    // Whoever writes fields of the log into his HELO speaks of nobody's trap.
    assert!(!told.get("203.0.113.13").is_some_and(|of| of.contains("helo-loopback-private")));
}

/// What a log cannot show is no evidence: nothing of how commands were written, nothing of an end that is not told.
#[test]
fn what_a_log_cannot_show_stays_unknown() {
    let output = feed(&["--json", "--zone", "UTC"], &[log()]);
    for line in lines(&output) {
        for detection in line["detections"].as_array().unwrap() {
            let id = detection["detector"].as_str().unwrap();
            assert!(
                !matches!(
                    id,
                    "abort-without-quit" | "deaf" | "dialect-known-bot" | "headers-as-commands"
                ),
                "{line}"
            );
        }
    }
}

#[test]
fn what_was_fed_is_not_counted_again_also_when_the_log_was_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    begin(&state);
    let state = state.to_str().unwrap();
    let rest = ["--json", "--lab", "--zone", "UTC", "--state", state];
    let dated = folder.path().join("mail.log");
    std::fs::write(&dated, today(&std::fs::read_to_string(log()).unwrap())).unwrap();
    let first = feed(&rest, std::slice::from_ref(&dated));
    assert_eq!(first.status.code(), Some(1), "{}", stderr(&first));
    let count = lines(&first).len();
    assert!(count >= 5, "{count}");
    // Rotated and packed since, and with more behind it.
    let packed = folder.path().join("mail.log.1.gz");
    let mut to =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), Default::default());
    std::io::copy(&mut std::fs::File::open(&dated).unwrap(), &mut to).unwrap();
    to.finish().unwrap();
    let again = feed(&rest, &[packed, dated]);
    assert_eq!(
        (again.status.code(), stdout(&again)),
        (Some(0), String::new()),
        "{}",
        stderr(&again)
    );
    let said = stderr(&again);
    assert!(said.contains("8 fed before") && said.contains("8 in two of the files"), "{said}");
    // The list knows it once.
    let shown = heloscope(["list", "show", "203.0.113.8", "--json", "--lab", "--state", state]);
    let shown: Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert!(shown.to_string().contains("helo-ylmf-pc"), "{shown}");
}

#[test]
fn bad_words_are_refused() {
    let output = feed(&[], &[log()]);
    assert_eq!(output.status.code(), Some(64), "neither --json nor --state");
    let output = heloscope(["feed", "--sensor", "../x", "--json", log().to_str().unwrap()]);
    assert_ne!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("--sensor"), "{}", stderr(&output));
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing.txt");
    std::fs::write(&nothing, "no log and no capture\n").unwrap();
    assert_eq!(feed(&["--json"], &[nothing]).status.code(), Some(65));
}

/// The recorded lines, as if written an hour ago: what is older than the policy's window is too old to count.
#[allow(clippy::disallowed_methods)] // the recording's time does not stay within the window
fn today(text: &str) -> String {
    let stamp = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let day = stamp.strftime("%Y-%m-%dT%H").to_string();
    text.lines()
        .map(|line| format!("{day}:{}Z{}\n", line.get(10..15).unwrap(), line.get(15..).unwrap()))
        .collect()
}

/// A list that was begun and has ended.
fn begin(state: &Path) {
    use std::io::{BufRead, BufReader};
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_heloscope"))
        .args([
            "serve",
            "--lab",
            "--trap",
            "127.0.0.1:0",
            "--dns",
            "127.0.0.1:0",
            "--web",
            "127.0.0.1:0",
        ])
        .arg("--state")
        .arg(state)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = BufReader::new(serve.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ready web") {
        line.clear();
        assert!(ready.read_line(&mut line).unwrap() > 0, "it did not start");
    }
    let pid = serve.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    // The signal may come before it is heeded: what matters here is that the list was begun.
    serve.wait().unwrap();
}
