//! Bytes of a file or section -> notices: plain text goes to `model`'s reader as it is; a mail is
//! opened first (transfer encodings, parts of a report), so that a bounce or an abuse report in
//! quoted-printable reads like one in clear.

use heloscope_model::{Notice, Place, SourceId, notice};
use mail_parser::{MessageParser, MimeHeaders, PartType};

/// Bytes of a mail that are opened.
const MOST: usize = 2 << 20;
/// Parts of one mail that are looked at.
const PARTS: usize = 64;

/// Reads the notices of a text that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Notice> {
    let cut = text.get(..text.len().min(MOST)).unwrap_or_default();
    if crate::messages::is_message(cut) {
        let mut found = notice::read(&opened(cut), source);
        for notice in &mut found {
            // The opened text has offsets of its own; the mail begins here.
            notice.place = Place::byte(source, base);
        }
        if !found.is_empty() {
            return found;
        }
    }
    let (plain, lossy) = heloscope_model::octets::lossy_text(cut);
    // A page saved from a browser.
    let head = plain.get(..2000).unwrap_or(&plain).to_ascii_lowercase();
    if head.contains("<html") || head.contains("<!doctype html") {
        let mut found = notice::read(&mail_parser::decoders::html::html_to_text(&plain), source);
        for notice in &mut found {
            notice.place = Place::byte(source, base);
        }
        return found;
    }
    let mut found = notice::read(&plain, source);
    for notice in &mut found {
        if let heloscope_model::At::Byte(at) = notice.place.at {
            // Replaced bytes are longer than they were: the start is the surest place then.
            notice.place = Place::byte(source, if lossy { base } else { base + at });
        }
    }
    found
}

/// Whether a mail is a list's or provider's word on us: a report by form, or by sender and
/// subject; only then is its text asked. Any other mail is a copy of somebody's mail.
pub(crate) fn is_notice_mail(mail: &[u8]) -> bool {
    let end = memchr::memmem::find(mail, b"\n\n")
        .or_else(|| memchr::memmem::find(mail, b"\r\n\r\n"))
        .unwrap_or(mail.len());
    let headers = mail.get(..end.min(64 << 10)).unwrap_or_default();
    let lower = String::from_utf8_lossy(headers).to_ascii_lowercase();
    let field = |name: &str| {
        lower
            .lines()
            .filter_map(|l| l.strip_prefix(name))
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let from = field("from:");
    let subject = field("subject:");
    let by_form = lower.contains("multipart/report") || lower.contains("feedback-type:");
    let by_sender =
        ["mailer-daemon", "postmaster@", "abuse@", "complaint", "noc@", "spamcop", "cert@"]
            .iter()
            .any(|w| from.contains(w));
    let by_subject = [
        "abuse",
        "blacklist",
        "blocklist",
        "listed",
        "spam report",
        "spam complaint",
        "undeliver",
        "delivery status",
    ]
    .iter()
    .any(|w| subject.contains(w));
    (by_form || by_sender || by_subject) && !read(mail, SourceId(0), 0).is_empty()
}

/// The headers that matter and every text of a mail.
fn opened(mail: &[u8]) -> String {
    let mut out = String::new();
    let Some(message) = MessageParser::default().parse(mail) else { return out };
    for name in ["From", "Date", "Subject", "Feedback-Type", "Source-IP", "Arrival-Date"] {
        if let Some(raw) = message.header_raw(name) {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(raw.trim());
            out.push('\n');
        }
    }
    out.push('\n');
    for part in message.parts.iter().take(PARTS) {
        let text = match &part.body {
            PartType::Text(text) => text.to_string(),
            PartType::Html(html) => mail_parser::decoders::html::html_to_text(html),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                let is_text =
                    part.content_type().is_some_and(|t| matches!(t.ctype(), "message" | "text"));
                if !is_text {
                    continue;
                }
                String::from_utf8_lossy(bytes).into_owned()
            }
            // The mail complained about: its own words are not the complaint's.
            PartType::Message(_) | PartType::Multipart(_) => continue,
        };
        out.push_str(&text);
        out.push_str("\n\n");
        if out.len() > MOST {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::notice::{Subject, TimeKind};
    use proptest::prelude::*;

    const BOUNCE: &str = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.example.org\r\nTo: anna@example.org\r\nDate: Mon, 7 Dec 2015 10:00:05 +0100\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<bob@example.net>: host mx.example.net[198.51.100.5] said: 554 5.7.1 Service =\r\nunavailable; Client host [203.0.113.10] blocked =\r\nusing zen.spamhaus.org\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\nArrival-Date: Mon, 7 Dec 2015 09:59:58 +0100\r\n\r\n--b--\r\n";

    #[test]
    fn a_bounce_in_quoted_printable() {
        assert!(is_notice_mail(BOUNCE.as_bytes()));
        let found = read(BOUNCE.as_bytes(), SourceId(2), 7);
        let [notice] = &found[..] else { panic!("{found:?}") };
        assert_eq!(notice.subject, Subject::Ip("203.0.113.10".parse().unwrap()));
        assert_eq!(notice.list.as_deref(), Some("Spamhaus ZEN"));
        assert_eq!(notice.time.map(|(_, kind)| kind), Some(TimeKind::Rejection));
        assert_eq!(notice.place, Place::byte(SourceId(2), 7));
    }

    #[test]
    fn a_page_saved_from_a_browser() {
        let page = b"<!DOCTYPE html><html><head><title>x</title></head><body><p>IP Address <b>203.0.113.10</b> is listed in the CBL.</p><p>It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes. This host HELOed as [127.0.0.1]</p></body></html>";
        let found = read(page, SourceId(2), 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].helo, Some("[127.0.0.1]".into()));
    }

    #[test]
    fn a_copy_of_spam_is_no_notice() {
        let spam = b"From: Bank <x@example.net>\nTo: a@example.org\nSubject: Your account is blocked\nDate: Mon, 7 Dec 2015 10:00:05 +0100\n\nClient host 203.0.113.10 blocked using zen.spamhaus.org 550\n";
        assert!(!is_notice_mail(spam));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..BOUNCE.len(), byte in any::<u8>()) {
            read(&bytes, SourceId(0), 0);
            let mut mail = BOUNCE.as_bytes().to_vec();
            mail[at] = byte;
            mail.extend(bytes);
            read(&mail, SourceId(0), 0);
        }
    }
}
