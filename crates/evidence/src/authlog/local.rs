//! What programs of the host itself write: PAM's sessions and refusals, `su`, `sudo`, cron,
//! systemd-logind.

use super::{Event, Said, address, field};
use crate::facts::AuthWhat;

/// A PAM line of any program. Outer none: no PAM line; inner none: one that tells nothing new.
pub(super) fn pam(program: &str, message: &str) -> Option<Option<(&'static str, Said)>> {
    // "pam_unix(sshd:session): ...", of old "(pam_unix) ...", "vsftpd(pam_unix)[1]: ...".
    let (named, rest) = match message.strip_prefix("pam_") {
        Some(rest) => {
            let (front, rest) = rest.split_once("): ")?;
            (front.split_once('(')?.1.split(':').next().unwrap_or_default(), rest)
        }
        None => match message.strip_prefix("(pam_unix) ") {
            Some(rest) => (program, rest),
            None if program.ends_with("(pam_unix)") || failure(message) => (program, message),
            None => return None,
        },
    };
    Some(pam_said(named, rest))
}

fn failure(message: &str) -> bool {
    message.starts_with("authentication failure; ")
}

fn pam_said(service: &str, rest: &str) -> Option<(&'static str, Said)> {
    let service = service_name(service)?;
    if let Some(rest) = rest.strip_prefix("session opened for user ") {
        // Cron says what it runs in a line of its own, systemd's own sessions follow a login.
        let user = rest.split([' ', '(']).next();
        return (service != "CRON").then(|| (service, Event::said(AuthWhat::Opened, user, None)));
    }
    if let Some(user) = rest.strip_prefix("session closed for user ") {
        let user = user.split([' ', '(']).next();
        return (service != "CRON").then(|| (service, Event::said(AuthWhat::Closed, user, None)));
    }
    // sshd says of each refusal itself.
    if !failure(rest) || service == "sshd" {
        return None;
    }
    let value = |name: &str| {
        rest.split(' ').find_map(|w| w.strip_prefix(name)).filter(|value| !value.is_empty())
    };
    let user = value("user=").or_else(|| value("ruser="));
    Some((service, Event::said(AuthWhat::Failed, user, value("rhost=").and_then(address))))
}

/// The services that are told of, by PAM's name.
fn service_name(pam: &str) -> Option<&'static str> {
    Some(match pam.split(['(', '[']).next().unwrap_or_default() {
        "sshd" => "sshd",
        "su" | "su-l" | "runuser" => "su",
        "sudo" | "sudo-i" => "sudo",
        "cron" | "crond" => "CRON",
        "login" | "remote" => "login",
        "vsftpd" => "vsftpd",
        "proftpd" | "ftp" => "proftpd",
        "pure-ftpd" => "pure-ftpd",
        "dropbear" => "dropbear",
        _ => return None,
    })
}

/// The programs' own lines.
pub(super) fn parse(program: &str, message: &str) -> Option<(&'static str, Said)> {
    match program {
        "sudo" => Some(("sudo", sudo(message)?)),
        "su" => Some(("su", su(message)?)),
        "cron" | "crond" | "/usr/sbin/cron" | "anacron" => Some(("CRON", cron(message)?)),
        "crontab" => Some(("crontab", crontab(message)?)),
        "systemd-logind" => {
            let rest = message.strip_prefix("New session ")?;
            let (_, user) = rest.split_once(" of user ")?;
            let user = user.trim_end().trim_end_matches('.');
            Some(("systemd-logind", Event::said(AuthWhat::Opened, Some(user), None)))
        }
        _ => None,
    }
}

/// `anna : TTY=pts/0 ; PWD=/home/anna ; USER=www-data ; COMMAND=/usr/bin/php x.php`. Who the
/// command ran as stands before it as one would type it, where that is not root.
fn sudo(message: &str) -> Option<Said> {
    let (user, rest) = message.trim_start().split_once(" : ")?;
    let fields = rest.split_once(" ; COMMAND=");
    let front = fields.map_or(rest, |(front, _)| front);
    let refused = ["command not allowed", "user NOT in sudoers", "incorrect password attempt"]
        .iter()
        .any(|words| front.contains(words));
    if refused {
        return Some(Event::said(AuthWhat::Failed, Some(user), None));
    }
    let (front, command) = fields?;
    let target = front.split(" ; ").find_map(|part| part.trim().strip_prefix("USER="));
    let command = match target {
        Some(target) if target != "root" => format!("sudo -u {target} {command}"),
        _ => command.to_owned(),
    };
    Some(Event::said(AuthWhat::Ran(field(&command)), Some(user), None))
}

/// `(to root) anna on pts/0`, `Successful su for root by anna`, `FAILED SU (to root) anna on ...`.
fn su(message: &str) -> Option<Said> {
    let by = |user: &str, by: &str| {
        let by = by.split(' ').next().unwrap_or_default();
        Event::said(AuthWhat::Accepted(field(&format!("su by {by}"))), Some(user), None)
    };
    if let Some(rest) = message.strip_prefix("FAILED ") {
        let user = match rest.split_once("(to ") {
            Some((_, rest)) => rest.split(')').next(),
            None => rest.split_once(" for ").and_then(|(_, rest)| rest.split(' ').next()),
        };
        return Some(Event::said(AuthWhat::Failed, user, None));
    }
    if let Some(rest) = message.strip_prefix("(to ") {
        let (user, from) = rest.split_once(") ")?;
        return Some(by(user, from));
    }
    let (user, from) = message.strip_prefix("Successful su for ")?.split_once(" by ")?;
    Some(by(user, from))
}

/// `(root) CMD (command)`.
fn cron(message: &str) -> Option<Said> {
    let (user, rest) = message.trim_start().strip_prefix('(')?.split_once(") CMD (")?;
    let command = rest.trim_end();
    let command = command.strip_suffix(')').unwrap_or(command).trim();
    Some(Event::said(AuthWhat::Ran(field(command)), Some(user), None))
}

/// `(anna) REPLACE (anna)`: a crontab was written.
fn crontab(message: &str) -> Option<Said> {
    let (user, rest) = message.strip_prefix('(')?.split_once(") REPLACE (")?;
    let of = rest.trim_end().trim_end_matches(')');
    let command = format!("crontab -u {of}");
    Some(Event::said(AuthWhat::Ran(field(&command)), Some(user), None))
}
