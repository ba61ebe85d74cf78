//! The words that several forms share: addresses, HELO phrases, families, counts, and the one
//! place where constant patterns are compiled.

use crate::Octets;
use crate::notice::Subject;
use regex::Regex;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// Compiles a constant pattern.
#[expect(clippy::expect_used, reason = "constants; every one is compiled by the tests of its form")]
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Families that lists have named, lower case. Only these and names that a sentence marks as
/// one ("the X spambot") are taken for a family.
const FAMILIES: [&str; 50] = [
    "kelihos",
    "cutwail",
    "conficker",
    "necurs",
    "grum",
    "mumblehard",
    "ebury",
    "calfbot",
    "stealrat",
    "darkmailer",
    "zeus",
    "gameover",
    "spyeye",
    "tdss",
    "torpig",
    "zeroaccess",
    "sality",
    "gamut",
    "lethic",
    "slenfbot",
    "festi",
    "tofsee",
    "pushdo",
    "ramnit",
    "ranbyus",
    "nymaim",
    "andromeda",
    "gozi",
    "tinba",
    "dridex",
    "citadel",
    "bobax",
    "rustock",
    "srizbi",
    "maazben",
    "waledac",
    "storm",
    "bagle",
    "mirai",
    "emotet",
    "trickbot",
    "qakbot",
    "phorpiex",
    "virut",
    "palevo",
    "wapomi",
    "matsnu",
    "nivdort",
    "locky",
    "gumblar",
];

static HELO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i)(?:\b(?:HELO|EHLO)(?:'?ed|'?s|'?ing|ing)?(?:/EHLO)?"#,
        r#"(?:\s+(?:string|name|value|argument|parameter|greeting)(?:\(s\)|s)?)?(?:\s+(?:of|was|is|used|seen))?"#,
        r#"(?:\s+(?:itself|themselves))?(?:\s+(?:as|with|to be)|\s*[:=]|\s+of|\s+was|\s+is|\s+)\s*"#,
        r#"|\b(?:presents|presenting|identifies|identifying|announces|announcing|introduces|introducing)"#,
        r#"\s+(?:itself|themselves)\s+as\s+(?:being\s+)?)"#,
        r#"(?:"([^"\n]{1,255})"|'([^'\n]{1,255})'|<([^>\n]{1,255})>|(\[?[A-Za-z0-9_][^\s"'<>,;]{0,254}))"#,
    ))
});

static NAMED_FAMILY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i)(?:\bthe\s+"?([A-Za-z][A-Za-z0-9_.-]{1,30})"?\s+(?:spam\s?bot|botnet|trojan|malware|worm|virus|bot\b)"#,
        r#"|(?:malware|botnet|trojan|spambot|bot(?:net)?\s*name|family)\s*(?:[:=]|is|named|called|family)\s+"?([A-Za-z][A-Za-z0-9_.-]{1,30}))"#,
    ))
});

static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:detected|listed|seen)(?:\s+and\s+listed)?\s+(\d{1,6})\s+times?\s+(?:in|within|during)\s+the\s+(?:past|last)\s+(\d{1,4})\s+days?",
    )
});

/// The HELO a sentence quotes, brackets as written.
pub(super) fn helo(text: &str) -> Option<Octets> {
    HELO.captures_iter(text).find_map(|found| {
        let quoted = found.get(1).or(found.get(2)).or(found.get(3)).map(|m| m.as_str());
        let bare = found.get(4).map(|m| m.as_str().trim_end_matches(['.', ':', '!', '?', ')']));
        let value = quoted.or(bare)?.trim();
        // "HELO'ing as a localhost", "the HELO command", "HELO string that": a HELO has a dot, a
        // bracket, or is a single name known to be said bare; other bare words are grammar.
        let plausible = quoted.is_some()
            || value.contains(['.', '[', ':', '-', '_'])
            || value.eq_ignore_ascii_case("localhost")
            || value.eq_ignore_ascii_case("friend")
            || value.bytes().any(|b| b.is_ascii_digit())
            || (value.len() > 1
                && value.bytes().all(|b| b.is_ascii_uppercase())
                && !is_command(value));
        (plausible && !value.is_empty()).then(|| Octets::from(value))
    })
}

/// SMTP's own words, which are not what a client calls itself.
fn is_command(word: &str) -> bool {
    matches!(
        word,
        "HELO" | "EHLO" | "SMTP" | "DNS" | "IP" | "RFC" | "CBL" | "XBL" | "MAIL" | "HELOS"
    )
}

