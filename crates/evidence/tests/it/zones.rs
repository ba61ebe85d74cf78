//! Clocks: a log in local time beside a capture in UTC.

use crate::folder::{Folder, Kept, input, shown};

/// A capture of short SMTP sessions that end at these seconds, each with a server of its own.
fn capture(ends: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        out.extend(word.to_le_bytes());
    }
    for (i, end) in ends.iter().enumerate() {
        let server = [198, 51, 100, 25 + i as u8];
        let port = 41_000 + i as u16;
        let (mut ours, mut theirs) = (1000_u32, 5000_u32);
        let mut packet = |at: u32, from_us: bool, flags: u8, payload: &[u8]| {
            let client = [192, 0, 2, 10];
            let (src, dst) = if from_us { (client, server) } else { (server, client) };
            let (sport, dport) = if from_us { (port, 25) } else { (25, port) };
            let (seq, ack) = if from_us { (ours, theirs) } else { (theirs, ours) };
            let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
            frame.extend((40 + payload.len() as u16).to_be_bytes());
            frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
            frame.extend(src);
            frame.extend(dst);
            frame.extend(sport.to_be_bytes());
            frame.extend(dport.to_be_bytes());
            frame.extend(seq.to_be_bytes());
            frame.extend(if flags == 2 { [0; 4] } else { ack.to_be_bytes() });
            frame.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
            frame.extend(payload);
            let moved = payload.len() as u32 + u32::from(flags & 3 != 0);
            if from_us {
                ours += moved
            } else {
                theirs += moved
            }
            for word in [at, 0, frame.len() as u32, frame.len() as u32] {
                out.extend(word.to_le_bytes());
            }
            out.extend(frame);
        };
        let begin = end - 2;
        packet(begin, true, 0x02, b"");
        packet(begin, false, 0x12, b"");
        packet(begin, true, 0x10, b"");
        packet(begin, false, 0x18, b"220 mx.example.net ESMTP\r\n");
        packet(begin, true, 0x18, b"EHLO mail.example.org\r\n");
        packet(begin + 1, false, 0x18, b"250 mx.example.net\r\n");
        packet(begin + 1, true, 0x18, b"QUIT\r\n");
        packet(begin + 1, false, 0x18, b"221 bye\r\n");
        packet(*end, true, 0x11, b"");
        packet(*end, false, 0x11, b"");
        packet(*end, true, 0x10, b"");
    }
    out
}

/// Deliveries to the same servers, dated in a zone of so many seconds.
fn log(ends: &[u32], offset: i64) -> String {
    let mut text = String::new();
    for (i, end) in ends.iter().enumerate() {
        let at = jiff::Timestamp::from_second(i64::from(*end) + offset).unwrap();
        let stamp = at.strftime("%b %e %H:%M:%S").to_string();
        text.push_str(&format!(
            "{stamp} mail postfix/smtp[9]: 3A1B2C3D4{i}: to=<a@example.net>, relay=mx.example.net[198.51.100.{}]:25, delay=2, delays=0.1/0/1/0.9, dsn=2.0.0, status=sent (250 ok)\n{stamp} mail postfix/qmgr[1]: 3A1B2C3D4{i}: removed\n",
            25 + i
        ));
    }
    text
}

const ENDS: [u32; 4] = [1_449_239_400, 1_449_240_000, 1_449_243_333, 1_449_247_777];

#[test]
fn a_capture_tells_the_logs_zone() {
    let folder = Folder::new();
    folder.put("x.pcap", capture(&ENDS));
    folder.put("mail.log", log(&ENDS, 19_800));
    let mut evidence = folder.open();
    assert!(
        input(&evidence, "mail.log", "mail-log").note.as_deref().unwrap().contains("UTC assumed")
    );
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.sessions.len(), 4, "{:#?}", shown(&evidence));
    assert_eq!(kept.mails.len(), 4);
    assert_eq!(kept.mails[0].deliveries[0].time.secs(), i64::from(ENDS[0]));
    let log = input(&evidence, "mail.log", "mail-log");
    assert!(
        log.note.as_deref().unwrap().contains("4 deliveries stand in the captures"),
        "{:?}",
        log.note
    );
    assert_eq!(log.first.unwrap().secs(), i64::from(ENDS[0]));
    // The frame is quoted with what was said.
    let quote = evidence.quote(kept.sessions[0].place).unwrap();
    assert_eq!(quote.locator, "frame 1");
    assert!(quote.text.contains("192.0.2.10:41000 > 198.51.100.25:25"), "{}", quote.text);
}

#[test]
fn the_sites_word_stands_against_the_captures() {
    let folder = Folder::new();
    folder.put("x.pcap", capture(&ENDS));
    folder.put("mail.log", log(&ENDS, 19_800));
    folder.put("site.toml", "timezone = \"UTC\"\n");
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.mails[0].deliveries[0].time.secs(), i64::from(ENDS[0]) + 19_800);
}
