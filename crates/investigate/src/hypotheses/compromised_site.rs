//! `compromised-site`: planted code in a web site sends mail, past the MTA or through it.
//!
//! A bad file alone is no cause, and busy requests alone are none: a file counts when requests to
//! it meet the mail. For it: the file looks planted, its requests stand near the sessions (or the
//! mails its user handed in) far more often than chance, the notice's window and HELO fit. Against
//! it: the file shows nothing planted (unmodified code is never this class), the requests are no
//! nearer than chance, the list quotes a HELO that the MTA never says.

mod daemon;
mod script;

pub(super) use self::script::{PLANTED, Script, candidates, stands_oddly};

use super::{Hypothesis, remedy, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::instants::Instant;
use crate::past::Past;
use crate::process::ProcessRef;
use crate::seen::Seen;
use crate::usage::{BY_SMTP, Usage};
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::Kind;
use heloscope_model::Time;

/// The weight from which another file is named beside the culprit.
const COMPANION: f64 = 0.75;

/// Log odds against chance from which requests and sessions belong together; one of the many
/// paths of a site reaches less by itself.
const HARDLY_CHANCE: f64 = 2.0;

/// Candidates past the MTA and through it.
pub(crate) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let past = case.past();
    let mut found: Vec<(f64, Hypothesis)> = Vec::new();
    if !past.is_empty() {
        for script in candidates(case, Instant::Session) {
            let its = script.its(past);
            if !its.is_empty() {
                found.push((script.planted(), past_mta(case, &script, &its)));
            }
        }
    }
    for (uid, usage) in case.gathered.usages.uids.iter().filter(|(uid, _)| **uid != 0) {
        for script in candidates(case, Instant::Mail(*uid)) {
            let weighed = through_mta(case, &script, *uid, usage);
            found.extend(weighed.map(|w| (script.planted(), w)));
        }
    }
    found.extend(daemon::weigh(case, past));
    found.sort_by(|a, b| b.1.weighing.confidence().total_cmp(&a.1.weighing.confidence()));
    join_companions(found)
}

fn past_mta(case: &Case<'_>, script: &Script<'_>, past: &Past<'_>) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, &past.sessions, &mut weighing);
    requests_meet(case, script, Instant::Session, &mut weighing);
    process_join(case, script, &past.sessions, &mut weighing);
    looks_planted(case, script, &mut weighing);
    if let Some(file) = script.file
        && !file.can_mail
        && script.planted() < PLANTED
    {
        weighing.add(
            About::Culprit,
            0.3,
            "nothing in the file opens connections or sends mail",
            [],
        );
    }
    let span = (past.first(), past.last());
    finish(case, script, Path::PastMta, weighing, past.notices(case), span)
}

fn through_mta(
    case: &Case<'_>,
    script: &Script<'_>,
    uid: u32,
    usage: &Usage,
) -> Option<Hypothesis> {
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    script.path?;
    let who = match uid {
        BY_SMTP => "a program of this host, by SMTP,".to_owned(),
        uid => format!("user id {uid}"),
    };
    let in_window: Vec<_> = usage
        .sequence
        .iter()
        .filter(|(t, ..)| case.in_window(*t))
        .map(|(t, _, place)| (*place, Some(*t)))
        .collect();
    if !case.incident.windows.is_empty() {
        if in_window.is_empty() {
            weighing.add(
                About::Offence,
                0.05,
                format!("{who} handed in no mail in the notice's time"),
                [],
            );
        } else {
            weighing.add(
                About::Offence,
                3.0,
                format!(
                    "{who} handed in {} within the notice's time",
                    count(in_window.len(), "mail")
                ),
                in_window.clone(),
            );
        }
    }
    window_signs::helo_of_the_mta(case, &mut weighing);
    requests_meet(case, script, Instant::Mail(uid), &mut weighing);
    looks_planted(case, script, &mut weighing);
    named_by_php(case, script, &mut weighing);
    refused(usage, &mut weighing);
    let notices = case.notices_through_mta();
    let mut hypothesis =
        finish(case, script, Path::ThroughMta, weighing, notices, (usage.first, usage.last));
    hypothesis.fix.push(remedy::hold(&[usage], "postqueue -j"));
    if let Some(culprit) = hypothesis.culprit.as_mut().filter(|_| uid != BY_SMTP) {
        culprit.attrs.insert("uid".to_owned(), uid.into());
    }
    Some(hypothesis)
}

