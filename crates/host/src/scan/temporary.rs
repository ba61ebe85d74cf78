//! `/tmp`, `/var/tmp`, `/dev/shm`: hidden folders, programs and scripts in them. One finding for each entry at the top,
//! with the first of what lies in it, so that a build's folder is one line and not a thousand.

use super::Host;
use super::command::hidden_part;
use super::finding::{Finding, Grade, Rule, shown};
use super::out::Out;
use super::tree::{Bounds, Entry, Kind, reason};
use heloscope_evidence::webroot::{self, Reader};
use heloscope_model::SourceId;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
const BOUNDS: Bounds = Bounds { depth: 12, entries: 100_000 };
/// Bytes of one file that are read.
const HEAD: usize = 256 << 10;

const HIDDEN: Rule = Rule {
    id: "hidden-in-temporary-folder",
    why: "Anybody may write there, and a name that begins with a dot keeps it out of sight: where mailers and miners are put.",
    todo: "Keep a copy, see who owns it and what runs from it, then remove it and what brought it.",
    against: "Some programs keep their locks and sockets in folders of such names.",
};
const PROGRAM: Rule = Rule {
    id: "program-in-temporary-folder",
    why: "Anybody may write there, so that is where an attacker without rights puts what he runs.",
    todo: "See who owns it, when it came and whether it runs; keep a copy, then remove it.",
    against: "Builds, tests and installers leave programs there.",
};
const MAILER: Rule = Rule {
    id: "mailer-in-temporary-folder",
    why: "A script that sends mail has no reason to lie among temporary files.",
    todo: "Keep a copy, see who owns it and what starts it, then remove it.",
    against: "Somebody may be trying out a script of his own.",
};
const SETUID: Rule = Rule {
    id: "setuid-in-temporary-folder",
    why: "Whoever runs it has its owner's rights: a door left open.",
    todo: "Keep a copy, see when it came, then remove it.",
    against: "",
};

/// What was seen below one entry at the top.
#[derive(Default)]
struct Seen {
    worst: Option<(Grade, f32, &'static Rule, String, PathBuf)>,
    programs: usize,
    files: usize,
    hidden: Option<PathBuf>,
}

/// Looks at each folder.
pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let reader = Reader::new();
    for folder in FOLDERS {
        let folder = Path::new(folder);
        let mut tops: BTreeMap<PathBuf, Seen> = BTreeMap::new();
        let mut entries = Vec::new();
        let mut unseen = Vec::new();
        host.tree.walk(
            folder,
            BOUNDS,
            host.options.stop,
            &mut |e: &Entry| entries.push(e.clone()),
            &mut |path, why| unseen.push((shown(path), why.to_owned())),
        );
        for (path, why) in unseen {
            out.cannot(path, why);
        }
        let files: Vec<PathBuf> =
            entries.iter().filter(|e| e.kind == Kind::File).map(|e| e.path.clone()).collect();
        super::clamd::look(host, &files, out);
        for entry in entries {
            let Some(top) =
                entry.path.strip_prefix(folder).ok().and_then(|p| p.components().next())
            else {
                continue;
            };
            let seen = tops.entry(folder.join(top)).or_default();
            one(host, &reader, &entry, seen, out);
        }
        for (top, seen) in tops {
            tell(&top, seen, out);
        }
    }
}

/// Names that the system's own programs hide.
fn is_usual(path: &Path) -> bool {
    let top = path.components().find_map(|c| {
        let name = c.as_os_str().to_str()?;
        name.starts_with('.').then_some(name)
    });
    let Some(name) = top else { return true };
    const WHOLE: [&str; 7] =
        [".X11-unix", ".ICE-unix", ".XIM-unix", ".font-unix", ".Test-unix", ".tor", ".uuid"];
    const FRONT: [&str; 14] = [
        ".org.chromium.",
        ".com.google.",
        ".s.PGSQL.",
        ".s.MYSQL",
        ".X",
        ".wine-",
        ".mount_",
        ".nfs0",
        ".esd-",
        ".dotnet",
        ".NET",
        ".vbox-",
        ".pulse",
        ".systemd",
    ];
    let lock = name
        .strip_prefix(".X")
        .and_then(|r| r.strip_suffix("-lock"))
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    WHOLE.contains(&name) || lock || FRONT.iter().any(|f| *f != ".X" && name.starts_with(f))
}

