//! What is kept, and what happens when nothing can be: a sink that takes no more, bodies.

use crate::trap::Trap;
use heloscope_trap::{Bodies, Refusal};
use std::time::Duration;

#[test]
fn while_the_sink_is_full_new_work_is_refused_and_nothing_is_lost() {
    let mut trap = Trap::with_sink(1, |_| {});
    let mut early = trap.connect();
    early.reply();
    early.say("EHLO mail.example.org");
    trap.connect().mail("one.example.org", "joe@spam.example");
    // The sink holds one now and takes no more.
    trap.until("it is full", |trap| trap.counts.snapshot().sessions == 1);
    let mut refused = trap.connect();
    assert!(refused.reply().starts_with("421 4.3.1 mx.example.net Service not available"));
    assert_eq!(trap.refused(Refusal::SinkFull), 1);
    early.say("NOOP");
    assert!(early.say("MAIL FROM:<a@example.org>").starts_with("452 4.3.1"));
    early.say("QUIT");
    // It takes again: both are there, and new mail is welcome.
    let helo = |sighting: heloscope_model::Sighting| sighting.session.helo().unwrap().1.to_string();
    assert_eq!(helo(trap.sighting()), "one.example.org");
    assert_eq!(helo(trap.sighting()), "mail.example.org");
    // Its session knows a moment later that it waits no more.
    trap.until("both are handed over", |trap| trap.counts.snapshot().sessions == 2);
    assert!(trap.connect().mail("two.example.org", "joe@spam.example").starts_with("250"));
    assert_eq!(helo(trap.sighting()), "two.example.org");
}

#[test]
fn bodies_are_kept_only_where_the_operator_says_so() {
    let mut trap = Trap::start(|_| {});
    trap.connect().mail("mail.example.org", "joe@spam.example");
    trap.sighting();
    let names: Vec<_> = std::fs::read_dir(trap.state.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("trap-"))
        .collect();
    assert!(names.is_empty(), "{names:?}");

    let folder = tempfile::tempdir().unwrap();
    let bodies = folder.path().join("bodies");
    let kept = Bodies {
        folder: bodies.clone(),
        keep: Duration::from_secs(3600),
        session_bytes: 1000,
        all_bytes: 10_000,
    };
    let mut trap = Trap::start(|config| config.bodies = Some(kept));
    trap.connect().mail("mail.example.org", "joe@spam.example");
    trap.sighting();
    let files: Vec<_> = std::fs::read_dir(&bodies).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(
        std::fs::read_to_string(&files[0]).unwrap(),
        "Subject: x\r\n\r\none two three four five\r\n"
    );
}

#[test]
fn a_sink_that_is_gone_is_full_for_ever() {
    let mut trap = Trap::start(|_| {});
    trap.sightings.close();
    assert!(trap.connect().reply().starts_with("421 4.3.1"));
    assert_eq!(trap.refused(Refusal::SinkFull), 1);
}

#[test]
fn an_ipv4_client_of_an_ipv6_socket_is_seen_as_what_it_is() {
    let mut trap = Trap::start(|config| config.listen = vec!["[::]:0".parse().unwrap()]);
    for (address, ip) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let to = format!("{address}:{}", trap.mail.port()).parse().unwrap();
        crate::trap::Client::to(to).mail("mail.example.org", "joe@spam.example");
        let seen = trap.sighting();
        assert_eq!(seen.session.client.ip().to_string(), ip);
        assert_eq!(seen.session.server.ip().to_string(), ip);
        assert!(seen.session.syn.is_some());
    }
}
