//! Any bytes in any interleaving: no panic, bounds hold, chunking changes nothing.

use heloscope_model::Time;
use heloscope_model::session::Dialogue;
use heloscope_smtp::script::{Turn, play};
use heloscope_smtp::{Limits, Machine, Side};
use proptest::prelude::*;

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

/// Lines that mean something, so that random dialogues get somewhere.
fn line() -> impl Strategy<Value = Turn> {
    let client = prop::sample::select(vec![
        "EHLO a.example.org\r\n",
        "helo b\n",
        "MAIL FROM:<a@example.org>\r\n",
        "mail from : b@example.org BODY=BINARYMIME\r\n",
        "RCPT TO:<c@example.net>\r\n",
        "DATA\r\n",
        "data\n",
        "From: a\r\n\r\nhi\r\n.\r\n",
        "From: a\n\nhi\n.\n",
        ".\r\n",
        "BDAT 10 LAST\r\n",
        "BDAT 5\r\n",
        "0123456789",
        "RSET\r\n",
        "QUIT\r\n",
        "STARTTLS\r\n",
        "AUTH LOGIN\r\n",
        "AUTH PLAIN AHRlc3QAc2VjcmV0\r\n",
        "c2VjcmV0\r\n",
        "CONNECT mx.example.net:25 HTTP/1.0\r\n",
        "Host: x\r\n",
        "\r\n",
        "NOOP\r",
        "LHLO a\r\n",
        "\u{16}\u{3}\u{1}\0\u{5}hello",
        "\u{5}\u{1}\0\u{5}\u{1}\0\u{3}\u{2}mx\0\u{19}",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n",
    ]);
    let server = prop::sample::select(vec![
        "220 mx.example.net ESMTP\r\n",
        "250 ok\r\n",
        "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
        "354 go on\r\n",
        "334 VXNlcm5hbWU6\r\n",
        "235 in\r\n",
        "535 no\r\n",
        "550 no\r\n",
        "421 bye\n",
        "221 bye\r\n",
        "junk\r\n",
        "250-never ends\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 403 No\r\nVia: x\r\n\r\nbody\r\n",
        "\u{5}\0\u{5}\0\0\u{1}\0\0\0\0\0\0",
        "\r\n",
    ]);
    prop_oneof![
        6 => client.prop_map(|text| Turn::Says(Side::Client, text.as_bytes().to_vec())),
        5 => server.prop_map(|text| Turn::Says(Side::Server, text.as_bytes().to_vec())),
        1 => (side(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(side, bytes)| Turn::Says(side, bytes)),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        20 => line(),
        1 => (side(), 1u64..100).prop_map(|(side, len)| Turn::Gap(side, len)),
        1 => Just(Turn::Midstream),
    ]
}

/// Each turn in pieces of the given length, all with the turn's time.
fn play_in_pieces(turns: &[Turn], limits: &Limits, piece: usize) -> Dialogue {
    let mut machine = Machine::new(limits);
    for (turn, second) in turns.iter().zip(1..) {
        let at = Time::from_secs(second);
        match turn {
            Turn::Says(side, bytes) => {
                bytes.chunks(piece).for_each(|bytes| machine.feed(*side, at, bytes));
            }
            Turn::Gap(side, len) => machine.gap(*side, at, *len),
            Turn::Midstream => machine.midstream(),
        }
    }
    machine.finish()
}

fn small() -> Limits {
    Limits { lines: 6, line_bytes: 16, messages: 2, recipients: 2, header_bytes: 8 }
}

fn assert_bounded(dialogue: &Dialogue, limits: &Limits) {
    assert!(dialogue.commands.len() <= limits.lines && dialogue.replies.len() <= limits.lines);
    assert!(dialogue.messages.len() <= limits.messages);
    assert!(dialogue.auth.len() <= limits.lines);
    // A redacted line may be two bytes longer than what it replaces (` *`).
    assert!(dialogue.commands.iter().all(|c| c.raw.as_bytes().len() <= limits.line_bytes + 2));
    assert!(dialogue.replies.iter().all(|r| r.text.as_bytes().len() <= limits.line_bytes));
    for message in &dialogue.messages {
        assert!(message.to.len() <= limits.recipients);
        assert!(message.header.as_bytes().len() <= limits.header_bytes);
    }
    for index in dialogue.commands.iter().filter_map(|c| c.reply) {
        assert!((index as usize) < dialogue.replies.len());
    }
}

fn assert_no_secret(dialogue: &Dialogue) {
    let shown = format!("{:?}", dialogue.commands);
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
    assert!(!format!("{:?}", dialogue.auth).contains("\0secret"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn chunking_changes_nothing(turns in prop::collection::vec(turn(), 0..40), piece in 1usize..7) {
        for limits in [Limits::default(), small()] {
            let whole = play(&turns, &limits);
            assert_bounded(&whole, &limits);
            prop_assert_eq!(play_in_pieces(&turns, &limits, piece), whole);
        }
    }

    #[test]
    fn random_bytes_never_panic(turns in prop::collection::vec(
        (side(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(side, bytes)| Turn::Says(side, bytes)),
        0..20,
    )) {
        for limits in [Limits::default(), small()] {
            assert_bounded(&play(&turns, &limits), &limits);
        }
    }

    #[test]
    fn secrets_never_come_out(
        before in prop::collection::vec(line(), 0..6),
        between in prop::collection::vec(prop::sample::select(vec![
            "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "503 no", "535 no", "250 ok",
        ]), 0..3),
        piece in 1usize..9,
    ) {
        let says = |side, text: &str| Turn::Says(side, format!("{text}\r\n").into_bytes());
        // No DATA before: behind one, lines are content.
        let mut turns: Vec<_> = before.into_iter().filter(|turn| !matches!(turn,
            Turn::Says(Side::Client, bytes) if !bytes.starts_with(b"EHLO") && !bytes.starts_with(b"MAIL")
        )).collect();
        turns.push(says(Side::Client, "AUTH LOGIN"));
        turns.extend(between.iter().map(|reply| says(Side::Server, reply)));
        turns.push(says(Side::Client, "dGVzdA=="));
        turns.push(says(Side::Client, "c2VjcmV0"));
        assert_no_secret(&play_in_pieces(&turns, &Limits::default(), piece));
    }
}

/// More content than is held behind an unanswered DATA: decided without the server, in any chunks.
#[test]
fn content_beyond_the_hold_is_read_in_any_chunks() {
    let mut text = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n".to_vec();
    for _ in 0..2 {
        text.extend(b"Subject: x\r\n\r\n".iter().chain(&b"line of text\r\n".repeat(4000)));
        text.extend(b".\r\nMAIL FROM:<c@example.org>\r\nRCPT TO:<d@example.net>\r\nDATA\r\n");
    }
    let says = |side, text: &[u8]| Turn::Says(side, text.to_vec());
    let alone = vec![says(Side::Client, &text)];
    let mut answered = vec![says(Side::Server, b"220 mx\r\n"), says(Side::Client, &text)];
    answered.push(says(Side::Server, b"250 a\r\n250 b\r\n354 go\r\n250 taken\r\n"));
    for turns in [alone, answered] {
        let whole = play(&turns, &Limits::default());
        let sizes: Vec<_> = whole.messages.iter().map(|m| (m.bytes, m.recipients)).collect();
        assert_eq!(sizes, [(56_014, 1), (56_014, 1)]);
        assert!(whole.messages.iter().all(|message| message.complete));
        for piece in [1, 1460, 32 * 1024 + 1, 40_000] {
            assert_eq!(play_in_pieces(&turns, &Limits::default(), piece), whole, "by {piece}");
        }
    }
}
