//! Reading in parts gives what reading in one go gives; ids reused; limits.

use super::mails::MOST_OPEN;
use super::*;
use crate::mail::{Attempt, Link, Login, Origin, Reject, Status};
use crate::queue_id::Key;
use jiff::tz::TimeZone;
use proptest::prelude::*;

#[derive(Default, Debug, PartialEq)]
struct All {
    mails: Vec<crate::Mail>,
    others: Vec<String>,
}

impl Sink for All {
    fn mail(&mut self, mail: crate::Mail) {
        self.others.push(format!("mail {}", mail.queue_id));
        self.mails.push(mail);
    }
    fn login(&mut self, login: Login) {
        self.others.push(format!("{login:?}"));
    }
    fn reject(&mut self, reject: Reject) {
        self.others.push(format!("{reject:?}"));
    }
    fn attempt(&mut self, attempt: Attempt) {
        self.others.push(format!("{attempt:?}"));
    }
    fn link(&mut self, link: Link) {
        self.others.push(format!("{link:?}"));
    }
}

fn read(log: &[u8], threads: usize, block: usize) -> (All, Report) {
    let mut all = All::default();
    let mut chain = Chain::new();
    chain.pace = Pace { threads, block };
    let calendar = Calendar { zone: TimeZone::UTC, last_year: 2026 };
    let report = chain.read(SourceId(3), &mut &*log, &calendar, &mut all);
    chain.finish(&mut all);
    (all, report)
}

fn whole(log: &str) -> All {
    read(log.as_bytes(), 1, 1 << 20).0
}

/// Lines of few ids and processes, in any order: every way a log can cut a mail.
pub(crate) fn line() -> impl Strategy<Value = String> {
    let id = prop::sample::select(vec!["0F5383D", "65AFB8B5", "4jYTB66HcJz1SW8Z", "96EF098E2D2"]);
    let pid = 1u32..4;
    let relay = prop::sample::select(vec![
        "mx.example.net[192.0.2.1]:25",
        "mx.example.com[192.0.2.2]:25",
        "127.0.0.1[127.0.0.1]:10024",
    ]);
    (0..18usize, id.clone(), id, pid, relay, 1u32..3).prop_map(|(what, id, other, pid, relay, n)| {
        match what {
            0 | 1 => format!("postfix/smtpd[{pid}]: {id}: client=c.example.org[192.0.2.7]"),
            2 => format!("postfix/smtpd[{pid}]: {id}: client=localhost[127.0.0.1], orig_queue_id={other}, orig_client=x[192.0.2.1]"),
            3 => format!("postfix/pickup[{pid}]: {id}: uid=33 from=<www-data>"),
            4 | 5 => format!("postfix/cleanup[{pid}]: {id}: message-id=<{n}@example.org>"),
            6 | 7 => format!("postfix/qmgr[9]: {id}: from=<a{n}@example.org>, size={n}, nrcpt={n} (queue active)"),
            8 => format!("postfix/smtp[{pid}]: Trusted TLS connection established to {relay}: TLSv1.3 with cipher X"),
            9 | 10 => format!("postfix/smtp[{pid}]: {id}: to=<b@example.net>, relay={relay}, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {other})"),
            11 => format!("postfix/smtp[{pid}]: {id}: to=<b@example.net>, relay={relay}, conn_use={n}, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (later)"),
            12 => format!("postfix/bounce[{pid}]: {id}: sender non-delivery notification: {other}"),
            13 | 14 => format!("postfix/qmgr[9]: {id}: removed"),
            15 => format!("postfix/cleanup[{pid}]: {id}: milter-reject: END-OF-MESSAGE from c[192.0.2.7]: 5.7.1 No; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>"),
            16 => "last message repeated 2 times".into(),
            _ => format!("postfix/smtpd[{pid}]: warning: c[192.0.2.{n}]: SASL LOGIN authentication failed: x"),
        }
    })
}

