//! An answer -> the same answer without people's data, so that the report can be attached to a
//! ticket. By type: mail addresses, accounts, subjects, public addresses of persons, names and
//! link-layer addresses of inside machines, keys, values of queries. The same original is the same
//! pseudonym everywhere in one report (`user-1`, `person-2@domain-1.invalid`), numbered by first
//! appearance; nothing is kept by which it could be undone.
//!
//! What stays is what the list or hoster needs: class, verdict, times, locators, counts, the listed
//! address, HELOs that notices quote, servers mail went to, paths and scripts, private addresses.
//!
//! [`redact`] takes the answer apart field by field without a rest pattern: a new field does not
//! compile until it is decided here what becomes of it.

pub(crate) mod known;
mod pseudonym;
mod shapes;
mod words;

pub use known::Known;

use crate::answer::{
    Cause, Coverage, Culprit, InputRow, Investigation, Lane, Needed, NoticeRow, Proof, Removal,
    RuledOut, SessionRow, Timeline,
};
use pseudonym::Kind;
use serde::Serialize;
use serde_json::Value;
use words::Redactor;

/// A redacted answer; only [`redact`] makes one.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Redacted(Investigation);

impl AsRef<Investigation> for Redacted {
    fn as_ref(&self) -> &Investigation {
        &self.0
    }
}

/// Replaces people's data.
pub fn redact(whole: &Investigation) -> Redacted {
    let mut redactor = Redactor::new(&whole.people);
    // What a mail address says of a domain holds for the domain wherever it stands alone.
    answer(whole, &mut redactor);
    redactor.begin();
    Redacted(answer(whole, &mut redactor))
}

fn answer(whole: &Investigation, to: &mut Redactor<'_>) -> Investigation {
    let Investigation {
        format,
        verdict,
        notices,
        causes,
        ruled_out,
        needed,
        sessions,
        unexplained,
        coverage,
        inputs,
        timeline,
        removal,
        firewall,
        remarks,
        zone,
        weighed,
        people: _,
    } = whole;
    Investigation {
        format,
        verdict: *verdict,
        causes: causes.iter().map(|c| cause(c, to)).collect(),
        notices: notices.iter().map(|n| notice(n, to)).collect(),
        ruled_out: ruled_out.iter().map(|r| ruled(r, to)).collect(),
        needed: needed
            .iter()
            .map(|Needed { what, how }| Needed { what: to.text(what), how: to.text(how) })
            .collect(),
        sessions: *sessions,
        unexplained: unexplained.iter().map(|s| session(s, to)).collect(),
        coverage: coverage.iter().map(|c| covered(c, to)).collect(),
        inputs: inputs.iter().map(|i| input(i, to)).collect(),
        timeline: lanes(timeline, to),
        removal: removal.as_ref().map(|r| Removal { ready: r.ready, because: to.text(&r.because) }),
        firewall: firewall.iter().map(|p| proof(p, to)).collect(),
        remarks: remarks.iter().map(|r| to.text(r)).collect(),
        zone: zone.clone(),
        weighed: weighed.clone(),
        people: Known::default(),
    }
}

fn cause(whole: &Cause, to: &mut Redactor<'_>) -> Cause {
    let Cause {
        class,
        confidence,
        culprit,
        summary,
        path,
        notices,
        first_seen,
        last_seen,
        ongoing,
        evidence,
        against,
        fix,
        verify,
    } = whole;
    Cause {
        class: *class,
        confidence: *confidence,
        summary: to.text(summary),
        culprit: culprit.as_ref().map(|c| accused(c, to)),
        path: *path,
        notices: notices.clone(),
        first_seen: *first_seen,
        last_seen: *last_seen,
        ongoing: *ongoing,
        evidence: evidence.iter().map(|p| proof(p, to)).collect(),
        against: against.iter().map(|p| proof(p, to)).collect(),
        fix: fix.iter().map(|f| to.text(f)).collect(),
        verify: to.text(verify),
    }
}

