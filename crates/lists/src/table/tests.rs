//! The shipped file, and what is refused of others.

use super::*;
use proptest::prelude::*;

const ONE: &str = r#"
format = "heloscope.lists/1"
[[list]]
name = "one"
title = "One"
zone = "bl.example.org"
for = ["ip4"]
test = { listed = ["127.0.0.2"], unlisted = "127.0.0.1" }
code = [ { answer = "127.0.0.2", kind = "exploited", means = "a bot" } ]
"#;

#[test]
fn the_shipped_lists_are_whole() {
    let lists = Lists::shipped().unwrap();
    let live = lists.iter().filter(|l| l.status == Status::Live).count();
    let dead = lists.iter().filter(|l| matches!(l.status, Status::Dead(..))).count();
    assert!(live >= 20 && dead >= 10, "{live} live, {dead} dead");
    for list in lists.iter() {
        assert!(!list.source.is_empty(), "{}: where are its facts from?", list.name);
        if list.status == Status::Live {
            assert!(!list.codes.is_empty(), "{}", list.name);
            assert!(list.look_up.is_some(), "{}", list.name);
        }
    }
    let zen = lists.get("spamhaus-zen").unwrap();
    let name = |answer: &str| zen.codes_of(answer.parse().unwrap()).next().map(|c| c.name.as_str());
    assert_eq!(name("127.0.0.4"), Some("Spamhaus XBL"));
    assert_eq!(name("127.0.0.10"), Some("Spamhaus PBL"));
    assert_eq!(name("127.255.255.254"), None);
    assert_eq!(zen.ip6_covers, 64);
    assert!(
        matches!(lists.get("sorbs").unwrap().status, Status::Dead(Some(ref d), _) if d == "2024-06-05")
    );
}

#[test]
fn a_file_of_ones_own_replaces_adds_and_drops() {
    let lists = Lists::shipped().unwrap();
    let before = lists.iter().count();
    let lists = lists.with(ONE).unwrap();
    assert_eq!(lists.iter().count(), before + 1);
    let changed = ONE.replace("bl.example.org", "other.example.org");
    let lists = lists.with(&changed).unwrap();
    assert_eq!(lists.get("one").unwrap().zone.as_deref(), Some("other.example.org"));
    let lists = lists.with("format = \"heloscope.lists/1\"\ndrop = [\"one\", \"psbl\"]\n").unwrap();
    assert_eq!(lists.iter().count(), before - 1);
}

#[test]
fn what_is_wrong_is_refused_with_the_reason() {
    for (from, to, word) in [
        ("heloscope.lists/1", "heloscope.lists/2", "is not"),
        ("title = \"One\"", "title = \"One\"\ncolour = \"red\"", "unknown field"),
        ("means = \"a bot\"", "means = \"a bot\", color = 1", "unknown field"),
        ("zone = \"bl.example.org\"\n", "", "neither a zone"),
        ("bl.example.org", "bl..org", "is no zone"),
        ("[\"ip4\"]", "[]", "`for` is empty"),
        ("[\"ip4\"]", "[\"ip5\"]", "unknown variant"),
        ("listed = [\"127.0.0.2\"], ", "", "needs a test point"),
        (", unlisted = \"127.0.0.1\"", "", "needs a test point"),
        ("answer = \"127.0.0.2\"", "answer = \"192.0.2.1\"", "127.0.0.0/8"),
        ("answer = \"127.0.0.2\"", "answer = \"127.255.255.254\"", "never a listing"),
        ("answer = \"127.0.0.2\"", "answer = \"127.*.*.*\"", "never a listing"),
        (
            "} ]",
            "}, { answer = \"127.0.0.1-9\", kind = \"policy\", means = \"x\" } ]",
            "two meanings",
        ),
        (
            "} ]",
            "} ]\nrefusal = [ { answer = \"127.0.0.2\", means = \"x\", remedy = \"y\" } ]",
            "both a code",
        ),
        ("name = \"one\"", "name = \"Two Words\"", "a name is"),
        ("\"a bot\"", "\"\"", "is empty"),
        (
            "title = \"One\"",
            "title = \"One\"\nkey = { zone = \"x.example\", get = \"https://x\" }",
            "no {key}",
        ),
        ("title = \"One\"", "title = \"One\"\nip6 = { covers = 63 }", "prefix lengths"),
        ("title = \"One\"", "title = \"One\"\nlook_up = \"javascript:x\"", "no web address"),
        (
            "title = \"One\"",
            "title = \"One\"\nbits = true\nremoval = \"https://x\\ny\"",
            "more than one line",
        ),
    ] {
        assert!(ONE.contains(from), "{from}");
        let said = Lists::none().with(&ONE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(said.contains(word), "{to}: {said}");
    }
    let twice = ONE.to_owned() + ONE.split_once('\n').unwrap().1.split_once('\n').unwrap().1;
    assert!(Lists::none().with(&twice).unwrap_err().to_string().contains("twice"));
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}", at in 0..ONE.len(), word in "\\PC{0,12}") {
        drop(Lists::none().with(&text));
        let mut changed = ONE.to_owned();
        if changed.is_char_boundary(at) {
            changed.insert_str(at, &word);
        }
        drop(Lists::none().with(&changed));
    }
}
