//! Clients that mean no good, or cannot do better: nobody blocks another, each is counted once.

use crate::trap::{Client, Trap};
use heloscope_model::session::EndState;
use heloscope_trap::Refusal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn an_early_talker_meets_the_teaser_first() {
    let mut trap = Trap::start(|config| config.personality.greeting_delay_s = 0.3);
    let mut client = trap.connect();
    let began = Instant::now();
    client.send("EHLO ylmf-pc\r\n");
    let greeting = client.reply();
    assert_eq!(greeting, "220-mx.example.net\r\n220 mx.example.net ESMTP\r\n");
    assert!(began.elapsed() >= Duration::from_millis(290));
    assert!(client.reply().starts_with("250-"));
    client.say("QUIT");
    let seen = trap.sighting();
    assert!(seen.session.dialogue.commands[0].early);
    let found = heloscope_detect::judge(&seen.session);
    assert!(found.iter().any(|detection| detection.detector == "pregreet"), "{found:?}");
    // Its twin waits.
    let mut client = trap.connect();
    client.reply();
    client.say("EHLO mail.example.org");
    client.say("QUIT");
    assert!(heloscope_detect::judge(&trap.sighting().session).is_empty());
}

#[test]
fn an_endless_line_ends() {
    let mut trap = Trap::start(|_| {});
    let mut client = trap.connect();
    client.reply();
    let line = [b'x'; 8192];
    while client.stream.get_mut().write_all(&line).is_ok() {}
    let seen = trap.sighting();
    assert_eq!(trap.refused(Refusal::Bytes), 1);
    assert_eq!(seen.session.dialogue.commands.len(), 1);
    assert!(seen.session.dialogue.commands[0].raw.as_bytes().len() <= 1024);
    assert!(matches!(seen.session.end_state, EndState::Close));
}

#[test]
fn slow_and_silent_ones_run_out_of_time() {
    let mut trap = Trap::start(|config| {
        config.limits.idle_s = 0.3;
        config.limits.session_s = 1.0;
    });
    let mut silent = trap.connect();
    assert!(silent.rest().ends_with("421 4.4.2 mx.example.net Error: timeout exceeded\r\n"));
    assert_eq!(trap.sighting().session.end_state, EndState::Timeout);
    assert_eq!(trap.refused(Refusal::Idle), 1);
    let mut slow = trap.connect();
    slow.stream.get_mut().set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut said = Vec::new();
    while slow.stream.get_mut().write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
        let mut some = [0; 500];
        match slow.stream.get_mut().read(&mut some) {
            Ok(0) => break,
            Ok(len) => said.extend_from_slice(&some[..len]),
            Err(_) => {}
        }
    }
    assert!(String::from_utf8_lossy(&said).contains("421 4.4.2"));
    trap.until("the slow one is counted", |trap| trap.refused(Refusal::Time) == 1);
}

#[test]
fn one_address_cannot_take_all_places() {
    let mut trap = Trap::start(|config| config.limits.sessions_per_address = 5);
    let crowd: Vec<_> = (0..30).map(|_| trap.connect()).collect();
    trap.until("the rest is refused", |trap| trap.refused(Refusal::SessionsOfAddress) == 25);
    // From elsewhere there is room.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 9, 8, 7], 0)).into()).unwrap();
    socket.connect(&trap.mail.into()).unwrap();
    let stream: TcpStream = socket.into();
    let mut other = Client { stream: std::io::BufReader::new(stream) };
    assert!(other.mail("mail.example.org", "joe@spam.example").starts_with("250"));
    assert_eq!(trap.sighting().session.client.ip().to_string(), "127.9.8.7");
    drop(crowd);
    trap.until("they are seen", |trap| trap.counts.snapshot().sessions == 6);
    assert!(trap.connect().reply().starts_with("220"));
}

