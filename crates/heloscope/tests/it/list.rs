//! `heloscope list` beside a list that runs, and on one that does not: DNS and pages follow, the files stay
//! what was recorded, and nobody else gets in.

use crate::serve::List;
use crate::{heloscope, stderr, stdout};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const BOT: &str = "198.51.100.7";
const OTHER: &str = "198.51.100.9";

/// Runs a command on the list of a state folder.
fn list(state: &Path, words: &[&str]) -> Output {
    let place = ["--lab", "--state", state.to_str().unwrap()];
    heloscope(["list"].iter().chain(words).chain(&place))
}

/// What it printed, having ended as it should.
fn told(state: &Path, words: &[&str], status: i32) -> String {
    let output = list(state, words);
    let (said, complaint) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(status), "{words:?}: {said}{complaint}");
    said + &complaint
}

fn json(state: &Path, words: &[&str], status: i32) -> serde_json::Value {
    let words: Vec<&str> = words.iter().chain(&["--json"]).copied().collect();
    serde_json::from_str(&told(state, &words, status)).unwrap()
}

#[test]
fn dns_and_page_follow_what_the_operator_orders() {
    let state = tempfile::tempdir().unwrap();
    let (state, serve) = (state.path(), List::start(state.path()));

    // By hand: listed at once, and the page says by whom and why.
    let said = told(state, &["add", OTHER, "--reason", "Phishing, by its letters."], 0);
    assert!(said.starts_with("198.51.100.9 is listed until 20"), "{said}");
    assert_eq!(serve.code(OTHER), Some(4));
    let (_, page) = serve.http("GET", "/lookup/198.51.100.9");
    assert!(page.contains("Listed by the operator of this list: Phishing"), "{page}");
    assert!(!page.contains("was seen sending mail the way spam programs do"), "{page}");
    let shown = json(state, &["show", OTHER], 1);
    assert_eq!(shown["listing"]["by_hand"], true);
    assert_eq!(shown["history"][0]["event"], "listed");

    // Seen by the trap: with the evidence.
    serve.bot(BOT);
    serve.wait_until_listed(BOT);
    let shown = told(state, &["show", BOT], 1);
    for word in ["bots, 127.0.0.4", "(A): ", "port 40001, HELO ylmf-pc", "history"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let all = told(state, &["show"], 0);
    assert_eq!(all.lines().count(), 2, "{all}");
    assert_eq!(json(state, &["show"], 0)["listings"][0]["prefix"], "198.51.100.7/32");
    assert_eq!(told(state, &["show", "198.51.100.8/30"], 1).lines().count(), 1);
    assert_eq!(told(state, &["show", "203.0.113.0/24"], 0), "");

    // A recall takes what rested on the detector, says how much that was, and leaves what others saw.
    let said = told(state, &["recall", "helo-ylmf-pc", "--reason", "It took a printer."], 0);
    assert!(said.ends_with("is recalled: 0 listings fell\n"), "{said}");
    assert_eq!(serve.code(BOT), Some(4), "it also spoke before the greeting");
    assert!(!told(state, &["show"], 0).contains("helo-ylmf-pc"));
    let said = json(state, &["recall", "pregreet", "--reason", "It took a slow link."], 0);
    assert_eq!(said["recalled"][0]["listings"], 1, "{said}");
    assert_eq!((serve.code(BOT), serve.code(OTHER)), (None, Some(4)));
    let history = told(state, &["show", BOT], 0);
    assert!(history.contains("recalled  It took a slow link. Last detected 20"), "{history}");
    assert_eq!(json(state, &["status"], 0)["recalls"][1]["listings"], 1);
    let said = told(state, &["recall", "no-such"], 64);
    assert!(said.contains("helo-ylmf-pc@"), "it names what there is: {said}");
    told(state, &["recall", "pregreet@999"], 64);

    assert_eq!(told(state, &["remove", OTHER], 0), "198.51.100.9 is removed\n");
    assert_eq!(serve.code(OTHER), None);
    assert!(told(state, &["remove", OTHER], 0).contains("not listed"));

    // What is exempted goes, and does not come back until it may.
    told(state, &["add", OTHER, "--reason", "Again."], 0);
    let exempt = ["exempt", "198.51.100.0/24", "--reason", "ours", "--until", "2099-01-01"];
    assert!(told(state, &exempt, 0).contains("1 listing taken out"));
    assert_eq!(serve.code(OTHER), None);
    let refused = told(state, &["add", OTHER, "--reason", "Again."], 64);
    assert!(refused.contains("exempted"), "{refused}");
    assert!(told(state, &["show", OTHER], 0).contains("under 198.51.100.0/24: ours"));
    assert!(
        told(state, &["status"], 0)
            .contains("exempted  198.51.100.0/24 until 2099-01-01T00:00:00Z")
    );
    told(state, &["unexempt", "198.51.100.0/24"], 0);
    told(state, &["unexempt", "198.51.100.0/24"], 64);
    told(state, &["add", OTHER, "--reason", "Again."], 0);
    assert!(
        told(state, &["withdraw", "198.51.100.0/24", "--reason", "We erred."], 0)
            .contains("1 listing")
    );
    assert_eq!(serve.code(OTHER), None);

    told(state, &["pause", "pregreet"], 0);
    assert_eq!(json(state, &["status"], 0)["paused"][0]["detector"], "pregreet");
    told(state, &["resume", "pregreet"], 0);
    told(state, &["resume", "pregreet"], 64);
    told(state, &["pause", "no-such"], 64);
    serve.stop();
}

#[test]
fn the_same_words_work_while_nothing_runs() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let said = told(state, &["show"], 65);
    assert!(said.contains("heloscope serve --state"), "it says what to do: {said}");
    assert_eq!(std::fs::read_dir(state).unwrap().count(), 0, "nothing was begun");

    let serve = List::start(state);
    serve.bot(BOT);
    serve.wait_until_listed(BOT);
    serve.stop();
    assert!(told(state, &["show", BOT], 1).contains("helo-ylmf-pc"));
    told(state, &["add", OTHER, "--reason", "By hand.", "--until", "2000-01-01"], 64);
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    told(state, &["remove", BOT], 0);
    // Under the policy of the Internet these addresses are examples, and nobody's.
    let strict =
        heloscope(["list", "add", OTHER, "--reason", "x", "--state", state.to_str().unwrap()]);
    assert_eq!(strict.status.code(), Some(64), "{}", stderr(&strict));

    let serve = List::start(state);
    assert_eq!((serve.code(BOT), serve.code(OTHER)), (None, Some(4)));
    serve.stop();
}

