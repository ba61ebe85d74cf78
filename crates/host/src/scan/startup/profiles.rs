//! Files that shells and the system's start read: rc.local, init scripts, profile, users' `.bashrc` and the like, ssh's
//! `rc`. Each line is judged as a command.

use super::{MOST, is_packaged, started};
use crate::scan::Host;
use crate::scan::finding::{Grade, Rule, shown, visible};
use crate::scan::out::Out;
use std::path::PathBuf;

const PROFILE: Rule = Rule {
    id: "start-file",
    why: "What stands there runs at every start or login, so it brings back what was removed.",
    todo: "See who wrote the line; take it out, keep a copy of what it runs.",
    against: "The administrator may have written it himself.",
};

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let mut files: Vec<PathBuf> = [
        "/etc/rc.local",
        "/etc/rc.d/rc.local",
        "/etc/profile",
        "/etc/bash.bashrc",
        "/etc/bashrc",
        "/etc/environment",
        "/etc/zsh/zshrc",
        "/etc/zsh/zshenv",
        "/etc/ssh/sshrc",
        "/etc/inittab",
    ]
    .map(PathBuf::from)
    .into();
    for folder in [
        "/etc/profile.d",
        "/etc/init.d",
        "/etc/update-motd.d",
        "/etc/network/if-up.d",
        "/etc/local.d",
    ] {
        files.extend(host.tree.files(folder, ""));
    }
    for user in host.users.all() {
        for name in [
            ".bashrc",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".profile",
            ".zshrc",
            ".zprofile",
            ".zshenv",
            ".ssh/rc",
            ".config/fish/config.fish",
            ".xprofile",
            ".ssh/environment",
        ] {
            files.push(user.home.join(name));
        }
    }
    files.sort();
    files.dedup();
    for path in files {
        let Ok(bytes) = host.tree.read(&path, MOST) else { continue };
        if is_packaged(host, &path, &bytes) {
            continue;
        }
        let init = path.starts_with("/etc/init.d");
        if !host.packages.owns(&path) {
            out.list("start", shown(&path), "");
        }
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let line = line.trim();
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let preload = line.contains("LD_PRELOAD=") && !line.contains("LD_PRELOAD=$") && !init;
            let finding = if preload {
                let library =
                    line.split("LD_PRELOAD=").nth(1).unwrap_or_default().trim_matches(['"', '\'']);
                let library = library.split([' ', ':', ';', '"', '\'']).next().unwrap_or_default();
                let owned = host.packages.owns(std::path::Path::new(library));
                let (grade, sure) = if owned { (Grade::Note, 0.2) } else { (Grade::Suspect, 0.6) };
                Some(PROFILE.found(
                    grade,
                    sure,
                    format!("it pushes a library into every program: {}", visible(line)),
                ))
            } else {
                started(host, &PROFILE, line, "a file that is read at start or login")
            };
            if let Some(finding) = finding {
                out.add(finding.at(&path).line(index + 1));
                break;
            }
        }
    }
}
