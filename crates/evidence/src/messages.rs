//! Kept mails -> [`MailCopy`]s: single RFC 5322 files, mbox files, Maildir folders (a folder is
//! one input; each file in it a record). Only the header section is read, and of it the fields
//! by which a mail is joined with log lines.

use crate::facts::MailCopy;
use crate::lines::Lines;
use heloscope_model::{Octets, Place, SourceId, Time};
use mail_parser::{HeaderName, HeaderValue, MessageParser};
use std::io::Read;
use std::net::IpAddr;

/// Bytes of one header section that are read.
pub(crate) const HEADER: usize = 128 << 10;

/// Fields of which a mail's first lines have at least two.
const FIELDS: [&str; 16] = [
    "received:",
    "from:",
    "to:",
    "subject:",
    "date:",
    "message-id:",
    "return-path:",
    "mime-version:",
    "delivered-to:",
    "x-original-to:",
    "dkim-signature:",
    "content-type:",
    "reply-to:",
    "x-php-originating-script:",
    "x-mailer:",
    "cc:",
];

/// Whether a text begins like a mail.
pub(crate) fn is_message(text: &[u8]) -> bool {
    let (mut known, mut lines) = (0, 0);
    for (_, line) in crate::lines::of(text).take(60) {
        if line.is_empty() || line == b"." {
            break;
        }
        if lines == 0 && line.starts_with(b"From ") {
            continue;
        }
        lines += 1;
        if matches!(line.first(), Some(b' ' | b'\t')) && lines > 1 {
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line).filter(|at| (1..=76).contains(at)) else {
            return false;
        };
        let Some(name) = line.get(..=colon) else { return false };
        if name.iter().any(|b| b.is_ascii_whitespace() || !b.is_ascii()) {
            return false;
        }
        let name = name.to_ascii_lowercase();
        known += usize::from(FIELDS.iter().any(|f| f.as_bytes() == name));
    }
    known >= 2
}

/// Whether a text begins like an mbox: a `From ` line with a date, then a mail's fields.
pub(crate) fn is_mbox(text: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', text) else { return false };
    let (line, rest) = text.split_at_checked(end + 1).unwrap_or_default();
    is_from_line(line.trim_ascii_end()) && is_message(rest)
}

/// `From bob@example.org Fri Dec  4 14:30:00 2015`.
fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    line.len() < 400
        && rest.windows(9).any(|w| {
            matches!(w, [b' ', h1, h2, b':', m1, m2, b':', s1, s2]
            if [h1, h2, m1, m2, s1, s2].iter().all(|b| b.is_ascii_digit()))
        })
}

/// The mark `postcat` begins a queue file with.
const POSTCAT: &[u8] = b"*** ENVELOPE RECORDS ";

/// Whether a text is what `postcat` prints of a queue file.
pub(crate) fn is_postcat(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(POSTCAT)
}

/// The mail in what `postcat` printed, and the queue id its file is named for.
fn postcat(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(POSTCAT)?;
    let name = text.split(|b| b.is_ascii_whitespace()).next()?;
    let id = name.rsplit(|&b| b == b'/').next()?;
    let mark = b"*** MESSAGE CONTENTS ";
    let at = memchr::memmem::find(text, mark)?;
    let rest = text.get(at..)?;
    let line = memchr::memchr(b'\n', rest)?;
    Some((rest.get(line + 1..)?, id))
}

/// Reads a single mail; `place` is the file as a whole or the byte it starts at.
pub fn read_one(mail: &[u8], place: Place) -> Option<MailCopy> {
    let (mail, queue_id) = match postcat(mail) {
        Some((mail, id)) => (mail, Some(Octets::new(id))),
        None => (mail, None),
    };
    let header = header_of(mail);
    let message = MessageParser::default().parse_headers(header)?;
    let date = message.date().and_then(|d| {
        // A date of the year 0 or 65000 is no date.
        let secs = d.to_timestamp();
        (d.is_valid() && (0..=8_000_000_000).contains(&secs)).then(|| Time::from_secs(secs))
    });
    let raw = |name: &str| {
        message.header_raw(name).map(|v| {
            let one: Vec<&str> = v.split_whitespace().collect();
            one.join(" ")
        })
    };
    let cut = |text: &str| Octets::from(text.chars().take(500).collect::<String>().as_str());
    let from = message.from().and_then(|a| a.first()).and_then(|a| a.address()).map(cut);
    let mut copy = MailCopy {
        place,
        date,
        message_id: raw("Message-ID").map(|id| cut(&id)),
        from,
        subject: message.subject().map(cut),
        queue_id,
        php_script: raw("X-PHP-Originating-Script").map(|v| script(&v)),
        received_from: None,
    };
    received(&message, &mut copy);
    Some(copy)
}

