//! Node applications with real nodemailer on a host.
//!
//! The package is installed once beside the lab (npm, from the registry); hosts get a copy, they have no way out.

use crate::host::Host;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Puts an application's files and nodemailer below `folder` and starts `node SCRIPT` as `user`.
pub fn application(
    host: &Host,
    folder: &str,
    script: &str,
    source: &str,
    user: &str,
) -> Result<()> {
    let package = nodemailer()?;
    host.write(&format!("{folder}/{script}"), source, 0o644)?;
    host.write(&format!("{folder}/package.json"), format!("{{\n  \"private\": true,\n  \"main\": \"{script}\",\n  \"dependencies\": {{ \"nodemailer\": \"10.6.0\" }}\n}}\n"), 0o644)?;
    copy(&package, &host.inside(&format!("{folder}/node_modules/nodemailer")))?;
    host.sh(&format!("id {user} >/dev/null 2>&1 || useradd -r -M -d {folder} -s /usr/sbin/nologin {user}; mkdir -p /var/log/apps; chown {user} /var/log/apps"))?;
    host.daemon(&[
        "setpriv",
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        "--clear-groups",
        "bash",
        "-c",
        &format!("cd {folder} && exec node {folder}/{script} >> /var/log/apps/{user}.log 2>&1"),
    ])?;
    // A case without its application would be a recording of nothing.
    host.sh(&format!(
        "sleep 1; pgrep -u {user} node || {{ cat /var/log/apps/{user}.log >&2; exit 1; }}"
    ))
    .with_context(|| format!("{folder}/{script} did not stay up"))?;
    Ok(())
}

/// The installed package. Several recordings may want it at once: each installs into a folder of
/// its own, and the first to finish puts its whole into place.
fn nodemailer() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = here.join("node_modules");
    let package = modules.join("nodemailer");
    if !package.exists() {
        let fresh = tempfile::Builder::new().prefix("node-").tempdir_in(here)?;
        fs::copy(here.join("package.json"), fresh.path().join("package.json"))?;
        let status = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent"])
            .current_dir(fresh.path())
            .stdout(Stdio::null())
            .status()
            .context("npm is needed to install nodemailer")?;
        ensure!(status.success(), "npm could not install nodemailer");
        let placed = fs::rename(fresh.path().join("node_modules"), &modules);
        ensure!(placed.is_ok() || package.exists(), "cannot place {}", modules.display());
    }
    Ok(package)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
