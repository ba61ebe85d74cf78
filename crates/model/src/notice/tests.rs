//! Each form of notice, as data, and the round trip of our own.

use super::*;
use crate::SourceId;
use proptest::prelude::*;

fn one(text: &str) -> Notice {
    let found = read(text, SourceId(3));
    assert_eq!(found.len(), 1, "{found:#?}\n{text}");
    found.into_iter().next().unwrap()
}

fn ip(text: &str) -> Subject {
    Subject::Ip(text.parse().unwrap())
}

fn at(text: &str) -> Time {
    Time::from(text.parse::<jiff::Timestamp>().unwrap())
}

const SEED: &str = "IP Address 203.0.113.10 is listed in the CBL. It shows signs of being infected\n\
with a spam sending trojan, malicious link or some other form of botnet.\n\n\
It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes (approximately 3 days, 3\n\
hours, 59 minutes ago).\n\n\
This IP is infected (or NATting for a computer that is infected) with the kelihos\n\
spambot. In other words, it's participating in a botnet.\n\n\
This host HELOed as [127.0.0.1]\n";

#[test]
fn seed_form() {
    let notice = one(SEED);
    assert_eq!(notice.subject, ip("203.0.113.10"));
    assert_eq!(notice.list.as_deref(), Some("CBL"));
    assert_eq!(notice.time, Some((at("2015-12-04T14:30:00Z"), TimeKind::Detection)));
    assert_eq!(notice.tolerance_s, Some(900));
    assert_eq!(notice.written_at, Some(at("2015-12-07T18:29:00Z")));
    assert_eq!(notice.helo, Some("[127.0.0.1]".into()));
    assert_eq!(notice.botnet.as_deref(), Some("kelihos"));
    assert!(notice.reason.contains("kelihos"), "{}", notice.reason);
    assert_eq!(notice.removed_at, None);
    assert_eq!(notice.place, Place::byte(SourceId(3), 0));
}

#[test]
fn old_form() {
    let notice = one(
        "IP Address 198.51.100.7 is listed in the CBL. It appears to be infected with a spam sending trojan or proxy. \
         It was last detected at 2015-10-20 00:00 GMT (+/- 30 minutes), approximately 1 days, 2 hours, 30 minutes ago. \
         It has been relisted following a previous removal at 2015-10-18 09:12 GMT. \
         It is listed because it HELOs as localhost.localdomain.",
    );
    assert_eq!(notice.time, Some((at("2015-10-20T00:00:00Z"), TimeKind::Detection)));
    assert_eq!(notice.tolerance_s, Some(1800));
    assert_eq!(notice.written_at, Some(at("2015-10-21T02:30:00Z")));
    assert_eq!(notice.helo, Some("localhost.localdomain".into()));
    assert_eq!(notice.removed_at, None);
    assert_eq!(notice.botnet, None);
}

#[test]
fn form_of_2018() {
    let notice = one(
        "IP Address 192.0.2.44 is listed in the CBL. It shows signs of being infected with a spam sending trojan.\n\
         This IP address was detected and listed 2 times in the past 28 days, and 0 times in the past 24 hours. \
         The most recent detection was at Tue Jul 3 07:05:00 2018 UTC +/- 5 minutes\n\
         This IP address is HELO'ing as \u{201c}localhost.localdomain\u{201d} which violates the relevant standards.",
    );
    assert_eq!(notice.time, Some((at("2018-07-03T07:05:00Z"), TimeKind::Detection)));
    assert_eq!(notice.tolerance_s, Some(300));
    assert_eq!(notice.times_listed, Some((2, 28)));
    assert_eq!(notice.helo, Some("localhost.localdomain".into()));
}

#[test]
fn sinkhole_form() {
    let notice = one(
        "IP Address 203.0.113.77 is listed in the CBL. It is infected with (or NATting for) the Conficker botnet.\n\
         This was detected by a TCP connection from 203.0.113.77 on port 63744 going to IP address 198.51.100.27 \
         (the sinkhole) on port 80. This detection corresponds to a connection at exactly 2017-05-16 23:11:19 UTC.",
    );
    assert_eq!(notice.subject, ip("203.0.113.77"));
    assert_eq!(notice.botnet.as_deref(), Some("conficker"));
    assert_eq!(notice.src_port, Some(63744));
    assert_eq!(notice.sinkhole(), Some("198.51.100.27:80".parse().unwrap()));
    assert_eq!(notice.time, Some((at("2017-05-16T23:11:19Z"), TimeKind::Detection)));
    assert_eq!(notice.tolerance_s, Some(0));
}

