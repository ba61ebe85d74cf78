//! Answers as the programs print them.

use super::*;
use proptest::prelude::*;

fn facts(text: &str, command: Option<&str>) -> Vec<String> {
    assert!(recognise(text.as_bytes(), command), "{text}");
    let found = read(text.as_bytes(), SourceId(0), 0, command);
    found
        .iter()
        .map(|f| format!("{} {} {}", f.name, f.kind, f.value.as_deref().unwrap_or("-")))
        .collect()
}

/// An answer of dig in full.
fn dig(status: &str, question: &str, answers: &str) -> String {
    format!(
        "\n; <<>> DiG 9.18.49 <<>> x\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {status}, id: 50904\n;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1\n\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n;; QUESTION SECTION:\n;{question}\n\n;; ANSWER SECTION:\n{answers}\n;; AUTHORITY SECTION:\nexample.org.\t0\tIN\tNS\tns.example.org.\n\n;; Query time: 0 msec\n"
    )
}

#[test]
fn digs() {
    let pointer = "10.113.0.203.in-addr.arpa.\tIN\tPTR";
    assert_eq!(
        facts(
            &dig("NOERROR", pointer, "10.113.0.203.in-addr.arpa. 0\tIN\tPTR\tMail.example.org.\n"),
            None
        ),
        ["10.113.0.203.in-addr.arpa PTR mail.example.org"]
    );
    assert_eq!(
        facts(&dig("NXDOMAIN", pointer, ""), Some("dig -x 203.0.113.10")),
        ["10.113.0.203.in-addr.arpa PTR -"]
    );
    assert_eq!(
        facts(&dig("NOERROR", "mail.example.org.\tIN\tAAAA", ""), None),
        ["mail.example.org AAAA -"]
    );
    assert!(facts(&dig("SERVFAIL", pointer, ""), None).is_empty(), "a failure is no fact");
    // A delegation smaller than /24 is an alias.
    let alias = "10.113.0.203.in-addr.arpa. 0\tIN\tCNAME\t10.0-63.113.0.203.in-addr.arpa.\n10.0-63.113.0.203.in-addr.arpa. 0\tIN\tPTR\tmail.example.org.\n";
    assert_eq!(
        facts(&dig("NOERROR", pointer, alias), None).last().unwrap(),
        "10.113.0.203.in-addr.arpa PTR mail.example.org"
    );
    let drill = ";; ->>HEADER<<- opcode: QUERY, rcode: NXDOMAIN, id: 50212\n;; flags: qr rd ra ;\n;; QUESTION SECTION:\n;; nothere.example.org.\tIN\tA\n\n;; ANSWER SECTION:\n\n;; AUTHORITY SECTION:\n";
    assert_eq!(facts(drill, None), ["nothere.example.org A -"]);
    let answers = "example.org.\t\t0\tIN\tMX\t20 mx2.example.org.\nexample.org.\t\t0\tIN\tTXT\t\"v=spf1 mx \" \"-all\"\n";
    assert_eq!(
        facts(answers, None),
        ["example.org MX 20 mx2.example.org", "example.org TXT v=spf1 mx -all"]
    );
    let away = ";; communications error to 127.0.0.9#53: connection refused\n;; no servers could be reached\n";
    assert!(facts(away, Some("dig mail.example.org")).is_empty());
}

#[test]
fn values_alone_need_their_question() {
    for (command, text, want) in [
        (
            "dig +short -x 203.0.113.10",
            "mail.example.org.\n",
            "10.113.0.203.in-addr.arpa PTR mail.example.org",
        ),
        (
            "dig mail.example.org +short @192.0.2.53",
            "www.example.org.\n203.0.113.10\n",
            "mail.example.org A 203.0.113.10",
        ),
        (
            "sudo dig +short MX example.org",
            "10 mail.example.org.\n",
            "example.org MX 10 mail.example.org",
        ),
        ("dig +short -t txt example.org", "\"v=spf1 -all\"\n", "example.org TXT v=spf1 -all"),
    ] {
        assert_eq!(facts(text, Some(command)), [want], "{command}");
    }
    assert!(
        facts(
            ";; connection timed out; no servers could be reached\n",
            Some("dig +short a.example.org")
        )
        .is_empty()
    );
    assert!(!recognise(b"203.0.113.10\n", None));
}