#[test]
fn a_flood_from_many_addresses_is_told_421() {
    let mut trap = Trap::start(|config| {
        config.limits.sessions = 20;
        config.limits.sessions_per_address = 2;
    });
    let from = |n: u8| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&std::net::SocketAddr::from(([127, 1, 0, n], 0)).into()).unwrap();
        socket.connect(&trap.mail.into()).unwrap();
        let stream: TcpStream = socket.into();
        stream.set_read_timeout(Some(crate::trap::PATIENCE)).unwrap();
        Client { stream: std::io::BufReader::new(stream) }
    };
    let mut crowd: Vec<_> = (1..=60).map(from).collect();
    let greetings: Vec<_> = crowd.iter_mut().map(Client::reply).collect();
    let let_in = greetings.iter().filter(|greeting| greeting.starts_with("220")).count();
    let refused = greetings.iter().filter(|greeting| greeting.starts_with("421 4.3.2")).count();
    assert_eq!((let_in, refused), (20, 40));
    assert_eq!(trap.refused(Refusal::Sessions), 40);
    // Those inside go on undisturbed, and their places become free.
    let inside = crowd.iter_mut().find(|_| true).unwrap();
    assert!(inside.say("NOOP").starts_with("250"));
    drop(crowd);
    for _ in 0..20 {
        trap.sighting();
    }
    assert!(trap.connect().reply().starts_with("220"));
}

#[test]
fn who_does_not_read_is_closed() {
    let trap = Trap::start(|config| config.limits.idle_s = 0.5);
    let mut deaf = trap.connect();
    deaf.send("EHLO x\r\n");
    for _ in 0..900 {
        if deaf.stream.get_mut().write_all(b"NOOP\r\n").is_err() {
            break;
        }
    }
    let mut other = trap.connect();
    assert!(other.mail("mail.example.org", "joe@spam.example").starts_with("250"));
    trap.until("it is over", |trap| trap.counts.snapshot().sessions == 2);
}

#[test]
fn garbage_is_answered_or_closed_and_recorded() {
    let mut trap = Trap::start(|_| {});
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\x05\x01\x00",
        b"\x00\x00\x00\x00\r\n",
        b"\xff\xff\xff\xff\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut client = trap.connect();
        client.reply();
        client.send(garbage);
        assert!(client.reply().starts_with("50"), "{}", garbage.escape_ascii());
        drop(client);
        let seen = trap.sighting();
        assert!(seen.session.bytes.0 >= garbage.len() as u64);
    }
}

#[test]
fn stopping_says_so_and_loses_nothing() {
    let mut trap = Trap::start(|_| {});
    let mut client = trap.connect();
    client.reply();
    client.say("EHLO mail.example.org");
    trap.stop();
    assert_eq!(
        client.rest(),
        "421 4.3.2 mx.example.net Service not available, try again later\r\n"
    );
    assert_eq!(trap.sighting().session.end_state, EndState::Truncated);
    trap.stopped();
}

#[test]
fn a_handshake_that_fails_is_a_session() {
    let mut trap = Trap::start(|_| {});
    let mut client = trap.connect();
    client.reply();
    client.say("EHLO mail.example.org");
    assert!(client.say("STARTTLS").starts_with("220"));
    client.send("EHLO in the clear\r\n");
    client.rest();
    let seen = trap.sighting();
    assert!(seen.session.starttls() && seen.hello.is_none());
    assert_eq!(trap.refused(Refusal::Handshake), 1);
    // The next one is served.
    assert!(trap.connect().reply().starts_with("220"));
}

#[test]
fn records_that_grow_end_and_small_ones_go_on() {
    let trap = Trap::start(|config| {
        config.limits.record_bytes = 60_000;
        config.limits.errors = 10_000;
    });
    let mut small = trap.connect();
    small.reply();
    assert!(small.say("EHLO mail.example.org").starts_with("250"));
    let mut large = trap.connect();
    large.reply();
    let mut end = (0..900).map(|_| large.say(&format!("NOOP {}", "x".repeat(60))));
    let last = end.find(|reply| !reply.starts_with("250")).unwrap();
    assert_eq!(
        last,
        "421 4.3.1 mx.example.net Service not available: insufficient system storage\r\n"
    );
    trap.until("it is counted", |trap| trap.refused(Refusal::Records) == 1);
    assert!(small.say("NOOP").starts_with("250"));
    // What the large one held is free again.
    trap.until("there is room", |trap| trap.connect().reply().starts_with("220"));
}
