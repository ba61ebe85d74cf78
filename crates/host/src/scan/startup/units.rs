//! systemd's units and timers that the administrator's folders hold (and users' own), and what each runs. Units that a
//! package brought lie elsewhere or are as they came.

use super::{MOST, is_packaged, started};
use crate::scan::Host;
use crate::scan::finding::{Rule, shown, visible};
use crate::scan::out::Out;
use std::path::PathBuf;

const UNIT: Rule = Rule {
    id: "unit",
    why: "What systemd starts comes back after every reboot and after every process that was ended.",
    todo: "See who wrote the unit and when; disable it (systemctl disable --now), keep a copy of what it runs.",
    against: "The administrator may have written it himself.",
};

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let mut folders: Vec<PathBuf> = [
        "/etc/systemd/system",
        "/run/systemd/system",
        "/run/systemd/transient",
        "/usr/local/lib/systemd/system",
        "/etc/systemd/user",
        "/lib/systemd/system",
        "/usr/lib/systemd/system",
    ]
    .map(PathBuf::from)
    .into();
    folders.extend(host.users.all().iter().map(|u| u.home.join(".config/systemd/user")));
    folders.sort();
    folders.dedup();
    let mut files = Vec::new();
    for folder in folders {
        for entry in host.tree.folder(&folder).unwrap_or_default() {
            let name = entry.path.to_string_lossy().into_owned();
            if name.ends_with(".service") || name.ends_with(".timer") {
                files.push(entry.path);
            } else if name.ends_with(".service.d") {
                files.extend(host.tree.files(&name, ".conf"));
            }
        }
    }
    for path in files {
        let Ok(bytes) = host.tree.read(&path, MOST) else { continue };
        let packaged = is_packaged(host, &path, &bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let timer = path.extension().is_some_and(|e| e == "timer");
        if !packaged && (timer || !host.packages.owns(&path)) {
            out.list("units", shown(&path), "");
        }
        if packaged {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let command = value.trim().trim_start_matches(['-', '@', '+', '!', ':']);
            if !key.trim().starts_with("Exec") && key.trim() != "Environment" || command.is_empty()
            {
                continue;
            }
            let who = format!("{} of a unit", visible(key.trim()));
            let finding = started(host, &UNIT, command, &who);
            let preload = key.trim() == "Environment" && command.contains("LD_PRELOAD=");
            if let Some(finding) = finding.filter(|_| key.trim() != "Environment" || preload) {
                out.add(finding.at(&path).line(index + 1));
            }
        }
    }
}
