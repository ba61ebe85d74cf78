//! What is reported, what is not, and what the owner is told of it.

use super::*;
use heloscope_model::session::{Dialogue, EndState};
use heloscope_model::sighting::{Receiver, TrapHit, TrapKind};
use heloscope_model::{Octets, Place, Session, SourceId};
use heloscope_smtp::{Limits, Machine, Side};

/// A session of lines, each side's in its turn, a tenth of a second apart.
fn sighting(lines: &[(Side, &str)], traps: &[&str]) -> Sighting {
    let mut machine = Machine::new(&Limits::default());
    let mut at = Time::from_secs(1_700_000_000);
    for (side, line) in lines {
        machine.feed(*side, at, format!("{line}\r\n").as_bytes());
        at = at.plus_secs(0.1);
    }
    Sighting {
        sensor: "trap".into(),
        receiver: Receiver::default(),
        session: session(machine.finish(), at),
        trap_login: None,
        traps: traps
            .iter()
            .map(|t| TrapHit { recipient: Octets::new(t.as_bytes()), kind: TrapKind::NeverUsed })
            .collect(),
        hello: None,
        bodies: Vec::new(),
    }
}

fn session(dialogue: Dialogue, end: Time) -> Session {
    Session {
        place: Place::byte(SourceId(0), 0),
        start: Time::from_secs(1_700_000_000),
        end,
        client: "198.51.100.7:40001".parse().unwrap(),
        server: "192.0.2.25:25".parse().unwrap(),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy: None,
        dialogue,
        bytes: (0, 0),
        end_state: EndState::Quit,
    }
}

use Side::{Client as C, Server as S};

const MAIL: [(Side, &str); 10] = [
    (S, "220 mx.example.net ESMTP"),
    (C, "EHLO mail.example.org"),
    (S, "250 mx.example.net"),
    (C, "MAIL FROM:<anna@example.org>"),
    (S, "250 ok"),
    (C, "RCPT TO:<never@trap.example>"),
    (S, "250 ok"),
    (C, "QUIT"),
    (S, "221 bye"),
    (C, ""),
];

#[test]
fn who_merely_came_by_is_not_reported() {
    let station = Station::new(&Detect::default());
    let now = Time::from_secs(1_700_000_100);
    assert_eq!(station.judge(&sighting(&MAIL[..9], &[]), now), None);
    let hit = station.judge(&sighting(&MAIL[..9], &["never@trap.example"]), now).unwrap();
    assert_eq!(hit.traps, [("never@trap.example".to_owned(), TrapKind::NeverUsed)]);
    assert!(hit.rules.is_empty(), "{:?}", hit.rules);
}

#[test]
fn the_owner_is_never_told_whom_it_wrote_to() {
    // It sends a trap's address where a command belongs: the detector quotes the word.
    let said = [
        (S, "220 mx.example.net ESMTP"),
        (C, "EHLO ylmf-pc"),
        (C, "never@trap.example"),
        (C, "RCPT TO:<NEVER@trap.example>"),
        (S, "250 mx.example.net"),
        (S, "502 no"),
        (S, "503 no"),
        (C, "QUIT"),
        (S, "221 bye"),
    ];
    let station = Station::new(&Detect::default());
    let found =
        station.judge(&sighting(&said, &["never@trap.example"]), Time::from_secs(0)).unwrap();
    let quoting = found.rules.iter().filter(|r| r.operator.contains("never@trap.example"));
    assert_eq!(quoting.count(), 1, "{:?}", found.rules);
    for rule in &found.rules {
        assert!(!rule.owner.to_lowercase().contains("never"), "{rule:?}");
    }
    assert!(found.rules.iter().any(|r| r.owner.contains("ylmf-pc")), "{:?}", found.rules);
}

#[test]
fn a_detector_that_is_off_or_in_the_shadow_counts_for_nothing() {
    let bot = [(S, "220 mx"), (C, "EHLO ylmf-pc"), (S, "250 mx"), (C, "QUIT"), (S, "221 bye")];
    let ids = |detect: &Detect| -> Vec<String> {
        let found = Station::new(detect).judge(&sighting(&bot, &[]), Time::from_secs(0));
        found.into_iter().flat_map(|f| f.rules).map(|r| r.detector).collect()
    };
    assert!(ids(&Detect::default()).contains(&"helo-ylmf-pc".to_owned()));
    for key in [true, false] {
        let named = vec!["helo-ylmf-pc".to_owned()];
        let detect = match key {
            true => Detect { off: named, ..Detect::default() },
            false => Detect { shadow: named, ..Detect::default() },
        };
        assert!(!ids(&detect).contains(&"helo-ylmf-pc".to_owned()));
    }
}
