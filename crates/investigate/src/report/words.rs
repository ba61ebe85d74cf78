//! The sentences that the terminal and the page share.

use crate::answer::{Cause, Culprit, Investigation, NoticeRow, Path, Proof, Verdict};
use heloscope_model::Time;
use heloscope_model::notice::TimeKind;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The first line: the answer.
pub(super) fn answer(investigation: &Investigation) -> String {
    match investigation.verdict {
        Verdict::CauseFound => {
            investigation.causes.first().map(|c| c.summary.clone()).unwrap_or_default()
        }
        Verdict::SeveralCauses => {
            let all: Vec<_> = investigation.causes.iter().map(|c| c.summary.as_str()).collect();
            format!("{} causes. {}", all.len(), all.join(" And: "))
        }
        Verdict::NotYourMail => "It is not your mail.".to_owned(),
        Verdict::InsufficientEvidence if investigation.inputs.iter().all(|i| is_word(i.kind)) => {
            "A notice alone does not show the cause; below is what it rules out and what to collect."
                .to_owned()
        }
        Verdict::InsufficientEvidence => {
            "The cause cannot be told from this evidence; nobody is accused.".to_owned()
        }
    }
}

/// Whether an input of this kind is only words about the listing.
fn is_word(kind: &str) -> bool {
    matches!(kind, "notice" | "site" | "list-answers" | "dns-facts" | "unrecognised")
}

/// Class, culprit, certainty, the way it took.
pub(super) fn facts(cause: &Cause) -> String {
    let who = cause.culprit.as_ref().map_or("nobody can be named yet", |c| c.value.as_str());
    format!(
        "{} - {who} - {:.0} % sure - {}",
        cause.class.word(),
        cause.confidence * 100.0,
        path(cause.path)
    )
}

/// What else is known of a culprit, for a line.
pub(super) fn attributes(culprit: &Culprit) -> String {
    let words: Vec<String> = culprit
        .attrs
        .iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name} {text}"),
            serde_json::Value::Array(list) => {
                let items: Vec<_> = list
                    .iter()
                    .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                    .collect();
                format!("{name} {}", items.join(", "))
            }
            other => format!("{name} {other}"),
        })
        .collect();
    words.join("; ")
}

/// When it was seen.
pub(super) fn span(cause: &Cause) -> Option<String> {
    let (first, last) = (cause.first_seen?, cause.last_seen?);
    let mut text = if first == last {
        format!("Seen {}", stamp(first))
    } else {
        format!("Seen from {} to {}", stamp(first), stamp(last))
    };
    match cause.ongoing {
        Some(true) => text.push_str(", and it still went on when the evidence ends."),
        Some(false) => text.push_str(", not after that."),
        None => text.push('.'),
    }
    Some(text)
}

/// Which of several notices a cause explains.
pub(super) fn explains(investigation: &Investigation, cause: &Cause) -> Option<String> {
    let all = investigation.notices.len();
    if all < 2 || cause.notices.len() == all || cause.notices.is_empty() {
        return None;
    }
    let told: Vec<String> = cause
        .notices
        .iter()
        .filter_map(|i| investigation.notices.get(*i))
        .map(|n| {
            let list = n.list.clone().unwrap_or_else(|| "a list or provider".to_owned());
            n.time.map_or_else(|| list.clone(), |t| format!("{list} ({})", stamp(t)))
        })
        .collect();
    Some(printable(&format!(
        "It explains {} of the {all} notices: {}.",
        told.len(),
        told.join(", ")
    )))
}

/// The way of the mail.
pub(super) fn path(path: Path) -> &'static str {
    match path {
        Path::ThroughMta => "through your mail server",
        Path::PastMta => "from this machine, past your mail server",
        Path::Forwarded => "from another machine, through your gateway",
        Path::NotSeen => "not seen in the evidence",
    }
}

/// The notices, and what their words mean.
pub(super) fn notices(investigation: &Investigation) -> Vec<String> {
    let zone =
        investigation.zone.as_deref().and_then(|name| Some((name, TimeZone::get(name).ok()?)));
    let said = investigation.notices.iter().map(|row| {
        let local = zone.as_ref().and_then(|(name, zone)| local_window(row, name, zone));
        format!("{}{}", notice(row), local.unwrap_or_default())
    });
    said.chain(investigation.remarks.iter().map(|r| printable(r))).collect()
}

