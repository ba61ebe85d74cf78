//! Programs of this host that may have opened the sessions past the mail server, and how each is
//! joined with them: the recorder saw it connect, a socket table that names the process, the user id in a firewall's line, the
//! mail library that the messages name, or merely that it runs (or cron runs it) where only
//! intruders put programs.

use crate::case::Case;
use crate::past::Past;
use crate::process::{ProcessRef, is_web_server};
use crate::seen::Seen;
use crate::weight::Cited;
use heloscope_evidence::{CronEntry, Opener, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Programs tried that only stand oddly.
const ODD: usize = 20;

/// A program that may have opened the sessions.
#[derive(Clone, Debug)]
pub(super) struct Program<'a> {
    /// What the contract calls the culprit: the exe, or the script an interpreter runs.
    pub(super) name: String,
    pub(super) process: Option<&'a Process>,
    /// What the recorder noted of it.
    pub(super) opener: Option<Arc<Opener>>,
    /// The name of its user id, where only that is known.
    pub(super) account: Option<&'a str>,
    /// The crontab line that starts it.
    pub(super) cron: Option<&'a CronEntry>,
    pub(super) pid: Option<u32>,
    pub(super) uid: Option<u32>,
    /// The name the kernel knows it by, where a socket table shows it.
    pub(super) known_as: Option<String>,
    pub(super) places: Vec<Cited>,
    pub(super) join: Join,
}

/// How a program is joined with the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Join {
    /// It stands oddly, no more.
    Stands,
    /// The messages name a library, and it is the one program here that could run it.
    Library,
    /// The firewall's lines name a user id under which it alone runs.
    User,
    /// A socket table shows it holding a connection to one of the servers.
    Socket,
    /// The recorder saw it open the connection.
    Recorder,
}

impl Program<'_> {
    /// How much more likely this join is if it sent than if it did not, and in words.
    pub(super) fn joined(&self) -> (f64, String) {
        let name = &self.name;
        match self.join {
            Join::Recorder => {
                (1000.0, format!("the recorder saw {name} open a connection to a mail port"))
            }
            Join::Socket => (
                100.0,
                format!("the socket table shows {name} holding a connection to a mail port"),
            ),
            Join::User => (
                15.0,
                format!(
                    "the firewall names the user id {} for these connections, and {name} is what \
                     runs under it",
                    self.uid.map_or_else(String::new, |uid| uid.to_string())
                ),
            ),
            Join::Library => (
                10.0,
                format!("{name} is the one program here that mails the way these sessions do"),
            ),
            Join::Stands => (3.0, format!("{name} was running, or is run by cron")),
        }
    }

    /// The sessions that can be its own.
    pub(super) fn its<'c>(&self, past: &Past<'c>) -> Past<'c> {
        past.of(|process| {
            process.opener.as_deref().is_some_and(|opener| recorded_name(opener) == self.name)
        })
    }

    /// The whole command.
    pub(super) fn command(&self) -> &str {
        let of_cron = || self.cron.map(|c| c.command.as_str());
        let noted = || self.opener.as_ref().map(|o| o.command.as_str()).filter(|c| !c.is_empty());
        self.process
            .map(|p| p.command.as_str())
            .or_else(noted)
            .or_else(of_cron)
            .unwrap_or(&self.name)
    }

    /// The user it runs as.
    pub(super) fn user(&self) -> Option<String> {
        let of_cron = || self.cron.and_then(|c| c.user.clone());
        let of_process = self.process.map(|p| p.user.clone()).filter(|u| !u.is_empty());
        of_process.or_else(|| self.account.map(str::to_owned)).or_else(of_cron)
    }

    /// The file that it really runs.
    pub(super) fn exe<'p>(&'p self, case: &'p Case<'_>) -> Option<(&'p str, Cited)> {
        let noted = self.opener.as_ref().map(|o| o.exe.as_str());
        noted.and_then(|exe| Some((exe, *self.places.first()?))).or_else(|| exe_of(case, self.pid?))
    }

    /// Whether it is what a web server runs, or that server itself.
    pub(super) fn is_of_the_web(&self) -> bool {
        self.opener.as_ref().is_some_and(|o| is_web_server(&o.exe))
    }

    /// Where it lies that installed software does not, in words.
    pub(super) fn oddly(&self) -> Option<&'static str> {
        oddly(&self.name)
    }
}

