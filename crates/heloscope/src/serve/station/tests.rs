//! What is reported, what is not, and what the owner is told of it.

use super::*;
use heloscope_model::session::{Dialogue, EndState};
use heloscope_model::sighting::{Receiver, TrapHit, TrapKind};
use heloscope_model::{Octets, Place, Session, SourceId};
use heloscope_smtp::{Limits, Machine, Side};

/// A session of lines, each side's in its turn, a tenth of a second apart.
pub(crate) fn sighting(lines: &[(Side, &str)], traps: &[&str]) -> Sighting {
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
        trap_login: false,
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

pub(crate) const MAIL: [(Side, &str); 10] = [
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

fn station(detect: Detect) -> Station {
    let nowhere = std::path::Path::new("/nonexistent");
    let histories = Arc::new(Histories::open(nowhere).unwrap());
    Station::new(&detect, Dialects::default(), histories).unwrap()
}

fn judged(station: &mut Station, sighting: &Sighting) -> Option<Detected> {
    station.judge(sighting, Surroundings::default(), Time::from_secs(1_700_000_100)).detected
}

#[test]
fn who_merely_came_by_is_not_reported() {
    assert_eq!(judged(&mut station(Detect::default()), &sighting(&MAIL[..9], &[])), None);
    let hit = sighting(&MAIL[..9], &["never@trap.example"]);
    let hit = judged(&mut station(Detect::default()), &hit).unwrap();
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
    let said = sighting(&said, &["never@trap.example"]);
    let found = judged(&mut station(Detect::default()), &said).unwrap();
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
    let ids = |detect: Detect| -> Vec<String> {
        let found = judged(&mut station(detect), &sighting(&bot, &[]));
        found.into_iter().flat_map(|f| f.rules).map(|r| r.detector).collect()
    };
    assert!(ids(Detect::default()).contains(&"helo-ylmf-pc".to_owned()));
    for key in [true, false] {
        let named = vec!["helo-ylmf-pc".to_owned()];
        let detect = match key {
            true => Detect { off: named, ..Detect::default() },
            false => Detect { shadow: named, ..Detect::default() },
        };
        assert!(!ids(detect).contains(&"helo-ylmf-pc".to_owned()));
    }
}

const YLMF: [(Side, &str); 5] =
    [(S, "220 mx"), (C, "EHLO ylmf-pc"), (S, "250 mx"), (C, "QUIT"), (S, "221 bye")];

#[test]
fn a_detector_that_accuses_a_canary_pauses_until_it_is_resumed() {
    let canaries = vec!["198.51.100.7/32".parse().unwrap()];
    let mut station = station(Detect { canaries, ..Detect::default() });
    let judge = |station: &mut Station, client: &str| {
        let mut sighting = sighting(&YLMF, &[]);
        sighting.session.client = client.parse().unwrap();
        station.judge(&sighting, Surroundings::default(), Time::from_secs(1_700_000_100))
    };
    let told = |judged: &Judged| {
        let rules = judged.detected.iter().flat_map(|d| &d.rules);
        rules.filter(|r| r.detector == "helo-ylmf-pc").count()
    };
    let canary = judge(&mut station, "198.51.100.7:40001");
    assert_eq!(told(&canary), 0);
    let why = canary.paused.iter().find(|(id, _)| id == "helo-ylmf-pc").unwrap();
    assert_eq!(why.1, "it accused a canary");
    // Nor does it count against anybody else, also after a restart, until the operator resumes it.
    let kept = canary.paused.clone();
    station.follow(&kept);
    assert_eq!(told(&judge(&mut station, "203.0.113.9:40001")), 0);
    let mut restarted = self::station(Detect::default());
    restarted.follow(&kept);
    assert_eq!(told(&judge(&mut restarted, "203.0.113.9:40001")), 0);
    station.follow(&[]);
    assert_eq!(told(&judge(&mut station, "203.0.113.9:40001")), 1);
}
