//! `bot-process`: a program outside the mail server and the web sites sends mail, past the MTA.
//!
//! For it: sessions past the MTA from this machine, and a program joined with them that lies where
//! only intruders put programs, hides its name, is run by cron every few minutes, is a scanner's
//! finding, or is a Windows program or a virtual machine whose guest does it. Against it: it is
//! installed software (then it is `direct-sender`), planted code of a web site explains the same
//! sessions (also when it left the program running), it carries others' connections.

use super::compromised_site::{PLANTED, Script};
use super::program::{
    Join, Program, base_name, first_word, is_interpreter, oddly, poses, programs,
};
use super::{Hypothesis, open_proxy, remedy, shell_account, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::past::Past;
use crate::process::is_web_server;
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::{CronEntry, ScanKind};

/// One hypothesis a program that shows a sign of an intruder's.
pub(super) fn weigh(case: &Case<'_>, sites: &[Hypothesis]) -> Vec<Hypothesis> {
    let past = case.past();
    if past.is_empty() {
        return Vec::new();
    }
    let found: Vec<Program<'_>> = programs(case, &past.sessions)
        .into_iter()
        .filter(|p| !open_proxy::is_proxy(p) && !shell_account::is_login_server(p))
        // What a web server runs is a site's.
        .filter(|p| !p.is_of_the_web())
        .collect();
    let alone = found.iter().filter(|p| !signs(case, p).is_empty()).count() == 1;
    let one = |program: &Program<'_>| {
        let its = program.its(past);
        (!its.is_empty()).then(|| one(case, program, alone, &its, sites))
    };
    found.iter().filter_map(one).collect()
}

fn one(
    case: &Case<'_>,
    program: &Program<'_>,
    alone: bool,
    past: &Past<'_>,
    sites: &[Hypothesis],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, &past.sessions, &mut weighing);
    let (ratio, says) = program.joined();
    weighing.add(About::Culprit, ratio, says, program.places.clone());
    if program.join == Join::Stands && alone {
        weighing.add(
            About::Culprit,
            3.0,
            "it is the only program here that looks like an intruder's",
            program.places.first().copied(),
        );
    }
    past.not_the_mail_servers(&mut weighing);
    intruders_program(case, program, &mut weighing);
    may_be_a_sites(case, program, &mut weighing);
    explained_by_a_site(program, sites, &mut weighing);
    let name = &program.name;
    let cron = program.cron.or_else(|| cron_of(case, program));
    let exe = program.exe(case).map(|(exe, _)| exe);
    Hypothesis {
        class: Class::BotProcess,
        culprit: Some(
            Culprit::new("process", name.clone())
                .with("pid", program.pid)
                .with("uid", program.uid)
                .with("user", program.user())
                .with("exe", Some(exe.unwrap_or_else(|| first_word(program.command()))))
                .with("parent", program.process.and_then(|p| p.parent))
                .with(
                    "started_by",
                    program.opener.as_ref().and_then(|o| o.parents.first().cloned()),
                )
                .with("unit", program.opener.as_ref().and_then(|o| o.unit.clone()))
                .with("container", program.opener.as_ref().and_then(|o| o.container.clone())),
        ),
        summary: summary(program),
        path: Path::PastMta,
        notices: past.notices(case),
        first: past.first(),
        last: past.last(),
        weighing,
        fix: fix(program, cron),
        verify:
            "ss -tnp '( dport = :25 )', asked for every minute for a day, names no program but \
                 the mail server's"
                .to_owned(),
    }
}

fn summary(program: &Program<'_>) -> String {
    let name = &program.name;
    let user = program.user().map(|u| format!(", running as {u},")).unwrap_or_default();
    if is_virtual_machine(program) {
        return format!(
            "A virtual machine on this host ({name}) sends mail straight to other mail servers; look \
             inside its guest."
        );
    }
    if is_windows_program(program) {
        return format!(
            "{name}, a Windows program run on this host under Wine{user} sends mail straight to \
             other mail servers."
        );
    }
    format!(
        "{name}, a program of this host that is neither mail server nor web site{user} sends mail \
         straight to other mail servers."
    )
}