/// Programs that are joined with the sessions; failing that, the only one whose kind the messages
/// name; and those that merely stand oddly.
pub(super) fn programs<'a>(case: &Case<'a>, sessions: &[&Seen]) -> Vec<Program<'a>> {
    // One program that the recorder saw under two users is two: the log-in server acts for each.
    let mut found: BTreeMap<(String, Option<u32>), Program<'a>> = BTreeMap::new();
    let key = |program: &Program<'_>| {
        (program.name.clone(), program.uid.filter(|_| program.opener.is_some()))
    };
    let from_sessions = sessions.iter().filter_map(|s| s.process.clone());
    // A snapshot shows a socket, not when it began: it is theirs only if it leads to a server of
    // theirs, and is no other session that was recorded. What else holds a socket on port 25 may be
    // monitoring.
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let from_tables = case
        .gathered
        .connections
        .iter()
        .filter(|c| servers.contains(&c.dst) && !case.gathered.placed.contains(&c.place))
        .filter(|c| c.dst_port == 25 && c.state != "LISTEN" && !c.dst.is_loopback())
        .filter(|c| !case.incident.own.is_ours(c.dst))
        .filter_map(ProcessRef::of);
    for reference in from_sessions.chain(from_tables) {
        let Some(mut program) = of_reference(case, &reference) else { continue };
        if is_mail_server(case, &program) {
            continue;
        }
        program.places.insert(0, (reference.place, None));
        match found.get_mut(&key(&program)) {
            Some(known) if known.join >= program.join => {
                if known.places.len() < 4 {
                    known.places.insert(0, (reference.place, None));
                }
            }
            _ => {
                found.insert(key(&program), program);
            }
        }
    }
    if !found.values().any(|p| p.join >= Join::Socket) {
        for program in by_mailer(case, sessions).into_iter().chain(standing_oddly(case)) {
            found.entry(key(&program)).or_insert(program);
        }
    }
    found.into_values().collect()
}

/// The program that a socket table or a firewall's line names.
fn of_reference<'a>(case: &Case<'a>, reference: &ProcessRef) -> Option<Program<'a>> {
    let known_as = reference.program.clone();
    if let Some(opener) = &reference.opener {
        return Some(of_opener(case, reference, opener));
    }
    if reference.pid.is_some() || known_as.is_some() {
        let process = case.process(reference.pid);
        let name = process.map(|p| program_name(&p.command)).filter(|n| !n.is_empty());
        return Some(Program {
            name: name.or_else(|| known_as.clone())?,
            process,
            opener: None,
            account: None,
            cron: None,
            pid: reference.pid,
            uid: reference.uid.or_else(|| process.and_then(|p| p.uid)),
            known_as,
            places: process.map(|p| (p.place, p.started)).into_iter().collect(),
            join: Join::Socket,
        });
    }
    let uid = reference.uid?;
    let mut of_uid = case.facts.processes.iter().filter(|p| p.uid == Some(uid));
    let process = of_uid.next()?;
    let name = program_name(&process.command);
    if of_uid.any(|p| program_name(&p.command) != name) {
        return None;
    }
    Some(of_process(process, Join::User))
}

/// What the recorder noted. A table that was taken later may have another process under the number.
fn of_opener<'a>(case: &Case<'a>, reference: &ProcessRef, opener: &Arc<Opener>) -> Program<'a> {
    Program {
        name: recorded_name(opener),
        process: case.recorded(reference),
        opener: Some(Arc::clone(opener)),
        account: reference.uid.and_then(|uid| case.user_name(uid)),
        cron: None,
        pid: reference.pid,
        uid: reference.uid,
        known_as: Some(base_name(&opener.exe).to_owned()),
        places: Vec::new(),
        join: if opener.late { Join::Socket } else { Join::Recorder },
    }
}

/// The script that it ran, else the file.
fn recorded_name(opener: &Opener) -> String {
    let began = opener.began_as.as_ref().unwrap_or(&opener.command);
    let file = || {
        let file = program_name(began);
        (is_interpreter(&opener.exe) && file.starts_with('/') && file != first_word(began))
            .then_some(file)
    };
    opener.script.clone().or_else(file).unwrap_or_else(|| opener.exe.clone())
}

