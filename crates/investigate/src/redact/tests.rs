//! Texts with pseudonyms: what goes, what stays, the same each time.

use super::*;
use proptest::prelude::*;

fn known() -> Known {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
    Known {
        accounts: words(&["alarm", "anna.meier", "web4079"]),
        hosts: words(&["laptop-7f1d0qbe", "web3"]),
        subjects: words(&["Our summer party"]),
        servers: ["198.51.100.9", "203.0.113.44"].map(|ip| ip.parse().unwrap()).into(),
        persons: ["192.0.2.211"].map(|ip| ip.parse().unwrap()).into(),
        stays: words(&["mail.example.org", "user-pc"]),
    }
}

#[test]
fn lines() {
    for (line, want) in [
        (
            "2026-11-24T05:48:49.43+01:00 cubie postfix/submission/smtpd[349]: 69A1613F: client=dsl-7.isp.example[192.0.2.211], sasl_method=PLAIN, sasl_username=alarm",
            "2026-11-24T05:48:49.43+01:00 host-1 postfix/submission/smtpd[349]: 69A1613F: client=host-2[client-1], sasl_method=PLAIN, sasl_username=user-1",
        ),
        (
            "Nov 24 05:40:26 mail.example.org postfix/smtp[323]: A6D86FB: to=<bestellung@eifelnetz.example>, orig_to=<alarm>, relay=in.eifelnetz.example[203.0.113.44]:25, status=sent (250 Ok)",
            "Nov 24 05:40:26 mail.example.org postfix/smtp[323]: A6D86FB: to=<person-1@domain-1.invalid>, orig_to=<user-1>, relay=in.eifelnetz.example[203.0.113.44]:25, status=sent (250 Ok)",
        ),
        (
            "192.0.2.219 - anna.meier [24/Nov/2026:04:24:54 +0000] \"POST /list.php?mail=bob@example.net&id=5 HTTP/1.1\" 200 191 \"http://example.org/?q=bob\" \"Chrome/131.0.0.0\"",
            "client-1 - user-1 [24/Nov/2026:04:24:54 +0000] \"POST /list.php?mail=***&id=*** HTTP/1.1\" 200 191 \"http://example.org/?q=***\" \"Chrome/131.0.0.0\"",
        ),
        (
            "Nov 24 05:48:14 gw kernel: P25-FWD IN=guest0 OUT=wan0 MAC=86:bd:e5:d9:d7:9b:00:00:5e:00:53:a7:08:00 SRC=192.168.99.26 DST=198.51.100.9 LEN=52 SPT=51168 DPT=25",
            "Nov 24 05:48:14 host-1 kernel: P25-FWD IN=guest0 OUT=wan0 MAC=mac-1:mac-2:08:00 SRC=192.168.99.26 DST=198.51.100.9 LEN=52 SPT=51168 DPT=25",
        ),
        (
            "1795538368 00:00:5e:00:53:a7 192.168.99.26 LAPTOP-7F1D0QBE 01:00:00:5e:00:53:a7",
            "1795538368 mac-1 192.168.99.26 host-1 01:mac-1",
        ),
        (
            "Nov 24 05:00:00 mail sshd[9]: Failed password for invalid user karl from 192.0.2.1 port 4711 ssh2",
            "Nov 24 05:00:00 host-1 sshd[9]: Failed password for invalid user user-1 from client-1 port 4711 ssh2",
        ),
        (
            "Nov 24 05:00:00 mail CRON[9]: (karl) CMD (perl /home/karl/.x/m.pl)",
            "Nov 24 05:00:00 host-1 CRON[9]: (user-1) CMD (perl /home/user-1/.x/m.pl)",
        ),
        (
            "Nov 24 04:19:50 web3 postfix/pickup[318]: 0754B164: uid=4079 from=<web4079>",
            "Nov 24 04:19:50 host-1 postfix/pickup[318]: 0754B164: uid=4079 from=<user-1>",
        ),
        (
            "Nov 24 04:19:50 web3 postfix/cleanup[318]: 0754B164: message-id=<x1@web3.example.org>",
            "Nov 24 04:19:50 host-1 postfix/cleanup[318]: 0754B164: message-id=<message-1>",
        ),
        (
            "Nov 24 04:19:50 web3 postfix/cleanup[318]: 07: warning: header Subject: Re: your bill from localhost[127.0.0.1]; from=<a@b.example>",
            "Nov 24 04:19:50 host-1 postfix/cleanup[318]: 07: warning: header Subject: subject-1 from localhost[127.0.0.1]; from=<person-1@domain-1.invalid>",
        ),
        (
            "1795504990.115 38 192.0.2.211 TCP_TUNNEL/200 371 CONNECT 198.51.100.9:25 karl HIER_DIRECT/198.51.100.9 -",
            "1795504990.115 38 client-1 TCP_TUNNEL/200 371 CONNECT 198.51.100.9:25 user-1 HIER_DIRECT/198.51.100.9 -",
        ),
        (
            "host mx.isp.example[198.51.100.9] said: 550 5.1.1 <bob@isp.example>: Recipient address rejected",
            "host mx.isp.example[198.51.100.9] said: 550 5.1.1 <person-1@domain-1.invalid>: Recipient address rejected",
        ),
        (
            "peer: mYUEvDuzWzDdMpOOsNRcVw4kWnw2SEcBsXBYbJzZ7iA= endpoint: 192.0.2.7:51820",
            "peer: key-1 endpoint: client-1:51820",
        ),
        ("from=<> to=<root>", "from=<> to=<root>"),
        (
            "[2001:db8::7]:25 IPv6:2001:db8::7 fe80::1 ::1",
            "[client-1]:25 IPv6:client-1 fe80::1 ::1",
        ),
    ] {
        let known = known();
        assert_eq!(Redactor::new(&known).line(line), want);
    }
}