#[test]
fn what_was_recorded_can_be_checked_also_after_an_erasure() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let serve = List::start(state);
    serve.bot(BOT);
    serve.wait_until_listed(BOT);
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    assert!(told(state, &["replay"], 0).contains("no snapshot yet"));
    assert_eq!(told(state, &["erase", BOT], 0), "198.51.100.7 is forgotten, 1 listing taken out\n");
    assert_eq!(serve.code(BOT), None);
    assert_eq!(told(state, &["show", BOT], 0), "198.51.100.7 is not listed\n");
    let remembered = || std::fs::read_to_string(state.join("histories.jsonl")).unwrap();
    assert!(!remembered().contains(BOT), "nor is it remembered between sessions");
    for running in [true, false] {
        let verified = json(state, &["verify"], 0);
        assert_eq!(
            (&verified["good"], &verified["erased"]),
            (&true.into(), &2.into()),
            "{running}"
        );
        let replayed = json(state, &["replay"], 0);
        assert_eq!((&replayed["differ"], &replayed["listed"]), (&0.into(), &1.into()), "{running}");
        assert!(replayed["snapshot"].as_u64().unwrap() > 0);
        if running {
            serve.code(OTHER).unwrap();
        }
    }
    serve.bot("198.51.100.8");
    serve.wait_until_listed("198.51.100.8");
    serve.stop();
    assert!(remembered().contains("198.51.100.8") && !remembered().contains(BOT));
    told(state, &["erase", "198.51.100.8/31"], 0);
    assert_eq!(remembered(), "");
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    told(state, &["verify"], 0);

    // Another policy lists otherwise, and the replay says what.
    let strict = heloscope(["list", "replay", "--state", state.to_str().unwrap()]);
    assert_eq!(strict.status.code(), Some(1), "{}", stderr(&strict));
    assert!(stdout(&strict).contains("198.51.100.9: stands as bots"), "{}", stdout(&strict));

    // One byte that is not what was written, and the place is named.
    let texts = state.join("ledger/texts-0000000000000001");
    let mut bytes = std::fs::read(&texts).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&texts, &bytes).unwrap();
    let verified = json(state, &["verify"], 1);
    assert!(verified["faults"][0].as_str().unwrap().contains("event "), "{verified}");
    assert!(told(state, &["verify"], 1).contains("NOT what was recorded"));
    bytes[last] ^= 1;
    std::fs::write(&texts, &bytes).unwrap();
    told(state, &["verify"], 0);
    let mut journals: Vec<_> = std::fs::read_dir(state.join("ledger")).unwrap().flatten().collect();
    journals.retain(|entry| entry.path().extension().is_some_and(|e| e == "journal"));
    let journal = journals[0].path();
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&journal, &bytes).unwrap();
    let said = told(state, &["verify"], 1);
    assert!(said.contains(&format!("{} is damaged at byte", journal.display())), "{said}");
}

