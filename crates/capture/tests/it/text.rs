//! The usual session as tcpdump and ngrep print it.

use crate::call::{mail, one, story};
use heloscope_capture::text::{Clock, read, recognise};
use heloscope_capture::{Options, Report};
use heloscope_model::{At, Session, SourceId, Time};
use std::io::Write;
use std::process::{Command, Stdio};

fn read_text(text: &[u8], clock: Clock) -> (Vec<Session>, Report) {
    let mut sessions = Vec::new();
    let options = Options::default();
    let report = read(SourceId(0), &mut &text[..], &options, clock, &mut |s| sessions.push(s));
    (sessions, report)
}

/// What the tcpdump of this machine prints of the usual session; none where there is none.
fn printed(flags: &[&str]) -> Option<Vec<u8>> {
    let mut child = Command::new("tcpdump")
        .args(["-n", "-r", "-"])
        .args(flags)
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let file = crate::call::ethernet(&mail().packets);
    child.stdin.take()?.write_all(&file).ok()?;
    let output = child.wait_with_output().ok()?.stdout;
    (!output.is_empty()).then_some(output)
}

#[test]
fn tcpdump_in_many_forms() {
    let day = Some(Time::from_secs(1_795_478_400));
    for flags in [
        &["-tttt"][..],
        &["-tt"],
        &[],
        &["-tttt", "-e"],
        &["-tttt", "-v"],
        &["-tttt", "-vv", "-e"],
        &["-tttt", "-S"],
        &["-tttt", "-x"],
        &["-X", "-tt"],
        &["-xx", "-tttt"],
        &["-XX", "-v"],
        &["-tttt", "-A"],
        &["-tttt", "-v", "-A"],
        &["-q"],
    ] {
        let Some(text) = printed(flags) else {
            println!("skipped: no tcpdump");
            return;
        };
        let shown = String::from_utf8_lossy(&text);
        if flags == ["-q"] {
            // Without flags and numbers there is nothing to put in order.
            assert!(!recognise(&text), "{shown}");
            continue;
        }
        assert!(recognise(&text), "{flags:?}\n{shown}");
        let (sessions, report) = read_text(&text, Clock { day, utc_offset_s: 0 });
        assert_eq!(sessions.len(), 1, "{flags:?}\n{shown}");
        let session = &sessions[0];
        assert_eq!(report.frames, 19, "{flags:?}");
        assert_eq!(session.start.rfc3339(), "2026-11-24T14:31:07Z", "{flags:?}");
        assert_eq!(session.client.to_string(), "192.168.1.23:50112");
        assert_eq!(session.place.at, At::Byte(0));
        assert_eq!(session.bytes, (195, 141), "{flags:?}\n{shown}");
        assert_eq!(session.dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())), "{flags:?}");
        assert_eq!(session.dialogue.commands.len(), 5, "{flags:?}\n{:#?}", session.dialogue);
        assert_eq!(session.dialogue.messages[0].to, ["b@example.net".into()], "{flags:?}");
        let syn = session.syn.as_ref().unwrap();
        assert_eq!((syn.mss, syn.window, syn.scale), (Some(1460), 64_240, Some(7)), "{flags:?}");
        if flags.iter().any(|f| f.to_lowercase().starts_with("-x") || *f == "-A") {
            assert_eq!(story(session), story(&one(&mail().packets)), "{flags:?}\n{shown}");
        }
        if flags.contains(&"-v") {
            assert_eq!((syn.ttl, syn.df), (63, true), "{flags:?}");
        }
        if flags.contains(&"-e") {
            assert_eq!(session.client_mac, Some([2, 0, 0, 0, 0, 1]), "{flags:?}");
        }
    }
}

