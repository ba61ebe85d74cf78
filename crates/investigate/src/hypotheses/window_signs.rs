//! The signs that every past-the-mail-server hypothesis weighs the same way: sessions inside the
//! notice's window, and the HELO the notice quotes.

use crate::case::{Case, count, frames};
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_evidence::Kind;

/// Weighs a set of sessions against the notices' windows and HELOs.
pub(crate) fn weigh(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    window(case, sessions, weighing);
    helo(case, sessions, weighing);
}

fn window(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    if case.incident.windows.is_empty() {
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
        let other = telling.first().and_then(|s| s.helo.as_ref()).cloned().unwrap_or_default();
        weighing.add(
            About::Offence,
            0.05,
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
