//! Jobs that `at` keeps: the shell's script after the environment that it was called in.

use super::{MOST, started};
use crate::scan::Host;
use crate::scan::finding::{Rule, shown};
use crate::scan::out::Out;

const JOB: Rule = Rule {
    id: "at-job",
    why: "A job of at is run once, and most that malware leaves write the next one.",
    todo: "See who wrote it (atq, at -c NUMBER); remove it (atrm NUMBER).",
    against: "Somebody here may have written it.",
};

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    for folder in ["/var/spool/cron/atjobs", "/var/spool/at"] {
        if host.tree.folder(folder).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
        {
            out.cannot(format!("at jobs in {folder}"), "no permission: run as root");
        }
        for path in host.tree.files(folder, "") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Queue letter, number, minutes: `a00001019c8e40`; the rest are marks and locks.
            if name.len() < 14 || !name.bytes().skip(1).all(|b| b.is_ascii_hexdigit()) {
                continue;
            }
            let Ok(bytes) = host.tree.read(&path, MOST) else { continue };
            out.list("at", shown(&path), "");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // What stands before is the environment, one assignment a line.
            let worst =
                text.lines().enumerate().filter(|(_, l)| !l.contains("; export ")).find_map(
                    |(index, line)| Some(started(host, &JOB, line, "a job of at")?.line(index + 1)),
                );
            out.list("at", shown(&path), "");
            if let Some(finding) = worst {
                out.add(finding.at(&path));
            }
        }
    }
}