/// `; in Europe/Berlin between 15:15 and 15:45 on 2015-12-04`.
fn local_window(row: &NoticeRow, name: &str, zone: &TimeZone) -> Option<String> {
    let (at, tolerance) = (row.time?.secs(), i64::from(row.tolerance_s.unwrap_or(0)));
    let local = |secs: i64| Some(zone.to_datetime(Timestamp::from_second(secs).ok()?));
    let (from, to) = (local(at - tolerance)?, local(at + tolerance)?);
    if TimeZone::UTC.to_datetime(Timestamp::from_second(at - tolerance).ok()?) == from {
        return None;
    }
    let day = |at: &DateTime| at.strftime("%Y-%m-%d").to_string();
    let clock = |at: &DateTime| at.strftime("%H:%M:%S").to_string();
    Some(match (tolerance, day(&from) == day(&to)) {
        (0, _) => format!("; in {name} at {} on {}", clock(&from), day(&from)),
        (_, true) => {
            format!("; in {name} between {} and {} on {}", clock(&from), clock(&to), day(&from))
        }
        (_, false) => format!(
            "; in {name} between {} {} and {} {}",
            day(&from),
            clock(&from),
            day(&to),
            clock(&to)
        ),
    })
}

/// What a notice says, in a line.
fn notice(notice: &NoticeRow) -> String {
    let mut text = notice.list.clone().unwrap_or_else(|| "A list or provider".to_owned());
    if let Some(ip) = &notice.ip {
        let _ = write!(text, " on {ip}");
    }
    if let Some(time) = notice.time {
        let kind = match notice.time_kind {
            Some(TimeKind::Detection) | None => "detected",
            Some(TimeKind::Listing) => "listed",
            Some(TimeKind::Rejection) => "a mail refused",
            Some(TimeKind::Removal) => "removed",
        };
        let _ = write!(text, ": {kind} {}", stamp(time));
        match notice.tolerance_s {
            Some(0) => text.push_str(" exactly"),
            Some(s) if s % 60 == 0 => {
                let _ = write!(text, " +/- {} minutes", s / 60);
            }
            Some(s) => {
                let _ = write!(text, " +/- {s} seconds");
            }
            None => {}
        }
    }
    if let Some(helo) = &notice.helo {
        let _ = write!(text, ", HELO {helo}");
    }
    if let Some(botnet) = &notice.botnet {
        let _ = write!(text, ", named {botnet}");
    }
    if let (Some(dst), Some(port)) = (&notice.dst, notice.dst_port) {
        let _ = write!(text, ", contact to {dst} port {port}");
    }
    if let Some(removed) = notice.removed_at {
        let _ = write!(text, ", removed {}", stamp(removed));
    }
    printable(&text)
}

/// One reason as it is shown: a sentence, its records, and those that were shown before.
pub(super) struct Shown<'a> {
    pub(super) says: &'a str,
    pub(super) quoted: Vec<&'a Proof>,
    /// `FILE frame 3, frame 8 (quoted above)`.
    pub(super) again: Vec<String>,
}

/// Proofs by reason; a record that was quoted already is only named.
pub(super) fn shown(proofs: &[Proof]) -> Vec<Shown<'_>> {
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    proofs
        .chunk_by(|_, next| next.says.is_empty())
        .map(|reason| {
            let records = reason.iter().filter(|p| !p.source.is_empty());
            let (quoted, again): (Vec<_>, Vec<_>) =
                records.partition(|p| known.insert((p.source.as_str(), p.locator.as_str())));
            let again = again
                .chunk_by(|a, b| a.source == b.source)
                .map(|same| {
                    let locators: Vec<_> = same.iter().map(|p| p.locator.as_str()).collect();
                    let source = same.first().map_or("", |p| p.source.as_str());
                    format!("{source} {} (quoted above)", locators.join(", "))
                })
                .collect();
            Shown { says: reason.first().map_or("", |p| p.says.as_str()), quoted, again }
        })
        .collect()
}

/// The sessions, in a sentence.
pub(super) fn sessions(investigation: &Investigation) -> Option<String> {
    let count = investigation.sessions;
    let logged = investigation.inputs.iter().any(|input| input.kind == "mail-log");
    (count.outbound > 0).then(|| {
        if !logged {
            return format!(
                "{} outgoing mail sessions were recorded, and no mail log was given that could \
                 explain them.",
                count.outbound
            );
        }
        format!(
            "{} outgoing mail sessions were recorded: the mail log explains {}, it knows nothing of {}.",
            count.outbound, count.explained, count.unexplained
        )
    })
}

/// `2026-11-24 14:30:00 UTC`.
pub(super) fn stamp(time: Time) -> String {
    let text = Time::from_secs(time.secs()).rfc3339();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// Control characters made visible: what is quoted comes from strangers.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}
