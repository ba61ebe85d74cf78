//! Whether it is time to ask the list for removal: not before the cause is known, fixed, and seen to
//! be gone; lists let out only so often.

use crate::answer::{Ready, Removal};
use crate::case::Case;
use crate::hypotheses::Hypothesis;
use crate::list_words;
use heloscope_evidence::Kind;
use heloscope_model::Time;

/// Seconds of evidence after the fix without a sign of the cause from which it counts as gone. The
/// lists looked at relist within hours.
pub(crate) const QUIET_S: f64 = 24.0 * 3600.0;

/// What shows mail at all.
const ALL: [Kind; 3] = [Kind::MailLog, Kind::Capture, Kind::Connections];

/// The answer with its reason, where a list has written.
pub(crate) fn advice(case: &Case<'_>, causes: &[Hypothesis]) -> Option<Removal> {
    if case.incident.notices.is_empty() {
        return None;
    }
    if case.incident.notices.iter().all(|n| n.removed_at.is_some()) {
        return Some(say(
            Ready::NoNeed,
            "the notice says that the address is listed no more. Without a fix it will be again.",
        ));
    }
    let last_fix = case.facts.site.fixed.iter().map(|(at, _)| *at).max();
    let last_sign = causes.iter().filter_map(|c| c.last).max();
    if causes.is_empty() {
        return Some(unknown_cause(case, last_fix));
    }
    // Of several causes the one that was watched for the shortest.
    let watched = |fix: Time| {
        let each = causes.iter().map(|c| case.recorded_since(fix, c.path.shown_by()));
        each.fold(f64::INFINITY, f64::min)
    };
    let (ready, because) = match (last_fix, last_sign, last_fix.map(watched)) {
        (Some(fix), Some(sign), _) if sign > fix => (
            Ready::NotYet,
            format!(
                "it went on after your last change ({}), last seen {}.",
                fix.rfc3339(),
                sign.rfc3339()
            ),
        ),
        (Some(fix), _, Some(watched)) if watched >= QUIET_S => (
            Ready::Yes,
            format!(
                "since your last change ({}) nothing of it was seen in {:.0} hours of evidence that \
                 would show it.",
                fix.rfc3339(),
                watched / 3600.0
            ),
        ),
        (Some(fix), ..) => (
            Ready::NotYet,
            format!(
                "too little was recorded since your last change ({}). Verify as above for a day, then \
                 ask once.",
                fix.rfc3339()
            ),
        ),
        (None, Some(_), _) if causes.iter().any(|c| case.is_ongoing(c.last) == Some(true)) => (
            Ready::NotYet,
            "it still went on when the evidence ends. Fix it first, verify, then ask.".to_owned(),
        ),
        _ => (Ready::NotYet, "apply the fix and verify it first; then ask once.".to_owned()),
    };
    Some(say(ready, because))
}

fn say(ready: Ready, because: impl Into<String>) -> Removal {
    Removal { ready, because: because.into() }
}

fn unknown_cause(case: &Case<'_>, fix: Option<Time>) -> Removal {
    let after = fix.filter(|f| list_words::last_detection(case).is_some_and(|d| d <= *f));
    let watched = after.map(|fix| case.recorded_since(fix, &ALL));
    match (after, watched) {
        (Some(fix), Some(watched)) if watched >= QUIET_S => say(
            Ready::Perhaps,
            format!(
                "every detection is older than your last change ({}), and {:.0} hours of evidence after \
                 it accuse nobody. If the list gives no new time, ask once.",
                fix.rfc3339(),
                watched / 3600.0
            ),
        ),
        (Some(fix), _) => say(
            Ready::NotYet,
            format!(
                "every detection is older than your last change ({}), but what was recorded since does \
                 not reach a day. Record, then ask once.",
                fix.rfc3339()
            ),
        ),
        _ => say(Ready::NotYet, "the cause is not known, so the address would be listed again."),
    }
}
