//! `direct-sender`: a legitimate application of this host sends straight to MX hosts, past the MTA.
//!
//! For it: sessions past the MTA from this machine with another HELO or dialect, and a process (or
//! unmodified script) that is shown to have made them and stands where installed software stands.
//! Against it: a program in /tmp or a hidden folder, a file that looks planted, code injected over
//! the web. Without a process nobody is named and the class is not claimed.

use super::program::{Join, Program, first_word, programs};
use super::{Hypothesis, bot_process, open_proxy, shell_account, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::past::Past;
use crate::weight::{About, Weighing};

/// One hypothesis a program that is joined to the sessions.
pub(crate) fn weigh(case: &Case<'_>, sites: &[Hypothesis]) -> Vec<Hypothesis> {
    let past = case.past();
    if past.is_empty() {
        return Vec::new();
    }
    programs(case, &past.sessions)
        .into_iter()
        .filter(|program| program.join > Join::Stands)
        .map(|program| one(case, &program, past, sites))
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
    let helo = past.sessions.iter().find_map(|s| s.helo.clone()).unwrap_or_default();
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
