//! What is remembered of an address, and what is not.

use crate::session::sightings;
use heloscope_detect::History;
use heloscope_model::Time;
use proptest::prelude::*;

/// A session of one recipient, answered so.
fn mail(helo: &str, from: &str, to: &str, answer: &str) -> String {
    format!(
        "S: 220 mx\nC: EHLO {helo}\nS: 250 mx\nC: MAIL FROM:<{from}>\nS: 250 ok\n\
         C: RCPT TO:<{to}>\nS: {answer}\nC: QUIT\nS: 221 bye\n"
    )
}

/// The sessions of a case, noted.
fn noted(case: &str) -> History {
    let mut history = History::default();
    for sighting in sightings(case) {
        history.note(&sighting, None, None);
    }
    history
}

#[test]
fn only_what_was_refused_for_now_and_comes_later_is_a_retry() {
    let first = |answer: &str| mail("mx.example.org", "a@example.org", "b@example.net", answer);
    let again = first("250 ok");
    for (answer, pause, second, retries, given_up) in [
        ("451 later", 900, &again, 1, 0),
        ("451 later", 59, &again, 0, 1),
        ("550 no", 900, &again, 0, 0),
        ("250 ok", 900, &again, 0, 0),
        (
            "451 later",
            900,
            &mail("mx.example.org", "a@example.org", "c@example.net", "250 ok"),
            0,
            1,
        ),
        // Case of letters is nothing to a queue; a retry that is refused again still is one.
        (
            "451 later",
            900,
            &mail("mx.example.org", "A@example.org", "B@example.net", "450 x"),
            1,
            1,
        ),
    ] {
        let history = noted(&format!("{}@then {pause}\n{second}", first(answer)));
        assert_eq!(history.voices.len(), 1, "{answer} {pause}");
        assert_eq!(history.voices[0].retries, retries, "{answer} {pause}");
        let at = Time::from_secs(10_000);
        assert_eq!(history.given_up(at, 3600.0), given_up, "{answer} {pause}");
    }
}

#[test]
fn content_that_was_refused_for_now_is_a_reason_to_come_again() {
    let data = "S: 220 mx\nC: EHLO mx.example.org\nS: 250 mx\nC: MAIL FROM:<a@example.org>\nS: 250 ok\n\
                C: RCPT TO:<b@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\nC: Subject: x\nC:\nC: x\nC: .\n\
                S: ANSWER\nC: QUIT\nS: 221 bye\n";
    let case = format!(
        "{}@then 900\n{}",
        data.replace("ANSWER", "451 later"),
        data.replace("ANSWER", "250 ok")
    );
    assert_eq!(noted(&case).voices[0].retries, 1);
}

#[test]
fn speakers_are_told_apart_by_name_manner_and_stack() {
    let mut case = mail("mx.example.org", "", "b@example.net", "250 ok");
    case += &format!(
        "@then\n@syn linux\n{}",
        mail("mx.example.org", "a@x.example", "b@y.example", "250 ok")
    );
    case += &format!(
        "@then\n@syn windows\n{}",
        mail("mx.example.org", "a@x.example", "b@y.example", "250 ok")
    );
    case += &format!("@then\n{}", mail("MX.Example.org", "", "b@example.net", "250 ok"));
    case += &format!(
        "@then 86400\n{}",
        mail("other.example.org", "a@x.example", "b@y.example", "250 ok")
    );
    let history = noted(&case);
    assert_eq!((history.sessions, history.days, history.voices.len()), (5, 2, 4));
    let first = &history.voices[0];
    assert_eq!((first.sessions, first.bounces, first.who.helo.as_str()), (2, 2, "mx.example.org"));
    assert_eq!(history.last.unwrap().since(history.first.unwrap()), 3.0 * 600.0 + 86_400.0);
}

#[test]
fn recipients_are_counted_by_what_was_said_of_them() {
    let answers =
        ["250 ok", "550 5.1.1 who?", "550 no such user", "550 5.7.1 blocked", "451 later"];
    let case: Vec<_> =
        answers.map(|answer| mail("mx.example.org", "a@x.example", "b@y.example", answer)).into();
    assert_eq!(noted(&case.join("@then\n")).recipients, (1, 2));
}

#[test]
fn the_speaker_that_was_silent_longest_makes_room() {
    let words: Vec<_> = (0..100).map(|n| format!("h{n}.example")).collect();
    let history = noted(&format!(
        "@each {}\n{}",
        words.join(" "),
        mail("%", "a@x.example", "b@y.example", "250 ok")
    ));
    assert_eq!((history.sessions, history.voices.len()), (100, 64));
    assert!(history.voices.iter().all(|voice| voice.who.helo != "h35.example"));
    assert!(history.voices.iter().any(|voice| voice.who.helo == "h36.example"));
}

#[test]
fn it_is_written_down_without_envelopes_and_read_again() {
    let login = "S: 220 mx\nC: EHLO x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AGpvZUBleGFtcGxlLm9yZwBzZWNyZXQ=\n\
                 S: 535 no\nC: QUIT\nS: 221 bye\n";
    let refused = mail("mx.example.org", "anna@example.org", "joe@spam.example", "451 later");
    let history = noted(&format!("{refused}@then\n{login}"));
    let text = serde_json::to_string(&history).unwrap();
    for name in ["anna", "joe", "spam.example", "example.org\"@", "secret"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
    // What is older than a field is read as if nothing had been seen.
    assert_eq!(serde_json::from_str::<History>("{}").unwrap(), History::default());
}

proptest! {
    #[test]
    fn it_stays_small(helos in prop::collection::vec("[a-z.]{1,300}", 1..150), code in 200..600u16) {
        let mut history = History::default();
        for helo in &helos {
            let case = mail(helo, "a@x.example", "b@y.example", &format!("{code} x"));
            history.note(&sightings(&case)[0], None, None);
        }
        prop_assert!(serde_json::to_string(&history).unwrap().len() < 64 * 1024);
    }
}
