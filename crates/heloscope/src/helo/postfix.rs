//! Postfix's own name: its smtp client is run from a private folder, with the settings that make its name, and delivers
//! one mail to the sink. The service that runs here, its queue and its settings are not touched.
//!
//! Needs root: `master` wants it. Without root the name is the one that its settings say.

use super::Said;
use super::senders::{installed, run};
use super::sink::Sink;
use anyhow::{Context, Result};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What makes the name, and who runs it; everything else is as it comes.
const KEPT: [&str; 9] = [
    "compatibility_level",
    "myhostname",
    "mydomain",
    "smtp_helo_name",
    "mail_owner",
    "setgid_group",
    "daemon_directory",
    "command_directory",
    "mail_version",
];

/// The least that a mail needs on its way out.
const SERVICES: &str = "pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
";

/// Makes it speak; none where it is not installed.
pub(crate) fn ask(public: Option<IpAddr>) -> Result<Option<Said>> {
    const NAME: &str = "Postfix";
    let (Some(postconf), Some(postfix), Some(sendmail)) =
        (installed("postconf"), installed("postfix"), installed("sendmail"))
    else {
        return Ok(None);
    };
    let settings = |name: &str| {
        let said = Command::new(&postconf).args(["-x", "-h", name]).output().ok()?;
        let value = String::from_utf8(said.stdout).ok()?.trim().to_owned();
        (said.status.success() && !value.is_empty()).then_some(value)
    };
    let Some(name) = settings("smtp_helo_name") else {
        return Ok(Some(Said::silent(
            NAME,
            "its settings cannot be read (postconf smtp_helo_name)",
        )));
    };
    if !nix::unistd::geteuid().is_root() {
        let mut said = Said::silent(NAME, "by its settings; as root it is made to say it");
        said.helo.push(name);
        return Ok(Some(said));
    }
    let sink = Sink::open()?;
    let folder = tempfile::Builder::new()
        .prefix("heloscope-")
        .tempdir()
        .context("making a private folder")?;
    let place = folder.path();
    fs::set_permissions(place, PermissionsExt::from_mode(0o755))?;
    for part in ["etc", "spool", "data"] {
        fs::create_dir(place.join(part))?;
    }
    let owner = settings("mail_owner").unwrap_or_else(|| "postfix".to_owned());
    if let Ok(Some(user)) = nix::unistd::User::from_name(&owner) {
        nix::unistd::chown(&place.join("data"), Some(user.uid), None)?;
    }
    let mut main = String::new();
    for name in KEPT {
        if let Some(value) = settings(name) {
            main.push_str(&format!("{name} = {value}\n"));
        }
    }
    let at = |part: &str| place.join(part).display().to_string();
    main.push_str(&format!(
        "queue_directory = {}\ndata_directory = {}\nrelayhost = [127.0.0.1]:{}\nsmtp_tls_security_level = none\n\
         inet_interfaces = loopback-only\nmydestination =\nalias_maps =\nsyslog_name = heloscope-helo\n\
         maillog_file = {}\nmaillog_file_prefixes = {}\n",
        at("spool"), at("data"), sink.port(), at("mail.log"), place.display()
    ));
    fs::write(place.join("etc/main.cf"), main)?;
    let logger = "postlog unix-dgram n - n - 1 postlogd\n";
    fs::write(place.join("etc/master.cf"), format!("{SERVICES}{logger}"))?;
    let etc = at("etc");
    if let Some(why) = run(postfix.as_os_str(), ["-c", &etc, "start"], b"")? {
        return Ok(Some(Said::silent(
            NAME,
            format!("a second one for the question did not start: {why}"),
        )));
    }
    let sent = run(
        sendmail.as_os_str(),
        ["-C", &etc, "-f", "probe@example.invalid", "-i", "probe@example.invalid"],
        b"Subject: HELO\n\nto a sink\n",
    );
    let heard = sink.heard(Duration::from_secs(10));
    // It goes whatever was heard.
    let ended = run(postfix.as_os_str(), ["-c", &etc, "stop"], b"")?;
    if let Some(why) = ended {
        eprintln!("heloscope: the second Postfix of {etc} could not be stopped: {why}");
    }
    let why = sent?
        .unwrap_or_else(|| format!("it did not speak: {}", last_line(&place.join("mail.log"))));
    Ok(Some(if heard.is_empty() {
        Said::silent(NAME, why)
    } else {
        Said::of(NAME, &heard, public)
    }))
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("its log is empty").to_owned()
}
