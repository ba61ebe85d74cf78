//! Lines to visits: what each line adds, and what hostile ones do not.

use super::*;
use heloscope_model::SourceId;
use proptest::prelude::*;

/// Lines of `postfix/PROGRAM[PID]: TEXT`, a second apart.
fn visits(lines: &[&str]) -> Vec<Visit> {
    let mut visits = Visits::default();
    let mut found = Vec::new();
    for (at, line) in (0..).zip(lines) {
        let (tag, text) = line.split_once(": ").unwrap();
        let (tag, pid) = tag.trim_end_matches(']').split_once('[').unwrap();
        let line = Line {
            place: Place::byte(SourceId(0), at),
            time: Time::from_secs(1_700_000_000 + at as i64),
            host: b"mx",
            tag: tag.as_bytes(),
            pid: pid.parse().unwrap(),
            text: text.as_bytes(),
        };
        found.extend(visits.line(&line));
    }
    found.extend(visits.end());
    found
}

#[test]
fn a_mail_that_was_taken_and_its_recipient_as_it_was_said() {
    let found = visits(&[
        "postfix/smtpd[7]: connect from mail.example[198.51.100.7]:4100",
        "postfix/smtpd[7]: 53E1998C174: client=mail.example[198.51.100.7]:4100",
        "postfix/qmgr[2]: 53E1998C174: from=<a@a.example>, size=255, nrcpt=1 (queue active)",
        "postfix/smtpd[7]: disconnect from mail.example[198.51.100.7]:4100 ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
        "postfix/local[9]: 53E1998C174: to=<anna@b.example>, orig_to=<info@b.example>, relay=local, delay=0, status=sent (x)",
        "postfix/qmgr[2]: 53E1998C174: removed",
    ]);
    let [visit] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(visit.client, "198.51.100.7:4100".parse().unwrap());
    assert_eq!(visit.name.as_deref(), Some("mail.example"));
    assert!(visit.quit && !visit.logged_in);
    assert_eq!(visit.helo, None, "a log does not say it of mail that was taken");
    let [one] = visit.recipients.as_slice() else { panic!("{visit:?}") };
    assert_eq!(
        (one.from.as_bytes(), one.to.as_bytes()),
        (&b"a@a.example"[..], &b"info@b.example"[..])
    );
    assert_eq!(one.refused, None);
}

#[test]
fn users_are_told_apart() {
    for words in [
        &[
            "postfix/smtpd[7]: 53E1998C174: client=x[198.51.100.7], sasl_method=PLAIN, sasl_username=anna",
        ][..],
        &["postfix/smtpd[7]: disconnect from x[198.51.100.7] ehlo=1 auth=1 quit=1 commands=3"],
    ] {
        let lines = [&["postfix/smtpd[7]: connect from x[198.51.100.7]"][..], words].concat();
        assert!(visits(&lines)[0].logged_in, "{words:?}");
    }
    let failed = visits(&[
        "postfix/smtpd[7]: connect from unknown[198.51.100.7]",
        "postfix/smtpd[7]: warning: unknown[198.51.100.7]: SASL LOGIN authentication failed: x",
        "postfix/smtpd[7]: disconnect from unknown[198.51.100.7] ehlo=1 auth=0/1 commands=1/2",
    ]);
    assert_eq!((failed[0].logged_in, failed[0].failed_logins), (false, 1));
}

#[test]
fn what_this_server_sent_is_nobodys_visit() {
    assert_eq!(
        visits(&[
            "postfix/pickup[3]: 53E1998C174: uid=1000 from=<anna>",
            "postfix/qmgr[2]: 53E1998C174: from=<anna@b.example>, size=255, nrcpt=1 (queue active)",
            "postfix/smtp[9]: 53E1998C174: to=<trap@elsewhere.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)",
            "postfix/smtp[9]: connect to mx[192.0.2.1]:25: Connection refused",
            "postfix/qmgr[2]: 53E1998C174: removed",
        ]),
        []
    );
}

#[test]
fn quoted_bytes_are_the_clients() {
    assert_eq!(unescaped(br"EHLO a\r\n").as_bytes(), b"EHLO a\r\n");
    assert_eq!(unescaped(br"\005\001\000").as_bytes(), b"\x05\x01\x00");
    assert_eq!(unescaped(br"a\\r\x\").as_bytes(), br"a\r\x\");
}

proptest! {
    #[test]
    fn never_panics(lines in prop::collection::vec((0..8_usize, ".{0,120}"), 0..40)) {
        let heads = [
            "postfix/smtpd[7]: connect from ",
            "postfix/smtpd[7]: NOQUEUE: reject: RCPT from x[192.0.2.1]: ",
            "postfix/smtpd[7]: disconnect from ",
            "postfix/smtpd[7]: A1B2: client=x[192.0.2.1]",
            "postfix/postscreen[8]: CONNECT from [192.0.2.1]:5 to ",
            "postfix/postscreen[8]: PREGREET 3 after 0.1 from [192.0.2.1]:5: ",
            "postfix/postscreen[8]: COMMAND PIPELINING from [192.0.2.1]:5 after ",
            "postfix/qmgr[2]: A1B2: ",
        ];
        let lines: Vec<String> =
            lines.iter().map(|(head, text)| format!("{}{text}", heads[*head])).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for visit in visits(&lines) {
            let session = crate::commands::feed::told::session(&visit, None);
            let _ = heloscope_detect::judge(&session);
        }
    }
}