#[test]
fn sinkhole_form_with_values_in_quotation_marks() {
    let notice = one(
        "IP Address 203.0.113.77 is listed in the CBL. It is infected with the Conficker botnet.\n\
         This was detected by a TCP/IP connection from \"203.0.113.77\" on port \"63744\" going to IP address \
         \"198.51.100.27\" (the sinkhole) on port \"80\".\n\
         It was observed at exactly \"2017-05-16 23:11:19\" (UTC)",
    );
    assert_eq!(notice.src_port, Some(63744));
    assert_eq!(notice.sinkhole(), Some("198.51.100.27:80".parse().unwrap()));
    assert_eq!(notice.time, Some((at("2017-05-16T23:11:19Z"), TimeKind::Detection)));
}

#[test]
fn removed_form() {
    let notice = one(
        "IP Address 203.0.113.10 is not listed in the CBL.\n\nIt was previously listed, but was removed at \
         2015-12-07 18:46 GMT (1 days, 5 hours, 1 minutes ago).\n\nAt the time of removal, this was the explanation \
         for this listing:\n\nThis IP is infected (or NATting for a computer that is infected) with the kelihos spambot.",
    );
    assert_eq!(notice.removed_at, Some(at("2015-12-07T18:46:00Z")));
    assert_eq!(notice.time, Some((at("2015-12-07T18:46:00Z"), TimeKind::Removal)));
    assert_eq!(notice.written_at, Some(at("2015-12-08T23:47:00Z")));
    assert_eq!(notice.botnet.as_deref(), Some("kelihos"));
}

#[test]
fn two_pages_are_two_notices() {
    let second = SEED.replace("203.0.113.10", "203.0.113.11").replace("[127.0.0.1]", "localhost");
    let found = read(&format!("{SEED}\n{second}"), SourceId(0));
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].subject, ip("203.0.113.11"));
    assert_eq!(found[1].helo, Some("localhost".into()));
    assert_eq!(found[1].place, Place::byte(SourceId(0), SEED.len() as u64 + 1));
}

#[test]
fn wrapped_and_quoted_page() {
    let quoted: String = SEED.lines().map(|l| format!("> {l}\n")).collect();
    let notice = one(&quoted);
    assert_eq!(notice.helo, Some("[127.0.0.1]".into()));
    assert_eq!(notice.tolerance_s, Some(900));
}

#[test]
fn spamhaus_checker() {
    let notice = one(
        "203.0.113.10 has been found on the Exploits Blocklist (XBL)\n\nWhy was this IP listed?\n\n\
         203.0.113.10 is making SMTP connections that indicate it is misconfigured.\n\
         (IP, UTC timestamp, HELO value)\n203.0.113.10 2023-01-10 14:55:00 friend\n",
    );
    assert_eq!(notice.list.as_deref(), Some("Spamhaus XBL"));
    assert_eq!(notice.helo, Some("friend".into()));
    assert_eq!(notice.time, Some((at("2023-01-10T14:55:00Z"), TimeKind::Detection)));
}

#[test]
fn intelligence_json() {
    let found = read(
        r#"{"code":200,"results":[{"ipaddress":"203.0.113.10","dataset":"XBL","listed":1449239400,"valid_until":1449844200,
            "heuristic":"HELO","seen":1449239300,"botname":"Kelihos","dstport":25,"helo":"[127.0.0.1]"}]}"#,
        SourceId(0),
    );
    let [notice] = &found[..] else { panic!("{found:?}") };
    assert_eq!(notice.subject, ip("203.0.113.10"));
    assert_eq!(notice.list.as_deref(), Some("Spamhaus XBL"));
    assert_eq!(notice.time, Some((Time::from_secs(1_449_239_300), TimeKind::Detection)));
    assert_eq!(notice.botnet.as_deref(), Some("kelihos"));
    assert_eq!(notice.dst_port, Some(25));
    assert!(read(r#"{"code":200,"results":[]}"#, SourceId(0)).is_empty());
    assert!(read(r#"[1,2,{"a":[]}]"#, SourceId(0)).is_empty());
}

#[test]
fn our_api() {
    let notice = one(
        r#"{"format":"heloscope.address/1","address":"203.0.113.10","listed":true,"listings":[{"zone":"bots.example","code":"127.0.0.4",
           "since":"2015-12-04T14:32:00Z","last_detection":{"time":"2015-12-04T14:30:00Z","tolerance_s":900},"helo":"[127.0.0.1]","reason":"bot"}],"history":[]}"#,
    );
    assert_eq!((notice.list.as_deref(), notice.tolerance_s), (Some("bots.example"), Some(900)));
    assert!(notice.window().is_some());
}

