//! `direct-sender`: a legitimate application of this host sends straight to MX hosts, past the MTA.
//!
//! For it: sessions past the MTA from this machine with another HELO or dialect, and a process (or
//! unmodified script) that is shown to have made them and stands where installed software stands.
//! Against it: a program in /tmp or a hidden folder, a file that looks planted, code injected over
//! the web. Without a process nobody is named and the class is not claimed.

use super::compromised_site::{PLANTED, Script, stands_oddly};
use super::program::{Join, Program, first_word, programs};
use super::{Hypothesis, bot_process, open_proxy, shell_account, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, frames};
use crate::past::Past;
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One hypothesis a program that is joined to the sessions.
pub(crate) fn weigh(case: &Case<'_>, sites: &[Hypothesis]) -> Vec<Hypothesis> {
    let past = case.past();
    if past.is_empty() {
        return Vec::new();
    }
    programs(case, &past.sessions)
        .into_iter()
        .filter(|program| program.join > Join::Stands)
        .filter_map(|program| {
            let its = program.its(past);
            (!its.is_empty()).then(|| one(case, &program, &its, sites))
        })
        .collect()
}

fn one(
    case: &Case<'_>,
    program: &Program<'_>,
    past: &Past<'_>,
    sites: &[Hypothesis],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, &past.sessions, &mut weighing);
    let (ratio, says) = program.joined();
    weighing.add(About::Culprit, ratio, says, program.places.clone());
    past.not_the_mail_servers(&mut weighing);
    monitors(&past.sessions, &mut weighing);
    is_an_application(case, program, &mut weighing);
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
    let noted = program.exe(case).map(|(exe, _)| exe.to_owned());
    let exe = noted.or_else(|| program.process.map(|p| first_word(&p.command).to_owned()));
    let kind = if program.is_of_the_web() { "script" } else { "process" };
    let helo = past.sessions.iter().find_map(|s| s.helo.clone()).unwrap_or_default();
    let name = &program.name;
    Hypothesis {
        class: Class::DirectSender,
        culprit: Some(
            Culprit::new(kind, name.clone())
                .with("pid", program.pid)
                .with("uid", program.uid)
                .with("user", program.user())
                .with("exe", exe),
        ),
        summary: format!(
            "{name}, a program of this host, sends its mail straight to other mail servers and says \
             HELO {helo}, past your mail server."
        ),
        path: Path::PastMta,
        notices: past.notices(case),
        first: past.first(),
        last: past.last(),
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

/// Who asks one server again and again, and was not heard to say anything, looks whether it answers.
fn monitors(sessions: &[&Seen], weighing: &mut Weighing) {
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let unheard = |s: &&Seen| s.hearsay.is_some() && s.helo.is_none();
    if servers.len() == 1 && sessions.len() >= 2 && sessions.iter().all(unheard) {
        weighing.add(
            About::Both,
            0.05,
            "it always talks to one and the same server, as monitoring does, and what it says was not heard",
            frames(sessions.iter().copied()),
        );
    }
}

/// Whether it is an application, installed where applications are, or an intruder's program, or
/// something that only carries others' connections.
fn is_an_application(case: &Case<'_>, program: &Program<'_>, weighing: &mut Weighing) {
    let places: Vec<_> = program.places.iter().take(1).copied().collect();
    if shell_account::is_login_server(program) {
        weighing.add(About::Culprit, 0.002, "it is the log-in server: a log-in's tunnel", places);
        return;
    }
    if open_proxy::is_proxy(program) {
        weighing.add(About::Culprit, 0.002, "it is a proxy: it connects for others", places);
        return;
    }
    if program.is_of_the_web() {
        of_a_site(case, program, weighing);
        return;
    }
    let signs = bot_process::signs(case, program);
    let clean = signs.is_empty();
    for (_, says, places) in signs {
        weighing.add(About::Culprit, 0.002, says, places);
    }
    if clean && program.name.starts_with('/') {
        weighing.add(
            About::Culprit,
            2.0,
            format!("{} stands where installed software stands", program.name),
            places,
        );
    }
}

/// A site's script: an application only if its file was given and shows nothing that was planted.
fn of_a_site(case: &Case<'_>, program: &Program<'_>, weighing: &mut Weighing) {
    let name = &program.name;
    let places: Vec<_> = program.places.iter().take(1).copied().collect();
    let file = case.facts.web_files.iter().find(|f| f.path == *name);
    let planted = file.is_some_and(|f| Script::of(f).planted() >= PLANTED);
    let (ratio, says) = match file {
        _ if program.opener.as_ref().is_none_or(|o| o.script.is_none()) => {
            (0.005, format!("{name} runs the sites' scripts, and which one it ran does not show"))
        }
        None => (
            0.0003,
            format!(
                "{name} was not among the evidence, so it cannot be said whether it was planted"
            ),
        ),
        Some(_) if planted => (0.002, format!("{name} looks planted")),
        Some(_) if stands_oddly(name) => (0.01, format!("code does not belong where {name} lies")),
        Some(_) => (2.0, format!("{name} is a site's own, and nothing in it looks planted")),
    };
    weighing.add(About::Culprit, ratio, says, places);
}