fn of_process(process: &Process, join: Join) -> Program<'_> {
    Program {
        name: program_name(&process.command),
        process: Some(process),
        opener: None,
        account: None,
        cron: None,
        pid: Some(process.pid),
        uid: process.uid,
        known_as: None,
        places: vec![(process.place, process.started)],
        join,
    }
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
    Some(of_process(process, Join::Library))
}

/// Processes, and commands of crontabs, whose program lies where only intruders put programs.
fn standing_oddly<'a>(case: &Case<'a>) -> Vec<Program<'a>> {
    let processes = &case.facts.processes;
    let running = processes
        .iter()
        .filter(|p| {
            stands_out(p, processes)
                || exe_of(case, p.pid).is_some_and(|(exe, _)| oddly(exe).is_some())
        })
        .map(|p| of_process(p, Join::Stands));
    let by_cron = case.facts.cron.iter().filter_map(|entry| {
        let name = cron_program(&entry.command)?;
        oddly(&name)?;
        Some(Program {
            name,
            process: None,
            opener: None,
            account: None,
            cron: Some(entry),
            pid: None,
            uid: None,
            known_as: None,
            places: vec![(entry.place, None)],
            join: Join::Stands,
        })
    });
    let mut found: Vec<Program<'a>> = Vec::new();
    for program in running.chain(by_cron).take(ODD) {
        match found.iter_mut().find(|p| p.name == program.name) {
            Some(known) => {
                known.cron = known.cron.or(program.cron);
                known.places.extend(program.places);
            }
            None => found.push(program),
        }
    }
    found
}

/// Whether a process runs a program that lies where only intruders put programs, or goes by the name
/// of a service without being its child.
pub(super) fn stands_out(process: &Process, all: &[Process]) -> bool {
    oddly(&program_name(&process.command)).is_some() || poses(process, all)
}

/// Whether a process goes by the name of a service here, but is neither its first process nor one of
/// that one's children. Workers are children of the process that root started.
pub(super) fn poses(process: &Process, all: &[Process]) -> bool {
    let base = |p: &Process| base_name(&program_name(&p.command)).to_owned();
    let name = base(process);
    if process.user == "root" || name.is_empty() || is_interpreter(&name) {
        return false;
    }
    let same: Vec<&Process> =
        all.iter().filter(|p| p.pid != process.pid && base(p) == name).collect();
    let masters: Vec<u32> = same
        .iter()
        .filter(|m| m.user == "root")
        .filter(|m| same.iter().filter(|p| p.parent == Some(m.pid)).count() >= 2)
        .map(|m| m.pid)
        .collect();
    let mut parents = std::iter::successors(process.parent, |pid| {
        all.iter().find(|p| p.pid == *pid).and_then(|p| p.parent).filter(|parent| parent != pid)
    });
    !masters.is_empty()
        && process.parent.is_some()
        && !parents.by_ref().take(16).any(|p| masters.contains(&p))
}

/// The file that a process really runs.
pub(super) fn exe_of<'a>(case: &Case<'a>, pid: u32) -> Option<(&'a str, Cited)> {
    let running = case.facts.running.iter().find(|r| r.pid == pid)?;
    Some((running.exe.as_str(), (running.place, None)))
}

/// Where a program lies that installed software does not.
pub(super) fn oddly(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches(" (deleted)");
    if ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|d| path.starts_with(d)) {
        return Some("in a folder for passing files");
    }
    if path.starts_with("/var/spool/") || path.starts_with("/var/cache/") {
        return Some("in a folder for data");
    }
    let hidden = |part: &str| {
        part.starts_with('.')
            && part.len() > 1
            && !matches!(part, ".." | ".local" | ".nvm" | ".cargo")
    };
    if path.starts_with('/') && path.split('/').any(hidden) {
        return Some("in a hidden folder");
    }
    None
}

/// The program that a line of a crontab runs, `cd` and variables before it aside.
fn cron_program(command: &str) -> Option<String> {
    let mut folder = "";
    for part in command.split(['&', ';', '|']).map(str::trim).filter(|p| !p.is_empty()) {
        if let Some(to) = part.strip_prefix("cd ") {
            folder = to.trim();
            continue;
        }
        let start = part
            .split_whitespace()
            .find(|w| !w.contains('=') || w.starts_with('/'))
            .and_then(|w| part.find(w))?;
        let name = program_name(part.get(start..)?);
        return Some(match name.strip_prefix("./") {
            Some(tail) if !folder.is_empty() => format!("{}/{tail}", folder.trim_end_matches('/')),
            _ => name,
        });
    }
    None
}