fn fix(program: &Program<'_>, cron: Option<&CronEntry>) -> Vec<String> {
    let name = &program.name;
    if is_virtual_machine(program) {
        return vec![
            "Shut the guest down, keep its disk as evidence, and have it reinstalled.".to_owned(),
            "Give guests a network of their own, and let nothing from it out to port 25."
                .to_owned(),
        ];
    }
    let mut steps = Vec::new();
    if let Some(pid) = program.pid {
        steps.push(format!(
            "Look at it before you end it: ls -l /proc/{pid}/exe /proc/{pid}/cwd; cp /proc/{pid}/exe \
             evidence/; then kill {pid}."
        ));
    }
    if let Some(cron) = cron {
        steps.push(format!(
            "Take it out of the crontab that starts it ({} {}): crontab -l -u {}",
            cron.when,
            cron.command,
            cron.user.as_deref().or(program.user().as_deref()).unwrap_or("USER")
        ));
    }
    let user = program.user().unwrap_or_else(|| "its user".to_owned());
    steps.push(format!(
        "Move {name} away and keep it; look for what else {user} owns in /tmp, /var/tmp, /dev/shm and \
         in crontabs, and for keys in ~/.ssh/authorized_keys."
    ));
    steps.push(format!(
        "Find how it came in: log-ins of {user}, the web sites that run as {user}, outdated services. \
         If it ran as root, reinstall the machine."
    ));
    steps.push(remedy::only_the_mail_server());
    steps
}

/// A sign that nobody installed a program, or that it only lends its name to what sends: how much
/// likelier that makes it, and in words.
pub(super) type Sign = (f64, String, Vec<Cited>);

/// All of them.
pub(super) fn signs(case: &Case<'_>, program: &Program<'_>) -> Vec<Sign> {
    let name = program.name.as_str();
    let place = |n: usize| program.places.iter().take(n).copied().collect::<Vec<Cited>>();
    let mut signs = Vec::new();
    if let Some(oddly) = program.oddly() {
        let says = format!("{name} lies {oddly}, where installed software does not");
        signs.push((30.0, says, place(1)));
    }
    if let Some(known_as) = program.known_as.as_deref().filter(|k| hides(k, program.command())) {
        let says = format!(
            "it calls itself `{}`, but it is {known_as}: it hides its name",
            program.command()
        );
        signs.push((20.0, says, place(2)));
    }
    let exe = program.exe(case);
    if let Some((exe, cited)) = exe {
        if let Some(oddly) = oddly(exe).filter(|_| program.oddly().is_none()) {
            signs.push((30.0, format!("the file it runs, {exe}, lies {oddly}"), vec![cited]));
        }
        if program.known_as.is_none() && hides(base_name(exe), program.command()) {
            let says = format!(
                "it calls itself `{}`, but it runs {exe}: it hides its name",
                program.command()
            );
            signs.push((20.0, says, [place(1), vec![cited]].concat()));
        }
    }
    if program.process.is_some_and(|p| poses(p, &case.facts.processes)) {
        let says = format!("it goes by the name of {name}, but is no child of that service");
        signs.push((20.0, says, place(1)));
    }
    if program.command().contains("(deleted)")
        || exe.is_some_and(|(exe, _)| exe.ends_with(" (deleted)"))
        || program.opener.as_ref().is_some_and(|o| o.deleted)
    {
        signs.push((10.0, "its file was deleted while it runs".to_owned(), place(1)));
    }
    if is_virtual_machine(program) {
        let says = format!("{name} is a virtual machine: what its guest sends leaves as its own");
        signs.push((20.0, says, place(1)));
    }
    if is_windows_program(program) {
        signs.push((5.0, format!("{name} is a Windows program, run under Wine"), place(1)));
    }
    let malware = case.facts.scans.iter().find(|f| {
        f.kind == ScanKind::Malware && f.path.as_deref().is_some_and(|path| path == name)
    });
    if let Some(finding) = malware {
        let says = format!("{} knows the file as {}", finding.scanner, finding.what);
        signs.push((20.0, says, vec![(finding.place, None)]));
    }
    signs
}

/// What shows that nobody installed it, and what keeps it running.
fn intruders_program(case: &Case<'_>, program: &Program<'_>, weighing: &mut Weighing) {
    let signs = signs(case, program);
    if signs.is_empty() {
        weighing.add(
            About::Culprit,
            0.002,
            format!(
                "nothing shows that {} is not software that somebody installed here",
                program.name
            ),
            program.places.first().copied(),
        );
        return;
    }
    for (ratio, says, places) in signs {
        weighing.add(About::Culprit, ratio, says, places);
    }
    if let Some(cron) = program.cron.or_else(|| cron_of(case, program)) {
        weighing.add(
            About::Culprit,
            3.0,
            format!("a crontab runs it: {} {}", cron.when, cron.command),
            [(cron.place, None)],
        );
    }
}

