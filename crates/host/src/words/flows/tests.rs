//! Conversations as packets, each twice as loopback shows them.

use super::*;
use proptest::prelude::*;

const NOW: Time = Time::from_secs(1_700_000_000);

fn packet(client: bool, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (a, b) = (([192, 0, 2, 1], 40_001_u16), ([192, 0, 2, 25], 25_u16));
    let (from, to) = if client { (a, b) } else { (b, a) };
    let total = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
    bytes.extend(from.0);
    bytes.extend(to.0);
    bytes.extend(from.1.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([0x50, flags]);
    bytes.extend([0; 6]);
    bytes.extend(payload);
    bytes
}

/// Plays turns (`C` or `S`, bytes) from the SYN to both ends; bytes of `.` alone are not shown.
fn play(flows: &mut Flows, turns: &[(char, &str)]) -> Vec<Spoken> {
    let mut next = [u32::MAX - 5, 7000];
    let mut packets = vec![packet(true, next[0], SYN, b""), packet(false, next[1], SYN | ACK, b"")];
    next = next.map(|n| n.wrapping_add(1));
    for (who, said) in turns {
        let side = usize::from(*who == 'S');
        if !said.starts_with("hidden") {
            packets.push(packet(side == 0, next[side], ACK, said.as_bytes()));
        }
        next[side] = next[side].wrapping_add(u32::try_from(said.len()).unwrap());
    }
    packets.push(packet(true, next[0], FIN | ACK, b""));
    packets.push(packet(false, next[1], FIN | ACK, b""));
    packets.iter().flat_map(|p| [flows.packet(p, NOW), flows.packet(p, NOW)].concat()).collect()
}

const MAIL: &[(char, &str)] = &[
    ('S', "220 mx.example.net ESMTP\r\n"),
    ('C', "EHLO [127.0.0.1]\r\n"),
    ('S', "250-mx.example.net\r\n250 SIZE\r\n"),
    ('C', "MAIL FROM:<Anna@example.org>\r\n"),
    ('S', "250 ok\r\n"),
    ('C', "RCPT TO:<b@example.net>\r\n"),
    ('S', "250 ok\r\n"),
    ('C', "DATA\r\n"),
    ('S', "354 go\r\n"),
    ('C', "hidden: a body's large segment\r\n"),
    ('C', "the rest\r\n.\r\n"),
    ('S', "250 2.0.0 Ok: queued as 4F1A2B3C4D\r\n"),
    ('C', "QUIT\r\n"),
    ('S', "221 bye\r\n"),
];

#[test]
fn who_it_is_at_once_and_what_became_of_it_at_the_end() {
    let spoken = play(&mut Flows::new(&[25], false), MAIL);
    let [early, last] = &spoken[..] else { panic!("{spoken:#?}") };
    assert_eq!((early.helo.as_deref(), early.over), (Some("EHLO [127.0.0.1]"), false));
    assert_eq!(last.helo.as_deref(), Some("EHLO [127.0.0.1]"));
    assert_eq!(last.banner.as_deref(), Some("mx.example.net ESMTP"));
    assert_eq!(last.answers, ["250 2.0.0 Ok: queued as 4F1A2B3C4D"]);
    assert!(last.over && !last.tls);
    let line = serde_json::to_string(last).unwrap();
    assert!(!line.contains("anna") && !line.contains("Anna") && !line.contains("b@"), "{line}");
    assert!(last.mail[0].starts_with("sha256:") && last.mail[0].len() == 23);
}

#[test]
fn addresses_in_clear_where_that_is_allowed() {
    let spoken = play(&mut Flows::new(&[25], true), MAIL);
    let last = spoken.last().unwrap();
    assert_eq!((&last.mail[0][..], &last.rcpt[0][..]), ("<Anna@example.org>", "<b@example.net>"));
}

#[test]
fn behind_starttls_nothing_is_guessed() {
    let turns = [
        ('S', "220 mx\r\n"),
        ('C', "EHLO a.example\r\n"),
        ('S', "250 STARTTLS\r\n"),
        ('C', "STARTTLS\r\n"),
        ('S', "220 go\r\n"),
        ('C', "\u{16}\u{3}\u{1} MAIL FROM:<x@y>\r\n"),
    ];
    let spoken = play(&mut Flows::new(&[25], true), &turns);
    let last = spoken.last().unwrap();
    assert!(last.tls && last.mail.is_empty(), "{last:?}");
    assert_eq!(last.helo.as_deref(), Some("EHLO a.example"));
}

#[test]
fn what_is_no_new_connection_is_not_heard() {
    let mut flows = Flows::new(&[25], true);
    assert!(flows.packet(&packet(true, 7, ACK, b"EHLO a\r\n"), NOW).is_empty());
    assert!(flows.flows.is_empty());
    // Nobody said anything: a port scan.
    assert!(play(&mut flows, &[]).is_empty());
}

#[test]
fn very_many_at_once_and_silent_ones_are_bounded() {
    let mut flows = Flows::new(&[25], true);
    for n in 0..3000_u16 {
        let mut syn = packet(true, 7, SYN, b"");
        syn[20..22].copy_from_slice(&(20_000 + n).to_be_bytes());
        flows.packet(&syn, NOW);
    }
    assert_eq!(flows.flows.len(), MOST);
    flows.idle(NOW.plus_secs(400.0));
    assert!(flows.flows.is_empty());
}

proptest! {
    #[test]
    fn never_panics(packets in proptest::collection::vec((any::<bool>(), any::<u32>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..80), 0_usize..130), 0..30)) {
        let mut flows = Flows::new(&[25], true);
        flows.packet(&packet(true, 7, SYN, b""), NOW);
        for (client, sequence, flags, payload, cut) in packets {
            let mut bytes = packet(client, sequence % 50, flags, &payload);
            bytes.truncate(cut);
            flows.packet(&bytes, NOW);
        }
        flows.idle(NOW.plus_secs(400.0));
    }
}