/// Whether requests stand near what needs explaining.
pub(super) fn requests_meet(
    case: &Case<'_>,
    script: &Script<'_>,
    what: Instant,
    weighing: &mut Weighing,
) {
    let word = if what == Instant::Session { "session" } else { "mail" };
    let Some((path, usage)) = script.path else {
        if case.has(Kind::WebLog) {
            weighing.add(
                About::Culprit,
                0.3,
                format!("no request to it stands near any of the {word}s"),
                [],
            );
        }
        return;
    };
    let requests = &case.gathered.requests;
    let met = requests.hits(usage, what);
    let all = requests.instants.count(what);
    let surprise = requests.surprise(usage, what);
    let places: Vec<Cited> = usage.samples.iter().map(|(t, place)| (*place, Some(*t))).collect();
    if surprise > HARDLY_CHANCE {
        weighing.add(
            About::Culprit,
            surprise.min(6.0).exp(),
            if all == 1 {
                format!("the {word} starts within seconds of a request to {path}")
            } else {
                format!(
                    "{met} of the {} start within seconds of a request to {path}",
                    count(all, word)
                )
            },
            places,
        );
    } else {
        weighing.add(
            About::Culprit,
            0.15,
            format!("requests to {path} are hardly nearer to the {word}s than chance"),
            places,
        );
    }
    // Of several busy paths, the one that stands nearest.
    let many = if what == Instant::Session { "sessions" } else { "people" };
    let own = requests.nearest_to(usage, what);
    let others = requests.paths.iter().filter(|(other, _)| other.as_str() != path);
    let nearer = others
        .map(|(other, usage)| (requests.nearest_to(usage, what), other))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((most, other)) = nearer.filter(|(most, _)| *most >= 3.0 && *most > 2.0 * own) {
        weighing.add(
            About::Culprit,
            0.02,
            format!(
                "requests to {other} stand nearest to what went to {most:.0} {many}, requests to {path} \
                 only to {own:.0}"
            ),
            [],
        );
    }
}

/// A process join: the socket table names the process, and the process runs this very file.
fn process_join(case: &Case<'_>, script: &Script<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    if let Some(ran) = script.ran {
        let is_it = |process: &&ProcessRef| {
            process.opener.as_deref().is_some_and(|o| o.script.as_deref() == Some(ran))
        };
        let by_it: Vec<(&ProcessRef, &Seen)> = sessions
            .iter()
            .filter_map(|seen| Some((seen.process.as_ref().filter(is_it)?, *seen)))
            .collect();
        // Who is looked up afterwards may be another by then.
        let sure = by_it.iter().find(|(process, _)| process.seen_how() == "open");
        if let Some((process, _)) = sure.or(by_it.first()) {
            let (how, many) = (process.seen_how(), count(by_it.len(), "connection"));
            weighing.add(
                About::Culprit,
                if sure.is_some() { 1000.0 } else { 100.0 },
                format!("the recorder saw this file {how} {many}"),
                by_it.iter().map(|(process, seen)| (process.place, Some(seen.start))),
            );
            return;
        }
    }
    let Some(file) = script.file else { return };
    for seen in sessions {
        let Some(process) = &seen.process else { continue };
        let Some(running) = case.process(process.pid) else { continue };
        if running.command.split_whitespace().any(|w| w == file.path) {
            weighing.add(
                About::Culprit,
                100.0,
                format!(
                    "the process that holds the connection runs this file: {}",
                    running.command
                ),
                [(process.place, Some(seen.start)), (running.place, running.started)],
            );
            return;
        }
    }
}

fn looks_planted(case: &Case<'_>, script: &Script<'_>, weighing: &mut Weighing) {
    let planted = script.planted();
    match script.file {
        Some(file) if planted >= PLANTED => {
            let mut findings: Vec<_> = file.findings.iter().collect();
            findings.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            let because: Vec<_> = findings.iter().take(3).map(|f| f.because.as_str()).collect();
            weighing.add(
                About::Both, 1.0 + 30.0 * planted,
                format!("the file looks planted: {}", because.join("; ")),
                findings.iter().take(3).map(|f| (f.place, None)).collect::<Vec<_>>(),
            );
        }
        Some(file) if script.ran.is_some() && stands_oddly(&file.path) => weighing.add(
            About::Culprit,
            2.0,
            "code does not belong where this file lies, and it was run there",
            [(file.place, file.modified)],
        ),
        Some(file) => {
            weighing.add(About::Culprit, 0.0001, "nothing in the file looks planted", [(file.place, file.modified)]);
        }
        None if stands_oddly(&script.name()) && !case.has(Kind::WebRoot) => weighing.add(
            About::Culprit,
            0.5,
            "code does not belong where this file lies, but the file was not among the evidence",
            [],
        ),
        None if case.has(Kind::WebRoot) => weighing.add(
            About::Culprit,
            0.0001,
            "the files of the site were given, and nothing at that path stands out",
            [],
        ),
        None => weighing.add(
            About::Culprit,
            if script.ran.is_some() { 0.0003 } else { 0.01 },
            "the file itself was not among the evidence, so it cannot be said whether it was planted",
            [],
        ),
    }
}

