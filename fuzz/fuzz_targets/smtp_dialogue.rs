//! The session machine on any dialogue: it does not panic, keeps its limits, does not care how
//! bytes are cut into chunks, and detectors survive what it reads.
//!
//! Input: a byte that chooses limits and chunk length, then lines. The first byte of a line says
//! what it is: `C`/`S` a side says the rest with its LF, `c`/`s` the rest without it, `g`/`G`
//! as many bytes of the client/server are missing as the line is long, `m` the recording began
//! late. Lines that begin otherwise are left out.

#![no_main]

use heloscope_model::session::{Dialogue, EndState};
use heloscope_model::{Place, Session, SourceId, Time};
use heloscope_smtp::{Limits, Machine, Opens, Side, opens_smtp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, lines)) = input.split_first() else { return };
    let limits = match choice & 1 {
        0 => Limits::default(),
        _ => Limits { lines: 5, line_bytes: 24, messages: 2, recipients: 2, header_bytes: 16 },
    };
    let whole = play(lines, &limits, usize::MAX);
    let pieces = play(lines, &limits, usize::from(choice >> 1) % 9 + 1);
    assert_eq!(whole, pieces);
    assert_bounded(&whole, &limits);
    heloscope_detect::judge(&session(whole));
    for side in [Side::Client, Side::Server] {
        // What is certain stays certain when more bytes come.
        let (first, more) = (opens_smtp(side, &lines[..lines.len() / 2]), opens_smtp(side, lines));
        assert!(first == Opens::Maybe || first == more, "{first:?} {more:?}");
    }
});

fn play(lines: &[u8], limits: &Limits, piece: usize) -> Dialogue {
    let mut machine = Machine::new(limits);
    for (line, second) in lines.split_inclusive(|&b| b == b'\n').zip(1..) {
        let at = Time::from_secs(second);
        let Some((tag, text)) = line.split_first() else { continue };
        let bare = text.strip_suffix(b"\n").unwrap_or(text);
        let (side, bytes) = match tag {
            b'C' => (Side::Client, text),
            b'S' => (Side::Server, text),
            b'c' => (Side::Client, bare),
            b's' => (Side::Server, bare),
            b'g' => {
                machine.gap(Side::Client, at, bare.len() as u64);
                continue;
            }
            b'G' => {
                machine.gap(Side::Server, at, bare.len() as u64);
                continue;
            }
            b'm' => {
                machine.midstream();
                continue;
            }
            _ => continue,
        };
        bytes.chunks(piece.min(bytes.len().max(1))).for_each(|c| machine.feed(side, at, c));
    }
    machine.proxied();
    machine.finish()
}

fn assert_bounded(dialogue: &Dialogue, limits: &Limits) {
    assert!(dialogue.commands.len() <= limits.lines && dialogue.replies.len() <= limits.lines);
    assert!(dialogue.messages.len() <= limits.messages && dialogue.auth.len() <= limits.lines);
    for command in &dialogue.commands {
        assert!(command.raw.as_bytes().len() <= limits.line_bytes + 2);
        assert!(command.reply.is_none_or(|at| (at as usize) < dialogue.replies.len()));
    }
    for message in &dialogue.messages {
        assert!(message.to.len() <= limits.recipients);
        assert!(message.header.as_bytes().len() <= limits.header_bytes);
        assert!(message.reply.is_none_or(|at| (at as usize) < dialogue.replies.len()));
    }
}

fn session(dialogue: Dialogue) -> Session {
    Session {
        place: Place::whole(SourceId(0)),
        start: Time::from_secs(0),
        end: Time::from_secs(1),
        client: ([192, 0, 2, 7], 40000).into(),
        server: ([198, 51, 100, 1], 25).into(),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy: None,
        dialogue,
        bytes: (0, 0),
        end_state: EndState::Close,
    }
}
