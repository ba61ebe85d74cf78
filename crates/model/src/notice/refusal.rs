//! Refusals and look-ups that name a list: bounces and DSNs (RFC 3464) with the receiver's reply
//! ("blocked using zen.spamhaus.org", Microsoft S3140 and 5.7.511, Google's UnsolicitedIPError,
//! Yahoo's TSS04, Proofpoint's ipcheck), and DNSBL TXT answers (`host`/`dig` output or the bare
//! text). The time is when a mail was refused, which is not when the offence was.

use super::flat::Flat;
use super::words::{self, pattern};
use super::{Notice, Subject, TimeKind, stamp};
use crate::{Place, SourceId, Time};
use regex::Regex;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

/// Who refuses, by the words only he uses.
static NAMED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"(?i)S3140|S3150|5\.7\.511|5\.7\.60[6-9]|5\.7\.6[1-4]\d\b|banned send(?:er|ing IP)|part of their network is on our block list|sender\.office\.com", "Microsoft"),
        (r"(?i)UnsolicitedIPError|UnsolicitedRateLimitError|UnsolicitedMessageError|support\.google\.com/mail", "Google"),
        (r"(?i)\[TSS?\d\d\]|\[BL2\d\]|\[IPTS\d\d\]|\[PH\d\d\]|postmaster\.yahooinc\.com|help\.yahoo\.com/kb/postmaster|temporarily deferred due to (?:user complaints|unexpected volume)", "Yahoo"),
        (r"(?i)ipcheck\.proofpoint\.com|support\.proofpoint\.com/dnsbl", "Proofpoint"),
        (r"(?i)att\.net/blocks|blocked by (?:sbc|att|bellsouth)|abuse_rbl@", "AT&T"),
        (r"(?i)postmaster\.comcast\.net|comcast block for spam|\bBL00\d{4}\b", "Comcast"),
        (r"(?i)abuseat\.org", "CBL"),
        (r"(?i)spamhaus\.(?:org|net|com)/(?:query|sbl|pbl|xbl|css|lookup|returnc)|check\.spamhaus\.org", "Spamhaus"),
        (r"(?i)spamcop\.net", "SpamCop"),
        (r"(?i)barracudacentral\.org|b\.barracudacentral", "Barracuda"),
    ]
    .into_iter()
    .map(|(text, name)| (pattern(text), name))
    .collect()
});

/// "blocked using zen.spamhaus.org", "listed at bl.example", "found in the DNSBL x.example".
static USING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:blocked|rejected|listed|refused|denied|found|blacklisted)\s+(?:using|at|by|in|on|via)\s+(?:the\s+)?(?:DNSBL\s+|RBL\s+|blacklist\s+|list\s+)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)",
    )
});

/// A reply code and what follows it, or a TXT answer.
static REPLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(?:\b[45]\d\d[ -]|\bdescriptive text\s+|\bIN\s+TXT\s+|said:\s*)[^\n]{0,20}")
});

/// Words of refusal for being listed, not for a missing mailbox.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bblock(?:ed|ing|list)?\b|blacklist|\blisted\b|\bban(?:ned)?\b|reputation|unsolicited|\bRBL\b|DNSBL|complaints|\bspam\b",
    )
});

/// `1.113.0.203.zen.example` in front of its answer.
static REVERSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)\.?\s+(?:\d+\s+)?(?:IN\s+TXT|descriptive\s+text)",
    )
});

static DATED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?im)^[ \t>]*(last-attempt-date|arrival-date|date)\s*:"));

/// The refusal a text tells of.
pub(super) fn read(text: &str, flat: &Flat, source: SourceId) -> Vec<Notice> {
    let line = flat.text.as_str();
    if let Some(found) = answer(line, flat, source) {
        return vec![found];
    }
    let named = NAMED.iter().find_map(|(sign, name)| Some((sign.find(line)?, *name)));
    let using = USING.captures(line).and_then(|c| c.get(1));
    let bare = line.trim().trim_matches('"');
    let is_url = bare.starts_with("http") && !bare.contains(' ');
    let at = match (&named, &using) {
        (_, Some(list)) => list.start(),
        (Some((sign, _)), None) => sign.start(),
        (None, None) => return Vec::new(),
    };
    // A name alone ("see spamhaus.org") in prose is no refusal: a reply code, a word of refusal
    // nearby, or nothing but the URL must be there.
    let around = around(line, at, 400);
    if !(is_url || REPLY.is_match(around) && LISTED.is_match(around) || using.is_some()) {
        return Vec::new();
    }
    let Some(subject) = subject_near(line, at) else { return Vec::new() };
    let list = match (using, named) {
        (Some(list), _) => known_zone(list.as_str()),
        (None, Some((_, "Spamhaus"))) => spamhaus_part(around),
        (None, Some((_, name))) => name.to_owned(),
        (None, None) => return Vec::new(),
    };
    let reply = REPLY
        .find_iter(around)
        .last()
        .map_or(around, |m| around.get(m.start()..).unwrap_or(around));
    let begins = REPLY
        .find_iter(line)
        .map(|m| m.start())
        .take_while(|s| *s <= at)
        .last()
        .filter(|s| at - *s < 400)
        .unwrap_or(at);
    let reason = line.get(begins..).unwrap_or(reply);
    vec![Notice {
        subject,
        list: Some(list),
        reason: words::one_line(around_after(reason, 300)),
        time: refused_at(text).map(|t| (t, TimeKind::Rejection)),
        helo: words::helo(around),
        ..Notice::empty(Place::byte(source, line_start(text, flat.origin(begins))))
    }]
}

