//! Listings as JSON: Spamhaus Intelligence API results (`results[]` with `dataset`, `listed`,
//! `valid_until`, `heuristic`) and Heloscope's own `heloscope.address/1`.
//!
//! Reads by field names and takes what is there; a document without them is no notice. Depth is
//! bounded by serde_json's own limit (128).

use super::{Notice, Subject, TimeKind, stamp, words};
use crate::{Octets, Place, SourceId, Time};
use serde_json::Value;

/// The notices of a JSON document, or of JSON lines.
pub(super) fn read(text: &str, source: SourceId) -> Vec<Notice> {
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return Vec::new();
    }
    let start = (text.len() - trimmed.len()) as u64;
    let documents: Vec<(u64, Value)> = match serde_json::from_str(trimmed) {
        Ok(value) => vec![(start, value)],
        Err(_) => {
            let mut offset = 0;
            text.split_inclusive('\n')
                .filter_map(|line| {
                    let at = offset;
                    offset += line.len() as u64;
                    serde_json::from_str(line.trim()).ok().map(|value| (at, value))
                })
                .collect()
        }
    };
    documents.iter().flat_map(|(at, value)| document(value, Place::byte(source, *at))).collect()
}

fn document(value: &Value, place: Place) -> Vec<Notice> {
    if text(value, &["format"]).is_some_and(|f| f.starts_with("heloscope.address/")) {
        return ours(value, place);
    }
    let rows = match value {
        Value::Array(rows) => rows.as_slice(),
        _ => match value.get("results").or(value.get("data")).and_then(Value::as_array) {
            Some(rows) => rows.as_slice(),
            None => std::slice::from_ref(value),
        },
    };
    rows.iter().filter_map(|row| intelligence(row, value, place)).collect()
}

/// One row of the Spamhaus Intelligence API.
fn intelligence(row: &Value, whole: &Value, place: Place) -> Option<Notice> {
    let dataset = text(row, &["dataset", "list"])?;
    let heuristic = text(row, &["heuristic", "detection", "rule"]);
    let seen = time(row, &["seen", "last_seen", "timestamp"]);
    let listed = time(row, &["listed_at", "listed", "first_seen"]);
    if heuristic.is_none() && seen.is_none() && listed.is_none() {
        return None;
    }
    let subject = text(row, &["ipaddress", "ip", "address", "srcip"])
        .or_else(|| text(whole, &["ipaddress", "ip", "address"]))
        .and_then(|s| words::subject(&s));
    let botnet = text(row, &["botname", "botnet", "malware", "malware_family"]);
    let mut reason = format!("Spamhaus {dataset}");
    for part in
        [&heuristic, &text(row, &["subject", "description", "reason"])].into_iter().flatten()
    {
        reason.push_str(": ");
        reason.push_str(part);
    }
    Some(Notice {
        subject: subject.unwrap_or(Subject::Unnamed),
        list: Some(format!("Spamhaus {dataset}")),
        reason: words::one_line(&reason),
        time: seen.map(|t| (t, TimeKind::Detection)).or(listed.map(|t| (t, TimeKind::Listing))),
        tolerance_s: None,
        helo: text(row, &["helo", "helos"])
            .filter(|h| !h.is_empty())
            .map(|h| Octets::from(h.as_str())),
        botnet: botnet
            .filter(|b| !b.is_empty() && !b.eq_ignore_ascii_case("unknown"))
            .map(|b| b.to_lowercase()),
        src_port: port(row, &["srcport", "src_port", "source_port"]),
        dst: text(row, &["dstip", "dst_ip", "destination_ip"]).and_then(|a| words::address(&a)),
        dst_port: port(row, &["dstport", "dst_port", "destination_port"]),
        removed_at: None,
        written_at: None,
        times_listed: None,
        place,
    })
}

/// The answer of our own address API.
fn ours(value: &Value, place: Place) -> Vec<Notice> {
    let subject =
        text(value, &["address"]).and_then(|a| words::subject(&a)).unwrap_or(Subject::Unnamed);
    let listings = value.get("listings").and_then(Value::as_array);
    listings
        .into_iter()
        .flatten()
        .map(|row| {
            let last = row.get("last_detection").unwrap_or(&Value::Null);
            let seen = time(last, &["time"]).map(|t| (t, TimeKind::Detection));
            let since = time(row, &["since"]).map(|t| (t, TimeKind::Listing));
            Notice {
                subject: subject.clone(),
                list: text(row, &["zone"]),
                reason: text(row, &["reason"]).unwrap_or_default(),
                time: seen.or(since),
                tolerance_s: last
                    .get("tolerance_s")
                    .and_then(Value::as_u64)
                    .and_then(|n| u32::try_from(n).ok()),
                helo: text(row, &["helo"]).map(|h| Octets::from(h.as_str())),
                ..Notice::empty(place)
            }
        })
        .collect()
}

/// The first of these fields that holds text (or a number, as text).
fn text(row: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match row.get(name)? {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Array(values) => values.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    })
}

/// The first of these fields that holds an instant: seconds since the epoch, or a stamp.
fn time(row: &Value, names: &[&str]) -> Option<Time> {
    names.iter().find_map(|name| match row.get(name)? {
        Value::Number(n) => {
            // Milliseconds where seconds would lie beyond the year 5000.
            let n = n.as_i64().or_else(|| n.as_f64().map(|f| f as i64))?;
            let secs = if n > 100_000_000_000 { n / 1000 } else { n };
            (secs > 0).then(|| Time::from_secs(secs))
        }
        Value::String(s) => s
            .parse::<jiff::Timestamp>()
            .ok()
            .map(Time::from)
            .or_else(|| stamp::first(s).map(|f| f.time)),
        _ => None,
    })
}

fn port(row: &Value, names: &[&str]) -> Option<u16> {
    names.iter().find_map(|name| match row.get(name)? {
        Value::Number(n) => n.as_u64().and_then(|n| u16::try_from(n).ok()),
        Value::String(s) => s.parse().ok(),
        _ => None,
    })
}