/// What the Received lines tell, newest first as they stand.
fn received(message: &mail_parser::Message<'_>, copy: &mut MailCopy) {
    let mut ours: Option<String> = None;
    for header in message.headers().iter().filter(|h| h.name == HeaderName::Received).take(100) {
        let HeaderValue::Received(line) = &header.value else { continue };
        if copy.queue_id.is_none()
            && let Some(id) = line.id().filter(|id| is_queue_id(id))
        {
            copy.queue_id = Some(Octets::from(id));
        }
        let by = line.by().map(|by| by.to_string().to_ascii_lowercase());
        if ours.is_none() {
            ours = by.clone();
        }
        if by.is_some() && by == ours {
            let ip: Option<IpAddr> = line.from_ip().or_else(|| match line.from() {
                Some(mail_parser::Host::IpAddr(ip)) => Some(*ip),
                _ => None,
            });
            if let Some(ip) = ip.filter(|ip| !ip.is_loopback()) {
                copy.received_from = Some(ip);
            }
        }
    }
}

/// An id a Postfix queue would give.
fn is_queue_id(id: &str) -> bool {
    heloscope_maillog::queue_id::is_queue_id(id.as_bytes())
}

/// `33:mailer.php` -> uid and script; a script alone has no uid.
fn script(value: &str) -> (Option<u32>, Octets) {
    match value.split_once(':') {
        Some((uid, script)) if uid.trim().parse::<u32>().is_ok() => {
            (uid.trim().parse().ok(), Octets::from(script.trim()))
        }
        _ => (None, Octets::from(value.trim())),
    }
}

/// The header section with the empty line that ends it.
fn header_of(mail: &[u8]) -> &[u8] {
    let cut = mail.get(..mail.len().min(HEADER)).unwrap_or_default();
    let unix = memchr::memmem::find(cut, b"\n\n").map(|at| at + 2);
    let dos = memchr::memmem::find(cut, b"\r\n\r\n").map(|at| at + 4);
    let end = match (unix, dos) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b).unwrap_or(cut.len()),
    };
    cut.get(..end).unwrap_or(cut)
}

