//! A check as a monitoring plugin says it: one line, figures behind `|`, status 0 to 3.
//!
//! Listed for what was seen is CRITICAL; by policy, by the neighbours' doing or on a minor list WARNING; nothing that
//! could be asked UNKNOWN. A list that refuses, fails or has ended is counted and never a listing.

use heloscope_lists::{Check, Severity};

/// The line and the status.
pub(super) fn line(check: &Check, took_s: f64) -> (String, u8) {
    let (word, status) = match check.severity() {
        Severity::Major => ("CRITICAL", 2),
        Severity::Minor => ("WARNING", 1),
        Severity::None if check.is_heard() => ("OK", 0),
        Severity::None => ("UNKNOWN", 3),
    };
    let heard = check.answers.iter().filter(|a| a.outcome.is_heard()).count();
    let unheard = check.answers.len() - heard;
    let mut bad: Vec<_> = check.answers.iter().filter(|a| a.is_bad()).collect();
    bad.sort_by_key(|a| std::cmp::Reverse(a.severity()));
    let mut said = if !bad.is_empty() {
        let each = bad.iter().map(|a| {
            let names: std::collections::BTreeSet<_> =
                a.found().iter().map(|f| f.name.as_str()).collect();
            let names: Vec<_> = names.into_iter().collect();
            format!("{} on {}", a.target, names.join(", "))
        });
        each.take(20).collect::<Vec<_>>().join("; ")
    } else if heard > 0 {
        format!("not listed, {heard} answers")
    } else {
        let why = check.resolver_note.clone().or_else(|| {
            check
                .answers
                .iter()
                .find_map(|a| reason(&a.outcome).map(|r| format!("{}: {r}", a.title)))
        });
        format!("no list could be asked{}", why.map(|w| format!(" ({w})")).unwrap_or_default())
    };
    if heard > 0 && unheard > 0 {
        said.push_str(&format!("; {unheard} could not be asked"));
    }
    // The bar begins the figures, and a line is a line.
    let said = said.replace(['|', '\n'], " ");
    let count = |state| check.count(state);
    let figures = format!(
        "listed={};;1;0 answered={heard};;;0 refused={};;;0 errors={};;;0 dead={};;;0 time={took_s:.3}s;;;0",
        count("listed"),
        count("refused"),
        count("error"),
        count("dead"),
    );
    (format!("HELOSCOPE {word} - {said} | {figures}"), status)
}

fn reason(outcome: &heloscope_lists::Outcome) -> Option<&str> {
    use heloscope_lists::Outcome::{Clean, Dead, Error, Listed, Refused};
    match outcome {
        Refused { because, .. } | Error { because, .. } | Dead { because } => Some(because),
        Listed { .. } | Clean { .. } => None,
    }
}
