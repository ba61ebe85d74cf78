//! The CBL's and Spamhaus' pages for people: "IP Address X is listed in the CBL ...", the seed
//! form ("2015:12:04 ~14:30 UTC +/- 15 minutes ... This host HELOed as ..."), the form of 2018
//! ("detected and listed 2 times in the past 28 days"), the sinkhole form ("on port N going to IP
//! address ..."), "is not listed ... previously listed, but was removed at ...", and Spamhaus'
//! checker ("has been found on", the table of address, UTC stamp and HELO).
//!
//! A page states its subject once; several pages pasted one after the other are told apart by
//! these statements.

use super::flat::Flat;
use super::words::{self, pattern};
use super::{Notice, Subject, TimeKind, stamp};
use crate::{Octets, Place, SourceId};
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

/// "IP Address 203.0.113.10 is (not) listed in the CBL."
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:\bIP(?:\s+address)?:?\s+|\bthe\s+host\s+at\s+)?([0-9A-F][0-9A-F.:]{2,44}(?:/\d{1,3})?)\s+",
        r"(?:is\s+(not\s+)?(?:currently\s+|also\s+)?(?:listed\s+(?:in|on|by)|on)|has\s+(not\s+)?been\s+(?:found|listed|detected)\s+(?:in|on|by)|has\s+\d+\s+listings?\s*(?:in|on|:)?)",
        r"\s+(?:the\s+)?(?:following\s+(?:lists?|blocklists?):?\s+)?([A-Za-z][A-Za-z0-9.-]*(?:\s+[A-Z][A-Za-z0-9.-]*){0,3}(?:\s*\([A-Z]{2,6}\))?)?",
    ))
});

/// Sentences of such a page that stand without the statement.
static ORPHAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:was|been)\s+last\s+detected\s+(?:at|on)|most\s+recent\s+detection\s+(?:was|is)|(?:host|address|machine)\s+(?:is\s+)?HELO(?:ed|'?s|'?ing)\s+as|\(the\s+sinkhole\)",
    )
});

static DETECTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)last\s+(?:detected|detection|seen)(?:\s+was)?(?:\s+(?:at|on))?:?|most\s+recent\s+detection(?:\s+(?:was|is))?(?:\s+(?:at|on))?:?",
        r"|at\s+exactly|corresponds\s+to\s+a\s+connection\s+at(?:\s+exactly)?|detected\s+(?:at|on)|this\s+(?:was\s+)?detect(?:ed|ion)\s+(?:was\s+)?(?:at|on)|detection\s+time:?",
    ))
});

static REMOVED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(?:was|been)\s+(?:self-)?removed(?:\s+from\s+the\s+\w+)?\s+(?:at|on)\s")
});

static SINKHOLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:on|from|using|source)\s+(?:source\s+)?port\s+(?:of\s+)?(\d{1,5})\b.{0,80}?(?:going\s+)?to\s+(?:the\s+)?(?:destination\s+)?(?:IP\s+)?(?:address\s+)?",
        r"\[?([0-9A-F][0-9A-F.:]{2,44})\]?.{0,60}?\bport\s+(\d{1,5})",
    ))
});

static DESTINATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:to|contact(?:ed|ing)?|destination)\s+(?:the\s+)?(?:sinkhole\s+)?(?:IP\s+)?(?:address\s+)?(?:at\s+)?\[?([0-9A-F][0-9A-F.:]{2,44})\]?.{0,60}?\bport\s+(\d{1,5})",
        r"(?:.{0,120}?source\s+port\s+(?:of\s+|was\s+|:\s*)?(\d{1,5}))?",
    ))
});

/// Spamhaus' table: "(IP, UTC timestamp, HELO value) 203.0.113.10 2023-01-10 14:55:00 friend".
static TABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\(IP,\s*UTC\s+timestamp,\s*HELO(?:\s+value)?\)\s*:?\s*([0-9A-F][0-9A-F.:]{2,44})\s+",
        r"(\d{4}-\d{2}-\d{2}\s+\d{2}:\d{2}(?::\d{2})?)\s+(\S{1,255})",
    ))
});

/// Bytes behind a phrase in which its stamp is looked for.
const NEAR: usize = 200;