#[test]
fn hosts_and_nslookups() {
    for (command, text, want) in [
        (
            "host mail.example.org",
            "mail.example.org has address 203.0.113.10\nmail.example.org has IPv6 address 2001:db8::10\nHost mail.example.org not found: 3(NXDOMAIN)\n",
            vec!["mail.example.org A 203.0.113.10", "mail.example.org AAAA 2001:db8::10"],
        ),
        (
            "host 203.0.113.11",
            "Host 11.113.0.203.in-addr.arpa. not found: 3(NXDOMAIN)\n",
            vec!["11.113.0.203.in-addr.arpa PTR -"],
        ),
        ("host 203.0.113.11", "Host 11.113.0.203.in-addr.arpa not found: 2(SERVFAIL)\n", vec![]),
        (
            "host 203.0.113.10",
            "10.113.0.203.in-addr.arpa is an alias for 10.0-63.113.0.203.in-addr.arpa.\n10.0-63.113.0.203.in-addr.arpa domain name pointer mail.example.org.\n",
            vec![
                "10.113.0.203.in-addr.arpa CNAME 10.0-63.113.0.203.in-addr.arpa",
                "10.0-63.113.0.203.in-addr.arpa PTR mail.example.org",
                "10.113.0.203.in-addr.arpa PTR mail.example.org",
            ],
        ),
        (
            "host -t mx example.org",
            "example.org mail is handled by 10 mail.example.org.\n",
            vec!["example.org MX 10 mail.example.org"],
        ),
        ("host -t mx example.net", "example.net has no MX record\n", vec!["example.net MX -"]),
        (
            "nslookup mail.example.org",
            "Server:\t\t127.0.0.1\nAddress:\t127.0.0.1#53\n\nNon-authoritative answer:\nName:\tmail.example.org\nAddress: 203.0.113.10\nName:\tmail.example.org\nAddress: 2001:db8::10\n",
            vec!["mail.example.org A 203.0.113.10", "mail.example.org AAAA 2001:db8::10"],
        ),
        (
            "nslookup 203.0.113.10",
            "10.113.0.203.in-addr.arpa\tname = mail.example.org.\n",
            vec!["10.113.0.203.in-addr.arpa PTR mail.example.org"],
        ),
        (
            "nslookup -type=mx nothere.example.org",
            "** server can't find nothere.example.org: NXDOMAIN\n",
            vec!["nothere.example.org MX -"],
        ),
    ] {
        assert_eq!(facts(text, Some(command)), want, "{command}");
        if !want.is_empty() && !command.contains("-t") {
            let same = |f: &str| !f.ends_with('-');
            let bare = read(text.as_bytes(), SourceId(0), 0, None).len();
            assert!(bare == want.len() || want.iter().all(|f| !same(f)), "{command}");
        }
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), command in "(dig|host|nslookup|drill) .{0,20}", pieces in prop::collection::vec(prop_oneof![
        Just(";; ->>HEADER<<- status: NOERROR,\n"), Just(";; QUESTION SECTION:\n;"), Just("a.example.org. "), Just("IN "), Just("A "), Just("0 "), Just(";; ANSWER SECTION:\n"), Just("\n"), Just("203.0.113.10"),
        Just("a has address "), Just(" has no "), Just(" record"), Just("Name:"), Just("Address: "), Just("\tname = "), Just("Host "), Just(" not found: 3(NXDOMAIN)"), Just("\"\u{e9}\" \"")
    ], 0..12)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            for command in [None, Some(command.as_str()), Some("dig +short txt a.example.org")] {
                recognise(&text, command);
                read(&text, SourceId(0), 0, command);
            }
        }
    }
}
