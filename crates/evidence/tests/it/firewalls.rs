//! Rule sets of others: every one of the shared corpus is recognised and read, without a rule that
//! is lost. They are not part of the repository; where they are not beside it, nothing is tested.

use heloscope_evidence::firewall::{Family, Origin, Question, ask, findings, read};
use heloscope_evidence::{Kind, open};
use heloscope_model::SourceId;
use std::path::PathBuf;

/// The corpus beside the checkout.
fn corpus() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().skip(2).map(|p| p.join("shared/corpus/fw")).find(|p| p.is_dir());
    if found.is_none() {
        println!("skipped: the shared corpus is not beside the checkout");
    }
    found
}

#[test]
fn every_rule_set_is_read() {
    let Some(corpus) = corpus() else { return };
    let mut files = vec![corpus.join("emailgw_rules.v4")];
    files.extend(
        std::fs::read_dir(corpus.join("nftables-json")).unwrap().map(|f| f.unwrap().path()),
    );
    let mut partly = 0;
    for file in files {
        let evidence = open(std::slice::from_ref(&file));
        let input = &evidence.inputs[0];
        assert_eq!(input.kind, Kind::Firewall, "{}", file.display());
        // What stands in it, counted without our readers.
        let text = std::fs::read_to_string(&file).unwrap();
        let rules = match file.extension().is_some_and(|e| e == "json") {
            true => {
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                let all = json["nftables"].as_array().unwrap();
                // A rule set may be given as commands to add.
                all.iter()
                    .filter(|o| o.get("rule").is_some() && o["rule"]["family"] != "arp")
                    .count()
            }
            false => text.lines().filter(|l| l.starts_with("-A ")).count(),
        };
        let read: usize = evidence.facts.firewalls.iter().map(|f| f.rules()).sum();
        assert_eq!(read, rules, "{}: {:?}", file.display(), input.note);
        if let Some(note) = &input.note {
            println!("{}: {note}", file.display());
            assert!(note.starts_with("not wholly understood"), "{note}");
            partly += 1;
        }
        for family in [Family::V4, Family::V6] {
            let question = Question { origin: Origin::Anyone, family, port: 25 };
            ask(&evidence.facts.firewalls, &question);
        }
        findings(&evidence.facts.firewalls, 25);
    }
    assert!(partly <= 9, "{partly} files are understood in part only");
}

#[test]
fn every_text_of_the_archive_is_read() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = std::process::Command::new("tar")
        .arg("-xJf")
        .arg(corpus.join("nft-dumps.tar.xz"))
        .arg("-C")
        .arg(folder.path())
        .status();
    if !unpacked.is_ok_and(|s| s.success()) {
        println!("skipped: tar cannot unpack it");
        return;
    }
    let (mut texts, mut chains, mut partly) = (0, 0, 0);
    for file in walkdir::WalkDir::new(folder.path()) {
        let file = file.unwrap();
        if !file.file_type().is_file() {
            continue;
        }
        let text = std::fs::read(file.path()).unwrap();
        let sets = read(&text, SourceId(0), 0, Some("nft list ruleset"));
        assert_eq!(sets.len(), 1, "{}", file.path().display());
        for note in sets[0].notes() {
            println!("{}: {note}", file.path().display());
            assert!(note.starts_with("not wholly understood"), "{note}");
            partly += 1;
        }
        texts += 1;
        // Rules end their lines; nothing of one is taken for two, none is lost.
        let text = String::from_utf8_lossy(&text);
        chains += text.lines().filter(|l| l.trim_start().starts_with("chain ")).count();
        for origin in [Origin::Anyone, Origin::Forwarded(None)] {
            ask(&sets, &Question { origin, family: Family::V4, port: 25 });
        }
        findings(&sets, 25);
    }
    assert!(partly * 10 < texts, "{partly} of {texts} texts are understood in part only");
    assert!(texts > 100 && chains > 100, "{texts} texts, {chains} chains");
}
