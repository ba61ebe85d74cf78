//! `tests/cases/DETECTOR.txt`: sessions, and everything that is detected in them.
//!
//! Cases are parted by lines `=== title`; in each a session (see `session.rs`), a line `---`, and
//! a line `id class: evidence` for each detection. Every document must hold a session that its
//! detector sees and a twin that it does not. `UPDATE_CASES=1` writes the expectations anew: read
//! the difference before you keep it.

use crate::session;
use heloscope_detect::CATALOGUE;
use std::fmt::Write;
use std::path::Path;

#[test]
fn every_detector_sees_its_case_and_spares_its_twin() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut wrong = String::new();
    for detector in CATALOGUE {
        let file = folder.join(format!("{}.txt", detector.id));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut parts = text.split("=== ");
        let mut renewed = parts.next().unwrap().to_owned();
        let (mut seen, mut spared) = (0, 0);
        for case in parts {
            let (title, body) = case.split_once('\n').unwrap();
            let (input, expected) = body.split_once("---\n").unwrap_or((body, ""));
            let detections = session::judge(input);
            let mut found = String::new();
            for d in &detections {
                writeln!(found, "{} {}: {}", d.detector, d.class, d.owner).unwrap();
            }
            let own = detections.iter().any(|d| d.detector == detector.id);
            *(if own { &mut seen } else { &mut spared }) += 1;
            if found.trim() != expected.trim() {
                writeln!(wrong, "{}: {title}\n{found}", detector.id).unwrap();
            }
            write!(renewed, "=== {title}\n{input}---\n{found}\n").unwrap();
        }
        if seen == 0 || spared == 0 {
            writeln!(wrong, "{}: {seen} cases seen, {spared} twins spared", detector.id).unwrap();
        }
        #[allow(clippy::disallowed_methods)] // a switch for the person who edits the documents
        if std::env::var("UPDATE_CASES").is_ok() {
            std::fs::write(&file, renewed).unwrap();
        }
    }
    let documents = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(documents, CATALOGUE.len(), "a document without its detector, or the reverse");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn ids_are_unique_and_classes_known() {
    for (at, detector) in CATALOGUE.iter().enumerate() {
        assert!(CATALOGUE.iter().skip(at + 1).all(|other| other.id != detector.id));
        assert!(matches!(detector.class, 'A' | 'B' | 'C' | 'X') && detector.version > 0);
        assert!(std::ptr::eq(heloscope_detect::catalogue::find(detector.id).unwrap(), *detector));
    }
}