#[test]
fn refusals_name_list_and_subject() {
    for (text, list, subject) in [
        (
            "host mx.example.net[198.51.100.5] said: 554 5.7.1 Service unavailable; Client host [203.0.113.10] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/203.0.113.10 (in reply to RCPT TO command)",
            "Spamhaus ZEN",
            "203.0.113.10",
        ),
        (
            "550 5.7.1 Unfortunately, messages from [203.0.113.10] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
            "Microsoft",
            "203.0.113.10",
        ),
        (
            "550 5.7.511 Access denied, banned sender[203.0.113.10]. To request removal from this list",
            "Microsoft",
            "203.0.113.10",
        ),
        (
            "421-4.7.0 [203.0.113.10      15] Our system has detected an unusual rate of 421-4.7.0 unsolicited mail originating from your IP address. 421 4.7.0 https://support.google.com/mail/?p=UnsolicitedIPError",
            "Google",
            "203.0.113.10",
        ),
        (
            "421 4.7.0 [TSS04] Messages from 203.0.113.10 temporarily deferred due to user complaints - 4.16.55.1",
            "Yahoo",
            "203.0.113.10",
        ),
        (
            "550 5.7.0 Rejected, blocked. See https://ipcheck.proofpoint.com/?ip=203.0.113.10",
            "Proofpoint",
            "203.0.113.10",
        ),
        ("\"https://www.spamhaus.org/query/ip/203.0.113.10\"", "Spamhaus", "203.0.113.10"),
        ("https://www.spamhaus.org/xbl/query/203.0.113.10", "Spamhaus XBL", "203.0.113.10"),
        (
            "10.113.0.203.zen.spamhaus.org descriptive text \"https://www.spamhaus.org/query/ip/203.0.113.10\"",
            "Spamhaus ZEN",
            "203.0.113.10",
        ),
        (
            "10.113.0.203.bl.example.org. 300 IN TXT \"sent spam with HELO localhost\"",
            "bl.example.org",
            "203.0.113.10",
        ),
        (
            "Blocked - see http://www.abuseat.org/lookup.cgi?ip=203.0.113.10 550 listed",
            "CBL",
            "203.0.113.10",
        ),
    ] {
        let notice = one(text);
        assert_eq!(notice.list.as_deref(), Some(list), "{text}");
        assert_eq!(notice.subject, ip(subject), "{text}");
        assert_eq!(notice.time, None);
    }
}

#[test]
fn a_bounce_is_dated_by_the_refusal() {
    let notice = one(
        "From: MAILER-DAEMON@mail.example.org\nDate: Mon, 7 Dec 2015 10:00:05 +0100\nSubject: Undelivered Mail Returned to Sender\n\n\
         <bob@example.net>: host mx.example.net[198.51.100.5] said: 554 5.7.1 Client host\n    [203.0.113.10] blocked using cbl.abuseat.org\n\n\
         Reporting-MTA: dns; mail.example.org\nArrival-Date: Mon, 7 Dec 2015 09:59:58 +0100\n\
         Last-Attempt-Date: Mon, 7 Dec 2015 10:00:04 +0100\n",
    );
    assert_eq!(notice.list.as_deref(), Some("CBL"));
    assert_eq!(notice.time, Some((at("2015-12-07T09:00:04Z"), TimeKind::Rejection)));
    assert_eq!(notice.window(), None);
}

#[test]
fn complaints() {
    let arf = one(
        "From: feedback@isp.example\nDate: Fri, 4 Dec 2015 15:10:00 +0000\nSubject: Spam report\n\nThis is an email abuse report.\n\n\
         Feedback-Type: abuse\nUser-Agent: Reporter/1.0\nVersion: 1\nOriginal-Mail-From: <bad@example.org>\n\
         Arrival-Date: Fri, 4 Dec 2015 14:31:12 +0000\nSource-IP: 203.0.113.10\n\nReceived: from mail.example.org\n",
    );
    assert_eq!(arf.subject, ip("203.0.113.10"));
    assert_eq!(arf.time, Some((at("2015-12-04T14:31:12Z"), TimeKind::Detection)));
    assert!(arf.reason.contains("abuse"));
    assert_eq!(arf.list.as_deref(), Some("isp.example"));

    let hoster = one(
        "Subject: Abuse from your server\n\nDear customer,\nwe received a complaint that spam was sent from your server.\n\n\
         Source IP: 203.0.113.10\nSource port: 51234\nTimestamp: 2015-12-04 14:31:12 UTC\nDestination IP: 198.51.100.99\nDestination port: 25\n",
    );
    assert_eq!((hoster.src_port, hoster.dst_port), (Some(51234), Some(25)));
    assert_eq!(hoster.dst, Some("198.51.100.99".parse().unwrap()));
    assert_eq!(hoster.time, Some((at("2015-12-04T14:31:12Z"), TimeKind::Detection)));
}

