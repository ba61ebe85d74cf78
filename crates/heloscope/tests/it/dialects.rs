//! The shipped dialects against `recordings/senders`, which they were not learnt from, and `heloscope detect
//! learn`: no well configured sender speaks a bot's dialect, and bots that have one are named by it.

use crate::{heloscope, root, stderr, stdout};
use heloscope_detect::dialect::Kind;
use heloscope_detect::{Dialect, Dialects};
use heloscope_evidence::Sink;
use heloscope_model::Session;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

struct Taken(Vec<Session>);

impl Sink for Taken {
    fn session(&mut self, session: Session) {
        self.0.push(session);
    }
}

fn sessions(capture: PathBuf) -> Vec<Session> {
    let mut taken = Taken(Vec::new());
    heloscope_evidence::open(&[capture]).stream(&mut taken, &mut |_, _| {});
    taken.0
}

#[test]
fn no_well_configured_sender_speaks_a_bots_dialect() {
    let folder = root().join("recordings/senders");
    let table: toml::Table =
        toml::from_str(&std::fs::read_to_string(folder.join("kinds.toml")).unwrap()).unwrap();
    let shipped = Dialects::shipped();
    let (mut honest, mut named, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for kind in table["kind"].as_array().unwrap() {
        let text = |key: &str| kind[key].as_str().unwrap();
        for session in sessions(folder.join(text("capture"))) {
            let postfix = kind["beside_postfix"].as_bool().unwrap()
                && session.helo().is_some_and(|(_, helo)| helo.text().0 == text("ptr"));
            let is_bot = text("configured") == "bot" && !postfix;
            let dialect = Dialect::of(&session);
            let spoken: Vec<_> = shipped.spoken_in(&dialect).collect();
            let of_bots = spoken.iter().filter(|known| known.kind == Kind::Bot);
            let honest_too = spoken.iter().any(|known| known.kind != Kind::Bot);
            honest += usize::from(!is_bot);
            for known in of_bots {
                if !is_bot {
                    wrong.push(format!("{} speaks {}: {dialect}", text("kind"), known.name));
                } else if !honest_too {
                    named.insert(known.name.clone());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(honest > 200, "{honest}");
    let bots = shipped.iter().filter(|known| known.kind == Kind::Bot);
    let silent: Vec<_> = bots.map(|known| &known.name).filter(|n| !named.contains(*n)).collect();
    assert!(
        silent.is_empty(),
        "of these bots nothing is said though they have a dialect: {silent:?}"
    );
}

/// Captures in folders by speaker: what is learnt reads back, what cannot accuse is refused with its reason.
#[test]
fn learn_writes_a_file_a_dialect_and_says_what_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = root().join("recordings/senders");
    for (kind, name) in
        [("bot", "ylmf-pc"), ("bot", "mua-direct"), ("library", "curl"), ("mta", "dma")]
    {
        let into = folder.path().join(kind).join(name);
        std::fs::create_dir_all(&into).unwrap();
        let capture = format!("{name}.pcap.xz");
        std::fs::copy(recordings.join(&capture), into.join(&capture)).unwrap();
    }
    let out = folder.path().join("learnt");
    let learnt = learn(&[folder.path(), Path::new("--output"), &out]);
    assert_eq!(learnt.status.code(), Some(1), "{}", stderr(&learnt));
    let said = stderr(&learnt);
    assert!(said.contains("mua-direct is not learnt: nothing in how it sends is odd"), "{said}");
    assert!(said.contains("dma is not learnt: 4 sessions are too few"), "{said}");
    let text = std::fs::read_to_string(out.join("ylmf-pc.dialect")).unwrap();
    Dialects::default().add("ylmf-pc.dialect", &text).unwrap();
    assert!(text.contains("path = EHLO AUTH"), "{text}");
    // Without --output they are printed.
    let printed = learn(&[folder.path()]);
    assert!(stdout(&printed).contains("[ylmf-pc]"), "{}", stdout(&printed));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(learn(&[empty.path()]).status.code(), Some(65));
}

#[test]
fn ways_of_speaking_that_nobody_has_named_are_shown() {
    // The Postfix beside each bot speaks as no shipped dialect does.
    let captures = ["helo-rotation-beside-postfix", "ylmf-pc", "ylmf-pc-beside-postfix"]
        .map(|name| root().join(format!("recordings/senders/{name}.pcap.xz")));
    let args = ["--unknown", "--fewest", "2"].map(PathBuf::from).into_iter().chain(captures);
    let shown = learn(&args.collect::<Vec<_>>());
    assert_eq!(shown.status.code(), Some(1), "{}", stderr(&shown));
    let text = stdout(&shown);
    assert!(text.contains("params = SIZE"), "{text}");
    assert!(!text.contains("path = EHLO AUTH"), "that one has a name: {text}");
}

fn learn<P: AsRef<Path>>(args: &[P]) -> std::process::Output {
    let words = ["detect", "learn"].map(std::ffi::OsStr::new);
    heloscope(words.into_iter().chain(args.iter().map(|arg| arg.as_ref().as_os_str())))
}