/// Reads an mbox; every mail goes to `on`. Memory holds one header section at a time.
pub fn read_mbox(
    source: SourceId,
    input: impl Read,
    on: &mut dyn FnMut(MailCopy),
) -> Option<String> {
    let mut lines = Lines::new(input);
    let mut header: Vec<u8> = Vec::new();
    let mut place = Place::byte(source, 0);
    let mut in_header = false;
    let mut after_blank = true;
    while let Some((offset, line)) = lines.next_line() {
        if after_blank && is_from_line(line) {
            if in_header && let Some(copy) = read_one(&header, place) {
                on(copy);
            }
            header.clear();
            place = Place::byte(source, offset);
            in_header = true;
            after_blank = false;
            continue;
        }
        after_blank = line.is_empty();
        if in_header {
            if line.is_empty() || header.len() > HEADER {
                in_header = false;
                header.extend_from_slice(b"\n");
                if let Some(copy) = read_one(&header, place) {
                    on(copy);
                }
            } else {
                header.extend_from_slice(line);
                header.push(b'\n');
            }
        }
    }
    if in_header && let Some(copy) = read_one(&header, place) {
        on(copy);
    }
    lines.cut_note()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAIL: &str = "Return-Path: <www-data@example.org>\nReceived: by mail.example.org (Postfix, from userid 33)\n\tid 3pZ4cS2Xk1z5Zc; Fri,  4 Dec 2015 14:30:02 +0000 (UTC)\nTo: a@example.net\nSubject: =?utf-8?Q?H=C3=A9llo?=\nX-PHP-Originating-Script: 33:class.php(12) : eval()'d code\nFrom: Shop <shop@example.org>\nMessage-Id: <1@mail.example.org>\nDate: Fri, 4 Dec 2015 15:30:02 +0100\n\nbody\n";

    #[test]
    fn one_mail() {
        assert!(is_message(MAIL.as_bytes()));
        let copy = read_one(MAIL.as_bytes(), Place::whole(SourceId(1))).unwrap();
        assert_eq!(copy.date.unwrap().rfc3339(), "2015-12-04T14:30:02Z");
        assert_eq!(copy.from, Some("shop@example.org".into()));
        assert_eq!(copy.subject, Some("Héllo".into()));
        assert_eq!(copy.message_id, Some("<1@mail.example.org>".into()));
        assert_eq!(copy.queue_id, Some("3pZ4cS2Xk1z5Zc".into()));
        assert_eq!(copy.php_script, Some((Some(33), "class.php(12) : eval()'d code".into())));
        assert_eq!(copy.received_from, None);
    }

    #[test]
    fn a_queue_file_as_postcat_prints_it() {
        let text = format!(
            "*** ENVELOPE RECORDS deferred/5/5C5A82D0 ***\nsender: w@example.org\n*** MESSAGE CONTENTS deferred/5/5C5A82D0 ***\n{MAIL}*** HEADER EXTRACTED deferred/5/5C5A82D0 ***\n"
        );
        assert!(is_postcat(text.as_bytes()));
        let copy = read_one(text.as_bytes(), Place::whole(SourceId(1))).unwrap();
        assert_eq!(copy.queue_id, Some("5C5A82D0".into()));
        assert_eq!(copy.from, Some("shop@example.org".into()));
    }

    #[test]
    fn the_client_of_our_own_mta() {
        let mail = b"Received: from filter (localhost [127.0.0.1]) by mail.example.org (Postfix) with ESMTP id 4ABCDE123 for <x@example.net>; Fri, 4 Dec 2015 14:30:03 +0000\nReceived: from laptop (unknown [192.168.1.23]) by mail.example.org (Postfix) with ESMTPSA id 4ABCDE122 for <x@example.net>; Fri, 4 Dec 2015 14:30:02 +0000\nReceived: from elsewhere (x [198.51.100.9]) by other.example.net with SMTP id abc; Fri, 4 Dec 2015 14:29:02 +0000\nFrom: a@example.org\nSubject: x\n\n";
        let copy = read_one(mail, Place::whole(SourceId(1))).unwrap();
        assert_eq!(copy.queue_id, Some("4ABCDE123".into()));
        assert_eq!(copy.received_from, Some("192.168.1.23".parse().unwrap()));
    }

    #[test]
    fn an_mbox() {
        let mbox = format!(
            "From www-data Fri Dec  4 14:30:02 2015\n{MAIL}\nFrom here on it is text\n\nFrom b@example.org Fri Dec  4 14:31:02 2015\nFrom: b@example.org\nTo: c@example.org\nSubject: 2\n\nx\n"
        );
        assert!(is_mbox(mbox.as_bytes()));
        let mut found = Vec::new();
        read_mbox(SourceId(4), mbox.as_bytes(), &mut |c| found.push(c));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].place, Place::byte(SourceId(4), 0));
        assert_eq!(found[1].from, Some("b@example.org".into()));
        let at = mbox.find("From b@").unwrap() as u64;
        assert_eq!(found[1].place, Place::byte(SourceId(4), at));
    }

    #[test]
    fn settings_are_no_mail() {
        assert!(!is_message(b"key: value\nother: value\n"));
        assert!(!is_message(b"Hello Bob:\nFrom: there\nTo: here\n"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..MAIL.len(), byte in any::<u8>()) {
            let mut mail = MAIL.as_bytes().to_vec();
            mail[at] = byte;
            mail.extend(&bytes);
            read_one(&mail, Place::whole(SourceId(0)));
            read_one(&bytes, Place::whole(SourceId(0)));
            read_mbox(SourceId(0), &mail[..], &mut |_| {});
        }
    }
}