#[test]
fn tcpdump_on_any_interface_with_local_time_and_port_names() {
    let text = b"tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n\
        listening on any, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 262144 bytes\n\
        2026-11-24 09:31:07.000100 eth0  Out IP 192.168.1.23.50112 > 198.51.100.7.smtp: Flags [P.], seq 1:19, ack 27, win 502, length 18: SMTP: EHLO [127.0.0.1]\n\
        2026-11-24 09:31:07.020000 eth0  In  IP 198.51.100.7.smtp > 192.168.1.23.50112: Flags [P.], seq 27:52, ack 19, win 502, length 25: SMTP: 250-mx.example.net\n\
        15 packets captured\n";
    assert!(recognise(text));
    let (sessions, report) = read_text(text, Clock { day: None, utc_offset_s: -5 * 3600 });
    assert_eq!(sessions.len(), 1);
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(sessions[0].start.rfc3339(), "2026-11-24T14:31:07.000100Z");
    assert_eq!(sessions[0].dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
    assert_eq!(sessions[0].place.at, At::Byte(161));
}

#[test]
fn times_of_day_pass_midnight_and_lack_a_date() {
    let line = |time: &str, port: u16| {
        format!(
            "{time} IP 192.168.1.23.{port} > 198.51.100.7.25: Flags [P.], seq 1:9, ack 1, win 502, length 8: SMTP: HELO x\n"
        )
    };
    let text = [line("23:59:59.5", 4000), line("00:00:01.0", 4001)].concat();
    let day = Some(Time::from_secs(1_795_478_400));
    let (sessions, _) = read_text(text.as_bytes(), Clock { day, utc_offset_s: 0 });
    let mut starts: Vec<_> = sessions.iter().map(|s| s.start.rfc3339()).collect();
    starts.sort();
    assert_eq!(starts, ["2026-11-24T23:59:59.500Z", "2026-11-25T00:00:01Z"]);
    let (_, report) = read_text(text.as_bytes(), Clock::default());
    assert_eq!(report.notes, ["the lines have no date; print with -tttt"]);
}

#[test]
fn ngrep_whole_and_by_line() {
    let stamp = "2026/11/24 14:31:07.123456";
    let lines = [
        (false, "220 mx.example.net ESMTP"),
        (true, "EHLO [127.0.0.1]"),
        (false, "250 mx.example.net"),
        (true, "MAIL FROM:<a@example.org>"),
        (false, "250 Ok"),
        (true, "RCPT TO:<b@example.net>"),
        (false, "250 Ok"),
    ];
    for (by_line, numbered) in [(false, false), (true, false), (false, true)] {
        let mut text = "interface: eth0 (192.168.1.0/255.255.255.0)\nfilter: port 25\n".to_owned();
        for (client, line) in lines {
            let (a, b) = ("192.168.1.23:50112", "198.51.100.7:25");
            let (src, dst) = if client { (a, b) } else { (b, a) };
            let number = if numbered { " #4" } else { "" };
            text += &format!("####\nT {stamp} {src} -> {dst} [AP]{number}\n");
            text += &if by_line { format!("{line}.\n") } else { format!("  {line}..\n") };
            text += if by_line { "\n" } else { "" };
        }
        assert!(recognise(text.as_bytes()));
        let (sessions, _) = read_text(text.as_bytes(), Clock::default());
        assert_eq!(sessions.len(), 1, "{text}");
        let dialogue = &sessions[0].dialogue;
        assert_eq!(dialogue.greeting.as_ref().unwrap().code, 220);
        let said: Vec<_> = dialogue.commands.iter().map(|c| c.raw.to_string()).collect();
        assert_eq!(
            said,
            [
                "EHLO [127.0.0.1]\r\n",
                "MAIL FROM:<a@example.org>\r\n",
                "RCPT TO:<b@example.net>\r\n"
            ],
            "{text}"
        );
        assert_eq!(dialogue.replies.len(), 3);
        assert_eq!(sessions[0].start.rfc3339(), "2026-11-24T14:31:07.123456Z");
    }
}

#[test]
fn other_texts_are_none() {
    for text in [
        &b"Nov 24 14:31:07 mail postfix/smtpd[1]: connect from unknown[192.0.2.1]\n"[..],
        b"2026-11-24 14:31:07 something > else: Flags of our fathers\n",
        b"From: <a@example.org>\r\nSubject: x\r\n\r\n",
        b"",
        &[0xff; 300],
    ] {
        assert!(!recognise(text), "{}", text.escape_ascii());
    }
}

proptest::proptest! {
    #[test]
    fn any_changes_to_the_text(
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..128_u8), 0..40),
    ) {
        let mut text = b"2026-11-24 09:31:07.000100 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 72: (tos 0x0, ttl 63, id 1, offset 0, flags [DF], proto TCP (6), length 58)\n    192.168.1.23.50112 > 198.51.100.7.25: Flags [P.], seq 1:19, ack 27, win 502, options [mss 1460,nop,wscale 7], length 18: SMTP, length: 18\n\tEHLO [127.0.0.1]\n\t0x0000:  4500 0046 0001 4000 3f06 0000 c0a8 0117  E..F..@.?.......\nT 2026/11/24 14:31:07.123456 192.0.2.1:50112 -> 198.51.100.7:25 [AP] #5\n  EHLO [127.0.0.1]..\n".to_vec();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        recognise(&text);
        read_text(&text, Clock::default());
    }
}
