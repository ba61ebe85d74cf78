//! A mail server that systemd starts anew gets a new control group of the same name, which rules loaded before do not
//! mean. While a guard by control group stands, its unit therefore says `heloscope guard renew` before it starts: a drop-in below
//! `/run`, gone with the next boot as the rules are, and with the guard.

use super::policy::{Cgroup, Policy};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where units of this boot stand.
pub const SYSTEM: &str = "/run/systemd/system";
const NAME: &str = "heloscope-guard.conf";

/// Writes the drop-ins of a policy, and removes those of another.
pub fn place(system: &Path, policy: &Policy, exe: &Path, folder: &Path) {
    if !system.is_dir() {
        return;
    }
    let exe = fs::canonicalize(exe).unwrap_or_else(|_| exe.to_owned());
    let Some(text) = text(&exe, folder) else { return };
    let mut changed = clear(system);
    for unit in units(policy) {
        let drop_ins = system.join(format!("{unit}.d"));
        // What cannot be written is seen by `status`: the control group is another after a restart.
        let made =
            fs::create_dir_all(&drop_ins).and_then(|()| fs::write(drop_ins.join(NAME), &text));
        changed |= made.is_ok();
    }
    if changed {
        reload();
    }
}

/// Removes every drop-in of ours.
pub fn remove(system: &Path) {
    if clear(system) {
        reload();
    }
}

/// Units whose control groups are asked for.
fn units(policy: &Policy) -> BTreeSet<&str> {
    policy.senders.iter().filter_map(|s| s.cgroup.as_ref()).map(Cgroup::unit).collect()
}

/// The drop-in; none where a path cannot stand in it.
fn text(exe: &Path, folder: &Path) -> Option<String> {
    let plain = |path: &Path| -> Option<String> {
        let text = path.to_str()?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "/-_.+".contains(c);
        (text.starts_with('/') && text.chars().all(fits)).then(|| text.to_owned())
    };
    // With root's rights whoever the unit runs as, and the unit starts whatever comes of it.
    Some(format!(
        "# Written by `heloscope guard apply`, removed by `heloscope guard revert`.\n[Service]\nExecStartPre=+-{} guard renew --state {}\n",
        plain(exe)?,
        plain(folder)?
    ))
}

fn clear(system: &Path) -> bool {
    let entries = fs::read_dir(system).into_iter().flatten().flatten();
    let folders = entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "d"));
    let found: Vec<PathBuf> = folders.map(|f| f.join(NAME)).filter(|f| f.is_file()).collect();
    for file in &found {
        let _ = fs::remove_file(file);
        // Only if nothing else is in it.
        let _ = file.parent().map(fs::remove_dir);
    }
    !found.is_empty()
}

fn reload() {
    let _ = Command::new("systemctl")
        .arg("daemon-reload")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;

    #[test]
    fn the_drop_in_comes_and_goes_alone() {
        let root = tempfile::tempdir().unwrap();
        let system = root.path();
        let others = system.join("postfix.service.d/other.conf");
        fs::create_dir_all(others.parent().unwrap()).unwrap();
        fs::write(&others, "").unwrap();
        place(system, &postfix(), Path::new("/usr/bin/env"), Path::new("/run/heloscope"));
        let file = system.join("postfix.service.d").join(NAME);
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("\nExecStartPre=+-/usr/")
                && text.ends_with(" guard renew --state /run/heloscope\n"),
            "{text}"
        );
        remove(system);
        assert!(!file.exists() && others.exists());
    }

    #[test]
    fn a_path_that_means_more_to_systemd_is_not_written() {
        assert_eq!(text(Path::new("/a b"), Path::new("/run")), None);
        assert_eq!(text(Path::new("/a"), Path::new("/run/%h\nExecStart=/x")), None);
    }
}