#[test]
fn the_list_is_given_out_as_lines_as_zones_and_as_a_chain() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let serve = List::start(state);
    serve.bot(BOT);
    serve.wait_until_listed(BOT);
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    assert_eq!(told(state, &["export"], 0), "198.51.100.7 127.0.0.4\n198.51.100.9 127.0.0.4\n");

    let zones = state.join("zones");
    let words = ["export", "--rbldnsd", zones.to_str().unwrap(), "--zone", "bl.test"];
    let said = told(state, &words, 0);
    assert!(said.contains("bl.test:ip4set:bots.ip4"), "{said}");
    let bots = std::fs::read_to_string(zones.join("bots.ip4")).unwrap();
    let line = |address: &str| bots.lines().find(|l| l.starts_with(address)).unwrap().to_owned();
    assert!(line(BOT).contains("was seen sending like a bot"), "{bots}");
    assert!(line(OTHER).contains("was listed by the operator"), "{bots}");

    // Anybody can follow the chain, and hold what is told against it.
    let chain = told(state, &["export", "--json"], 0);
    let hash = |parts: &[&[u8]]| {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().to_vec()
    };
    let (mut head, mut public) = (vec![0; 32], Vec::new());
    for line in chain.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        head = hash(&[&head, &bytes(&event["body"])]);
        assert_eq!(head, bytes(&event["hash"]), "{event}");
        if let Some(told) = event.get("public") {
            let text = hash(&[&bytes(&told["salt"]), &bytes(&told["text"])]);
            assert_eq!(text, bytes(&event["commitments"][0]), "{event}");
            public.push(told["address"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(public, [BOT]);
    assert!(!chain.contains(OTHER), "what the operator ordered is his own");
    let verified = json(state, &["verify"], 0);
    assert_eq!(bytes(&verified["head"]), head);
    serve.stop();
}

fn bytes(hex: &serde_json::Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_socket_is_its_owners_alone() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let serve = List::start(state);
    let socket = std::fs::metadata(state.join("control")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    if socket.uid() != 0 {
        println!("the rest is skipped: needs root");
        return serve.stop();
    }
    // Another user, who may walk through the folder.
    let binary = state.join("heloscope");
    std::fs::copy(env!("CARGO_BIN_EXE_heloscope"), &binary).unwrap();
    for path in [state, &binary] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
        command.arg("list").args(words).args(["--lab", "--state"]).arg(state).output().unwrap()
    };
    for words in [&["show"][..], &["remove", BOT], &["add", OTHER, "--reason", "x"]] {
        let denied = nobody(words);
        assert_eq!(denied.status.code(), Some(77), "{words:?}: {}", stderr(&denied));
    }
    assert_eq!(serve.code(OTHER), None);
    serve.stop();
    let denied = nobody(&["show"]);
    assert_eq!(denied.status.code(), Some(77), "{}", stderr(&denied));
    assert!(stderr(&denied).contains("run this as him"), "{}", stderr(&denied));
}

#[test]
#[allow(clippy::disallowed_methods)] // a bound on waiting
fn garbage_and_silence_at_the_socket_harm_nobody() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let serve = List::start(state);
    let connect = || {
        let stream = UnixStream::connect(state.join("control")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let deep = "[".repeat(100_000) + "\n";
    let cases: [(&[u8], &str); 6] = [
        (b"\n", "not a request"),
        (b"\xff\xfe\x00\n", "not a request"),
        (b"{\"Remove\":\"not an address\"}\n", "not a request"),
        (
            b"{\"Add\":{\"prefix\":\"0.0.0.0/0\",\"why\":\"x\",\"seen\":null,\"until\":null}}\n",
            "single addresses",
        ),
        (b"{\"Detected\":[{}]}\n", "not a request"),
        (deep.as_bytes(), "not a request"),
    ];
    for (said, want) in cases {
        let mut stream = connect();
        stream.write_all(said).unwrap();
        let mut heard = String::new();
        BufReader::new(&stream).read_line(&mut heard).unwrap();
        assert!(heard.contains("Refused") && heard.contains(want), "{heard}");
    }
    // A line without an end is refused as soon as it is too long.
    let mut stream = connect();
    let mut written = 0;
    while written < 8 << 20 {
        match stream.write(&[b'x'; 65536]) {
            Ok(n) => written += n,
            Err(_) => break,
        }
    }
    assert!(written < 8 << 20, "it is not read on for ever");
    let mut heard = Vec::new();
    drop(stream.read_to_end(&mut heard));
    // Who comes and goes, and who stays and says nothing.
    (0..100).for_each(|_| drop(connect()));
    let silent: Vec<UnixStream> = (0..20).map(|_| connect()).collect();
    let begun = Instant::now();
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    assert!(begun.elapsed() < Duration::from_secs(40), "the silent are shown out");
    assert_eq!(serve.code(OTHER), Some(4));
    drop(silent);
    serve.stop();
}

#[test]
fn a_list_that_was_killed_leaves_a_socket_that_hinders_nobody() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let serve = List::start(state);
    told(state, &["add", OTHER, "--reason", "By hand."], 0);
    drop(serve); // with SIGKILL
    assert!(state.join("control").exists());
    assert!(told(state, &["show", OTHER], 1).contains("By hand."));
    let serve = List::start(state);
    // Nor does a second one, which is refused.
    let mut second = Command::new(env!("CARGO_BIN_EXE_heloscope"));
    second.args(["serve", "--trap", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--web", "127.0.0.1:0"]);
    assert!(!second.arg("--state").arg(state).output().unwrap().status.success());
    assert_eq!(serve.code(OTHER), Some(4));
    told(state, &["remove", OTHER], 0);
    assert_eq!(serve.code(OTHER), None);
    serve.stop();
}
