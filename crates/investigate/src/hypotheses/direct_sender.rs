//! `direct-sender`: a legitimate application of this host sends straight to MX hosts, past the MTA.
//!
//! For it: sessions past the MTA from this machine with another HELO or dialect, and a process (or
//! unmodified script) that is shown to have made them and stands where installed software stands.
//! Against it: a program in /tmp or a hidden folder, a file that looks planted, code injected over
//! the web. Without a process nobody is named and the class is not claimed.

use super::{Hypothesis, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, frames};
use crate::seen::Seen;
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A program that may have opened the sessions.
struct Program<'a> {
    /// What the contract calls the culprit: the exe, or the script an interpreter runs.
    name: String,
    process: Option<&'a Process>,
    pid: Option<u32>,
    uid: Option<u32>,
    places: Vec<Cited>,
    joined: usize,
}

/// One hypothesis a program that is joined to the sessions.
pub(crate) fn weigh(case: &Case<'_>, sites: &[Hypothesis]) -> Vec<Hypothesis> {
    let past = case.past_mta_on_host();
    let sessions: Vec<&Seen> = past.iter().map(|(s, _)| *s).collect();
    if sessions.is_empty() {
        return Vec::new();
    }
    let ways: Vec<&String> = past.iter().flat_map(|(_, w)| w).collect();
    programs(case, &sessions)
        .into_iter()
        .map(|program| one(case, &program, &sessions, &ways, sites))
        .collect()
}

fn one(
    case: &Case<'_>,
    program: &Program<'_>,
    sessions: &[&Seen],
    ways: &[&String],
    sites: &[Hypothesis],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, sessions, &mut weighing);
    if program.joined > 0 {
        weighing.add(
            About::Culprit,
            100.0,
            format!("the socket table shows {} holding a connection to a mail port", program.name),
            program.places.clone(),
        );
    } else {
        weighing.add(
            About::Culprit,
            10.0,
            format!(
                "{} is the one program here that mails the way these sessions do",
                program.name
            ),
            program.places.clone(),
        );
    }
    if let Some(way) = ways.first() {
        weighing.add(
            About::Culprit,
            2.0,
            format!("it is not the mail server: {way}"),
            frames(sessions.iter().copied()).into_iter().take(1),
        );
    }
    stands_where_software_stands(program, &mut weighing);
    for site in sites.iter().filter(|s| s.path == Path::PastMta && s.weighing.confidence() > 0.5) {
        if let Some(culprit) = &site.culprit {
            weighing.add(
                About::Culprit,
                0.01,
                format!("the planted script {} explains the same sessions", culprit.value),
                [],
            );
        }
    }
    let stretches: Vec<_> = sessions.iter().map(|s| s.stretch()).collect();
    let helo = sessions.iter().find_map(|s| s.helo.clone()).unwrap_or_default();
    let name = &program.name;
    Hypothesis {
        class: Class::DirectSender,
        culprit: Some(
            Culprit::new("process", name.clone())
                .with("pid", program.pid)
                .with("uid", program.uid)
                .with("user", program.process.map(|p| p.user.clone()))
                .with("exe", program.process.map(|p| first_word(&p.command).to_owned())),
        ),
        summary: format!(
            "{name}, a program of this host, sends its mail straight to other mail servers and says \
             HELO {helo}, past your mail server."
        ),
        path: Path::PastMta,
        notices: case.notices_of(&stretches),
        first: sessions.iter().map(|s| s.start).min(),
        last: sessions.iter().map(|s| s.start).max(),
        weighing,
        fix: vec![
            format!(
                "Let {name} hand its mail to the mail server on this host (localhost port 25 or 587) \
                 instead of sending it itself."
            ),
            format!(
                "If it must send itself, make it say this host's full name in HELO (now {helo}): in \
                 Nodemailer the option `name`, in Symfony Mailer `local_domain`, in Python's smtplib \
                 `local_hostname`."
            ),
        ],
        verify: "tcpdump -ni any -A 'tcp dst port 25' shows only the mail server's HELO for a day"
            .to_owned(),
    }
}