/// A TXT answer with its reversed question before it.
fn answer(line: &str, flat: &Flat, source: SourceId) -> Option<Notice> {
    let found = REVERSED.captures(line)?;
    let octet = |i: usize| found.get(i)?.as_str().parse::<u8>().ok();
    let ip = Ipv4Addr::new(octet(4)?, octet(3)?, octet(2)?, octet(1)?);
    let whole = found.get(0)?;
    let said = line.get(whole.end()..)?.trim_start();
    let said = said.strip_prefix('"').and_then(|s| s.split('"').next()).unwrap_or(said);
    Some(Notice {
        subject: Subject::Ip(IpAddr::V4(ip)),
        list: Some(known_zone(found.get(5)?.as_str())),
        reason: words::one_line(around_after(said, 300)),
        time: None,
        tolerance_s: None,
        helo: words::helo(said),
        botnet: words::family(said),
        src_port: None,
        dst: None,
        dst_port: None,
        removed_at: None,
        written_at: None,
        times_listed: None,
        place: Place::byte(source, flat.origin(whole.start())),
    })
}

/// The address nearest to the place, that can be a subject.
fn subject_near(line: &str, at: usize) -> Option<Subject> {
    let from = floor(line, at.saturating_sub(500));
    let part = around_after(line.get(from..)?, 1200);
    words::addresses(part)
        .filter(|(_, ip)| words::can_be_subject(ip))
        .min_by_key(|(start, _)| {
            let start = from + start;
            // After the words is as good as before; ties go to the first.
            start.abs_diff(at)
        })
        .map(|(_, ip)| Subject::Ip(ip))
}

/// When the mail was refused: the last attempt, the arrival, or the bounce's own date.
fn refused_at(text: &str) -> Option<Time> {
    DATED
        .captures_iter(text)
        .filter_map(|c| {
            let line = text.get(c.get(0)?.end()..)?.lines().next()?;
            let rank = match c.get(1)?.as_str().to_ascii_lowercase().as_str() {
                "last-attempt-date" => 0,
                "date" => 1,
                _ => 2,
            };
            Some((rank, stamp::first(line)?.time))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, time)| time)
}

/// The list behind a zone's name.
fn known_zone(zone: &str) -> String {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    for (end, name) in [
        ("cbl.abuseat.org", "CBL"),
        ("xbl.spamhaus.org", "Spamhaus XBL"),
        ("sbl.spamhaus.org", "Spamhaus SBL"),
        ("sbl-xbl.spamhaus.org", "Spamhaus SBL-XBL"),
        ("pbl.spamhaus.org", "Spamhaus PBL"),
        ("zen.spamhaus.org", "Spamhaus ZEN"),
        ("zen.dq.spamhaus.net", "Spamhaus ZEN"),
        ("bl.spamcop.net", "SpamCop"),
        ("b.barracudacentral.org", "Barracuda"),
    ] {
        if zone == end || zone.ends_with(&format!(".{end}")) {
            return name.to_owned();
        }
    }
    zone
}

/// Which of Spamhaus' lists a text speaks of.
fn spamhaus_part(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let part = ["xbl", "pbl", "css", "sbl", "zen"]
        .into_iter()
        .find(|p| lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == *p));
    part.map_or("Spamhaus".to_owned(), |p| format!("Spamhaus {}", p.to_ascii_uppercase()))
}

/// `len` bytes either side of a place.
fn around(text: &str, at: usize, len: usize) -> &str {
    let from = floor(text, at.saturating_sub(len));
    around_after(text.get(from..).unwrap_or_default(), at - from + len)
}

/// At most `len` bytes from the start, cut at a character.
fn around_after(text: &str, len: usize) -> &str {
    text.get(..floor(text, len.min(text.len()))).unwrap_or(text)
}

/// The character boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line_start(text: &str, at: u64) -> u64 {
    let at = usize::try_from(at).unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |n| n as u64 + 1)
}
