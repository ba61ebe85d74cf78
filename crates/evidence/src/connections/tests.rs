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

#[test]
fn events_of_one_connection_are_one() {
    let events = b"[1795504998.986563]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=192.168.1.23 dst=203.0.113.25 sport=50050 dport=25 [UNREPLIED] src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050\n\
[1795504998.986625]\t [UPDATE] ipv4     2 tcp      6 60 SYN_RECV src=192.168.1.23 dst=203.0.113.25 sport=50050 dport=25 src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050\n\
[1795504998.986631]\t [UPDATE] ipv4     2 tcp      6 432000 ESTABLISHED src=192.168.1.23 dst=203.0.113.25 sport=50050 dport=25 src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050 [ASSURED]\n\
[1795504998.986693]\t    [NEW] ipv6     10 tcp      6 120 SYN_SENT src=fd01::23 dst=fd02::25 sport=40084 dport=25 [UNREPLIED] src=fd02::25 dst=fd01::23 sport=25 dport=40084\n\
[1795505004.018923]\t [UPDATE] ipv4     2 tcp      6 60 CLOSE_WAIT src=192.168.1.23 dst=203.0.113.25 sport=50050 dport=25 src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050 [ASSURED]\n\
[1795505104.018923]\t [UPDATE] ipv4     2 tcp      6 60 CLOSE_WAIT src=192.168.1.24 dst=203.0.113.25 sport=50050 dport=25 src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050 [ASSURED]\n\
[1795505204.018923]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=192.168.1.23 dst=203.0.113.25 sport=50050 dport=25 [UNREPLIED] src=203.0.113.25 dst=203.0.113.10 sport=25 dport=50050\n\
conntrack v1.4.7 (conntrack-tools): 13 flow events have been shown.\n";
    assert!(conntrack::recognise(events));
    let found: Vec<String> = conntrack::read(events, SourceId(0), 0)
        .iter()
        .map(|c| format!("{} {} {} {:?}", c.time.unwrap().secs(), c.src, c.state, c.translated))
        .collect();
    assert_eq!(
        found,
        [
            "1795504998 192.168.1.23 ESTAB Some(203.0.113.10)",
            "1795504998 fd01::23 SYN-SENT None",
            "1795505104 192.168.1.24 CLOSE-WAIT Some(203.0.113.10)",
            "1795505204 192.168.1.23 SYN-SENT Some(203.0.113.10)",
        ]
    );
}

#[test]
fn tables_as_other_options_and_languages_print_them() {
    for (line, want) in [
        (
            "SYN-SENT 0      1       192.168.1.23:59876 203.0.113.99:25   users:((\"bash\",pid=2576,fd=3)) timer:(on,656ms,2) uid:65534 ino:387921 sk:105e cgroup:/user.slice/x <->",
            "192.168.1.23:59876 > 203.0.113.99:25 SYN-SENT Some(2576) Some(\"bash\") Some(65534)",
        ),
        (
            "tcp   ESTAB    0      0         [fd01::23]:40084   [fd02::25]:smtp   users:((\"perl\",pid=2575,fd=4))",
            "fd01::23:40084 > fd02::25:25 ESTAB Some(2575) Some(\"perl\") None",
        ),
        (
            "tcp6       0      0 fd01::23:40084          fd02::25:25             ESTABLISHED 65534      388647     2575/mailer         ",
            "fd01::23:40084 > fd02::25:25 ESTAB Some(2575) Some(\"mailer\") Some(65534)",
        ),
        (
            "tcp        0      0 127.0.0.1:50990         127.0.0.1:25            VERBUNDEN   0          424321     3688/python3        ",
            "127.0.0.1:50990 > 127.0.0.1:25 ESTAB Some(3688) Some(\"python3\") Some(0)",
        ),
        (
            "tcp        0      0 192.168.1.23:50050      203.0.113.25:smtp       SYN_ENVIADO 2575/mailer         ",
            "192.168.1.23:50050 > 203.0.113.25:25 SYN-SENT Some(2575) Some(\"mailer\") None",
        ),
    ] {
        let found = sockets::read(line.as_bytes(), SourceId(0), 0);
        assert_eq!(short(&found[0]), want, "{line}");
    }
}

fn short(c: &Connection) -> String {
    let port = c.src_port.map_or("*".to_owned(), |p| p.to_string());
    format!(
        "{}:{port} > {}:{} {} {:?} {:?} {:?}",
        c.src, c.dst, c.dst_port, c.state, c.pid, c.program, c.uid
    )
}

#[test]
fn lsof_tables() {
    let table = b"COMMAND  PID     USER   FD   TYPE DEVICE SIZE/OFF NODE NAME\n\
perl    2575    65534    3u  IPv4 388646      0t0  TCP 192.168.1.23:50050->203.0.113.25:25 (ESTABLISHED)\n\
perl    2575   nobody    4u  IPv6 388647      0t0  TCP [fd01::23]:40084->[fd02::25]:25 (SYN_SENT)\n\
master  1200     root   13u  IPv4 388648      0t0  TCP *:25 (LISTEN)\n\
dhcpd   1300     root   13u  IPv4 388649      0t0  UDP *:67 \n";
    assert!(lsof::recognise(table));
    assert!(!sockets::recognise(table) && !crate::processes::recognise(table));
    let found: Vec<String> = lsof::read(table, SourceId(0), 0).iter().map(short).collect();
    assert_eq!(
        found,
        [
            "192.168.1.23:50050 > 203.0.113.25:25 ESTAB Some(2575) Some(\"perl\") Some(65534)",
            "fd01::23:40084 > fd02::25:25 SYN-SENT Some(2575) Some(\"perl\") None",
            "0.0.0.0:* > 0.0.0.0:25 LISTEN Some(1200) Some(\"master\") None",
        ]
    );
}