/// The family a text names, lower case.
pub(super) fn family(text: &str) -> Option<String> {
    const GRAMMAR: [&str; 20] = [
        "a",
        "an",
        "the",
        "this",
        "that",
        "same",
        "spam",
        "any",
        "infected",
        "or",
        "following",
        "botnet",
        "malicious",
        "responsible",
        "actual",
        "above",
        "sending",
        "some",
        "other",
        "trojan",
    ];
    let named = NAMED_FAMILY.captures_iter(text).find_map(|found| {
        let name =
            found.get(1).or(found.get(2))?.as_str().trim_end_matches(['.', '-']).to_lowercase();
        (!GRAMMAR.contains(&name.as_str()) && name.len() > 1).then_some(name)
    });
    named.or_else(|| {
        let lower = text.to_lowercase();
        lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| FAMILIES.contains(word) && *word != "storm")
            .map(str::to_owned)
    })
}

/// "detected and listed 2 times in the past 28 days".
pub(super) fn times_listed(text: &str) -> Option<(u32, u32)> {
    let found = TIMES.captures(text)?;
    Some((found.get(1)?.as_str().parse().ok()?, found.get(2)?.as_str().parse().ok()?))
}

/// Addresses of a text in order, with the byte each starts at. Only whole tokens count, so that
/// versions ("5.00.2900.2180") and times do not pass; reserved ones are kept.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = (usize, IpAddr)> + '_ {
    static TOKEN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[0-9A-Fa-f]*(?:[.:]+[0-9A-Fa-f]+)+:{0,2}|::[0-9A-Fa-f]*"));
    TOKEN.find_iter(text).filter_map(move |token| {
        let before = text.get(..token.start()).and_then(|t| t.chars().next_back());
        let after = text.get(token.end()..).and_then(|t| t.chars().next());
        if before.is_some_and(|c| c.is_alphanumeric()) || after.is_some_and(|c| c.is_alphanumeric())
        {
            return None;
        }
        address(token.as_str()).map(|ip| (token.start(), ip))
    })
}

/// One token as an address; a trailing full stop or colon and "IPv6:" are put up with.
pub(super) fn address(token: &str) -> Option<IpAddr> {
    let token =
        token.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '"' | '\'' | ',' | ';'));
    let token = token.trim_end_matches('.').trim_end_matches(':');
    let token = token.strip_prefix("IPv6:").unwrap_or(token);
    if let Ok(ip) = token.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(ip));
    }
    if token.matches(':').count() >= 2 {
        return token.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    None
}

/// Whether an address can be a listed subject: not loopback, unspecified or multicast.
pub(super) fn can_be_subject(ip: &IpAddr) -> bool {
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

/// A token as a subject: address, prefix or domain.
pub(super) fn subject(token: &str) -> Option<Subject> {
    let token = token.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '"' | ',' | ';'));
    if let Some(ip) = address(token) {
        return Some(Subject::Ip(ip));
    }
    if let Ok(net) = token.parse::<ipnet::IpNet>() {
        return Some(Subject::Prefix(net));
    }
    None
}

/// Cuts a reason to one line of at most 300 characters.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 300 {
            break;
        }
    }
    if line.chars().count() > 300 {
        line = line.chars().take(299).collect();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helo_phrases() {
        for (text, want) in [
            ("This host HELOed as [127.0.0.1]", Some("[127.0.0.1]")),
            ("because it HELOs as mail.example.org.", Some("mail.example.org")),
            (
                "This IP address is HELO'ing as \"localhost.localdomain\" which violates",
                Some("localhost.localdomain"),
            ),
            ("it is presenting itself as localhost", Some("localhost")),
            ("The HELO string was: ylmf-pc", Some("ylmf-pc")),
            (
                "The observed HELO value(s) was: \"localhost.localdomain\"",
                Some("localhost.localdomain"),
            ),
            ("EHLO user-PC1", Some("user-PC1")),
            ("the HELO command is sent", None),
            ("HELO is what a server calls itself", None),
            ("uses a HELO of XQZPRTV", Some("XQZPRTV")),
        ] {
            assert_eq!(helo(text).map(|h| h.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn families_are_names_not_grammar() {
        assert_eq!(
            family("is infected with the kelihos spambot. In other").as_deref(),
            Some("kelihos")
        );
        assert_eq!(family("participating in the botnet"), None);
        assert_eq!(family("an infection of Conficker was").as_deref(), Some("conficker"));
        assert_eq!(
            family("infected with a spam sending trojan, proxy or some other form of botnet"),
            None
        );
    }

    #[test]
    fn addresses_are_whole_tokens() {
        let all = |t: &str| addresses(t).map(|(_, ip)| ip.to_string()).collect::<Vec<_>>();
        assert_eq!(
            all("from [192.0.2.1]:25, (2001:db8::1) at 14:30:00 v5.00.2900.2180"),
            ["192.0.2.1", "2001:db8::1"]
        );
        assert_eq!(all("ends with 192.0.2.9."), ["192.0.2.9"]);
        assert_eq!(all("x192.0.2.1 192.0.2.1y 1.2.3 999.1.1.1"), Vec::<String>::new());
    }
}
