//! Rule sets of others: every one of the shared corpus is recognised and read, without a rule that
//! is lost. They are not part of the repository; where they are not beside it, nothing is tested.

use heloscope_evidence::firewall::{Answer, Family, Origin, Question, ask, findings, read};
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

/// What people paste: several commands in one file, each above its output.
#[test]
fn a_collected_file_holds_several_dumps() {
    let table = |chains: &[&str]| {
        let head =
            " pkts bytes target     prot opt in     out     source               destination\n";
        let chain = |c: &&str| format!("Chain {c} (policy ACCEPT 0 packets, 0 bytes)\n{head}\n");
        chains.iter().map(chain).collect::<String>()
    };
    let filter = table(&["INPUT", "FORWARD", "OUTPUT"]);
    let lock = "    3   180 REJECT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:25 reject-with icmp-port-unreachable\n";
    let text = format!(
        "# iptables -L -v -n\n{filter}{lock}\n# ip6tables -L -v -n\n{filter}\n# iptables -t nat -L -v -n\n{}\n# ps auxww\nUSER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 1 0.0 0.1 1 1 ? Ss 14:00 0:01 /sbin/init\n",
        table(&["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collected.txt");
    std::fs::write(&file, text).unwrap();
    let evidence = open(&[file]);
    let firewalls = &evidence.facts.firewalls;
    let families: Vec<Vec<Family>> = firewalls.iter().map(|f| f.families()).collect();
    assert_eq!(families, [[Family::V4], [Family::V6], [Family::V4]]);
    let input = evidence.inputs.iter().find(|i| i.kind == Kind::Firewall).unwrap();
    assert_eq!(input.records, 1 + 3 + 3 + 4);
    let question = |family| Question { origin: Origin::Anyone, family, port: 25 };
    let Answer::Denied(places) = ask(firewalls, &question(Family::V4)) else { panic!() };
    // The place is the line in the file.
    let quote = evidence.quote(places[0]).unwrap();
    assert!(quote.text.contains("REJECT") && quote.locator == "line 11", "{quote:?}");
    // One table of three is no word that it is open.
    assert!(matches!(ask(firewalls, &question(Family::V6)), Answer::Unknown(..)));
}
