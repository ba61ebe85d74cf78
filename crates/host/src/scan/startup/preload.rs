//! `/etc/ld.so.preload` and odd folders of the loader: libraries that are loaded into every program, as user-space root
//! kits are; and modules of PAM that no package brought.

use super::MOST;
use crate::scan::Host;
use crate::scan::command::{hidden_part, is_temporary};
use crate::scan::finding::{Grade, Rule, shown, visible};
use crate::scan::out::Out;
use crate::scan::packages::Owner;
use crate::scan::tree::reason;
use std::path::Path;

const PRELOAD: Rule = Rule {
    id: "ld-so-preload",
    why: "The library is loaded into every program, and can hide files, processes and connections from all of them.",
    todo: "Look at the disk from another system: what is shown here may be false. Keep the library; then remove the line.",
    against: "A few monitoring and security products load theirs so.",
};
const PAM: Rule = Rule {
    id: "foreign-pam-module",
    why: "A module of PAM sees every password and may let anybody in.",
    todo: "See where it came from; find which file in /etc/pam.d names it.",
    against: "Modules that were built here are no package's.",
};

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let path = Path::new("/etc/ld.so.preload");
    match host.tree.read(path, MOST) {
        Ok(bytes) => {
            for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                let line = line.split('#').next().unwrap_or_default();
                for library in line.split([' ', '\t', ':']).filter(|l| !l.is_empty()) {
                    out.list("start", format!("ld.so.preload {}", visible(library)), "");
                    let odd = hidden_part(library).is_some() || is_temporary(library);
                    let (grade, sure) = match host.packages.owner(Path::new(library)) {
                        _ if odd => (Grade::Bad, 0.95),
                        Owner::Package(_) => (Grade::Note, 0.2),
                        Owner::Nobody => (Grade::Bad, 0.8),
                        Owner::Unknown => (Grade::Suspect, 0.6),
                    };
                    let what = format!("{} is loaded into every program", visible(library));
                    out.add(PRELOAD.found(grade, sure, what).at(path).line(index + 1));
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => out.cannot(shown(path), reason(&error)),
    }
    pam(host, out);
}

fn pam(host: &Host<'_>, out: &mut Out) {
    let mut folders = vec![
        "/lib/security".to_owned(),
        "/lib64/security".to_owned(),
        "/usr/lib64/security".to_owned(),
    ];
    for entry in host.tree.folder("/usr/lib").unwrap_or_default() {
        let name = entry.path.to_string_lossy().into_owned();
        if name.ends_with("-linux-gnu") || name.ends_with("-linux-gnueabihf") {
            folders.push(format!("{name}/security"));
        }
    }
    for folder in folders {
        for module in host.tree.files(&folder, ".so") {
            if host.packages.owner(&module) == Owner::Nobody {
                let what = format!("{} belongs to no package", shown(&module));
                out.add(PAM.found(Grade::Suspect, 0.6, what).at(&module));
            }
        }
    }
}
