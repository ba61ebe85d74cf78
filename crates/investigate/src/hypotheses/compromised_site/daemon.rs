//! A planted script that left a program running: one request, then hours of mail. The request is
//! joined with the start of the process, the process with the mail.

use super::script::{PLANTED, Script, candidates};
use super::{finish, looks_planted};
use crate::answer::Path;
use crate::case::Case;
use crate::hypotheses::program::{Join, Program, programs};
use crate::hypotheses::{Hypothesis, mail_signs, remedy, window_signs};
use crate::instants::Instant;
use crate::past::Past;
use crate::usage::Usage;
use crate::weight::{About, Weighing};
use heloscope_evidence::Process;

/// Scripts whose request stands near the start of a process that sends, past the mail server or
/// through it; each with how planted it looks.
pub(super) fn weigh(case: &Case<'_>, past: &Past<'_>) -> Vec<(f64, Hypothesis)> {
    let mut found = Vec::new();
    if !past.is_empty() {
        for program in programs(case, &past.sessions) {
            let Some(process) = program.process else { continue };
            let its = program.its(past);
            if its.is_empty() {
                continue;
            }
            for script in started_by(case, process) {
                found.push((script.planted(), past_mta(case, &script, &program, process, &its)));
            }
        }
    }
    for process in case.facts.processes.iter().filter(|p| p.started.is_some()) {
        let Some(usage) = handed_in_by(case, process) else { continue };
        for script in started_by(case, process) {
            found.push((script.planted(), through_mta(case, &script, process, usage)));
        }
    }
    found
}

/// Planted scripts with a request near the start of a process.
fn started_by<'a>(case: &Case<'a>, process: &Process) -> Vec<Script<'a>> {
    if process.started.is_none() {
        return Vec::new();
    }
    let mut scripts = candidates(case, Instant::Started(process.pid));
    scripts.retain(|s| s.path.is_some() && s.planted() >= PLANTED);
    scripts
}

/// The mails of a process's user, where it is no web server's or login's whose mails have other
/// causes.
fn handed_in_by<'a>(case: &'a Case<'_>, process: &Process) -> Option<&'a Usage> {
    if !crate::hypotheses::stands_out(process, &case.facts.processes) {
        return None;
    }
    let usages = &case.gathered.usages.uids;
    usages
        .iter()
        .find(|(uid, usage)| {
            process.uid == Some(**uid) || usage.local_name.as_deref() == Some(process.user.as_str())
        })
        .filter(|(uid, _)| **uid != 0)
        .map(|(_, usage)| usage)
}

fn past_mta(
    case: &Case<'_>,
    script: &Script<'_>,
    program: &Program<'_>,
    process: &Process,
    past: &Past<'_>,
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, &past.sessions, &mut weighing);
    let (ratio, says) = program.joined();
    weighing.add(
        About::Culprit,
        if program.join == Join::Stands { 3.0 } else { ratio.min(30.0) },
        says,
        program.places.clone(),
    );
    start_meets(case, script, process, &mut weighing);
    looks_planted(case, script, &mut weighing);
    let span = (past.first(), past.last());
    let notices = past.notices(case);
    left_running(finish(case, script, Path::PastMta, weighing, notices, span), process)
}

fn through_mta(
    case: &Case<'_>,
    script: &Script<'_>,
    process: &Process,
    usage: &Usage,
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    let whence = format!("handed in by {}", process.user);
    let none = format!("{} handed in no mail in the time the notice names", process.user);
    let otherwise = usage.samples.iter().take(2).map(|(t, p)| (*p, Some(*t))).collect();
    mail_signs::window(case, usage, |_| true, (&whence, &none), otherwise, &mut weighing);
    window_signs::helo_of_the_mta(case, &mut weighing);
    mail_signs::receivers(usage, About::Both, &mut weighing);
    start_meets(case, script, process, &mut weighing);
    looks_planted(case, script, &mut weighing);
    let notices = case.notices_through_mta();
    let span = (usage.first, usage.last);
    let mut left =
        left_running(finish(case, script, Path::ThroughMta, weighing, notices, span), process);
    left.fix.push(remedy::hold(&[usage], "postqueue -j"));
    left
}

/// The request and the process's start.
fn start_meets(case: &Case<'_>, script: &Script<'_>, process: &Process, weighing: &mut Weighing) {
    let Some((path, usage)) = script.path else { return };
    let surprise = case.gathered.requests.surprise(usage, Instant::Started(process.pid));
    let mut places = vec![(process.place, process.started)];
    let started = process.started;
    places.extend(
        usage
            .samples
            .iter()
            .filter(|(t, _)| {
                started.is_some_and(|s| (t.since(s)).abs() <= crate::requests::NEAR_S * 2.0)
            })
            .map(|(t, place)| (*place, Some(*t))),
    );
    weighing.add(
        About::Culprit,
        surprise.clamp(0.0, 5.0).exp(),
        format!(
            "the process {} ({}) was started within seconds of a request to {path}",
            process.pid, process.command
        ),
        places,
    );
}

/// The answer names the script, and the process to end.
fn left_running(mut hypothesis: Hypothesis, process: &Process) -> Hypothesis {
    if let Some(culprit) = hypothesis.culprit.take() {
        hypothesis.culprit = Some(
            culprit
                .with("pid", Some(process.pid))
                .with("process", Some(process.command.clone()))
                .with("user", Some(process.user.clone())),
        );
    }
    hypothesis.summary = format!(
        "{} It left a program running ({}, process {}).",
        hypothesis.summary, process.command, process.pid
    );
    let first = format!(
        "Look at the program it left, then end it: ls -l /proc/{pid}/exe /proc/{pid}/cwd; kill {pid}",
        pid = process.pid
    );
    hypothesis.fix.insert(0, first);
    hypothesis
}
