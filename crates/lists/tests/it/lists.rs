//! Lists that behave, in all their forms, and lists that have ended.

use crate::server::{Reply, Server, a};
use heloscope_lists::{
    Answer, Asker, Asking, CannotAsk, Check, Key, Lists, Outcome, Severity, Target,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A file of lists: name and what is special about it.
pub(crate) fn lists(each: &[(&str, &str)]) -> Lists {
    let mut text = "format = \"heloscope.lists/1\"\n".to_owned();
    for (name, special) in each {
        let zone = format!("zone = \"{name}.test\"\n");
        let test = if special.contains("test =") {
            ""
        } else {
            "test = { listed = [\"127.0.0.2\"], unlisted = \"127.0.0.1\" }\n"
        };
        text.push_str(&format!(
            "[[list]]\nname = \"{name}\"\ntitle = \"{name}\"\n{zone}{test}{special}\n"
        ));
        if !special.contains("for =") {
            text.push_str("for = [\"ip4\", \"ip6\"]\n");
        }
        text.push_str(
            "code = [{ answer = \"127.0.0.4\", kind = \"exploited\", means = \"a bot\" }, { answer = \"127.0.0.10\", \
             kind = \"policy\", means = \"a dynamic range\" }]\n",
        );
    }
    Lists::none().with(&text).unwrap()
}

pub(crate) fn ask_with(server: &Server, lists: Lists, asking: Asking, of: &[&str]) -> Check {
    ask_at(server.address, lists, asking, of)
}

pub(crate) fn ask_at(at: SocketAddr, lists: Lists, asking: Asking, of: &[&str]) -> Check {
    let asking = Asking { resolvers: vec![at], ..asking };
    let asker = Asker::new(lists, asking).unwrap();
    let targets: Vec<Target> = of.iter().map(|t| Target::parse(t, true).unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(asker.ask(&targets))
}

pub(crate) fn quick() -> Asking {
    Asking { timeout: Duration::from_millis(300), ..Asking::default() }
}

pub(crate) fn ask(server: &Server, lists: Lists, of: &[&str]) -> Check {
    ask_with(server, lists, Asking { timeout: Duration::from_secs(5), ..Asking::default() }, of)
}

/// State and reason.
pub(crate) fn told(answer: &Answer) -> String {
    match &answer.outcome {
        Outcome::Listed { found, .. } => {
            let found: Vec<_> = found.iter().map(|f| f.answer.to_string()).collect();
            format!("listed {}", found.join(" "))
        }
        Outcome::Clean { .. } => "clean".to_owned(),
        Outcome::Refused { because, .. }
        | Outcome::Error { because, .. }
        | Outcome::Dead { because } => {
            format!("{}: {because}", answer.outcome.state())
        }
    }
}

#[test]
fn listed_clean_refused_and_dead_side_by_side() {
    let server = Server::start(|name, kind| match (name, kind) {
        // One that behaves.
        ("2.0.0.127.good.test", 1) => a("127.0.0.2"),
        ("99.2.0.192.good.test", 1) => a("127.0.0.10 127.0.0.4"),
        ("99.2.0.192.good.test", 16) => {
            Reply::Txt(vec!["See https://good.test/".into(), "a\nb\u{7}".into()])
        }
        // One that lists nobody we ask for, with NODATA for the test point that is not listed.
        ("2.0.0.127.quiet.test", 1) => a("127.0.0.2"),
        ("1.0.0.127.quiet.test", 1) => Reply::NoData,
        // One that refuses public resolvers.
        (name, 1) if name.ends_with(".public.test") => a("127.255.255.254"),
        // One that lists the world, one that is parked, one whose servers refuse, one that fails.
        (name, 1) if name.ends_with(".world.test") => a("127.0.0.2"),
        (name, 1) if name.ends_with(".parked.test") => a("198.51.100.80"),
        (name, 1) if name.ends_with(".shut.test") => Reply::Rcode(5),
        (name, 1) if name.ends_with(".broken.test") => Reply::Rcode(2),
        // And `gone.test` is nowhere.
        _ => Reply::Nx,
    });
    let names = ["good", "quiet", "public", "world", "parked", "shut", "broken", "gone"];
    let all = lists(&names.map(|n| (n, "")));
    let check = ask(&server, all, &["192.0.2.99", "192.0.2.98"]);
    let of = |target: &str, list: &str| {
        let found = check.answers.iter().find(|a| a.target.to_string() == target && a.list == list);
        found.unwrap_or_else(|| panic!("{target} {list}: {check:#?}"))
    };
    for (list, want) in [
        ("good", "listed 127.0.0.4 127.0.0.10"),
        ("quiet", "clean"),
        ("public", "refused: it answers 127.255.255.254"),
        ("world", "dead: it lists 127.0.0.1"),
        ("parked", "error: it answers 198.51.100.80"),
        ("shut", "refused: its name servers, or the resolver, answer REFUSED"),
        ("broken", "error: the answer was "),
        ("gone", "dead: it does not list its own test point (127.0.0.2)"),
    ] {
        let said = told(of("192.0.2.99", list));
        assert!(said.starts_with(want), "{list}: {said}");
    }
    assert_eq!(told(of("192.0.2.98", "good")), "clean");
    let good = of("192.0.2.99", "good");
    assert_eq!((good.severity(), check.severity()), (Severity::Major, Severity::Major));
    let Outcome::Listed { texts, ttl_s, .. } = &good.outcome else { panic!() };
    assert_eq!(
        (&texts[..], *ttl_s),
        (&["See https://good.test/".to_owned(), "a b".to_owned()][..], 60)
    );
    // The order is that of what was asked, then of the file.
    let order: Vec<_> = check.answers.iter().map(|a| a.list.as_str()).collect();
    assert_eq!(order, [names, names].concat());
}

#[test]
fn a_list_is_asked_about_nobody_before_it_is_believed() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let server = Server::start(move |name, _| {
        noted.lock().unwrap().push(name.to_owned());
        Reply::Nx
    });
    ask(&server, lists(&[("gone", "")]), &["192.0.2.99"]);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    asked.dedup();
    assert_eq!(asked, ["1.0.0.127.gone.test", "2.0.0.127.gone.test"]);
}

#[test]
fn a_resolver_that_answers_everything_is_found_out() {
    let server = Server::start(|_, _| a("203.0.113.80"));
    let check = ask(&server, lists(&[("one", ""), ("two", "")]), &["192.0.2.99"]);
    assert!(
        check
            .resolver_note
            .as_ref()
            .unwrap()
            .contains("answers 203.0.113.80 for names that do not")
    );
    for answer in &check.answers {
        assert_eq!(
            told(answer),
            "error: the resolver answers 203.0.113.80 where there is no such name"
        );
    }
    assert!(!check.is_heard());
}

#[test]
fn ipv6_by_address_and_by_64() {
    let full = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    let net = "5.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    let point = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
    let server = Server::start(move |name, kind| {
        let listed = [
            "2.0.0.127.whole.test".to_owned(),
            "2.0.0.127.wide.test".to_owned(),
            "2.0.0.127.net.test".to_owned(),
            "2.0.0.127.six.test".to_owned(),
            "2.0.0.127.four.test".to_owned(),
            format!("{point}.six.test"),
            format!("{full}.whole.test"),
            format!("{full}.wide.test"),
            format!("{net}.net.test"),
        ];
        if kind == 1 && listed.iter().any(|l| l == name) { a("127.0.0.4") } else { Reply::Nx }
    });
    let six = "test = { listed = [\"127.0.0.2\"], listed6 = [\"::ffff:127.0.0.2\"], unlisted = \"127.0.0.1\" }";
    let all = lists(&[
        ("whole", ""),
        ("wide", "ip6 = { covers = 64 }"),
        ("net", "ip6 = { covers = 64, asks = 64 }"),
        ("six", six),
        ("four", six),
        ("only4", "for = [\"ip4\"]"),
    ]);
    let check = ask(&server, all, &["2001:db8:0:5::1"]);
    let said: Vec<_> = check
        .answers
        .iter()
        .map(|a| format!("{} {} {}", a.list, told(a), a.covers.unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            "whole listed 127.0.0.4 2001:db8:0:5::1/128",
            "wide listed 127.0.0.4 2001:db8:0:5::/64",
            "net listed 127.0.0.4 2001:db8:0:5::/64",
            "six clean 2001:db8:0:5::1/128",
            // It promises a test point of IPv6 and has none: its silence is no acquittal.
            "four dead: it does not list its own test point (127.0.0.2): it has ended, or does not answer this \
             resolver 2001:db8:0:5::1/128",
        ]
    );
}

#[test]
fn a_key_stands_in_the_question_and_nowhere_else() {
    let server = Server::start(|name, kind| match (name, kind) {
        ("2.0.0.127.secret42.keyed.test" | "99.2.0.192.secret42.keyed.test", 1) => a("127.0.0.4"),
        ("99.2.0.192.secret42.keyed.test", 16) => {
            Reply::Txt(vec!["asked as 99.2.0.192.Secret42.keyed.test".into()])
        }
        (name, 1) if name.contains(".wrongkey.keyed.test") => a("127.255.255.251"),
        _ => Reply::Nx,
    });
    let all = || {
        lists(&[("keyed", "key = { zone = \"{key}.keyed.test\", get = \"https://keyed.test/\" }")])
    };
    let with = |key: &str| {
        let keys = BTreeMap::from([("keyed".to_owned(), Key::new(key).unwrap())]);
        ask_with(&server, all(), Asking { keys, ..Asking::default() }, &["192.0.2.99"])
    };
    let check = with("SECRET42");
    assert_eq!(told(&check.answers[0]), "listed 127.0.0.4");
    assert_eq!(check.answers[0].zone.as_deref(), Some("KEY.keyed.test"));
    let said = format!("{check:?} {}", check.to_text(heloscope_model::Time::from_secs(0)));
    assert!(
        !said.to_ascii_lowercase().contains("secret42") && said.contains("KEY.keyed.test"),
        "{said}"
    );
    let wrong = with("wrongkey");
    assert!(
        told(&wrong.answers[0]).starts_with("refused: it answers 127.255.255.251"),
        "{wrong:?}"
    );
    assert!(!format!("{wrong:?}").contains("wrongkey"));
    // Without a key its public zone is asked, as it has one.
    let without = ask(&server, all(), &["192.0.2.99"]);
    assert!(told(&without.answers[0]).starts_with("dead: "), "{without:?}");
}

#[test]
fn what_is_not_asked_is_said() {
    let server = Server::start(|_, _| Reply::Nx);
    let all = || {
        let text = r#"
format = "heloscope.lists/1"
[[list]]
name = "old"
title = "Old"
zone = "old.test"
for = ["ip4"]
status = { is = "dead", since = "2024-06-05", note = "it was shut down" }
[[list]]
name = "paid"
title = "Paid"
for = ["ip4"]
test = { listed = ["127.0.0.2"], unlisted = "127.0.0.1" }
key = { zone = "{key}.paid.test", get = "https://paid.test/" }
"#;
        Lists::none().with(text).unwrap()
    };
    let check = ask(&server, all(), &["192.0.2.99"]);
    assert_eq!(check.answers, []);
    let [paid] = &check.not_asked[..] else { panic!("{check:?}") };
    assert!(paid.because.contains("it needs a key") && paid.because.contains("--key paid=FILE"));
    // Named, a dead list is told to be dead, and still not asked.
    let only = Asking { only: vec!["old".into()], ..Asking::default() };
    let check = ask_with(&server, all(), only, &["192.0.2.99"]);
    assert_eq!(told(&check.answers[0]), "dead: dead since 2024-06-05: it was shut down");
    assert_eq!(server.udp.load(Ordering::Relaxed), 0);
    let bad = |asking: Asking| Asker::new(all(), asking).err().unwrap();
    let none = Asking { only: vec!["none".into()], ..Asking::default() };
    assert!(matches!(bad(none), CannotAsk::NoSuchList(_)));
    let keys = BTreeMap::from([("old".to_owned(), Key::new("abcd").unwrap())]);
    assert!(matches!(bad(Asking { keys, ..Asking::default() }), CannotAsk::TakesNoKey(_)));
}

#[test]
fn domains_and_masks() {
    let server = Server::start(|name, kind| match (name, kind) {
        ("test.point.uri.test", 1) => a("127.0.0.14"),
        ("shop.example.uri.test", 1) => a("127.0.0.6"),
        _ => Reply::Nx,
    });
    let text = r#"
format = "heloscope.lists/1"
[[list]]
name = "uri"
title = "URI"
zone = "uri.test"
for = ["domain"]
bits = true
test = { listed = ["test.point"], unlisted = "example.com" }
code = [
  { answer = "127.0.0.2", name = "black", kind = "advertised", means = "x" },
  { answer = "127.0.0.4", name = "grey", kind = "reputation", means = "y" },
  { answer = "127.0.0.8", name = "red", kind = "reputation", means = "z" },
]
"#;
    let check = ask(&server, Lists::none().with(text).unwrap(), &["shop.example", "192.0.2.1"]);
    let [answer] = &check.answers[..] else { panic!("{check:?}") };
    let names: Vec<_> = answer.found().iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["black", "grey"]);
}
