//! No content of a file makes the program panic: cut and damaged cases, the corpus.

use super::*;
use crate::transforms::case::Case;

/// A number that looks random and is always the same.
fn scrambled(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Runs damaged copies of a case: the n-th damages every file at its n-th place.
fn survives(name: &str, rounds: u64, damage: fn(&mut Vec<u8>, u64)) {
    let whole = Case::named(name);
    let folder = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        let mut case = whole.clone();
        case.name = format!("{name}-{round}");
        for (index, (path, bytes)) in case.files.iter_mut().enumerate() {
            // Every fourth round leaves the question whole, so that the rest is asked.
            let question = ["notice.txt", "site.toml"].contains(&path.as_str());
            if !(question && round % 4 == 0) {
                damage(bytes, round << 32 | index as u64);
            }
        }
        case.write(folder.path());
        let path = folder.path().join(&case.name);
        let output = heloscope(["investigate".as_ref(), "--json".as_ref(), path.as_os_str()]);
        let told = stderr(&output);
        assert!(!told.contains("panicked"), "{name}, round {round}: {told}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}, {round}: {told}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["format"], "heloscope.investigation/1");
    }
}

fn cut(bytes: &mut Vec<u8>, seed: u64) {
    let round = seed >> 32;
    // Twenty places spread over the file, each moved a little.
    let part = bytes.len() as u64 / 20;
    let at = part * (round % 20) + scrambled(seed) % part.max(1);
    bytes.truncate(at as usize);
}

fn flip(bytes: &mut [u8], seed: u64) {
    let len = bytes.len() as u64;
    for n in 0..len.min(1 + len / 700) {
        let at = (scrambled(seed ^ n << 48) % len) as usize;
        bytes[at] ^= (scrambled(seed.wrapping_add(n << 40)) % 255 + 1) as u8;
    }
}

macro_rules! survivors {
    ($($name:ident: $case:literal;)*) => {$(
        mod $name {
            #[test]
            fn cut_short() {
                super::survives($case, 20, super::cut);
            }

            #[test]
            fn damaged() {
                super::survives($case, 20, |bytes, seed| super::flip(bytes, seed));
            }
        }
    )*};
}

// Between them they hold every kind of file that the cases have.
survivors! {
    guest_wifi: "guest-wifi";
    mailer_4079: "mailer-4079";
    nodemailer_direct: "nodemailer-direct";
    seed_php_script: "seed-php-script";
    stolen_default_alarm: "stolen-default-alarm";
    stolen_test_account: "stolen-test-account";
    twin_guest_laptop: "twin-guest-laptop";
}

/// The files of a folder of the corpus beside the repository, archives unpacked into a folder
/// that is removed with them; none where it is not there.
fn corpus(part: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
    let unpacked = tempfile::tempdir().unwrap();
    let mut folder = root().canonicalize().unwrap();
    let found = loop {
        let corpus = folder.join("shared/corpus").join(part);
        if corpus.is_dir() {
            break corpus;
        }
        if !folder.pop() {
            eprintln!("skipped: no corpus");
            return (unpacked, Vec::new());
        }
    };
    let mut files = Vec::new();
    let mut folders = vec![found, unpacked.path().to_owned()];
    while let Some(folder) = folders.first().cloned() {
        folders.remove(0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What is unpacked comes last.
                folders.insert(0, path);
            } else if path.to_str().unwrap().ends_with(".tar.xz") {
                let mut tar = Command::new("tar");
                let tar = tar.arg("-xf").arg(&path).arg("-C").arg(unpacked.path()).status();
                if !tar.is_ok_and(|status| status.success()) {
                    eprintln!("skipped: {} cannot be unpacked", path.display());
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    (unpacked, files)
}

/// CONTRACT.md's keys in their order; those in brackets are additive and may be missing.
const KEYS: [&str; 20] = [
    "format",
    "start",
    "end",
    "client",
    "client_port",
    "[inside]",
    "[inside_port]",
    "server",
    "server_port",
    "[proxy]",
    "helo_verb",
    "helo",
    "mail_from",
    "rcpt_to",
    "messages",
    "bytes",
    "starttls",
    "replies",
    "end_state",
    "detections",
];

#[test]
fn sessions_of_the_corpus_have_the_contract_s_keys() {
    let ((_captures, captures), (_logs, logs)) = (corpus("pcap"), corpus("logs"));
    let files = [captures, logs].concat();
    let mut lines = 0;
    for batch in files.chunks(40) {
        let output = heloscope(
            ["sessions".as_ref(), "--json".as_ref()]
                .into_iter()
                .chain(batch.iter().map(|path| path.as_os_str())),
        );
        let told = stderr(&output);
        assert!(!told.contains("panicked"), "{told}");
        assert!(matches!(output.status.code(), Some(0 | 65)), "{told}");
        for line in stdout(&output).lines() {
            let session: serde_json::Value = serde_json::from_str(line).unwrap();
            let keys = session.as_object().unwrap().keys().map(String::as_str);
            let keys: Vec<&str> = keys.filter(|key| *key != "lossy").collect();
            let want: Vec<&str> = KEYS
                .iter()
                .filter_map(|key| match key.strip_prefix('[') {
                    Some(key) => {
                        let key = key.trim_end_matches(']');
                        keys.contains(&key).then_some(key)
                    }
                    None => Some(*key),
                })
                .collect();
            assert_eq!(keys, want, "{line}");
            let ends = ["quit", "close", "reset", "timeout", "truncated"];
            assert!(ends.contains(&session["end_state"].as_str().unwrap()), "{line}");
            for detection in session["detections"].as_array().unwrap() {
                let keys: Vec<_> = detection.as_object().unwrap().keys().collect();
                assert_eq!(keys, ["detector", "version", "class", "family", "evidence"], "{line}");
            }
            lines += 1;
        }
    }
    assert!(files.is_empty() || lines > 30, "{lines}");
}

#[test]
fn numbers_of_the_corpus_s_logs() {
    let (_unpacked, files) = corpus("logs");
    let mut counted = 0;
    for batch in files.chunks(40) {
        let output = heloscope(
            ["summary".as_ref(), "--json".as_ref()]
                .into_iter()
                .chain(batch.iter().map(|path| path.as_os_str())),
        );
        let told = stderr(&output);
        assert!(!told.contains("panicked"), "{told}");
        if output.status.code() == Some(65) {
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{told}");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["format"], "heloscope.summary/1");
        assert!(summary["messages"]["delivered"].is_u64());
        counted += 1;
    }
    assert!(files.is_empty() || counted > 0);
}