/// Programs that the socket table joins with the sessions; failing that, the only one whose kind
/// the messages name.
fn programs<'a>(case: &Case<'a>, sessions: &[&Seen]) -> Vec<Program<'a>> {
    let mut joined: BTreeMap<String, Program<'a>> = BTreeMap::new();
    let from_sessions = sessions.iter().filter_map(|s| s.process.clone());
    // A snapshot shows a socket, not when it began: it is theirs only if it leads to a server of
    // theirs. What holds another socket on port 25 may be monitoring.
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let from_tables = case
        .gathered
        .connections
        .iter()
        .filter(|c| servers.contains(&c.dst))
        .filter(|c| c.dst_port == 25 && c.state != "LISTEN" && !c.dst.is_loopback())
        .filter(|c| !case.incident.own.is_ours(c.dst))
        .filter_map(crate::seen::ProcessRef::of);
    for reference in from_sessions.chain(from_tables) {
        let process = case.process(reference.pid);
        let Some(name) = process.map(|p| program_name(&p.command)).or(reference.program.clone())
        else {
            continue;
        };
        if is_mail_server(&name, process) {
            continue;
        }
        let entry = joined.entry(name.clone()).or_insert_with(|| Program {
            name,
            process,
            pid: reference.pid,
            uid: reference.uid,
            places: process.map(|p| (p.place, p.started)).into_iter().collect(),
            joined: 0,
        });
        entry.joined += 1;
        entry.places.insert(0, (reference.place, None));
    }
    if !joined.is_empty() {
        return joined.into_values().collect();
    }
    by_mailer(case, sessions).into_iter().collect()
}

/// The interpreter that a mail library needs, where the messages name the library.
fn by_mailer<'a>(case: &Case<'a>, sessions: &[&Seen]) -> Option<Program<'a>> {
    let mailer = sessions.iter().find_map(|s| s.mailer.as_ref())?.to_string().to_ascii_lowercase();
    let interpreter = [
        ("nodemailer", "node"),
        ("phpmailer", "php"),
        ("swift", "php"),
        ("symfony", "php"),
        ("python", "python"),
        ("javamail", "java"),
    ]
    .iter()
    .find(|(library, _)| mailer.contains(library))?
    .1;
    let mut running = case.facts.processes.iter().filter(|p| {
        base_name(first_word(&p.command)).starts_with(interpreter)
            && program_name(&p.command) != first_word(&p.command)
    });
    let process = running.next()?;
    if running.any(|p| program_name(&p.command) != program_name(&process.command)) {
        return None;
    }
    Some(Program {
        name: program_name(&process.command),
        process: Some(process),
        pid: Some(process.pid),
        uid: None,
        places: vec![(process.place, process.started)],
        joined: 0,
    })
}

/// Whether it stands where software is installed, or where intruders put theirs.
fn stands_where_software_stands(program: &Program<'_>, weighing: &mut Weighing) {
    let path = program.name.as_str();
    let passing = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/"].iter().any(|d| path.starts_with(d));
    let hidden = path.split('/').any(|part| part.starts_with('.') && part.len() > 1);
    let places: Vec<_> = program.places.iter().take(1).copied().collect();
    if passing || hidden {
        weighing.add(
            About::Culprit, 0.0005,
            format!("{path} lies where installed software does not: a folder for passing files, or hidden"),
            places,
        );
    } else if path.starts_with('/') {
        weighing.add(
            About::Culprit,
            2.0,
            format!("{path} stands where installed software stands"),
            places,
        );
    }
}

/// The exe, or the script that an interpreter runs.
pub(crate) fn program_name(command: &str) -> String {
    let mut words = command.split_whitespace();
    let first = words.next().unwrap_or_default();
    const INTERPRETERS: [&str; 9] =
        ["node", "nodejs", "python", "perl", "php", "ruby", "sh", "bash", "java"];
    let base = base_name(first);
    let bare = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !INTERPRETERS.contains(&bare) {
        return first.trim_end_matches(':').to_owned();
    }
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        match word {
            "-jar" | "-f" => {}
            "-r" | "--require" | "-m" | "-d" | "-I" | "-c" | "-e" => skip = true,
            _ if word.starts_with('-') => {}
            _ => return word.to_owned(),
        }
    }
    first.to_owned()
}

fn first_word(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The MTA's own programs are not past the MTA.
fn is_mail_server(name: &str, process: Option<&Process>) -> bool {
    let base = base_name(name);
    let user = process.map(|p| p.user.as_str()).unwrap_or_default();
    (matches!(base, "smtp" | "master" | "qmgr" | "lmtp" | "smtpd" | "verify")
        && matches!(user, "" | "postfix" | "root"))
        || matches!(base, "exim" | "exim4" | "sendmail" | "opensmtpd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_named_by_its_script() {
        for (command, name) in [
            (
                "/usr/bin/node --max-old-space-size=512 /srv/shop/mailer.js --prod",
                "/srv/shop/mailer.js",
            ),
            ("python3 -m smtpd", "python3"),
            ("/usr/bin/python3.11 /opt/app/report.py", "/opt/app/report.py"),
            ("java -jar /opt/crm/crm.jar", "/opt/crm/crm.jar"),
            ("/usr/lib/postfix/sbin/master -w", "/usr/lib/postfix/sbin/master"),
            ("node /app/x.js", "/app/x.js"),
        ] {
            assert_eq!(program_name(command), name, "{command}");
        }
    }
}