/// A program of the web server's user may be a site's: planted code may have started it. That is
/// left open where such code was found, or where the sites' files were not given.
fn may_be_a_sites(case: &Case<'_>, program: &Program<'_>, weighing: &mut Weighing) {
    let of_the_web = program.user().is_some_and(|u| case.web_users().contains(u.as_str()))
        || program.opener.iter().flat_map(|o| &o.parents).any(|parent| is_web_server(parent));
    let by_cron = program.cron.is_some() || cron_of(case, program).is_some();
    if !of_the_web || by_cron {
        return;
    }
    let planted = case.facts.web_files.iter().find(|f| Script::of(f).planted() >= PLANTED);
    let says = match planted {
        Some(file) => format!(
            "a web server or its user started it, and {} looks planted: that may have been it",
            file.path
        ),
        None if !case.has_sites_files() => {
            "a web server or its user started it, and the files of the \
            sites were not given: planted code may have started it"
                .to_owned()
        }
        None => return,
    };
    // However sure it is that the program sent: whose it is stays open.
    let ratio = if program.join == Join::Recorder { 0.000_01 } else { 0.0005 };
    weighing.add(About::Culprit, ratio, says, planted.map(|f| (f.place, f.modified)));
}

/// Planted code of a site that explains the sessions, or that started this very program.
fn explained_by_a_site(program: &Program<'_>, sites: &[Hypothesis], weighing: &mut Weighing) {
    for site in sites.iter().filter(|s| s.path == Path::PastMta && s.weighing.confidence() > 0.5) {
        let Some(culprit) = &site.culprit else { continue };
        let pid = culprit.attrs.get("pid").and_then(serde_json::Value::as_u64);
        let its_own = pid.is_some() && pid == program.pid.map(u64::from);
        let (ratio, says) = if its_own {
            (0.0005, format!("the planted script {} left it running", culprit.value))
        } else {
            (0.01, format!("the planted script {} explains the same sessions", culprit.value))
        };
        weighing.add(About::Culprit, ratio, says, program.places.first().copied());
    }
}

/// The crontab line that runs it.
fn cron_of<'a>(case: &Case<'a>, program: &Program<'_>) -> Option<&'a CronEntry> {
    let name = program.name.as_str();
    let named =
        |c: &&CronEntry| c.command.split([' ', ';', '&', '|', '"', '\'']).any(|w| w == name);
    case.facts.cron.iter().find(|c| !name.is_empty() && name.contains('/') && named(c))
}

/// Whether a process whose command says one thing is known to the kernel as an interpreter that
/// the command does not name.
fn hides(known_as: &str, command: &str) -> bool {
    is_interpreter(known_as)
        && !command.split_whitespace().any(|w| {
            base_name(w).starts_with(known_as)
                || known_as.starts_with(base_name(w)) && !base_name(w).is_empty()
        })
}

/// A virtual machine with a network of its own process: its guest's connections look like its own.
pub(super) fn is_virtual_machine(program: &Program<'_>) -> bool {
    let is = |name: &str| {
        let base = base_name(name);
        base.starts_with("qemu-system")
            || matches!(base, "kvm" | "VBoxHeadless" | "VirtualBoxVM" | "vmware-vmx")
    };
    is(&program.name) || is(first_word(program.command()))
}

/// A Windows program: Wine shows it by its Windows path, or by the path of its `.exe`.
fn is_windows_program(program: &Program<'_>) -> bool {
    let command = program.command();
    let drive = |w: &str| {
        let mut chars = w.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.as_str().starts_with(":\\")
    };
    command.split_whitespace().take(3).any(|w| drive(w) || w.to_ascii_lowercase().ends_with(".exe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_hidden_only_where_the_command_does_not_say_the_interpreter() {
        for (known_as, command, hidden) in [
            ("perl", "/usr/sbin/httpd -k start", true),
            ("perl", "/usr/bin/perl /opt/x.pl", false),
            ("python3", "/usr/bin/python3.11 /opt/x.py", false),
            ("python3.11", "python3 /opt/x.py", false),
            ("php-fpm8.2", "php-fpm: pool www", false),
            ("postwhite", "/bin/sh /usr/local/bin/postwhite", false),
        ] {
            assert_eq!(hides(known_as, command), hidden, "{known_as}: {command}");
        }
    }
}