fn accused(whole: &Culprit, to: &mut Redactor<'_>) -> Culprit {
    let Culprit { kind, value, attrs } = whole;
    let value = match *kind {
        "account" => to.named(value, Kind::User),
        "address" if !value.contains('@') => to.named(value, Kind::Person),
        _ => to.text(value),
    };
    let attrs = attrs
        .iter()
        .map(|(name, value)| {
            let kind = match name.as_str() {
                "user" | "account" | "owner" => Some(Kind::User),
                "name" | "hostname" => Some(Kind::Host),
                "subject" => Some(Kind::Subject),
                _ => None,
            };
            (name.clone(), json(value, kind, to))
        })
        .collect();
    Culprit { kind, value, attrs }
}

fn json(whole: &Value, kind: Option<Kind>, to: &mut Redactor<'_>) -> Value {
    match whole {
        Value::String(text) => Value::String(match kind {
            Some(kind) => to.named(text, kind),
            None => to.text(text),
        }),
        Value::Array(list) => Value::Array(list.iter().map(|v| json(v, kind, to)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (to.text(k), json(v, kind, to))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => whole.clone(),
    }
}

fn proof(whole: &Proof, to: &mut Redactor<'_>) -> Proof {
    let Proof { source, at, locator, text, says, quote } = whole;
    let (says, quote) = (to.text(says), to.line(quote));
    let text = match (says.is_empty(), quote.is_empty()) {
        (true, true) => to.line(text),
        (true, false) => quote.clone(),
        (false, true) => says.clone(),
        (false, false) => format!("{says}: {quote}"),
    };
    Proof { source: to.text(source), at: *at, locator: locator.clone(), text, says, quote }
}

fn notice(whole: &NoticeRow, to: &mut Redactor<'_>) -> NoticeRow {
    let NoticeRow {
        subject,
        ip,
        list,
        reason,
        time,
        time_kind,
        tolerance_s,
        helo,
        botnet,
        src_port,
        dst,
        dst_port,
        removed_at,
        source,
    } = whole;
    NoticeRow {
        subject: subject.clone(),
        ip: ip.clone(),
        list: list.clone(),
        reason: to.line(reason),
        time: *time,
        time_kind: *time_kind,
        tolerance_s: *tolerance_s,
        helo: helo.clone(),
        botnet: botnet.clone(),
        src_port: *src_port,
        dst: dst.clone(),
        dst_port: *dst_port,
        removed_at: *removed_at,
        source: to.text(source),
    }
}

fn ruled(whole: &RuledOut, to: &mut Redactor<'_>) -> RuledOut {
    let RuledOut { class, because } = whole;
    RuledOut { class, because: to.text(because) }
}

fn session(whole: &SessionRow, to: &mut Redactor<'_>) -> SessionRow {
    let SessionRow { time, src, src_port, dst, dst_port, helo, locator } = whole;
    SessionRow {
        time: *time,
        src: to.text(src),
        src_port: *src_port,
        dst: to.text(dst),
        dst_port: *dst_port,
        helo: helo.as_deref().map(|h| to.text(h)),
        locator: locator.clone(),
    }
}

fn covered(whole: &Coverage, to: &mut Redactor<'_>) -> Coverage {
    let Coverage { source, first, last, gaps, what } = whole;
    Coverage {
        source: to.text(source),
        first: *first,
        last: *last,
        gaps: gaps.clone(),
        what: to.text(what),
    }
}

fn input(whole: &InputRow, to: &mut Redactor<'_>) -> InputRow {
    let InputRow { path, kind, records, first, last, note } = whole;
    InputRow {
        path: to.text(path),
        kind,
        records: *records,
        first: *first,
        last: *last,
        note: note.as_deref().map(|n| to.text(n)),
    }
}

fn lanes(whole: &Timeline, to: &mut Redactor<'_>) -> Timeline {
    let Timeline { lanes, windows } = whole;
    let lane = |Lane { name, tone, marks, more }: &Lane, to: &mut Redactor<'_>| Lane {
        name: to.text(name),
        tone: *tone,
        marks: marks.iter().map(|(at, label)| (*at, to.text(label))).collect(),
        more: *more,
    };
    Timeline { lanes: lanes.iter().map(|l| lane(l, to)).collect(), windows: windows.clone() }
}

#[cfg(test)]
mod tests;