#[test]
fn a_report_of_dates_alone_is_read_in_one_go() {
    // Looking for the end of the headers at every line took the square of these.
    let dates = "Date: Fri, 4 Dec 2015 15:10:00 +0000\n".repeat(20_000);
    let head = "Feedback-Type: abuse\nSource-IP: 203.0.113.10\n";
    let sent = at("2015-12-04T15:10:00Z");
    let headers_alone = one(&format!("{head}{dates}\n"));
    assert_eq!(headers_alone.time, Some((sent, TimeKind::Listing)));
    let no_headers = one(&format!("{head}{dates}"));
    assert_eq!(no_headers.time, Some((sent, TimeKind::Detection)));
}

#[test]
fn a_page_of_phrases_without_stamps_is_read_in_one_go() {
    // Looking for a stamp from every phrase to the end took the square of these.
    let phrases = "It was last detected at 201[5:12:04 ~14:30. ".repeat(10_000);
    let page = one(&format!("IP Address 203.0.113.10 is listed in the CBL. {phrases}"));
    assert_eq!((page.subject, page.time), (ip("203.0.113.10"), None));
}

#[test]
fn what_is_no_notice() {
    for text in [
        "",
        "Hello Bob,\nsee you on 2015-12-04 14:30. The server 192.0.2.1 is up.\n",
        "We moved from spamhaus.org to another list because of the price.",
        "key = value\nother = 3\n",
        "{\"log\":\"GET / HTTP/1.1\",\"ip\":\"192.0.2.1\"}",
        "<html><body>Nothing here</body></html>",
        "550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown [192.0.2.1]",
    ] {
        assert_eq!(read(text, SourceId(0)), Vec::new(), "{text}");
    }
}

fn subjects() -> impl Strategy<Value = Subject> {
    prop_oneof![
        any::<std::net::IpAddr>().prop_map(Subject::Ip),
        (any::<std::net::Ipv4Addr>(), 0_u8..=32)
            .prop_map(|(ip, len)| Subject::Prefix(ipnet::IpNet::new(ip.into(), len).unwrap())),
        any::<String>().prop_map(Subject::Domain),
        Just(Subject::Unnamed),
    ]
}

fn times() -> impl Strategy<Value = Time> {
    any::<i64>().prop_map(Time::from_nanos)
}

fn kinds() -> impl Strategy<Value = TimeKind> {
    prop_oneof![
        Just(TimeKind::Detection),
        Just(TimeKind::Listing),
        Just(TimeKind::Rejection),
        Just(TimeKind::Removal)
    ]
}

prop_compose! {
    fn notices()(
        subject in subjects(),
        list in any::<Option<String>>(),
        reason in any::<String>(),
        time in prop::option::of((times(), kinds())),
        (tolerance_s, src_port, dst_port) in any::<(Option<u32>, Option<u16>, Option<u16>)>(),
        helo in any::<Option<Vec<u8>>>(),
        botnet in any::<Option<String>>(),
        dst in any::<Option<std::net::IpAddr>>(),
        (removed_at, written_at) in (prop::option::of(times()), prop::option::of(times())),
        times_listed in any::<Option<(u32, u32)>>(),
    ) -> Notice {
        Notice {
            subject, list, reason, time, tolerance_s, helo: helo.map(|h| Octets::new(&h)), botnet, src_port, dst, dst_port,
            removed_at, written_at, times_listed, place: Place::byte(SourceId(9), 0),
        }
    }
}

proptest! {
    #[test]
    fn our_own_text_reads_back_equal(notice in notices()) {
        let text = notice.to_text();
        prop_assert_eq!(read(&text, SourceId(9)), vec![notice]);
    }

    #[test]
    fn several_of_ours_read_back(a in notices(), b in notices()) {
        let first = a.to_text();
        let found = read(&format!("{first}{}", b.to_text()), SourceId(9));
        let b = Notice { place: Place::byte(SourceId(9), first.len() as u64), ..b };
        prop_assert_eq!(found, vec![a, b]);
    }

    #[test]
    fn never_panics(text in any::<String>()) {
        read(&text, SourceId(0));
    }

    #[test]
    fn never_panics_near_the_forms(
        pieces in prop::collection::vec(prop_oneof![
            Just("IP Address 203.0.113.10 is listed in the CBL. ".to_owned()), Just("last detected at ".to_owned()),
            Just("2015:12:04 ~14:30 UTC +/- 15 minutes".to_owned()), Just("HELOed as ".to_owned()), Just("é±—".to_owned()),
            Just("550 blocked using zen.spamhaus.org ".to_owned()), Just("Source-IP: ".to_owned()), Just("\n> ".to_owned()),
            any::<String>(),
        ], 0..12)
    ) {
        read(&pieces.concat(), SourceId(0));
    }
}
