//! Complaints with labelled fields: abuse reports (ARF, RFC 5965), and the plain mails hosters
//! and report services send ("Source IP: ...", "Date: ...", "Source port: ...").
//!
//! A complaint is taken for one only when its words say so (a `Feedback-Type`, or words of abuse
//! together with a labelled source address): any mail has a date and addresses.

use super::flat::Flat;
use super::words::{self, pattern};
use super::{Notice, Subject, TimeKind, stamp};
use crate::{Octets, Place, SourceId, Time};
use regex::Regex;
use std::sync::LazyLock;

/// Bytes of a plain complaint. Report forms have no such bound.
const MOST: usize = 64 << 10;

static ABUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\babuse\b|\babusive\b|\bspam(?:ming|med|trap)?\b|unsolicited|complain|\bbotnet\b|infected|compromised|malicious|attack(?:s|ing|ed|er)?\b|brute.?force",
    )
});

static SOURCE_IP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?im)^[ \t>*|-]*(?:source(?:[ _-]?(?:ip|address))?|src(?:[ _-]?ip)?|source[ _-]identifier|(?:reported|offending|abusive|abusing|attacking|infected|listed|originating|your|the|affected)?[ _-]?ip(?:v[46])?(?:[ _-]?address(?:es)?)?|attacker(?:[ _-]ip)?|offender)",
        r"[ \t]*(?:[:=|]|\bis\b)[ \t]*\[?\(?[ \t]*([0-9A-F][0-9A-F.:]{2,44}(?:/\d{1,3})?)",
    ))
});

static INLINE_IP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\bIP(?:v[46])?[ -]?address(?:es)?\s*[:=]\s*[\[(]?\s*|(?:from|with|of|by|behind|at)\s+(?:the\s+|your\s+|a\s+)?(?:IP(?:v[46])?(?:[ -]?address)?|host|server|machine|address)\s*:?\s*[\[(]?\s*)([0-9A-F][0-9A-F.:]{2,44})",
    )
});

static STAMPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^[ \t>*|-]*(arrival-date|(?:date|time)(?:stamp)?(?:[ /](?:and )?(?:date|time))?(?:[ ]of[ ][a-z ]{3,30})?(?:[ ]?\((?:UTC|GMT)\))?|timestamp|detected(?:[ ]at|[ ]on)?|(?:last|first)[ _-]?seen|received[ -]date|incident[ -](?:date|time)|event[ -](?:date|time)|seen(?:[ ]at)?|source-time)[ \t]*[:=|]",
    )
});

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^[ \t>*|-]*(source[ _-]?port|src[ _-]?port|destination[ _-]?(?:ip|address|port)|dst[ _-]?(?:ip|port)|dest[ _-]?(?:ip|port)|target[ _-]?(?:ip|port)|helo|ehlo|malware|infection|family|botnet|subject|feedback-type|list|reported-domain)[ \t]*[:=|][ \t]*(.{1,300})$",
    )
});

static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^(?:from|reporting-mta|user-agent):[^\n]*?(?:@|dns;\s*)([a-z0-9-]+(?:\.[a-z0-9-]+)+)",
    )
});

/// The complaint a text makes.
pub(super) fn read(text: &str, flat: &Flat, source: SourceId) -> Vec<Notice> {
    let arf = field(text, "feedback-type");
    // Manuals, too, speak of attacks and addresses; a complaint is short and says when.
    let plain =
        text.len() <= MOST && ABUSE.is_match(&flat.text) && stamp::first(&flat.text).is_some();
    if arf.is_none() && !plain {
        return Vec::new();
    }
    let labelled = SOURCE_IP
        .captures_iter(text)
        .filter_map(|c| c.get(1))
        .find_map(|m| Some((m.start(), words::subject(m.as_str())?)))
        .filter(|(_, s)| usable(s));
    let inline = || {
        INLINE_IP
            .captures_iter(&flat.text)
            .filter_map(|c| c.get(1))
            .find_map(|m| Some((flat.origin(m.start()), words::subject(m.as_str())?)))
            .filter(|(_, s)| usable(s))
    };
    let Some((at, subject)) = labelled.map(|(at, s)| (at as u64, s)).or_else(inline) else {
        return Vec::new();
    };
    let detail = |names: &[&str]| names.iter().find_map(|n| field(text, n));
    let port = |names: &[&str]| detail(names).and_then(|p| p.trim().parse().ok());
    let (time, tolerance_s) = when(text).unzip();
    let reason = match &arf {
        Some(kind) => format!(
            "abuse report ({kind}){}",
            detail(&["subject"]).map(|s| format!(": {s}")).unwrap_or_default()
        ),
        None => detail(&["subject"]).unwrap_or_else(|| telling(&flat.text)),
    };
    let domain =
        DOMAIN.captures(text).and_then(|c| c.get(1)).map(|m| m.as_str().to_ascii_lowercase());
    vec![Notice {
        subject,
        list: domain,
        reason: words::one_line(&reason),
        time,
        tolerance_s: tolerance_s.flatten(),
        helo: detail(&["helo", "ehlo"]).map(|h| Octets::from(h.trim().trim_matches('"'))),
        botnet: detail(&["malware", "infection", "family", "botnet"])
            .and_then(|f| f.split_whitespace().next().map(str::to_lowercase))
            .or_else(|| words::family(&flat.text)),
        src_port: port(&["source port", "src port"]),
        dst: detail(&["destination ip", "destination address", "dst ip", "dest ip", "target ip"])
            .and_then(|a| words::address(a.trim())),
        dst_port: port(&["destination port", "dst port", "dest port", "target port"]),
        removed_at: None,
        written_at: None,
        times_listed: words::times_listed(&flat.text),
        place: Place::byte(source, line_start(text, at)),
    }]
}

/// When it happened, with its tolerance: the first labelled stamp. The Date header of the report
/// itself is when it was sent, and taken only where there is no other.
fn when(text: &str) -> Option<((Time, TimeKind), Option<u32>)> {
    let headers = text.find("\n\n").unwrap_or(0);
    let mut sent = None;
    for m in STAMPED.find_iter(text) {
        let line = text.get(m.end()..)?.lines().next().unwrap_or_default();
        let Some(found) = stamp::first(line) else { continue };
        let label = m.as_str().trim_matches(|c: char| !c.is_alphabetic());
        let stated = |kind| ((found.time, kind), stamp::tolerance(line));
        if m.start() >= headers || !label.eq_ignore_ascii_case("date") {
            return Some(stated(TimeKind::Detection));
        }
        sent.get_or_insert_with(|| stated(TimeKind::Listing));
    }
    sent
}

/// The value of a labelled line; blanks, `_` and `-` in labels are one.
fn field(text: &str, name: &str) -> Option<String> {
    let wanted = plain(name);
    LABEL.captures_iter(text).find_map(|c| {
        let label = c.get(1)?.as_str();
        (plain(label) == wanted).then(|| c.get(2).map_or("", |m| m.as_str()).trim().to_owned())
    })
}

fn plain(label: &str) -> String {
    label.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

fn usable(subject: &Subject) -> bool {
    !matches!(subject, Subject::Ip(ip) if !words::can_be_subject(ip))
}

/// The sentence with the word of abuse.
fn telling(flat: &str) -> String {
    let sentence = flat.split(". ").find(|s| ABUSE.is_match(s)).unwrap_or(flat);
    sentence.trim().to_owned()
}

fn line_start(text: &str, at: u64) -> u64 {
    let at = usize::try_from(at).unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |n| n as u64 + 1)
}
