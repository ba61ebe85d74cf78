//! Tables and lines as the programs print them.

use super::*;
use crate::stamp::Clock;
use heloscope_model::{Place, SourceId, Time};
use proptest::prelude::*;

fn show(c: &Connection) -> String {
    format!(
        "{} {}:{} > {}:{} {} pid={:?} prog={:?} uid={:?} mac={:?} in={:?} out={:?} nat={:?}",
        c.time.map_or("-".to_owned(), Time::rfc3339),
        c.src,
        c.src_port.map_or("*".to_owned(), |p| p.to_string()),
        c.dst,
        c.dst_port,
        c.state,
        c.pid,
        c.program.as_deref().unwrap_or("-"),
        c.uid,
        c.mac.as_deref().unwrap_or("-"),
        c.in_interface.as_deref().unwrap_or("-"),
        c.out_interface.as_deref().unwrap_or("-"),
        c.translated.map(|t| t.to_string())
    )
}

#[test]
fn netfilter_lines() {
    let log = b"Dec 31 23:59:58 gw kernel: [ 12.5] SMTP-OUT: IN=eth1 OUT=eth0 MAC=02:00:5e:00:53:fe:02:00:5e:00:53:17:08:00 SRC=192.168.1.23 DST=198.51.100.25 LEN=60 TOS=0x00 PREC=0x00 TTL=127 ID=1 DF PROTO=TCP SPT=49152 DPT=25 WINDOW=8192 RES=0x00 SYN URGP=0\n\
Jan  1 00:00:01 gw postfix/qmgr[1]: A: removed\n\
Jan  1 00:00:02 gw kernel: mail-drop IN= OUT=eth0 SRC=192.0.2.10 DST=198.51.100.26 LEN=60 PROTO=TCP SPT=49153 DPT=25 SYN URGP=0 UID=33 GID=33\n\
Jan  1 00:00:03 gw kernel: X IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=UDP SPT=1 DPT=53\n\
Jan  1 00:00:04 gw kernel: X IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=ICMP TYPE=3 CODE=3 [SRC=192.0.2.2 DST=192.0.2.1 PROTO=TCP SPT=25 DPT=99 ]\n";
    let mut found = Vec::new();
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    let report = netfilter::read(SourceId(0), &log[..], &mut clock, &mut |c| found.push(show(&c)));
    assert_eq!(
        found,
        [
            "2015-12-31T23:59:58Z 192.168.1.23:49152 > 198.51.100.25:25 SMTP-OUT pid=None prog=\"-\" uid=None mac=\"02:00:5e:00:53:17\" in=\"eth1\" out=\"eth0\" nat=None",
            "2016-01-01T00:00:02Z 192.0.2.10:49153 > 198.51.100.26:25 mail-drop pid=None prog=\"-\" uid=Some(33) mac=\"-\" in=\"-\" out=\"eth0\" nat=None",
        ]
    );
    assert_eq!(report.records, 2);
}

#[test]
fn numbers_are_whole_or_missing() {
    // The kernel's id for "nobody mapped" has ten digits; a cut number would name another user.
    let ss = b"ESTAB 0 0 192.0.2.10:41000 198.51.100.25:25 users:((\"perl\",pid=,fd=3)) uid:4294967294\n";
    let found = sockets::read(ss, SourceId(0), 0);
    assert_eq!((found[0].uid, found[0].pid), (Some(4_294_967_294), None));
    let log = "IN= OUT=eth0 SRC=192.0.2.10 DST=198.51.100.26 PROTO=TCP SPT=12345678901 DPT=25 UID=";
    for (uid, meant) in [("4294967294", Some(4_294_967_294)), ("42949672950", None)] {
        let line = format!("{log}{uid}");
        let found = netfilter::parse(line.as_bytes(), None, Place::whole(SourceId(0))).unwrap();
        assert_eq!((found.src_port, found.uid), (None, meant));
    }
    let tracked =
        b"tcp 6 120 SYN_SENT src=192.0.2.1 dst=198.51.100.2 sport=49154 dport=44492394020\n";
    assert_eq!(conntrack::read(tracked, SourceId(0), 0), []);
}

