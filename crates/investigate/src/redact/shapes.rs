//! Pieces of text that are of a type by their form or by the field they stand in.

use super::pseudonym::Kind;
use regex::Regex;
use std::sync::LazyLock;

/// A form: its expression, and the type of each of its groups.
pub(super) struct Shape {
    pub(super) expression: Regex,
    pub(super) groups: &'static [Kind],
}

/// In falling rank: where two overlap the earlier one holds.
const FORMS: [(&str, &[Kind]); 22] = [
    // `warning: header Subject: ... from host[ip]`, `T="..."` of Exim.
    (r"(?i)\bsubject[:=] ?<?([^<>;\n]+?)>?(?: from [^ ]+\[|; |$)", &[Kind::Subject]),
    (r#"\bT="([^"]*)""#, &[Kind::Subject]),
    (r"(?i)\bmessage-id[=:] ?<?([^>\s,;]+)", &[Kind::Message]),
    (r"\b(SHA256:[A-Za-z0-9+/]{30,}=?|MD5(?::[0-9a-f]{2}){16})", &[Kind::Key]),
    (r"(?:^|[^A-Za-z0-9+/])([A-Za-z0-9+/]{43}=)", &[Kind::Key]),
    // A key's beginning, as sentences name a peer.
    (r"\b([A-Za-z0-9+/]{6,12}\u{2026})", &[Kind::Key]),
    // Who a proxy says has asked.
    (
        r"\b[A-Z]{3,8} \S+ ([^\s-]\S*) (?:HIER_|DIRECT|NONE|FIRSTUP_|DEFAULT_)[A-Z_]*/",
        &[Kind::User],
    ),
    // Fields of an address or an account; `<>` is nobody.
    (
        r#"(?i)\b(?:from|to|orig_to|rcpt|sender|recipient|sasl_username|sasl_sender|user|ruser|logname|login|account|acct|auth|mailfrom|U)=(?:<([^>]+)>|"([^"]+)"|([^\s<>",;()\[\]]+))"#,
        &[Kind::Person, Kind::Person, Kind::Person],
    ),
    (r"(?i)[a-z0-9_.%+-]+%40[a-z0-9.-]+", &[Kind::Person]),
    (
        r"[^\s<>()\[\]{}|,;:&?/'\x22]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?)",
        &[Kind::Person],
    ),
    // Homes, mailboxes, crontabs.
    (r#"/(?:home|Users)/([^/\s:;,'")]+)"#, &[Kind::User]),
    (r#"/var/(?:spool/)?(?:mail|cron(?:/crontabs|/tabs)?)/([^/\s:;,'")]+)"#, &[Kind::User]),
    (
        r#"/var/(?:vmail|mail/vhosts|qmail/mailnames)/([^/\s]+)/([^/\s:;,'")]+)"#,
        &[Kind::Domain, Kind::User],
    ),
    // What log-in services say.
    (
        r"\b(?:for|user) (?:invalid user |illegal user )?([^\s(\[,;:]+)(?: from | by |\(uid=| at )",
        &[Kind::User],
    ),
    (r"\binvalid user ([^\s(\[,;:]+)", &[Kind::User]),
    (r"\bby ([A-Za-z0-9_.-]+)\(uid=", &[Kind::User]),
    (
        r"\(([A-Za-z0-9_.-]+)\) (?:CMD|CMDEND|MAIL|RELOAD|LIST|REPLACE|BEGIN EDIT|END EDIT)\b",
        &[Kind::User],
    ),
    // The kernel logs receiver, sender and protocol as one; DHCP puts a type before.
    (
        r"(?i)\bMAC=((?:[0-9a-f]{2}:){5}[0-9a-f]{2}):((?:[0-9a-f]{2}:){5}[0-9a-f]{2}):[0-9a-f]{2}:[0-9a-f]{2}\b",
        &[Kind::Mac, Kind::Mac],
    ),
    (r"(?i)(?:^|[^0-9a-f:-])01:((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\b", &[Kind::Mac]),
    (
        r"(?i)\b((?:[0-9a-f]{1,2}[:-]){5,}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})\b",
        &[Kind::Mac],
    ),
    // The version of a browser has four numbers, too.
    (
        r"\b(?:Chrome|Chromium|CriOS|Edge?|EdgA|EdgiOS|OPR|Opera|Version|Safari|Firefox|Vivaldi|YaBrowser|SamsungBrowser|HeadlessChrome)/(\d+(?:\.\d+)+)",
        &[Kind::Kept],
    ),
    (r"(?:^|[^0-9.])(\d{1,3}(?:\.\d{1,3}){3})", &[Kind::Client]),
];

pub(super) static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    FORMS
        .iter()
        .filter_map(|(form, groups)| Some(Shape { expression: Regex::new(form).ok()?, groups }))
        .collect()
});

/// `NAME[ADDRESS]`, as mail logs write a peer.
pub(super) static PEER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"([A-Za-z0-9_.-]+)\[([0-9a-fA-F:.]+)\]").ok());

/// Candidates of an IPv6 address.
pub(super) static COLONS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:IPv6:)?([0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*:[0-9a-fA-F.:]*)").ok()
});

/// The query of a URL.
pub(super) static QUERY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"[A-Za-z0-9/%.~_-]\?([^\s"'<>?]+)"#).ok());

/// A syslog header up to the host.
pub(super) static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:<\d+>)?(?:\d{4}-\d\d-\d\dT\S+ )?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (\S+) \S+?(?:\[\d+\])?: ",
    )
    .ok()
});

/// The two words before the time of a web log's line.
pub(super) static VISITOR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\S+(?: \S+)?? (\S+) (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:").ok());

/// A word, names of several parts included.
pub(super) static WORD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\p{L}\p{N}_][\p{L}\p{N}_.+-]*").ok());
