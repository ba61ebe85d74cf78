//! `recordings/senders`: sessions of real mail programs and of bots, judged. Nothing of class A or B may speak of
//! a well configured sender, nor of the Postfix that shares a bot's address; what should speak of the
//! others does, as far as the detector exists.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// These ask name servers or an address's past, which a capture alone does not show: the recordings are
/// judged with both in crates/detect/tests/it/recordings.rs.
const NEED_MORE: [&str; 5] = [
    "helo-random-dynamic",
    "helo-random-in-ptr-domain",
    "helo-big-name-wrong-ptr",
    "helo-rotation",
    "no-or-dynamic-ptr",
];

/// The sessions of a capture, as `heloscope sessions` prints them.
fn sessions(capture: &Path) -> Vec<Value> {
    let out = Command::new(env!("CARGO_BIN_EXE_heloscope"))
        .arg("sessions")
        .arg(capture)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}: {out:?}", capture.display());
    let lines = String::from_utf8(out.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn real_mailers_are_spared_and_bots_are_seen() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings/senders");
    let table: toml::Table =
        toml::from_str(&std::fs::read_to_string(folder.join("kinds.toml")).unwrap()).unwrap();
    let (mut spared, mut seen, mut wrong) = (0, 0, Vec::new());
    for kind in table["kind"].as_array().unwrap() {
        let text = |key: &str| kind[key].as_str().unwrap();
        let mut spoke = BTreeSet::new();
        for session in sessions(&folder.join(text("capture"))) {
            let innocent = text("configured") == "well"
                || kind["beside_postfix"].as_bool().unwrap() && session["helo"] == text("ptr");
            spared += usize::from(innocent);
            seen += usize::from(!innocent);
            for detection in session["detections"].as_array().unwrap() {
                if innocent && matches!(detection["class"].as_str(), Some("A" | "B")) {
                    wrong.push(format!("{} is accused: {detection}", text("kind")));
                }
                if !innocent {
                    spoke.insert(detection["detector"].as_str().unwrap().to_owned());
                }
            }
        }
        for expected in kind["detectors"].as_array().unwrap() {
            let expected = expected.as_str().unwrap();
            if NEED_MORE.contains(&expected) {
                assert!(!spoke.contains(expected), "{expected} spoke without being able to know");
                continue;
            }
            if heloscope_detect::catalogue::find(expected).is_some() && !spoke.contains(expected) {
                wrong.push(format!("{}: {expected} does not speak", text("kind")));
            }
        }
    }
    assert!(spared > 200 && seen > 200, "{spared} innocent sessions, {seen} others");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The receiver's capture alone, and a list's notice: who sends what behind the address cannot be known, and
/// the answer says neither who it is nor who it is not.
#[test]
fn without_a_log_nothing_of_the_host_is_ruled_out() {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings/senders");
    let folder = tempfile::tempdir().unwrap();
    let capture = "loopback-direct-beside-postfix.pcap.xz";
    std::fs::copy(recordings.join(capture), folder.path().join(capture)).unwrap();
    let first = sessions(&folder.path().join(capture)).swap_remove(0);
    let (address, start) = (first["client"].as_str().unwrap(), first["start"].as_str().unwrap());
    let notice = format!(
        "IP address {address} is listed in the CBL. It was last detected at {} GMT (+/- 15 minutes).",
        start[..16].replace('T', " ")
    );
    std::fs::write(folder.path().join("notice.txt"), notice).unwrap();
    let answer = crate::investigate(&[folder.path()]);
    assert_eq!(answer["verdict"], "insufficient-evidence");
    assert!(answer["sessions"]["unexplained"].as_u64().unwrap() > 4, "{}", answer["sessions"]);
    let ruled_out = answer["ruled_out"].as_array().unwrap();
    for row in ruled_out {
        let because = row["because"].as_str().unwrap();
        assert!(!because.contains("the mail log"), "no mail log was given: {row}");
    }
}
