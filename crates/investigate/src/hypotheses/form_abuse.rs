//! `form-abuse`: a legitimate form, sign-up or feature of a web site is abused to send mail; nothing
//! was planted.
//!
//! For it: the mails that the web server's user hands in stand near requests to one path far more
//! often than chance, the file behind it is unmodified, and its mail goes to many people that the
//! site never wrote to, several at once, refused or bounced, in the notice's time. Against it: the
//! file looks planted (then it is `compromised-site`), the form writes to its owner alone, the
//! requests are no nearer than chance.

use super::compromised_site::{PLANTED, Script, candidates, requests_meet, stands_oddly};
use super::{Hypothesis, mail_signs, remedy, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::instants::Instant;
use crate::past::Past;
use crate::requests::PathUse;
use crate::usage::{BY_SMTP, Usage};
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::Kind;
use heloscope_model::Time;
use std::net::IpAddr;

/// Different people from which a form's mail is more than visitors ask for, and below which it is
/// what they do ask for.
const MANY: usize = 60;
const SOME: usize = 30;

/// The best candidate of each way.
pub(super) fn weigh(case: &Case<'_>, sites: &[Hypothesis]) -> Vec<Hypothesis> {
    let past = case.past();
    let mut found = Vec::new();
    if !past.is_empty()
        && let Some(script) = form(case, Instant::Session)
    {
        let its = script.its(past);
        if !its.is_empty() {
            found.push(past_mta(case, &script, &its, sites));
        }
    }
    let uids = case.gathered.usages.uids.iter().filter(|(uid, _)| **uid != 0);
    for (uid, usage) in uids {
        if let Some(script) = form(case, Instant::Mail(*uid)) {
            found.push(through_mta(case, &script, *uid, usage, sites));
        }
    }
    found.sort_by(|a, b| b.weighing.confidence().total_cmp(&a.weighing.confidence()));
    let mut ways = std::collections::BTreeSet::new();
    found.retain(|h| ways.insert(h.path == Path::PastMta));
    found
}

/// The path that stands nearest, where its file is not planted. A visitor looks at a page before he
/// posts it, and people post elsewhere at the same time: near stand many, one stands nearest.
fn form<'a>(case: &Case<'a>, what: Instant) -> Option<Script<'a>> {
    let nearest = |s: &Script<'_>| {
        s.path.map_or(0.0, |(_, usage)| case.gathered.requests.nearest_to(usage, what))
    };
    candidates(case, what)
        .into_iter()
        .filter(|s| s.path.is_some_and(|(_, usage)| is_posted(usage)))
        .max_by(|a, b| nearest(a).total_cmp(&nearest(b)))
        .filter(|s| s.planted() < PLANTED && s.file.is_none_or(|f| !f.path.ends_with(".htaccess")))
}

fn through_mta(
    case: &Case<'_>,
    script: &Script<'_>,
    uid: u32,
    usage: &Usage,
    sites: &[Hypothesis],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    let user = usage.local_name.clone().unwrap_or_else(|| format!("user id {uid}"));
    let whence = format!("handed in by {user}");
    let none = format!("{user} handed in no mail in the time the notice names");
    let otherwise = usage.samples.iter().take(2).map(|(t, p)| (*p, Some(*t))).collect();
    mail_signs::window(case, usage, |_| true, (&whence, &none), otherwise, &mut weighing);
    window_signs::helo_of_the_mta(case, &mut weighing);
    requests_meet(case, script, Instant::Mail(uid), &mut weighing);
    // A back office fills in its form all day, and writes to the same customers.
    let who = match script.path.filter(|_| usage.distinct_recipients.len() >= SOME) {
        Some((_, path)) => visitors(case, path, &mut weighing),
        None => Who::Unknown,
    };
    to_many_people(usage, who, &mut weighing);
    of_the_web_server(case, uid, usage, &mut weighing);
    mail_signs::refusals(usage, About::Both, &mut weighing);
    let notices = case.notices_through_mta();
    let span = (usage.first, usage.last);
    let mut form = finish(case, script, Path::ThroughMta, weighing, notices, span, sites);
    form.fix.push(remedy::hold(&[usage], "postqueue -j"));
    if let Some(culprit) = form.culprit.as_mut().filter(|_| uid != BY_SMTP) {
        culprit.attrs.insert("uid".to_owned(), uid.into());
    }
    form
}