/// The exe, or the script that an interpreter runs.
pub(super) fn program_name(command: &str) -> String {
    let mut words = command.split_whitespace();
    let first = words.next().unwrap_or_default();
    if !is_interpreter(first) {
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

/// Whether a program runs others' text: its own name says little.
pub(super) fn is_interpreter(program: &str) -> bool {
    const INTERPRETERS: [&str; 10] =
        ["node", "nodejs", "python", "perl", "php", "ruby", "sh", "bash", "dash", "java"];
    let bare = base_name(program).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&bare)
}

pub(super) fn first_word(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The MTA's own programs are not past the MTA. Postfix's daemons are children of `master` and
/// have no folder in their names; what merely calls itself so is another.
fn is_mail_server(case: &Case<'_>, program: &Program<'_>) -> bool {
    let base = base_name(&program.name);
    let user = program.process.map(|p| p.user.as_str()).unwrap_or_default();
    let daemon =
        matches!(base, "smtp" | "master" | "qmgr" | "lmtp" | "smtpd" | "verify" | "tlsmgr");
    let stands = !program.name.contains('/') || program.name.starts_with("/usr/l");
    let parent = program.process.and_then(|p| p.parent).and_then(|p| case.process(Some(p)));
    let of_master =
        parent.is_none_or(|p| base == "master" || base_name(first_word(&p.command)) == "master");
    let not_a_script = program.known_as.as_deref().is_none_or(|k| !is_interpreter(k));
    (daemon && stands && of_master && not_a_script && matches!(user, "" | "postfix" | "root"))
        || matches!(base, "exim" | "exim4" | "sendmail" | "opensmtpd")
            && oddly(&program.name).is_none()
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

    #[test]
    fn a_line_of_a_crontab_is_named_by_what_it_runs() {
        for (command, name) in [
            ("/var/tmp/qCVwOWA >/dev/null 2>&1", "/var/tmp/qCVwOWA"),
            ("perl /tmp/.u/x.pl", "/tmp/.u/x.pl"),
            ("cd /dev/shm/.x && ./run", "/dev/shm/.x/run"),
            ("MAILTO=\"\" /usr/bin/php /srv/shop/cron.php", "/srv/shop/cron.php"),
        ] {
            assert_eq!(cron_program(command).as_deref(), Some(name), "{command}");
        }
    }

    #[test]
    fn who_poses_as_a_service() {
        let process = |pid, parent, user: &str, command: &str| Process {
            user: user.to_owned(),
            uid: None,
            pid,
            parent: Some(parent),
            started: None,
            command: command.to_owned(),
            place: heloscope_model::Place::whole(heloscope_model::SourceId(0)),
        };
        let all = [
            process(1, 0, "root", "init"),
            process(314, 1, "root", "/usr/sbin/apache2 -k start"),
            process(395, 314, "www-data", "/usr/sbin/apache2 -k start"),
            process(396, 314, "www-data", "/usr/sbin/apache2 -k start"),
            process(375, 1, "www-data", "/usr/sbin/apache2 -k start"),
            process(500, 1, "mysql", "/usr/sbin/mysqld"),
        ];
        let posing: Vec<u32> = all.iter().filter(|p| poses(p, &all)).map(|p| p.pid).collect();
        assert_eq!(posing, [375]);
    }

    #[test]
    fn where_installed_software_does_not_stand() {
        for (path, odd) in [
            ("/var/tmp/x", true),
            ("/home/anna/.cache/.x/run", true),
            ("/var/spool/postfix/pid/m", true),
            ("/home/anna/.wine/drive_c/x.exe", true),
            ("/usr/lib/nagios/plugins/check_smtp", false),
            ("/srv/shop/orders.js", false),
            ("/home/anna/.local/bin/app", false),
            ("/run/app.sock", false),
            ("perl", false),
        ] {
            assert_eq!(oddly(path).is_some(), odd, "{path}");
        }
    }
}