pub(crate) fn log() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 1..60).prop_map(|lines| {
        let stamped = lines.iter().enumerate().map(|(n, line)| {
            let (month, day) = if n < 30 { ("Dec", 31) } else { ("Jan", 1) };
            format!("{month} {day:>2} 10:{:02}:{:02} mx {line}\n", n / 10, n % 10)
        });
        stamped.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn parts_join_to_the_whole(log in log(), block in 900usize..4000, threads in 2usize..4) {
        let one_go = read(log.as_bytes(), 1, 1 << 20);
        prop_assert_eq!(&read(log.as_bytes(), 1, block), &one_go, "in blocks");
        prop_assert_eq!(&read(log.as_bytes(), threads, block), &one_go, "on threads");
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2000), block in 64usize..500) {
        let one_go = read(&bytes, 1, 1 << 20).0;
        prop_assert_eq!(read(&bytes, 2, block.max(bytes.len() / 3)).0, one_go);
    }

    #[test]
    fn spoiled_lines_are_read(log in log(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = log.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        read(&bytes, 1, 1 << 20);
    }
}

#[test]
fn a_host_without_a_name_is_one_host_in_every_part() {
    let mut log = String::new();
    for n in 0..12 {
        let host = if n < 6 { "mx" } else { "" };
        log += &format!(
            "Nov 24 03:00:{n:02} {host} postfix/smtpd[1]: 0F5383D: client=a[192.0.2.1]\n\
             Nov 24 03:00:{n:02} {host} postfix/cleanup[3]: 0F5383D: message-id=<{n}@example.org>\n"
        );
    }
    let one_go = read(log.as_bytes(), 1, 1 << 20);
    assert_eq!(one_go.1.hosts, ["", "mx"]);
    for block in (300..1500).step_by(50) {
        assert_eq!(read(log.as_bytes(), 2, block), one_go, "{block}");
    }
}

#[test]
fn a_used_id_starts_a_new_mail() {
    let log = whole(
        "Nov 24 03:00:00 mx postfix/smtpd[1]: 0F5383D: client=a[192.0.2.1]\n\
         Nov 24 03:00:01 mx postfix/qmgr[2]: 0F5383D: from=<a@example.org>, size=10, nrcpt=1 (queue active)\n\
         Nov 24 03:00:02 mx postfix/qmgr[2]: 0F5383D: removed\n\
         Nov 24 03:00:02 mx postfix/smtpd[1]: 0F5383D: client=b[192.0.2.2]\n\
         Nov 24 03:00:03 mx postfix/smtpd[1]: 0F5383D: client=c[192.0.2.3]\n\
         Nov 24 03:00:04 mx postfix/cleanup[3]: 0F5383D: message-id=<1@example.org>\n\
         Nov 24 04:00:04 mx postfix/cleanup[3]: 0F5383D: message-id=<2@example.org>\n\
         Nov 24 04:00:05 mx postfix/qmgr[2]: 0F5383D: from=<>, size=20, nrcpt=1 (queue active)\n",
    );
    let clients: Vec<_> = log
        .mails
        .iter()
        .map(|m| match &m.origin {
            Origin::Client { name, .. } => (name.to_string(), m.complete),
            other => (format!("{other:?}"), m.complete),
        })
        .collect();
    let expected = [("a", true), ("b", false), ("c", false), ("Internal", false)];
    assert_eq!(clients, expected.map(|(name, complete)| (name.to_string(), complete)));
}

#[test]
fn hosts_and_instances_have_ids_of_their_own() {
    let log = whole(
        "Nov 24 03:00:00 mx1 postfix/smtpd[1]: 0F5383D: client=a[192.0.2.1]\n\
         Nov 24 03:00:00 mx2 postfix/smtpd[1]: 0F5383D: client=b[192.0.2.2]\n\
         Nov 24 03:00:00 mx2 postfix-out/smtpd[1]: 0F5383D: client=c[192.0.2.3]\n\
         Nov 24 03:00:01 mx1 postfix/submission/smtpd[9]: 0F5383D: reject: RCPT from a[192.0.2.1]: 550 no; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<a>\n\
         Nov 24 03:00:02 mx2 postfix-out/qmgr[1]: 0F5383D: removed\n",
    );
    assert_eq!(log.mails.len(), 3);
    let done = log.mails.iter().find(|m| m.complete).unwrap();
    assert_eq!(
        (done.host.to_string(), done.instance.to_string()),
        ("mx2".into(), "postfix-out".into())
    );
}

#[test]
fn a_filter_hands_a_mail_back() {
    let log = whole(
        "Nov 24 03:00:00 mx postfix/smtpd[1]: AAAAAA1: client=a[192.0.2.1]\n\
         Nov 24 03:00:01 mx postfix/smtpd[2]: AAAAAA2: client=localhost[127.0.0.1]\n\
         Nov 24 03:00:02 mx postfix/smtp[3]: AAAAAA1: to=<b@example.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=2.4, delays=0.3/0.01/0.01/2.1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as AAAAAA2)\n\
         Nov 24 03:00:02 mx postfix/qmgr[4]: AAAAAA1: removed\n\
         Nov 24 03:00:02 mx postfix/local[5]: AAAAAA2: to=<b@example.org>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (forwarded as AAAAAA3)\n\
         Nov 24 03:00:03 mx postfix/smtp[3]: AAAAAA2: to=<c@example.net>, relay=mx.example.net[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok: queued as AAAAAA1)\n\
         Nov 24 03:00:03 mx postfix/qmgr[4]: AAAAAA2: removed\n",
    );
    assert_eq!(log.mails[0].parent, None);
    assert_eq!(log.mails[1].parent, Some("AAAAAA1".into()));
    let links: Vec<_> = log.others.iter().filter(|o| o.starts_with("Link")).collect();
    assert_eq!(links.len(), 2, "another server's id is no link: {links:#?}");
}

#[test]
fn deliveries_of_one_mail_are_capped() {
    let mut text =
        String::from("Nov 24 03:00:00 mx postfix/smtpd[1]: AAAAAA1: client=a[192.0.2.1]\n");
    for n in 0..1005 {
        text += &format!(
            "Nov 24 03:00:01 mx postfix/smtp[3]: AAAAAA1: to=<b{n}@example.org>, relay=none, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (x)\n"
        );
    }
    let log = whole(&text);
    assert_eq!((log.mails[0].deliveries.len(), log.mails[0].more_deliveries), (1000, 5));
    assert_eq!(log.mails[0].deliveries[0].status, Status::Deferred);
}

#[test]
fn mails_never_ended_are_given_out_before_memory_is() {
    let mut text = String::new();
    for n in 0..MOST_OPEN + 5000 {
        text += &format!(
            "Nov 24 03:00:00 mx postfix/smtpd[1]: {:X}: client=a[192.0.2.1]\n",
            n + 0x100_0000
        );
    }
    let mut all = All::default();
    let mut chain = Chain::new();
    let calendar = Calendar { zone: TimeZone::UTC, last_year: 2026 };
    chain.read(SourceId(3), &mut text.as_bytes(), &calendar, &mut all);
    assert!(chain.mails.table.len() <= MOST_OPEN, "{}", chain.mails.table.len());
    assert!(!all.mails.is_empty() && all.mails.iter().all(|m| !m.complete));
    chain.finish(&mut all);
    assert_eq!(all.mails.len(), MOST_OPEN + 5000);
    let threaded = read(text.as_bytes(), 2, books::BLOCK).0;
    assert_eq!(threaded, all, "evicted at the same lines on threads");
}

#[test]
fn a_mail_that_cleanup_drops_ends_there() {
    let log = whole(
        "Nov 24 03:00:00 mx postfix/smtpd[1]: AAAAAA1: client=a[192.0.2.1]\n\
         Nov 24 03:00:00 mx postfix/cleanup[2]: AAAAAA1: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 Spam; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<a>\n\
         Nov 24 03:00:00 mx postfix/smtpd[1]: AAAAAA2: client=a[192.0.2.1]\n\
         Nov 24 03:00:00 mx postfix/cleanup[2]: AAAAAA2: hold: header Subject: x from a[192.0.2.1]; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<a>: look\n",
    );
    assert_eq!(log.mails[0].cleanup_action, Some("milter-reject".into()));
    assert!(log.mails[0].complete);
    assert_eq!(log.mails[1].cleanup_action, Some("hold".into()));
    assert!(!log.mails[1].complete);
}

#[test]
fn keys_keep_ids_apart() {
    assert_ne!(Key::new(1, b"AAAAAA1"), Key::new(1, b"AAAAAA2"));
}