fn past_mta(
    case: &Case<'_>,
    script: &Script<'_>,
    past: &Past<'_>,
    sites: &[Hypothesis],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, &past.sessions, &mut weighing);
    requests_meet(case, script, Instant::Session, &mut weighing);
    if let Some((_, path)) = script.path {
        visitors(case, path, &mut weighing);
    }
    let span = (past.first(), past.last());
    finish(case, script, Path::PastMta, weighing, past.notices(case), span, sites)
}

/// A form's mail is handed in by the user that the web server, or the site's PHP, runs as; not by a
/// person who is logged in.
fn of_the_web_server(case: &Case<'_>, uid: u32, usage: &Usage, weighing: &mut Weighing) {
    if uid == BY_SMTP {
        return;
    }
    let name = case.user_name(uid).map(str::to_owned).or_else(|| usage.local_name.clone());
    let web = case.web_users();
    if let Some(name) = name.as_deref().filter(|n| !web.is_empty() && !web.contains(*n)) {
        let runs = web.iter().copied().collect::<Vec<_>>().join(", ");
        weighing.add(
            About::Culprit,
            0.05,
            format!("the web server runs as {runs}, not as {name}"),
            usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
        );
    }
    if let Some(logins) = name.as_deref().and_then(|n| case.gathered.logins.users.get(n)) {
        let during = usage.sequence.iter().filter(|(t, ..)| logins.is_in(*t)).count();
        if !logins.accepted.is_empty() && during * 10 >= usage.sequence.len() * 9 {
            weighing.add(
                About::Culprit,
                0.05,
                "somebody was logged in to the account that handed it in",
                logins.accepted.iter().map(|a| (a.place, Some(a.time))),
            );
        }
    }
}

/// A form that works as meant writes to its owner, or to the one visitor who filled it in.
fn to_many_people(usage: &Usage, who: Who, weighing: &mut Weighing) {
    let people = usage.distinct_recipients.len();
    let lines =
        || usage.samples.iter().take(3).map(|(t, p)| (*p, Some(*t))).collect::<Vec<Cited>>();
    if usage.mails < 3 {
        weighing.add(
            About::Both,
            0.5,
            format!("only {} came of it", count(usage.mails as usize, "mail")),
            lines(),
        );
        return;
    }
    let at_once = usage.recipients as f64 / usage.mails.max(1) as f64;
    if people <= 3 || (people as u64) * 8 < usage.mails {
        weighing.add(
            About::Both,
            0.05,
            format!(
                "its mail goes to {} only, as that of a form that writes to its owner",
                count(people, "address")
            ),
            lines(),
        );
        return;
    }
    if at_once >= 3.0 {
        weighing.add(
            About::Both,
            6.0,
            format!(
                "a mail of it goes to {at_once:.0} people at once, which no visitor can ask for"
            ),
            lines(),
        );
    }
    let busiest = usage.hours.values().copied().max().unwrap_or(0);
    // A registration day brings many visitors at once.
    let many = people >= MANY && busiest >= 20 && who != Who::Visitors;
    if many {
        weighing.add(
            About::Both,
            5.0,
            format!("{busiest} mails in its busiest hour, to {people} different people altogether"),
            lines(),
        );
    } else if people < SOME {
        let ratio = if people < 10 { 0.1 } else { 0.4 };
        weighing.add(
            About::Both,
            ratio,
            format!("{people} people in all, as visitors are"),
            lines(),
        );
    }
    let spam = many || at_once >= 3.0 || !usage.refused_as_spam.is_empty() || usage.dead.len() >= 4;
    if !spam {
        weighing.add(
            About::Offence,
            0.2,
            "one mail to one person at a time, taken by the receivers: a busy form looks like that",
            lines(),
        );
    }
}

/// Who filled a form in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Visitors,
    Programs,
    Unknown,
}