#[test]
fn lines_of_routers() {
    let log = b"2015:12:04-14:30:00 utm ulogd[4711]: id=\"2001\" severity=\"info\" sys=\"SecureNet\" sub=\"packetfilter\" name=\"Packet dropped\" action=\"drop\" fwrule=\"60002\" initf=\"eth1\" outitf=\"eth0\" srcmac=\"02:00:5e:00:53:17\" dstmac=\"02:00:5e:00:53:fe\" srcip=\"192.168.1.23\" dstip=\"198.51.100.25\" proto=\"6\" length=\"60\" tos=\"0x00\" prec=\"0x00\" ttl=\"127\" srcport=\"49152\" dstport=\"25\" tcpflags=\"SYN\" \n\
2015:12:04-14:30:00 utm ulogd[4711]: id=\"2001\" action=\"drop\" srcip=\"192.168.1.23\" dstip=\"198.51.100.25\" proto=\"17\" srcport=\"49152\" dstport=\"53\" \n\
Dec  4 14:30:01 fw filterlog[123]: 5,,,1000000103,em1,match,block,in,4,0x0,,64,12345,0,DF,6,tcp,60,192.168.1.23,198.51.100.25,49152,25,0,S,123,,64240,,mss\n\
Dec  4 14:30:01 fw filterlog[123]: 5,,,1000000103,em0,match,pass,out,6,0x00,0x00000,64,TCP,6,40,2001:db8::23,2001:db8:1::25,49152,25,0,S,123,,64240,,mss\n\
Dec  4 14:30:02 router firewall,info SMTP forward: in:bridge out:ether1, connection-state:new src-mac 02:00:5e:00:53:17, proto TCP (SYN), 192.168.88.5:51234->198.51.100.1:25, NAT (192.168.88.5:51234->203.0.113.10:51234)->198.51.100.1:25, len 60\n\
Dec  4 14:30:03 router forward: in:bridge out:ether1, src-mac 02:00:5e:00:53:17, proto TCP (SYN), 192.168.88.5:51235->198.51.100.1:25, len 60\n\
Dec  4 14:30:03 router forward: in:bridge out:ether1, proto UDP, 192.168.88.5:51235->198.51.100.1:53, len 60\n";
    let mut found = Vec::new();
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    netfilter::read(SourceId(0), &log[..], &mut clock, &mut |c| found.push(show(&c)));
    let rest = "pid=None prog=\"-\" uid=None";
    assert_eq!(
        found,
        [
            format!(
                "2015-12-04T14:30:00Z 192.168.1.23:49152 > 198.51.100.25:25 Packet dropped {rest} mac=\"02:00:5e:00:53:17\" in=\"eth1\" out=\"eth0\" nat=None"
            ),
            format!(
                "2015-12-04T14:30:01Z 192.168.1.23:49152 > 198.51.100.25:25 block {rest} mac=\"-\" in=\"em1\" out=\"-\" nat=None"
            ),
            format!(
                "2015-12-04T14:30:01Z 2001:db8::23:49152 > 2001:db8:1::25:25 pass {rest} mac=\"-\" in=\"-\" out=\"em0\" nat=None"
            ),
            format!(
                "2015-12-04T14:30:02Z 192.168.88.5:51234 > 198.51.100.1:25 SMTP forward {rest} mac=\"02:00:5e:00:53:17\" in=\"bridge\" out=\"ether1\" nat=Some(\"203.0.113.10\")"
            ),
            format!(
                "2015-12-04T14:30:03Z 192.168.88.5:51235 > 198.51.100.1:25 forward {rest} mac=\"02:00:5e:00:53:17\" in=\"bridge\" out=\"ether1\" nat=None"
            ),
        ]
    );
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), pieces in prop::collection::vec(prop_oneof![
        Just("tcp 0 0 "), Just("ESTAB 0 0 "), Just("192.0.2.1:25 "), Just("[::1]:25 "), Just("*:* "), Just("users:((\""), Just("pid=99999999999"),
        Just("src=192.0.2.1 dst=192.0.2.2 sport=1 dport=2 "), Just("IN=a SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=25 MAC=1:2 "), Just("\n"), Just("%"), Just("["), Just("COMMAND PID USER FD NAME\n"), Just("a 1 b 3u IPv4 1 0t0 TCP "), Just("->"), Just(" (LISTEN)"),
        Just(" srcip=\"192.0.2.1\""), Just(" dstip=\"192.0.2.2\""), Just(" proto=\"6\""), Just("filterlog: 1,2,3,4,5,6,7,in,4,1,2,3,4,5,6,6,8,9,192.0.2.1,192.0.2.2,1,25"), Just("proto TCP, "), Just(" in:"), Just(", NAT (")
    ], 0..12)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            sockets::recognise(&text);
            sockets::read(&text, SourceId(0), 0);
            lsof::recognise(&text);
            lsof::read(&text, SourceId(0), 0);
            routers::parse(&text, None, Place::whole(SourceId(0)));
            conntrack::recognise(&text);
            conntrack::read(&text, SourceId(0), 0);
            let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
            netfilter::read(SourceId(0), &text[..], &mut clock, &mut |_| {});
        }
    }
}
