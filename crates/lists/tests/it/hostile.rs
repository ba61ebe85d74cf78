//! Servers that are slow, silent, too large or hostile: an outcome each, in bounded time, and the other lists are not
//! kept waiting.

use crate::lists::{ask, ask_at, ask_with, lists, quick, told};
use crate::server::{Reply, Server, a};
use heloscope_lists::Asking;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[test]
fn what_does_not_fit_udp_is_asked_by_tcp() {
    let server = Server::start(|name, kind| match (name, kind) {
        ("2.0.0.127.big.test", 1) => Reply::Truncated(Box::new(a("127.0.0.2"))),
        ("99.2.0.192.big.test", 1) => Reply::Truncated(Box::new(a("127.0.0.4"))),
        ("99.2.0.192.big.test", 16) => {
            Reply::Truncated(Box::new(Reply::Txt(vec!["x".repeat(5_000)])))
        }
        _ => Reply::Nx,
    });
    let check = ask(&server, lists(&[("big", "")]), &["192.0.2.99"]);
    assert_eq!(told(&check.answers[0]), "listed 127.0.0.4");
    assert_eq!(server.tcp.load(Ordering::Relaxed), 3);
    let heloscope_lists::Outcome::Listed { texts, .. } = &check.answers[0].outcome else {
        panic!()
    };
    assert_eq!(texts[0].len(), 1_000, "cut to what a person reads");
}

#[test]
fn a_silent_list_ends_in_time_and_a_slow_one_is_heard() {
    let server = Server::start(|name, kind| match (name, kind) {
        (name, _) if name.ends_with(".silent.test") => Reply::Silence,
        ("2.0.0.127.half.test", 1) => a("127.0.0.2"),
        ("99.2.0.192.half.test", 1) => Reply::Silence,
        ("2.0.0.127.slow.test" | "99.2.0.192.slow.test", 1) => {
            Reply::After(200, Box::new(a("127.0.0.4")))
        }
        ("2.0.0.127.good.test", 1) => a("127.0.0.2"),
        _ => Reply::Nx,
    });
    #[allow(clippy::disallowed_methods)] // a bound on waiting
    let begun = Instant::now();
    let all = lists(&[("silent", ""), ("half", ""), ("slow", ""), ("good", "")]);
    let check = ask_with(&server, all, quick(), &["192.0.2.99"]);
    let said: Vec<_> = check.answers.iter().map(told).collect();
    assert_eq!(
        said,
        ["error: no answer in time", "error: no answer in time", "listed 127.0.0.4", "clean"]
    );
    // Two questions after each other, each at most three times 300 ms.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn questions_at_once_are_bounded() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (now.clone(), most.clone());
    let server = Server::start(move |name, _| {
        highest.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        counted.fetch_sub(1, Ordering::SeqCst);
        if name.starts_with("2.0.0.127") { a("127.0.0.2") } else { Reply::Nx }
    });
    let names: Vec<String> = (0..30).map(|i| format!("l{i}")).collect();
    let each: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    let asking = Asking { at_once: 4, timeout: Duration::from_secs(5), ..Asking::default() };
    let check = ask_with(&server, lists(&each), asking, &["192.0.2.99"]);
    assert_eq!(check.count("clean"), 30, "{check:?}");
    let most = most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} at once");
}

/// A positive test point that behaves, and an answer about the target that does not.
fn after_belief(reply: Reply) -> String {
    let server = Server::start(move |name, kind| match (name, kind) {
        ("2.0.0.127.bad.test", 1) => a("127.0.0.2"),
        ("1.0.0.127.bad.test", 1) => Reply::Nx,
        _ => reply.clone(),
    });
    told(&ask_with(&server, lists(&[("bad", "")]), quick(), &["192.0.2.99"]).answers[0])
}

#[test]
fn hostile_answers_are_outcomes() {
    let many = (0..200).map(|i| Ipv4Addr::new(127, 0, 1, i)).collect();
    let many = Reply::Truncated(Box::new(Reply::A(many)));
    assert_eq!(after_belief(many), "error: it answers 200 addresses, which no list does");
    assert!(after_belief(a("127.0.0.4 127.255.255.255")).starts_with("refused: "));
    assert!(after_belief(a("0.0.0.0")).starts_with("error: it answers 0.0.0.0"));
    assert!(after_belief(a("255.255.255.255")).starts_with("error: it answers 255.255.255.255"));
    for code in [1, 2, 4, 9] {
        let said = after_belief(Reply::Rcode(code));
        assert!(said.starts_with("error: the answer was "), "{code}: {said}");
    }
    // An answer section that is cut off; a name that points at itself; a header alone; nothing at all.
    let question = b"\x0299\x012\x010\x03192\x03bad\x04test\x00\x00\x01\x00\x01";
    let head = |answers: u8| vec![0x85, 0x80, 0, 1, 0, answers, 0, 0, 0, 0];
    let looped = [
        &head(1),
        &question[..],
        b"\xc0\x25\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x04",
    ]
    .concat();
    let cut =
        [&head(9), &question[..], b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\xff\x7f"].concat();
    for (what, raw) in [("looped", looped), ("cut", cut), ("head", head(1)), ("nothing", vec![])] {
        let said = after_belief(Reply::Raw(raw));
        assert!(said.starts_with("error: "), "{what}: {said}");
    }
    // Words with a key-like, a huge and a control-laden text are words, bounded.
    let server = Server::start(|name, kind| match (name, kind) {
        ("1.0.0.127.talk.test", 1) => Reply::Nx,
        (_, 1) => a("127.0.0.4"),
        _ => Reply::Txt((0..40).map(|i| format!("{i}\u{1b}[31m{}", "y".repeat(900))).collect()),
    });
    let check = ask(&server, lists(&[("talk", "")]), &["192.0.2.99"]);
    let heloscope_lists::Outcome::Listed { texts, .. } = &check.answers[0].outcome else {
        panic!()
    };
    assert!(texts.len() <= 8 && texts.iter().all(|t| !t.contains('\u{1b}')), "{texts:?}");
}

#[test]
fn nobody_at_the_resolvers_address() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let check = ask_at(address, lists(&[("one", "")]), quick(), &["192.0.2.99"]);
    assert!(told(&check.answers[0]).starts_with("error: "), "{check:?}");
    assert!(!check.is_heard());
}