/// Reads every page of a text.
pub(super) fn read(flat: &Flat, source: SourceId) -> Vec<Notice> {
    let text = flat.text.as_str();
    let mut starts: Vec<(usize, Option<regex::Captures<'_>>)> = Vec::new();
    let mut last: Option<String> = None;
    for found in STATEMENT.captures_iter(text) {
        let (Some(whole), Some(subject)) = (found.get(0), found.get(1)) else { continue };
        if words::subject(subject.as_str()).is_none() || found.get(4).is_none() {
            continue;
        }
        // "X is listed in the CBL" twice on one page is one page, unless its list differs.
        let list = found.get(4).map_or("", |m| m.as_str());
        let key = format!("{} {}", subject.as_str(), list.split(['.', ',']).next().unwrap_or(list));
        if last.as_deref() == Some(&key) {
            continue;
        }
        last = Some(key);
        starts.push((whole.start(), Some(found)));
    }
    if starts.is_empty() {
        if ORPHAN.is_match(text) || TABLE.is_match(text) {
            starts.push((0, None));
        } else {
            return Vec::new();
        }
    }
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|(at, _)| *at).chain(std::iter::once(text.len())).collect();
    starts
        .into_iter()
        .zip(ends)
        .filter_map(|((start, statement), end)| {
            let block = text.get(start..end)?;
            let place = Place::byte(source, flat.origin(start));
            Some(page(block, statement.as_ref(), place))
        })
        .collect()
}

/// One page.
fn page(block: &str, statement: Option<&regex::Captures<'_>>, place: Place) -> Notice {
    let said = |i: usize| statement.and_then(|s| s.get(i)).map(|m| m.as_str());
    let mut subject = said(1).and_then(words::subject).unwrap_or(Subject::Unnamed);
    let listed = said(2).is_none() && said(3).is_none();
    let mut notice = Notice {
        subject: Subject::Unnamed,
        list: said(4).map(list_name).or_else(|| list_of(block)),
        reason: reason(block),
        time: None,
        tolerance_s: None,
        helo: words::helo(block),
        botnet: words::family(block),
        src_port: None,
        dst: None,
        dst_port: None,
        removed_at: None,
        written_at: None,
        times_listed: words::times_listed(block),
        place,
    };
    sinkhole(block, &mut notice);
    detection(block, &mut notice);
    if let Some(removed) = REMOVED.find(block) {
        let rest = block.get(removed.end()..).unwrap_or_default();
        if let Some(at) = stamp::first(rest).filter(|f| f.start < 12) {
            // A listed page may tell of an earlier removal; that one does not end this listing.
            if !listed {
                notice.removed_at = Some(at.time);
                let near = window_of(rest, at.end, 90);
                notice.written_at = stamp::age(near).map(|age| at.time.plus_secs(age));
                if notice.time.is_none() {
                    notice.time = Some((at.time, TimeKind::Removal));
                }
            }
        }
    }
    if let Some(row) = TABLE.captures(block) {
        let cell = |i: usize| row.get(i).map_or("", |m| m.as_str());
        if matches!(subject, Subject::Unnamed) {
            subject = words::subject(cell(1)).unwrap_or(Subject::Unnamed);
        }
        notice.helo = Some(Octets::from(cell(3)));
        if notice.time.is_none_or(|(_, kind)| kind != TimeKind::Detection)
            && let Some(at) = stamp::first(cell(2))
        {
            notice.time = Some((at.time, TimeKind::Detection));
            notice.tolerance_s = stamp::tolerance(block);
        }
    }
    if matches!(subject, Subject::Unnamed) {
        subject = words::addresses(block)
            .map(|(_, ip)| ip)
            .find(|ip| {
                words::can_be_subject(ip)
                    && Some(*ip) != notice.dst
                    && notice.helo.as_ref().is_none_or(|h| !quotes(h, ip))
            })
            .map_or(Subject::Unnamed, Subject::Ip);
    }
    notice.subject = subject;
    notice
}

/// Whether a HELO is that address, in brackets or not.
fn quotes(helo: &Octets, ip: &IpAddr) -> bool {
    words::address(&helo.to_string()).is_some_and(|said| said == *ip)
}

