//! The lists' own words as evidence: what a list of this kind can mean and what not, what the family
//! it names runs on, what its time is the time of, and whether what was changed came before or after.

use crate::answer::RuledOut;
use crate::case::Case;
use heloscope_evidence::ListState;
use heloscope_model::notice::TimeKind;
use heloscope_model::{Notice, Time};

/// Families that run on Windows only (FIELD.md; vendors' descriptions).
const WINDOWS_ONLY: [&str; 12] = [
    "kelihos",
    "cutwail",
    "conficker",
    "necurs",
    "grum",
    "rustock",
    "lethic",
    "festi",
    "waledac",
    "zeus",
    "torpig",
    "bobax",
];

/// What lists of these kinds never list for.
pub(crate) fn excludes(case: &Case<'_>) -> Vec<RuledOut> {
    let notices = &case.incident.notices;
    let mut rows = Vec::new();
    if !notices.is_empty() && notices.iter().all(|n| n.dst.is_some()) {
        let because = "the notice is of a call to a sinkhole, which has nothing to do with mail";
        for class in
            ["stolen-credentials", "form-abuse", "open-relay", "bulk-mailing", "mta-identity"]
        {
            rows.push(RuledOut { class, because: because.to_owned() });
        }
        return rows;
    }
    if notices.is_empty() || !notices.iter().all(of_bots) {
        return rows;
    }
    let list = "the CBL and the XBL list single addresses for what bots do";
    for (class, more) in [
        ("open-relay", "they neither test nor list relays"),
        ("bulk-mailing", "never for volume"),
        ("shared-prefix", "never ranges"),
    ] {
        rows.push(RuledOut { class, because: format!("{list}, {more}") });
    }
    rows
}

/// Whether a notice is of a list that lists what bots do.
fn of_bots(notice: &Notice) -> bool {
    notice.list.as_deref().is_some_and(|l| {
        let l = l.to_ascii_uppercase();
        l.contains("CBL") || l.contains("XBL")
    })
}

/// Whether all notices are of such lists.
pub(crate) fn all_of_bots(case: &Case<'_>) -> bool {
    !case.incident.notices.is_empty() && case.incident.notices.iter().all(of_bots)
}

/// The family named that runs on Windows only.
pub(crate) fn windows_family<'a>(case: &'a Case<'_>) -> Option<&'a str> {
    case.incident
        .notices
        .iter()
        .filter_map(|n| n.botnet.as_deref())
        .find(|b| WINDOWS_ONLY.contains(b))
}

/// Whether any notice's reason holds one of these words, lower case.
pub(crate) fn says(case: &Case<'_>, words: &[&str]) -> bool {
    case.incident.notices.iter().any(|n| {
        let reason = n.reason.to_ascii_lowercase();
        words.iter().any(|w| reason.contains(w))
    })
}

/// The sentences for the reader.
pub(crate) fn remarks(case: &Case<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    let notices = &case.incident.notices;
    if let Some(family) = windows_family(case) {
        remarks.push(format!(
            "{family} runs on Windows only. If this address is a Linux host's, think of a machine behind \
             it, a VPN, a virtual machine, Wine; or the list named the wrong family, because it goes by \
             the HELO and the manner."
        ));
    }
    if notices.iter().any(|n| n.dst.is_some()) {
        remarks.push(
            "A sinkhole saw malware call home. That is not about mail: no mail log will show it, and \
             a firewall on port 25 does not stop it."
                .to_owned(),
        );
    }
    if notices.iter().any(of_bots) {
        remarks.push(
            "The list does not count how much mail there is; it saw a connection that behaves as bots \
             do. Clean mail logs do not contradict it: look for what sends past the mail server."
                .to_owned(),
        );
    }
    let rejected =
        |n: &&Notice| matches!(n.time, Some((_, TimeKind::Rejection | TimeKind::Listing)));
    if notices.iter().any(|n| rejected(&n)) && case.incident.windows.is_empty() {
        remarks.push(
            "The notice's time is that of a refused mail or of the entry, not of what was noted: that \
             happened earlier. The list's own page gives the time of the detection."
                .to_owned(),
        );
    }
    remarks.extend(fixes(case));
    remarks.extend(answers(case));
    remarks
}

/// What lists answered when they were asked (`heloscope check --json`): those that did not answer said neither that the
/// address is listed nor that it is not.
fn answers(case: &Case<'_>) -> Vec<String> {
    let titles = |state: ListState| {
        let of = case.facts.list_answers.iter().filter(|a| a.state == state);
        let mut titles: Vec<&str> = of.map(|a| a.title.as_str()).take(50).collect();
        titles.sort_unstable();
        titles.dedup();
        titles
    };
    let mut remarks = Vec::new();
    let clean = titles(ListState::Clean);
    if !clean.is_empty() {
        let when = case.facts.list_answers.iter().filter_map(|a| a.asked).max();
        let when = when.map(|t| format!(" at {}", t.rfc3339())).unwrap_or_default();
        remarks.push(format!("Asked{when}, these lists did not have it: {}.", clean.join(", ")));
    }
    let mut silent = titles(ListState::Refused);
    silent.extend(titles(ListState::Error));
    if !silent.is_empty() {
        remarks.push(format!(
            "Could not be asked, so nothing is known of them (a refusal is no listing): {}.",
            silent.join(", ")
        ));
    }
    let dead = titles(ListState::Dead);
    if !dead.is_empty() {
        remarks.push(format!(
            "Dead lists, whose answers mean nothing: {}. Whoever refuses mail by them has to take them out of his \
             settings.",
            dead.join(", ")
        ));
    }
    remarks
}

/// Each change the administrator made, held against the last detection.
fn fixes(case: &Case<'_>) -> Vec<String> {
    let Some(last) = last_detection(case) else { return Vec::new() };
    let fixed = &case.facts.site.fixed;
    fixed
        .iter()
        .map(|(at, what)| {
            let order = if last > *at {
                "was made before the last detection: it was not the cause, or not all of it"
            } else {
                "was made after the last detection: the notice does not speak against it"
            };
            format!("Your change \"{what}\" ({}) {order}.", at.rfc3339())
        })
        .collect()
}

/// The latest detection that a notice dates, its tolerance taken off: it may have been that early.
pub(crate) fn last_detection(case: &Case<'_>) -> Option<Time> {
    let dated = case.incident.notices.iter().filter_map(|n| match n.time {
        Some((at, TimeKind::Detection)) => {
            Some(at.plus_secs(-f64::from(n.tolerance_s.unwrap_or(0))))
        }
        _ => None,
    });
    dated.max()
}