/// Who filled it in: a visitor is shown a page before, a program that knows the form is not.
fn visitors(case: &Case<'_>, path: &PathUse, weighing: &mut Weighing) -> Who {
    let looked = |ip: &IpAddr| case.gathered.requests.visitors.looked(*ip);
    let known = path.near_clients.iter().filter_map(|(ip, posts)| Some((looked(ip)?, *posts)));
    let (mut all, mut blind) = (0, 0);
    for (looked, posts) in known {
        all += posts;
        blind += if looked { 0 } else { posts };
    }
    let places: Vec<Cited> = path.samples.iter().map(|(t, p)| (*p, Some(*t))).collect();
    if all < 10 {
        return Who::Unknown;
    }
    if blind * 2 >= all {
        weighing.add(
            About::Both,
            3.0,
            format!("{blind} of {all} times it was filled in from where no page was looked at, as programs do"),
            places,
        );
        Who::Programs
    } else if blind * 3 <= all {
        weighing.add(
            About::Both,
            0.1,
            format!("{} of {all} times it was filled in by somebody who had looked at the site, as visitors do", all - blind),
            places,
        );
        Who::Visitors
    } else {
        Who::Unknown
    }
}

/// Whether it is filled in, and not only looked at: visitors get the page before they post it.
fn is_posted(path: &PathUse) -> bool {
    path.near_posts > 0 && path.near_posts * 10 >= path.near
}

/// That nothing was planted: the file was read. Forms hand their mail to the mail server; one that
/// speaks to others' servers itself must be seen to do so.
fn unmodified(case: &Case<'_>, script: &Script<'_>, path: Path, weighing: &mut Weighing) {
    if path == Path::PastMta && !script.file.is_some_and(|f| f.can_mail) {
        weighing.add(
            About::Culprit,
            0.0005,
            "a form hands its mail to the mail server; nothing shows that this one sends it itself",
            script.file.map(|f| (f.place, f.modified)),
        );
        return;
    }
    match script.file {
        Some(file) if file.can_mail => weighing.add(
            About::Culprit,
            6.0,
            "the file sends mail, and nothing in it looks planted",
            [(file.place, file.modified)],
        ),
        Some(file) => weighing.add(
            About::Culprit,
            2.0,
            "nothing in the file looks planted",
            [(file.place, file.modified)],
        ),
        None if stands_oddly(&script.name()) => weighing.add(
            About::Culprit,
            0.0005,
            "code does not belong where this file lies: it is no form",
            [],
        ),
        None if case.has(Kind::WebRoot) => weighing.add(
            About::Culprit,
            1.5,
            "the files of the site were given, and nothing planted is behind this path",
            [],
        ),
        None => weighing.add(
            About::Culprit,
            0.005,
            "the file behind it was not among the evidence, so it may as well have been planted",
            [],
        ),
    }
}

fn finish(
    case: &Case<'_>,
    script: &Script<'_>,
    path: Path,
    mut weighing: Weighing,
    notices: Vec<usize>,
    (first, last): (Option<Time>, Option<Time>),
    sites: &[Hypothesis],
) -> Hypothesis {
    unmodified(case, script, path, &mut weighing);
    for site in sites.iter().filter(|s| s.path == path && s.weighing.confidence() > 0.5) {
        if let Some(culprit) = &site.culprit {
            weighing.add(
                About::Culprit,
                0.02,
                format!("the planted script {} explains the same mail", culprit.value),
                [],
            );
        }
    }
    let (target, host, from) = match script.path {
        Some((target, usage)) => {
            let from: Vec<String> =
                usage.near_clients.keys().take(20).map(ToString::to_string).collect();
            (target, usage.host.as_ref().map(ToString::to_string), from)
        }
        None => ("", None, Vec::new()),
    };
    let of = host.as_deref().map(|h| format!(" of {h}")).unwrap_or_default();
    Hypothesis {
        class: Class::FormAbuse,
        culprit: Some(
            Culprit::new("url", format!("POST {target}"))
                .with("host", host.clone())
                .with("script", script.file.map(|f| f.path.clone()))
                .with("from", (!from.is_empty()).then_some(from)),
        ),
        summary: format!(
            "The form behind POST {target}{of}, a legitimate part of your web site, is abused to \
             send mail to strangers."
        ),
        path,
        notices,
        first,
        last,
        weighing,
        fix: vec![
            format!("Take {target} out of service (or behind a password) until it is mended."),
            "Mend it: fixed recipients, no line break in anything that becomes a header, a token and \
             a puzzle for people, a limit for each address and hour; for sign-ups one confirmation an \
             address and day."
                .to_owned(),
        ],
        verify: format!(
            "grep 'POST {target} ' in the access log shows only what visitors do, and the mail log \
             no pickup lines beyond that, for a day"
        ),
    }
}
