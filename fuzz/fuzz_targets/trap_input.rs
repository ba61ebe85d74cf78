//! What clients say to the sensor, in any chunks, with waits between: it does not panic, every line
//! it says is a reply, its limits hold, and detectors survive its record. The PROXY header and the
//! proxy's handshake read the same bytes.
//!
//! Input: a byte that chooses the personality and the chunk length, then what the client says. A
//! byte 0xfe between two chunks lets ten seconds pass.

#![no_main]

use heloscope_model::Time;
use heloscope_model::session::EndState;
use heloscope_trap::proxy::{Handshake, Turn};
use heloscope_trap::{
    Conversation, End, Limits, Personality, Record, Rules, Seen, Step, Traps, Why,
};
use heloscope_trap::{proxy, proxy_header};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, speech)) = input.split_first() else { return };
    talk(choice, speech);
    if let proxy_header::Header::Whole(len, _) = proxy_header::read(speech) {
        assert!(len <= speech.len());
    }
    shake_hands(speech);
    if let Ok(text) = std::str::from_utf8(speech)
        && let Ok(traps) = Traps::parse(text)
    {
        traps.kind(speech);
    }
});

fn rules(choice: u8) -> Rules {
    let mut personality = Personality::new("mx.example.net");
    personality.extensions.auth = choice & 1 != 0;
    if choice & 2 != 0 {
        (personality.greeting_delay_s, personality.tarpit_s) = (5.0, 1.0);
    }
    let limits = match choice & 4 {
        0 => Limits::default(),
        _ => Limits {
            line_bytes: 24,
            commands: 12,
            errors: 5,
            recipients: 2,
            message_bytes: 30,
            command_bytes: 300,
            session_bytes: 2000,
            ..Limits::default()
        },
    };
    let helocheck = vec!["helocheck@example.net".into()];
    Rules { personality, limits, helocheck, shingle_key: [3; 16], body_bytes: 100 }
}

fn talk(choice: u8, speech: &[u8]) {
    let rules = rules(choice);
    let (limits, mut now) = (rules.limits.clone(), Time::from_secs(1_000_000));
    let (client, server) = (([192, 0, 2, 7], 40000).into(), ([198, 51, 100, 1], 25).into());
    let mut record = Record::new(&limits, Seen { client, server, syn: None }, now);
    let mut conversation = Conversation::new(Arc::new(rules), client.ip(), 1, now);
    let mut state = None;
    let chunk = usize::from(choice >> 3) + 1;
    for part in speech.split_inclusive(|&b| b == 0xfe) {
        let (said, waits) = match part.split_last() {
            Some((0xfe, said)) => (said, true),
            _ => (part, false),
        };
        for bytes in said.chunks(chunk) {
            record.heard(now, bytes);
            conversation.hear(now, bytes);
            state = state.or(go_on(&mut conversation, &mut record, now));
            now = now.plus_secs(0.01);
        }
        if waits {
            now = now.plus_secs(10.0);
            state = state.or(go_on(&mut conversation, &mut record, now));
        }
    }
    let bodies = conversation.take_bodies();
    assert!(bodies.iter().map(|body| body.content.len()).sum::<usize>() <= 100);
    let sighting = record.finish(End {
        at: now,
        state: if state == Some(Why::Quit) { EndState::Quit } else { EndState::Close },
        tls: None,
        bodies,
        sensor: "fuzz",
        receiver: &Default::default(),
        traps: &Traps::default(),
    });
    assert!(sighting.session.dialogue.commands.len() <= limits.commands as usize + 64);
    heloscope_detect::judge(&sighting.session);
}

/// Does what is to be done without waiting; why it closed, where it did.
fn go_on(conversation: &mut Conversation, record: &mut Record, now: Time) -> Option<Why> {
    for _ in 0..100_000 {
        match conversation.next(now) {
            Step::Say(bytes) => {
                assert_replies(&bytes);
                record.said(now, &bytes);
            }
            Step::Listen(until) => {
                assert!(until > now);
                return None;
            }
            Step::Secure => {
                record.tls_opened(None);
                conversation.secured(now);
            }
            Step::Close(why) => return Some(why),
        }
    }
    panic!("it never waits");
}

fn assert_replies(said: &[u8]) {
    assert!(said.ends_with(b"\r\n"));
    for line in said.split_inclusive(|&b| b == b'\n') {
        assert!(line.len() <= 512 && line.ends_with(b"\r\n"));
        assert!(line[..3].iter().all(u8::is_ascii_digit) && matches!(line[3], b' ' | b'-'));
        assert!(line[..line.len() - 2].iter().all(|b| (0x20..0x7f).contains(b)));
    }
}

fn shake_hands(speech: &[u8]) {
    let (mut handshake, mut waiting) = (Handshake::default(), speech.to_vec());
    for _ in 0..10 {
        match handshake.next(&waiting) {
            Turn::Say(used, _) => drop(waiting.drain(..used)),
            Turn::Granted(used, _) => {
                assert!(used <= waiting.len());
                return;
            }
            Turn::More => {
                assert!(waiting.len() < proxy::LONGEST);
                return;
            }
            Turn::Refused(_) => return,
        }
    }
    panic!("it never ends");
}
