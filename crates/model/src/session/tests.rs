//! What a session tells about itself, and the contract's JSON form.

use super::*;
use crate::{Place, SourceId};

fn command(verb: Verb, raw: &str) -> Command {
    let len = raw.len() as u32;
    Command { at: Time::default(), verb, raw: raw.into(), len, early: false, reply: None }
}

fn session(dialogue: Dialogue) -> Session {
    Session {
        place: Place::whole(SourceId(0)),
        start: Time::from_secs(1_448_976_600),
        end: Time::from_secs(1_448_976_601),
        client: "192.0.2.7:40000".parse().unwrap(),
        server: "198.51.100.1:25".parse().unwrap(),
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

#[test]
fn paths_as_clients_write_them() {
    for (raw, expected) in [
        ("MAIL FROM:<a@example.org>\r\n", "a@example.org"),
        ("MAIL FROM : <a@example.org> SIZE=3\r\n", "a@example.org"),
        ("mail from:a@example.org\r\n", "a@example.org"),
        ("mail\tfrom:\ta@example.org size=1\n", "a@example.org"),
        ("MAILFROM:<a@example.org>\r\n", "a@example.org"),
        ("MAIL FROM <a@example.org>\r\n", "a@example.org"),
        ("MAIL <a@example.org>\r\n", "a@example.org"),
        ("MAIL FROM:<>\r\n", ""),
        ("MAIL FROM:\r\n", ""),
        ("RCPT TO:<\"a>b\"@example.org> X=<y>\r\n", "\"a>b\"@example.org"),
        (
            "RCPT TO:<@relay.example,@b.example:u@example.org>\r\n",
            "@relay.example,@b.example:u@example.org",
        ),
        ("RCPT TO:<a@example.org NOTIFY=NEVER\r\n", "a@example.org"),
        ("RCPT tom@example.org\r\n", "tom@example.org"),
        ("  RCPT TO:<a@example.org>\r\n", "a@example.org"),
        ("RCPT", ""),
    ] {
        assert_eq!(command(Verb::Rcpt, raw).path().text().0, expected, "{raw:?}");
    }
}

#[test]
fn tried_and_taken_are_different_things() {
    let refused = Reply { at: Time::default(), code: 550, text: "no".into() };
    let taken = Reply { at: Time::default(), code: 250, text: "ok".into() };
    let mut dialogue = Dialogue {
        commands: vec![
            command(Verb::Ehlo, "EHLO mail.example.org\r\n"),
            command(Verb::Mail, "MAIL FROM:<a@example.org>\r\n"),
            command(Verb::Rcpt, "RCPT TO:<refused@example.net>\r\n"),
            command(Verb::Rcpt, "RCPT TO:<taken@example.net>\r\n"),
        ],
        replies: vec![refused, taken],
        ..Dialogue::default()
    };
    for (reply, complete) in [(Some(0), true), (Some(1), false), (None, true), (None, false)] {
        dialogue.messages.push(Message { bytes: 10, reply, complete, ..Message::default() });
    }
    let session = session(dialogue);
    assert_eq!(session.helo(), Some(("EHLO", "mail.example.org".into())));
    assert_eq!(session.mail_from(), ["a@example.org".into()]);
    assert_eq!(session.rcpt_to(), ["refused@example.net".into(), "taken@example.net".into()]);
    assert_eq!((session.messages(), session.message_bytes()), (2, 40));
    assert!(!session.starttls());
}

#[test]
fn a_log_has_messages_but_no_commands() {
    let message = Message {
        from: "a@example.org".into(),
        to: vec!["b@example.net".into()],
        ..Message::default()
    };
    let session = session(Dialogue { messages: vec![message], ..Dialogue::default() });
    assert_eq!(session.mail_from(), ["a@example.org".into()]);
    assert_eq!(session.rcpt_to(), ["b@example.net".into()]);
}

#[test]
fn json_has_the_contracts_keys_in_its_order() {
    let session = session(Dialogue {
        greeting: Some(Reply { at: Time::default(), code: 220, text: "mx.example.net".into() }),
        commands: vec![command(Verb::Helo, "HELO [127.0.0.1]\r\n")],
        replies: vec![Reply { at: Time::default(), code: 250, text: "hi".into() }],
        ..Dialogue::default()
    });
    let text = serde_json::to_string(&json::line(&session, &["x"])).unwrap();
    assert_eq!(
        text,
        r#"{"format":"heloscope.session/1","start":"2015-12-01T13:30:00Z","end":"2015-12-01T13:30:01Z","client":"192.0.2.7","client_port":40000,"server":"198.51.100.1","server_port":25,"helo_verb":"HELO","helo":"[127.0.0.1]","mail_from":[],"rcpt_to":[],"messages":0,"bytes":0,"starttls":false,"replies":[{"code":220,"text":"mx.example.net"},{"code":250,"text":"hi"}],"end_state":"close","detections":["x"]}"#
    );
}

#[test]
fn json_says_where_bytes_were_replaced() {
    let mut helo = command(Verb::Helo, "");
    helo.raw = Octets::new(b"HELO caf\xe9\r\n");
    let mut session = session(Dialogue {
        commands: vec![helo],
        replies: vec![Reply { at: Time::default(), code: 250, text: Octets::new(b"\xff") }],
        ..Dialogue::default()
    });
    session.inside = Some("192.168.1.23:1025".parse().unwrap());
    session.proxy = Some(Proxied { protocol: "CONNECT", target: "mx.example.net:25".into() });
    let value = serde_json::to_value(json::line::<()>(&session, &[])).unwrap();
    assert_eq!(value["helo"], "caf\u{e9}");
    assert_eq!(value["lossy"], true);
    assert_eq!(
        value["replies"][0],
        serde_json::json!({"code": 250, "text": "\u{ff}", "lossy": true})
    );
    assert_eq!((&value["inside"], &value["inside_port"]), (&"192.168.1.23".into(), &1025.into()));
    assert_eq!(
        value["proxy"],
        serde_json::json!({"protocol": "CONNECT", "target": "mx.example.net:25"})
    );
}

#[test]
fn json_without_a_helo_says_null() {
    let value = serde_json::to_value(json::line::<()>(&session(Dialogue::default()), &[])).unwrap();
    assert!(value["helo"].is_null() && value["helo_verb"].is_null());
    assert!(value.get("inside").is_none() && value.get("lossy").is_none());
}