/// The time of the offence with its tolerance and stated age.
fn detection(block: &str, notice: &mut Notice) {
    for phrase in DETECTED.find_iter(block) {
        let rest = block.get(phrase.end()..).unwrap_or_default();
        // Far stamps are not this phrase's, and a page may hold very many phrases.
        let close = window_of(rest, 0, NEAR);
        let Some(at) = stamp::first(close).filter(|f| f.start < 8) else { continue };
        let near = window_of(rest, at.end, 120);
        notice.time = Some((at.time, TimeKind::Detection));
        let exact = phrase.as_str().to_ascii_lowercase().contains("exactly");
        notice.tolerance_s = stamp::tolerance(near).or(exact.then_some(0));
        notice.written_at = stamp::age(near).map(|age| at.time.plus_secs(age));
        return;
    }
}

/// Our port, and where the contact went.
fn sinkhole(block: &str, notice: &mut Notice) {
    let said = block.to_ascii_lowercase();
    if !said.contains("sinkhole") && !SINKHOLE.is_match(block) {
        return;
    }
    // Some pages put each value in quotation marks.
    let block = &block.replace(['"', '\u{201c}', '\u{201d}'], "");
    let part = |c: &regex::Captures<'_>, i: usize| c.get(i).map(|m| m.as_str().to_owned());
    if let Some(found) = SINKHOLE.captures(block) {
        notice.src_port = part(&found, 1).and_then(|p| p.parse().ok());
        notice.dst = part(&found, 2).and_then(|a| words::address(&a));
        notice.dst_port = part(&found, 3).and_then(|p| p.parse().ok());
    } else if let Some(found) = DESTINATION.captures(block) {
        notice.dst = part(&found, 1).and_then(|a| words::address(&a));
        notice.dst_port = part(&found, 2).and_then(|p| p.parse().ok());
        notice.src_port = part(&found, 3).and_then(|p| p.parse().ok());
    }
}

/// The sentence that says why.
fn reason(block: &str) -> String {
    const TELLING: [&str; 12] = [
        "is infected",
        "natting",
        "helo",
        "sinkhole",
        "spambot",
        "botnet",
        "proxy",
        "trojan",
        "misconfigured",
        "compromised",
        "spam",
        "detected",
    ];
    let sentences: Vec<&str> = block.split(". ").map(str::trim).filter(|s| s.len() > 3).collect();
    let best = TELLING
        .iter()
        .find_map(|word| sentences.iter().find(|s| s.to_ascii_lowercase().contains(word)).copied());
    words::one_line(best.or(sentences.first().copied()).unwrap_or(block).trim_end_matches('.'))
}

/// The list as this house calls it.
fn list_name(said: &str) -> String {
    let said = said.trim_end_matches(['.', ',']).trim();
    let upper = said.to_ascii_uppercase();
    for (word, name) in [
        ("CBL", "CBL"),
        ("XBL", "Spamhaus XBL"),
        ("EXPLOITS", "Spamhaus XBL"),
        ("CSS", "Spamhaus CSS"),
        ("COMBINED SPAM", "Spamhaus CSS"),
        ("SBL", "Spamhaus SBL"),
        ("PBL", "Spamhaus PBL"),
        ("POLICY BL", "Spamhaus PBL"),
        ("ZEN", "Spamhaus ZEN"),
        ("SPAMCOP", "SpamCop"),
        ("BARRACUDA", "Barracuda"),
    ] {
        if upper.contains(word) {
            return name.to_owned();
        }
    }
    said.to_owned()
}

/// The list a page without a statement belongs to.
fn list_of(block: &str) -> Option<String> {
    let lower = block.to_ascii_lowercase();
    if lower.contains("abuseat.org") || block.contains("CBL") {
        Some("CBL".to_owned())
    } else if lower.contains("spamhaus") {
        Some(if block.contains("XBL") { "Spamhaus XBL" } else { "Spamhaus" }.to_owned())
    } else {
        None
    }
}

/// At most `len` bytes from a byte on, cut at a character.
fn window_of(text: &str, from: usize, len: usize) -> &str {
    let mut end = from.saturating_add(len).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text.get(from..end).unwrap_or_default()
}