#[test]
fn sentences_and_paths() {
    for (text, want) in [
        (
            "with the password of the account alarm, most of it from 192.0.2.211.",
            "with the password of the account user-1, most of it from client-1.",
        ),
        (
            "LAPTOP-7F1D0QBE (192.168.99.26) sends mail to 198.51.100.9, HELO user-pc",
            "host-1 (192.168.99.26) sends mail to 198.51.100.9, HELO user-pc",
        ),
        (
            "doveadm kick alarm; postsuper -h ID; ssh root@HOST",
            "doveadm kick user-1; postsuper -h ID; ssh root@HOST",
        ),
        ("/var/www/web4079/htdocs/de-at.php", "/var/www/user-1/htdocs/de-at.php"),
        ("/home/karl/evidence/mail.log", "/home/user-1/evidence/mail.log"),
        ("the peer mYUEvDuz\u{2026} (10.77.0.5)", "the peer key-1 (10.77.0.5)"),
        ("kept: Our summer party", "kept: subject-1"),
        ("cases/stolen-alarm-account/alarm.mbox", "cases/stolen-alarm-account/user-1.mbox"),
        ("grep -i alarm: anna.meier@mail.example.org", "grep -i user-1: person-1@domain-1.invalid"),
        ("203.0.113.44:25 and 203.0.113.44.25", "203.0.113.44:25 and 203.0.113.44.25"),
    ] {
        let known = known();
        assert_eq!(Redactor::new(&known).text(text), want);
    }
}

#[test]
fn a_domain_of_an_address_is_known_wherever_it_stands() {
    let known = known();
    let mut redactor = Redactor::new(&known);
    redactor.text("bob@isp.example");
    redactor.begin();
    let texts = [
        "isp.example",
        "www.isp.example",
        "bob@isp.example",
        "isp.example-access.log",
        "wisp.example",
    ];
    let got: Vec<String> = texts.iter().map(|t| redactor.text(t)).collect();
    assert_eq!(
        got,
        [
            "domain-1.invalid",
            "host-1",
            "person-1@domain-1.invalid",
            "domain-1.invalid-access.log",
            "wisp.example"
        ]
    );
}

proptest! {
    #[test]
    fn never_panics(text in "[\\PC\\n]{0,200}", odd in "[a-z@.:\\[\\]<>=?&%/ é0-9-]{0,120}") {
        let known = known();
        let mut redactor = Redactor::new(&known);
        redactor.text(&text);
        redactor.line(&text);
        redactor.text(&odd);
        redactor.line(&odd);
    }
}
