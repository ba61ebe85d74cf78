//! The signs that every past-the-mail-server hypothesis weighs the same way: sessions inside the
//! notice's window, and the HELO the notice quotes.

use crate::case::{Case, count, frames};
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_evidence::Kind;
use heloscope_model::Octets;
use std::collections::BTreeSet;

/// Weighs a set of sessions against the notices' windows and HELOs.
pub(crate) fn weigh(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    window(case, sessions, weighing);
    helo(case, sessions, weighing);
    traits(sessions, weighing);
}

/// What a list's sensor would see in them; more than two families say little more.
fn traits(sessions: &[&Seen], weighing: &mut Weighing) {
    let mut families = BTreeSet::new();
    for seen in sessions {
        for detection in seen.detections.iter().filter(|d| matches!(d.class, 'A' | 'B')) {
            if families.len() < 2 && families.insert(detection.family) {
                weighing.add(
                    About::Offence,
                    2.0,
                    format!("a list would note: {} ({})", detection.owner, detection.detector),
                    [(seen.place, Some(seen.start))],
                );
            }
        }
    }
}

fn window(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    if case.incident.windows.is_empty() {
        let sinkhole = |n: &heloscope_model::Notice| n.dst.is_some();
        if !case.incident.notices.is_empty() && case.incident.notices.iter().all(sinkhole) {
            weighing.add(
                About::Offence,
                0.15,
                "the notice speaks of a call to a sinkhole, not of mail",
                [],
            );
        }
        return;
    }
    let inside: Vec<_> =
        sessions.iter().filter(|s| case.incident.meets_window(&s.stretch())).copied().collect();
    if !inside.is_empty() {
        let logged = case.covers_window(Kind::MailLog) == Some(true);
        let them = if inside.len() == 1 { "it" } else { "them" };
        let unknown = if logged {
            format!(", and the mail log knows nothing of {them}")
        } else {
            ", but no mail log of that time was given".to_owned()
        };
        weighing.add(
            About::Offence,
            if logged { 20.0 } else { 8.0 },
            format!("{} within the time the notice names{unknown}", count(inside.len(), "session")),
            frames(inside.iter().copied()),
        );
    } else if case.covers_window(Kind::Capture) == Some(true)
        || case.covers_window(Kind::Connections) == Some(true)
    {
        weighing.add(
            About::Offence, 0.02,
            "none of its sessions lies within the time the notice names, though that time was recorded",
            frames(sessions.iter().copied()),
        );
    } else {
        weighing.add(About::Offence, 0.4, "the time the notice names was not recorded", []);
    }
}

fn helo(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    let Some(quoted) = case.incident.helos().next() else { return };
    let telling: Vec<_> = sessions.iter().filter(|s| s.helo.is_some()).copied().collect();
    if telling.is_empty() {
        return;
    }
    let same: Vec<_> = telling
        .iter()
        .filter(|s| s.helo.as_ref().is_some_and(|h| case.incident.quotes_helo(h)))
        .copied()
        .collect();
    let in_window = same.iter().filter(|s| case.incident.meets_window(&s.stretch())).count();
    if same.is_empty() {
        // Whoever says a few HELOs again and again, in a time that was recorded, would have been
        // heard with the one quoted.
        let said: BTreeSet<_> = telling.iter().filter_map(|s| s.helo.as_ref()).collect();
        let constant =
            telling.len() >= 2 * said.len() && case.covers_window(Kind::Capture) == Some(true);
        let other = telling.first().and_then(|s| s.helo.as_ref()).cloned().unwrap_or_default();
        weighing.add(
            About::Offence,
            if constant { 0.005 } else { 0.05 },
            format!("the notice quotes HELO {quoted}, these sessions say {other}"),
            frames(telling.iter().copied()),
        );
        return;
    }
    let ratio = if in_window > 0 { 20.0 } else { 8.0 };
    weighing.add(
        About::Offence,
        ratio,
        format!(
            "{} with the very HELO that the notice quotes: {quoted}",
            count(same.len(), "session")
        ),
        frames(same.iter().copied()),
    );
}

/// Mail through the MTA bears the MTA's HELO. Of several notices it is enough that one quotes it;
/// notices that all quote others speak against it.
pub(super) fn helo_of_the_mta(case: &Case<'_>, weighing: &mut Weighing) {
    let known = case.mta_helos();
    let (Some(quoted), Some(example)) = (case.incident.helos().next(), known.first()) else {
        return;
    };
    let is_known =
        |h: &&Octets| known.iter().any(|k| crate::incident::same_helo(k.as_bytes(), h.as_bytes()));
    if let Some(own) = case.incident.helos().find(is_known) {
        weighing.add(
            About::Offence,
            3.0,
            format!("the notice quotes your mail server's own HELO, {own}"),
            [],
        );
    } else if case.incident.notices.iter().all(|n| n.helo.is_some()) {
        weighing.add(
            About::Offence,
            0.03,
            format!(
                "the notice quotes HELO {quoted}; mail through your mail server says {example}"
            ),
            [],
        );
    }
}
