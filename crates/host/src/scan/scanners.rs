//! Reports of other scanners that lie on the disk: rkhunter, chkrootkit, AIDE, Tripwire (as text), clamscan, maldet. What
//! they found is told with their name; how old a report is, too. Nothing is run.

use super::Host;
use super::finding::{Finding, Grade, Rule, shown, visible};
use super::out::Out;
use heloscope_evidence::{ScanFinding, ScanKind, scanners};
use heloscope_model::{SourceId, Time};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

const SAID: Rule = Rule {
    id: "other-scanner",
    why: "Another scanner has spoken of it.",
    todo: "Read its report; look at the file.",
    against: "Most warnings of root-kit hunters and of checks for changes are false or old.",
};

/// What a report says, each with its finding.
pub(super) fn findings(text: &[u8], scanner: &str, when: &str) -> Vec<(ScanFinding, Finding)> {
    let finding = |said: ScanFinding| {
        let (grade, sure) = match said.kind {
            ScanKind::Malware => (Grade::Bad, 0.8),
            ScanKind::Changed | ScanKind::Warning => (Grade::Note, 0.2),
        };
        let of = said.path.as_deref().map(|p| format!(" of {}", visible(p))).unwrap_or_default();
        let what = format!("{} said{of}{when}: {}", said.scanner, visible(&said.what));
        (said, SAID.found(grade, sure, what))
    };
    scanners::read(text, SourceId(0), 0, Some(scanner)).into_iter().take(200).map(finding).collect()
}

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let mut reports: Vec<(PathBuf, &str)> = [
        ("/var/log/rkhunter.log", "rkhunter"),
        ("/var/log/rkhunter/rkhunter.log", "rkhunter"),
        ("/var/log/chkrootkit/log.today", "chkrootkit"),
        ("/var/log/chkrootkit/log.today.raw", "chkrootkit"),
        ("/var/log/aide/aide.log", "aide"),
        ("/var/log/clamav/clamscan.log", "clamscan"),
        ("/var/log/clamav/scan.log", "clamscan"),
    ]
    .map(|(path, scanner)| (PathBuf::from(path), scanner))
    .into();
    reports.extend(
        host.tree.files("/usr/local/maldetect/sess", "").into_iter().map(|p| (p, "maldet")),
    );
    for (path, scanner) in reports {
        let Ok(meta) = host.tree.meta(&path) else { continue };
        let Ok(text) = host.tree.read(&path, 16 << 20) else {
            out.cannot(shown(&path), "no permission: run as root");
            continue;
        };
        let days = host.options.now.since(Time::from_secs(meta.mtime())) / 86_400.0;
        let when = format!(", {} days ago", days.max(0.0) as u64);
        for (said, mut finding) in findings(&text, scanner, &when) {
            finding.path = Some(path.clone());
            if said.path.as_deref().is_some_and(|p| !host.tree.exists(p)) {
                finding.grade = Grade::Note;
                finding = finding.but("the file is gone");
            }
            out.add(finding);
        }
    }
    let reports = host.tree.files("/var/lib/tripwire/report", ".twr");
    if !reports.is_empty() {
        out.cannot(
            "Tripwire's reports",
            "they are no text: `twprint -m r -r FILE` prints one, hand that over",
        );
    }
}