fn one(host: &Host<'_>, reader: &Reader, entry: &Entry, seen: &mut Seen, out: &mut Out) {
    let text = entry.path.to_string_lossy().into_owned();
    let hidden = hidden_part(&text).is_some() && !is_usual(&entry.path);
    if hidden && seen.hidden.is_none() {
        seen.hidden = Some(entry.path.clone());
    }
    if entry.kind != Kind::File {
        return;
    }
    seen.files += 1;
    let (file, meta) = match host.tree.file(&entry.path, true) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return out.cannot(shown(&entry.path), reason(&error)),
    };
    let Ok(bytes) = super::tree::read_up_to(file, &meta, HEAD) else { return };
    let can_run = meta.mode() & 0o111 != 0;
    let elf =
        bytes.starts_with(b"\x7fELF") && bytes.get(16).is_some_and(|kind| matches!(kind, 2 | 3));
    let program = can_run && (elf || bytes.starts_with(b"#!"));
    let who = format!("{} of {}", shown(&entry.path), host.users.name(meta.uid()));
    let mut say = |grade, sure, rule, what| {
        if seen.worst.as_ref().is_none_or(|(g, s, ..)| (grade, sure) > (*g, *s)) {
            seen.worst = Some((grade, sure, rule, what, entry.path.clone()));
        }
    };
    if program {
        seen.programs += 1;
        let service = host.users.is_service(meta.uid());
        let memory = text.starts_with("/dev/shm/");
        let what = if elf { "a program" } else { "a script that may be run" };
        if meta.mode() & 0o4000 != 0 {
            say(
                Grade::Bad,
                0.95,
                &SETUID,
                format!("{who} is {what} that runs with its owner's rights"),
            );
        } else if hidden {
            say(Grade::Bad, 0.9, &HIDDEN, format!("{who} is {what} in a hidden place"));
        } else if service || memory {
            say(Grade::Bad, 0.75, &PROGRAM, format!("{who} is {what}"));
        } else {
            // A library is no program that is run, and most builds leave some.
            let library = text.contains(".so");
            let grade = if library { Grade::Note } else { Grade::Suspect };
            say(grade, 0.4, &PROGRAM, format!("{who} is {what}"));
        }
    }
    let file = webroot::File { path: &text, bytes: &bytes, modified: None, source: SourceId(0) };
    let Some(read) = reader.read(&file) else { return };
    // Where it lies is said already; here counts what it says.
    let placed = ["mailer-in-tmp", "code-in-tmp", "hidden-folder", "hidden-file", "code-in-cache"];
    let left = read
        .findings
        .iter()
        .filter(|f| !placed.contains(&f.rule.as_str()))
        .fold(1.0, |left, f| left * (1.0 - f.weight.clamp(0.0, 1.0)));
    let because = read.findings.first().map(|f| f.because.clone()).unwrap_or_default();
    if 1.0 - left >= 0.6 {
        say(Grade::Bad, 0.9, if hidden { &HIDDEN } else { &MAILER }, format!("{who}: {because}"));
    } else if read.can_mail && hidden {
        say(
            Grade::Bad,
            0.9,
            &HIDDEN,
            format!("{who} is a script that sends mail, in a hidden place"),
        );
    } else if read.can_mail {
        say(
            Grade::Suspect,
            0.5,
            &MAILER,
            format!("{who} is a script that sends mail or opens connections"),
        );
    } else if hidden {
        say(Grade::Suspect, 0.5, &HIDDEN, format!("{who} is a script in a hidden place"));
    }
}

fn tell(top: &Path, seen: Seen, out: &mut Out) {
    if let Some((grade, sure, rule, what, path)) = seen.worst {
        let more = if seen.programs > 1 {
            format!("; {} programs in all below {}", seen.programs, shown(top))
        } else {
            String::new()
        };
        out.list("temporary", shown(&path), rule.id);
        out.add(rule.found(grade, sure, format!("{what}{more}")).at(path));
    } else if let Some(hidden) = seen.hidden {
        let name = hidden.file_name().unwrap_or_default().as_bytes();
        // "..." and blanks are chosen to deceive, whatever is inside.
        let deceives = name.iter().all(|b| matches!(b, b'.' | b' ')) || name.ends_with(b" ");
        let (grade, sure) = if deceives { (Grade::Suspect, 0.6) } else { (Grade::Note, 0.2) };
        let what =
            format!("{} is hidden; {} files, none of them a program", shown(&hidden), seen.files);
        let finding: Finding = HIDDEN.found(grade, sure, what).at(&hidden);
        out.list("temporary", shown(&hidden), HIDDEN.id);
        out.add(finding);
    }
}