/// PHP names the script in the header of the mail (`mail.add_x_header`).
fn named_by_php(case: &Case<'_>, script: &Script<'_>, weighing: &mut Weighing) {
    let name = script.name();
    let base = name.rsplit('/').next().unwrap_or_default();
    let is_it = |s: &heloscope_model::Octets| {
        let text = s.to_string();
        text.split([' ', '(', ':']).any(|word| word == base)
    };
    let copies = case
        .gathered
        .copies
        .iter()
        .filter(|c| c.php_script.as_ref().is_some_and(|(_, s)| is_it(s)))
        .map(|c| (c.place, c.date));
    let sessions = case
        .gathered
        .outbound
        .iter()
        .filter(|s| s.php_script.as_ref().is_some_and(is_it))
        .map(|s| (s.place, Some(s.start)));
    let named: Vec<_> = copies.chain(sessions).collect();
    if !named.is_empty() && !base.is_empty() {
        weighing.add(
            About::Culprit,
            20.0,
            format!("PHP names {base} in the header of {}", count(named.len(), "message")),
            named,
        );
    }
}

/// What receivers said of this user's mail.
fn refused(usage: &Usage, weighing: &mut Weighing) {
    let tried = usage.sent + usage.bounced + usage.deferred;
    if !usage.refused_as_spam.is_empty() {
        weighing.add(
            About::Offence,
            3.0,
            format!("receivers refused {} of its mails as spam", usage.refused_as_spam.len()),
            usage.refused_as_spam.iter().map(|(t, p)| (*p, Some(*t))),
        );
    }
    if tried >= 10 && usage.bounced * 5 >= tried {
        weighing.add(
            About::Offence,
            2.0,
            format!("{} of {tried} recipients bounced", usage.bounced),
            [],
        );
    }
}

fn finish(
    case: &Case<'_>,
    script: &Script<'_>,
    path: Path,
    weighing: Weighing,
    notices: Vec<usize>,
    (first, last): (Option<Time>, Option<Time>),
) -> Hypothesis {
    let name = script.name();
    let root = case.facts.web_roots.iter().filter(|r| name.starts_with(r.as_str())).max();
    let unexpected = match root {
        Some(root) => {
            format!("find {root} -name '*.php' -newermt '1 day ago' finds nothing unexpected, and ")
        }
        None => String::new(),
    };
    let mut fix = vec![
        format!("Move {name} out of the web root and keep it as evidence; do not just delete it."),
        "Find how it came in: the log lines of the requests that first created or called it, \
         outdated plug-ins, leaked FTP or panel passwords; then change all of them."
            .to_owned(),
        "Restore the site from its source or a clean copy: there is seldom only one such file."
            .to_owned(),
    ];
    let (way, watch) = if path == Path::PastMta {
        fix.push(remedy::only_the_mail_server());
        (
            "sends mail straight to other mail servers, past your own",
            "tcpdump -ni any 'tcp dst port 25' shows only the mail server's sessions for a day",
        )
    } else {
        (
            "sends mail through your mail server",
            "the mail log shows no more pickup lines of the site's user but those you know",
        )
    };
    Hypothesis {
        class: Class::CompromisedSite,
        culprit: culprit(script),
        summary: format!("The script {name} of your web site, planted there, {way}."),
        path,
        notices,
        first,
        last,
        weighing,
        fix,
        verify: format!("{unexpected}{watch}"),
    }
}

/// The script by its absolute path; where only the address it was called by is known, the site.
/// With it, who called it when mail went out.
fn culprit(script: &Script<'_>) -> Option<Culprit> {
    let from = script.path.map(|(_, usage)| {
        usage.near_clients.keys().take(20).map(ToString::to_string).collect::<Vec<String>>()
    });
    let culprit = match (script.file, script.ran, script.path) {
        (Some(file), ..) => Culprit::new("script", file.path.clone()),
        (None, Some(ran), _) => Culprit::new("script", ran),
        (None, None, Some((path, usage))) => {
            let host = usage.host.as_ref()?.to_string();
            Culprit::new("site", host).with("script", Some(path))
        }
        (None, None, None) => return None,
    };
    Some(culprit.with("from", from.filter(|f| !f.is_empty())))
}

/// Keeps the best candidate of each way, and names others that look planted as its companions.
fn join_companions(found: Vec<(f64, Hypothesis)>) -> Vec<Hypothesis> {
    let mut kept: Vec<Hypothesis> = Vec::new();
    for (planted, hypothesis) in found {
        let Some(best) = kept.iter_mut().find(|k| k.path == hypothesis.path) else {
            kept.push(hypothesis);
            continue;
        };
        if planted >= COMPANION
            && hypothesis.weighing.confidence() >= 0.5
            && let (Some(culprit), Some(other)) = (&mut best.culprit, &hypothesis.culprit)
            && culprit.value != other.value
        {
            let also = culprit.attrs.entry("also").or_insert_with(|| Vec::<String>::new().into());
            if let Some(list) = also.as_array_mut()
                && !list.iter().any(|v| v == other.value.as_str())
            {
                list.push(other.value.clone().into());
            }
        }
    }
    kept
}
