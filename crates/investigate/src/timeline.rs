//! The time line of the page: lanes of marks around the notices' windows.

use crate::answer::{Culprit, Lane, Path, Timeline, Tone};
use crate::case::{Case, Speaker};
use crate::hypotheses::Hypothesis;
use heloscope_model::Time;
use std::collections::BTreeSet;

/// Marks drawn in one lane.
const MARKS: usize = 400;

/// Lays out what happened.
pub(crate) fn draw(case: &Case<'_>, causes: &[Hypothesis]) -> Timeline {
    let mut timeline = Timeline::default();
    for (i, window) in &case.incident.windows {
        let list = case.incident.notices.get(*i).and_then(|n| n.list.clone());
        timeline.windows.push((*window, list.unwrap_or_else(|| "notice".to_owned())));
    }
    let outbound = &case.gathered.outbound;
    let label = |s: &crate::seen::Seen| {
        let helo = s.helo.as_ref().map(|h| format!(" HELO {h}")).unwrap_or_default();
        format!("{} to {}{helo}", s.speaker_socket(), s.server)
    };
    let explained = outbound.iter().filter(|s| s.explained.is_some()).map(|s| (s.start, label(s)));
    lane(&mut timeline, "sessions with a log line", Tone::Good, explained);
    let past_mta = causes.iter().any(|c| c.path == Path::PastMta);
    let accused: BTreeSet<&str> = causes
        .iter()
        .filter_map(|c| c.culprit.as_ref().filter(|c| c.kind == "host").map(|c| c.value.as_str()))
        .collect();
    let unexplained = || outbound.iter().filter(|s| s.explained.is_none());
    for host in &accused {
        let marks =
            unexplained().filter(|s| s.speaker().to_string() == *host).map(|s| (s.start, label(s)));
        lane(&mut timeline, &format!("sessions of {host}"), Tone::Bad, marks);
    }
    let of_host =
        unexplained().filter(|s| case.speaker(s) == Speaker::Host).map(|s| (s.start, label(s)));
    let tone = if past_mta { Tone::Bad } else { Tone::Plain };
    lane(&mut timeline, "sessions of the mail server's machine without a log line", tone, of_host);
    let of_others = unexplained()
        .filter(|s| case.speaker(s) != Speaker::Host)
        .filter(|s| !accused.contains(s.speaker().to_string().as_str()))
        .map(|s| (s.start, label(s)));
    lane(&mut timeline, "sessions of other machines", Tone::Plain, of_others);
    for cause in causes {
        let Some(culprit) = &cause.culprit else { continue };
        if let Some(usage) = case.gathered.usages.accounts.get(&culprit.value) {
            let mails = usage
                .sequence
                .iter()
                .map(|(t, ip, _)| (*t, ip.map_or_else(String::new, |ip| format!("from {ip}"))));
            lane(&mut timeline, &format!("mail of account {}", culprit.value), Tone::Bad, mails);
        }
        for (name, marks) in of_culprit(case, culprit) {
            lane(&mut timeline, &name, Tone::Bad, marks.into_iter());
        }
    }
    let local = case.gathered.usages.uids.iter().flat_map(|(uid, usage)| {
        usage.sequence.iter().map(move |(t, ..)| {
            (
                *t,
                if *uid == crate::usage::BY_SMTP {
                    "by SMTP".to_owned()
                } else {
                    format!("user id {uid}")
                },
            )
        })
    });
    lane(&mut timeline, "mail of local programs", Tone::Plain, local);
    let logins = case.gathered.usages.accounts.iter().flat_map(|(account, usage)| {
        usage.sequence.iter().map(move |(t, ip, _)| {
            (*t, ip.map_or_else(|| account.clone(), |ip| format!("{account} from {ip}")))
        })
    });
    lane(&mut timeline, "mail of logged-in accounts", Tone::Plain, logins);
    timeline
}

/// What a culprit did, by its kind: requests, mails without a password, log-ins, proxy lines.
fn of_culprit(case: &Case<'_>, culprit: &Culprit) -> Vec<(String, Vec<(Time, String)>)> {
    let value = culprit.value.as_str();
    let requests = |is: &dyn Fn(&str) -> bool| -> Vec<(Time, String)> {
        let paths = case.gathered.requests.paths.iter().filter(|(path, _)| is(path));
        paths.flat_map(|(path, usage)| usage.times.iter().map(|t| (*t, path.clone()))).collect()
    };
    match culprit.kind {
        "script" => vec![("requests to the script".to_owned(), requests(&|p| value.ends_with(p)))],
        "url" => {
            vec![(format!("requests: {value}"), requests(&|p| value.split(' ').nth(1) == Some(p)))]
        }
        "host" | "setting" => {
            let ip = if culprit.kind == "host" {
                value.parse().ok()
            } else {
                culprit.attrs.get("from").and_then(|v| v.as_str()).and_then(|v| v.parse().ok())
            };
            let usage = ip.and_then(|ip| case.gathered.usages.clients.get(&ip));
            let marks = usage.map(|u| {
                u.sequence
                    .iter()
                    .map(|(t, ip, _)| (*t, ip.map_or_else(String::new, |ip| format!("from {ip}"))))
            });
            let marks: Vec<_> = marks.into_iter().flatten().collect();
            vec![("mail taken without a password".to_owned(), marks)]
        }
        "account" => {
            let logins = case.gathered.logins.users.get(value);
            let marks = logins.into_iter().flat_map(|l| l.accepted.iter()).map(|a| {
                let from = a.ip.map_or_else(String::new, |ip| format!(" from {ip}"));
                (a.time, format!("{}{from}", a.method))
            });
            vec![(format!("log-ins to {value}"), marks.collect())]
        }
        "service" => {
            let lines = case.gathered.proxies.to_mail.iter();
            let marks = lines.map(|r| (r.time, format!("{}:{}", r.host, r.port)));
            vec![("connections the proxy let through".to_owned(), marks.collect())]
        }
        _ => Vec::new(),
    }
}

fn lane(
    timeline: &mut Timeline,
    name: &str,
    tone: Tone,
    marks: impl Iterator<Item = (Time, String)>,
) {
    let mut all: Vec<(Time, String)> = marks.collect();
    if all.is_empty() {
        return;
    }
    all.sort();
    let more = all.len().saturating_sub(MARKS) as u64;
    all.truncate(MARKS);
    timeline.lanes.push(Lane { name: name.to_owned(), tone, marks: all, more });
}
