//! An alert in words: the subject of a letter, its body, one line of a log, and JSON.

use crate::alert::{Alert, Say, Summary};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One line.
pub(super) fn line(say: &Say, host: &str) -> String {
    match say {
        Say::Raised(alert) => {
            format!(
                "{host}: {} {} #{}: {}",
                alert.severity.word(),
                alert.rule.word(),
                alert.id,
                alert.summary
            )
        }
        Say::Resolved(alert) => format!(
            "{host}: over: {} #{}: {} ({})",
            alert.rule.word(),
            alert.id,
            alert.summary,
            alert.because.as_deref().unwrap_or("over"),
        ),
        Say::Summary(day) => {
            format!("{host}: the day: {} sent, {} open alerts", day.sent, day.open.len())
        }
    }
}

/// The whole.
pub(super) fn body(say: &Say) -> String {
    match say {
        Say::Raised(alert) => raised(alert),
        Say::Resolved(alert) => {
            let over = alert.resolved.map_or_else(String::new, |at| at.to_string());
            format!(
                "It is over since {over}: {}.\n\nIt was seen {} times, first {} and last {}.\n\n{}",
                alert.because.as_deref().unwrap_or("it was not seen again"),
                alert.count,
                alert.first,
                alert.last,
                raised(alert)
            )
        }
        Say::Summary(day) => summary(day),
    }
}

fn raised(alert: &Alert) -> String {
    let mut text = format!("{}.\n\nWhat proves it:\n", alert.summary);
    for line in &alert.proof {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {line}");
    }
    let _ = write!(
        text,
        "\nWhat to do: {}\n\nRule {}, alert {}, first seen {} (UTC). Told once, and again when it is over.\n",
        alert.advice,
        alert.rule.word(),
        alert.id,
        alert.first
    );
    text
}

fn summary(day: &Summary) -> String {
    let mut text = String::new();
    if let Some(since) = day.since {
        let _ = writeln!(text, "Since {since} (UTC):");
    }
    for (what, many) in [
        ("recipients sent to", day.sent),
        ("recipients refused", day.bounced),
        ("attempts put off", day.deferred),
        ("connections of the mail server", day.by_the_mta),
        ("connections of allowed programs", day.allowed),
        ("connections past the mail server", day.past_the_mta),
        ("connections from behind this host", day.passing),
        ("events that the recorder lost", day.lost),
        ("alerts raised", day.raised),
    ] {
        let _ = writeln!(text, "{many:>8}  {what}");
    }
    for (title, lines) in [
        (
            "Who sent most in 24 hours",
            day.most.iter().map(|(who, n)| format!("{n:>8}  {who}")).collect::<Vec<_>>(),
        ),
        ("Still wrong", day.open.clone()),
        ("Lists that do not say clean", day.lists.clone()),
    ] {
        let _ = writeln!(text, "\n{title}:");
        if lines.is_empty() {
            let _ = writeln!(text, "  nothing");
        }
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// For machines (heloscope.alert/1).
pub(super) fn json(say: &Say, host: &str) -> Value {
    let (event, key, what) = match say {
        Say::Raised(alert) => ("raised", "alert", json!(alert)),
        Say::Resolved(alert) => ("resolved", "alert", json!(alert)),
        Say::Summary(day) => ("summary", "summary", json!(day)),
    };
    json!({ "format": "heloscope.alert/1", "event": event, "host": host, key: what, "text": line(say, host) })
}