#[test]
fn socket_tables() {
    let ss = b"State     Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n\
LISTEN    0      100    0.0.0.0:25          0.0.0.0:*         users:((\"master\",pid=1200,fd=13))\n\
ESTAB     0      0      192.0.2.10:25       198.51.100.9:40000 users:((\"smtpd\",pid=1300,fd=9))\n\
SYN-SENT  0      1      192.0.2.10:41000    198.51.100.25:25  users:((\"perl\",pid=4711,fd=3)) uid:33 ino:1 sk:2\n\
ESTAB     0      0      [::ffff:192.0.2.10]:41001 [::ffff:198.51.100.25]:25\n\
ESTAB 0 0 192.0.2.10%eth0:41002 198.51.100.25:25\n";
    assert!(sockets::recognise(ss));
    let found: Vec<String> = sockets::read(ss, SourceId(0), 0).iter().map(show).collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found[0].starts_with("- 0.0.0.0:* > 0.0.0.0:25 LISTEN pid=Some(1200) prog=\"master\""),
        "{}",
        found[0]
    );
    assert!(found[1].starts_with("- 198.51.100.9:40000 > 192.0.2.10:25 ESTAB"), "{}", found[1]);
    assert!(found[2].starts_with("- 192.0.2.10:41000 > 198.51.100.25:25 SYN-SENT pid=Some(4711) prog=\"perl\" uid=Some(33)"), "{}", found[2]);
    assert!(found[3].starts_with("- 192.0.2.10:41001 > 198.51.100.25:25 ESTAB"), "{}", found[3]);
    assert!(found[4].contains("out=\"eth0\""), "{}", found[4]);

    let netstat = b"Active Internet connections (servers and established)\n\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n\
tcp        0      0 0.0.0.0:25              0.0.0.0:*               LISTEN      1200/master\n\
tcp        0      1 192.0.2.10:41000        198.51.100.25:25        SYN_SENT    4711/perl\n\
tcp6       0      0 :::80                   :::*                    LISTEN      900/apache2\n\
tcp        0      0 192.0.2.10:41000        198.51.100.25:25        TIME_WAIT   -\n\
tcp        0      1 192.0.2.10:41000        198.51.100.25:25        SYN_SENT    33  12345  4711/perl\n";
    assert!(sockets::recognise(netstat));
    let found: Vec<String> = sockets::read(netstat, SourceId(0), 0).iter().map(show).collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(found[1].contains("SYN-SENT pid=Some(4711) prog=\"perl\""));
    assert!(found[2].starts_with("- :::* > :::80 LISTEN"), "{}", found[2]);
    assert!(found[4].contains("uid=Some(33)"));
}

#[test]
fn conntrack_tables() {
    let text = b"tcp      6 431999 ESTABLISHED src=192.168.1.23 dst=198.51.100.25 sport=49152 dport=25 src=198.51.100.25 dst=203.0.113.10 sport=25 dport=49152 [ASSURED] mark=0 use=1\n\
ipv4     2 tcp      6 100 SYN_SENT src=192.168.1.24 dst=198.51.100.26 sport=49153 dport=25 [UNREPLIED] src=198.51.100.26 dst=203.0.113.10 sport=25 dport=49153 mark=0\n\
[1449239400.123456]\t    [NEW] tcp      6 120 SYN_SENT src=192.168.1.25 dst=198.51.100.27 sport=49154 dport=25 [UNREPLIED] src=198.51.100.27 dst=203.0.113.10 sport=25 dport=49154\n\
udp      17 29 src=192.168.1.23 dst=198.51.100.53 sport=5 dport=53 src=198.51.100.53 dst=203.0.113.10 sport=53 dport=5\n";
    assert!(conntrack::recognise(text));
    let found: Vec<String> = conntrack::read(text, SourceId(0), 0).iter().map(show).collect();
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("- 192.168.1.23:49152 > 198.51.100.25:25 ESTAB"), "{}", found[0]);
    assert!(found[0].ends_with("nat=Some(\"203.0.113.10\")"));
    assert!(found[1].contains("SYN-SENT"));
    assert!(found[2].starts_with("2015-12-04T14:30:00.123456Z 192.168.1.25"), "{}", found[2]);
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), pieces in prop::collection::vec(prop_oneof![
        Just("tcp 0 0 "), Just("ESTAB 0 0 "), Just("192.0.2.1:25 "), Just("[::1]:25 "), Just("*:* "), Just("users:((\""), Just("pid=99999999999"),
        Just("src=192.0.2.1 dst=192.0.2.2 sport=1 dport=2 "), Just("IN=a SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=25 MAC=1:2 "), Just("\n"), Just("%"), Just("[")
    ], 0..12)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            sockets::recognise(&text);
            sockets::read(&text, SourceId(0), 0);
            conntrack::recognise(&text);
            conntrack::read(&text, SourceId(0), 0);
            let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
            netfilter::read(SourceId(0), &text[..], &mut clock, &mut |_| {});
        }
    }
}
