//! Dialects learnt from sessions, and those that are refused.

use crate::session;
use heloscope_detect::Dialects;
use heloscope_detect::dialect::{Dialect, Kind};
use heloscope_detect::learn::{Labelled, Learnt, learn, unknown_clusters};
use heloscope_model::Session;

/// Sessions of one client, each to another recipient.
fn sessions(hello: &str, mail: &str, count: usize) -> Vec<Session> {
    let one = |n: usize| {
        session::read(&format!(
            "S: 220 mx\nC: {hello} h{n}.example\nS: 250 mx\nC: {mail}<a{n}@x.example>\nS: 250 ok\n\
             C: RCPT TO:<b{n}@y.example>\nS: 250 ok\nC: QUIT\nS: 221 bye"
        ))
    };
    (0..count).map(one).collect()
}

fn labelled<'a>(name: &'a str, kind: Kind, sessions: &'a [Session]) -> Vec<Labelled<'a>> {
    sessions.iter().map(|session| Labelled { name, kind, on_trap: true, session }).collect()
}

fn refusal(learnt: &Learnt) -> (&str, &str) {
    let (name, why) = &learnt.refused[0];
    (name, why)
}

#[test]
fn a_bot_is_learnt_and_known_again() {
    let (bot, honest) = (sessions("helo", "mail from: ", 6), sessions("EHLO", "MAIL FROM:", 6));
    let all = [labelled("bot", Kind::Bot, &bot), labelled("honest", Kind::Mta, &honest)].concat();
    let learnt = learn(&all);
    assert!(learnt.refused.is_empty(), "{:?}", learnt.refused);
    // As files, and read again.
    let mut dialects = Dialects::default();
    for (file, text) in learnt.files() {
        dialects.add(&file, &text).unwrap();
    }
    let next = Dialect::of(&sessions("helo", "mail from: ", 9)[8]);
    let known: Vec<_> = dialects.spoken_in(&next).map(|k| (k.name.as_str(), k.kind)).collect();
    assert_eq!(known, [("bot", Kind::Bot)]);
    assert!(dialects.iter().find(|known| known.name == "bot").unwrap().proved);
    let next = Dialect::of(&honest[0]);
    assert_eq!(dialects.spoken_in(&next).map(|k| k.kind).collect::<Vec<_>>(), [Kind::Mta]);
}

#[test]
fn a_bot_that_misses_the_traps_once_is_not_proved() {
    let bot = sessions("helo", "mail from: ", 6);
    let mut all = labelled("bot", Kind::Bot, &bot);
    all[3].on_trap = false;
    assert!(!learn(&all).dialects[0].proved);
}

#[test]
fn nobody_is_accused_by_what_an_honest_program_speaks_too() {
    let (bot, honest) = (sessions("helo", "mail from:", 6), sessions("helo", "mail from:", 1));
    for kind in [Kind::Mta, Kind::Library] {
        let all = [labelled("bot", Kind::Bot, &bot), labelled("honest", kind, &honest)].concat();
        let learnt = learn(&all);
        assert!(learnt.dialects.is_empty());
        let refused: Vec<_> = learnt.refused.iter().filter(|(name, _)| name == "bot").collect();
        assert!(refused[0].1.contains("honest speaks alike"), "{refused:?}");
    }
}

#[test]
fn what_cannot_be_believed_is_refused_with_a_reason() {
    let (few, many) = (sessions("helo", "mail from: ", 4), sessions("helo", "mail from: ", 6));
    let learnt = learn(&labelled("few", Kind::Bot, &few));
    assert_eq!(refusal(&learnt).0, "few");
    assert!(refusal(&learnt).1.contains("too few"), "{learnt:?}");
    let mut mixed = labelled("mixed", Kind::Bot, &many);
    mixed[0].kind = Kind::Library;
    let learnt = learn(&mixed);
    assert!(refusal(&learnt).1.contains("different kinds"), "{learnt:?}");
    let learnt = learn(&labelled("Not A Word", Kind::Bot, &many));
    assert!(refusal(&learnt).1.contains("small letters"), "{learnt:?}");
}

#[test]
fn speakers_that_nobody_named_are_clustered_by_address() {
    let mut all = sessions("helo", "mail from: ", 3);
    for (number, session) in all.iter_mut().enumerate() {
        session.client = format!("192.0.2.{number}:40000").parse().unwrap();
    }
    all.extend(sessions("EHLO", "MAIL FROM:", 5));
    let clusters = unknown_clusters(&all, &Dialects::default(), 2);
    assert_eq!(clusters.len(), 1, "many sessions of one address are one speaker");
    assert_eq!((clusters[0].addresses.len(), clusters[0].sessions), (3, 3));
    let mut known = Dialects::default();
    known.add("x", "[x]\nkind = library\nhello = HELO\n").unwrap();
    assert!(unknown_clusters(&all, &known, 2).is_empty());
}
