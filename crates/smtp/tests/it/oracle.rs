//! Against the crate `smtp-proto`: where it accepts a command, we read the same.

use heloscope_model::session::Verb;
use heloscope_smtp::{Limits, Machine, Side};
use proptest::prelude::*;
use smtp_proto::Request;

/// What the oracle makes of a line: the verb, and the path or name.
fn oracle(line: &[u8]) -> Option<(Verb, Option<String>)> {
    let request = Request::parse(&mut line.iter()).ok()?;
    Some(match request {
        Request::Ehlo { host } => (Verb::Ehlo, Some(host.to_string())),
        Request::Helo { host } => (Verb::Helo, Some(host.to_string())),
        Request::Lhlo { host } => (Verb::Lhlo, Some(host.to_string())),
        Request::Mail { from } => (Verb::Mail, Some(from.address.to_string())),
        Request::Rcpt { to } => (Verb::Rcpt, Some(to.address.to_string())),
        Request::Data => (Verb::Data, None),
        Request::Bdat { .. } => (Verb::Bdat, None),
        Request::Rset => (Verb::Rset, None),
        Request::Quit => (Verb::Quit, None),
        Request::Noop { .. } => (Verb::Noop, None),
        Request::StartTls => (Verb::StartTls, None),
        Request::Vrfy { .. } => (Verb::Vrfy, None),
        Request::Expn { .. } => (Verb::Expn, None),
        Request::Help { .. } => (Verb::Help, None),
        Request::Auth { .. } => (Verb::Auth, None),
        _ => return None,
    })
}

fn ours(line: &[u8]) -> (Verb, Option<String>) {
    let mut machine = Machine::new(&Limits::default());
    machine.feed(Side::Client, Default::default(), line);
    let dialogue = machine.finish();
    let command = &dialogue.commands[0];
    let text = match command.verb {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => Some(command.argument().to_string()),
        Verb::Mail | Verb::Rcpt => Some(command.path().to_string()),
        _ => None,
    };
    (command.verb, text)
}

fn cased(word: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(any::<bool>(), word.len()).prop_map(move |upper| {
        let letters = word.chars().zip(upper);
        letters
            .map(|(c, up)| if up { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect()
    })
}

fn command() -> impl Strategy<Value = String> {
    let blank = || prop::sample::select(vec!["", " ", "  ", "\t"]);
    let host = "[a-z0-9\\[\\]:._-]{1,20}";
    let address = "([a-z0-9.+_-]{1,10}@[a-z0-9.-]{1,12}|)";
    prop_oneof![
        (prop_oneof![cased("EHLO"), cased("HELO"), cased("LHLO")], host)
            .prop_map(|(verb, host)| format!("{verb} {host}\r\n")),
        (
            cased("MAIL"),
            cased("FROM"),
            blank(),
            blank(),
            address,
            "( SIZE=[0-9]{1,4}| BODY=8BITMIME)?"
        )
            .prop_map(|(verb, word, a, b, address, parameter)| {
                format!("{verb} {word}{a}:{b}<{address}>{parameter}\r\n")
            }),
        (cased("RCPT"), cased("TO"), blank(), blank(), address)
            .prop_map(|(verb, word, a, b, address)| format!("{verb} {word}{a}:{b}<{address}>\r\n")),
        prop_oneof![
            cased("DATA"),
            cased("RSET"),
            cased("QUIT"),
            cased("NOOP"),
            cased("STARTTLS"),
            cased("HELP")
        ]
        .prop_map(|verb| format!("{verb}\r\n")),
        (cased("AUTH"), prop::sample::select(vec!["PLAIN", "LOGIN"]))
            .prop_map(|(verb, name)| format!("{verb} {name}\r\n")),
        (cased("VRFY"), "[a-z]{1,8}").prop_map(|(verb, name)| format!("{verb} {name}\r\n")),
        "[ -~]{0,30}\r\n",
    ]
}

#[test]
fn the_oracle_accepts_and_agrees() {
    for line in ["EHLO mail.example.org\r\n", "MAIL FROM:<a@example.org> SIZE=10\r\n", "QUIT\r\n"] {
        assert_eq!(oracle(line.as_bytes()).as_ref(), Some(&ours(line.as_bytes())), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn where_the_oracle_accepts_we_read_the_same(line in command()) {
        if let Some(expected) = oracle(line.as_bytes()) {
            prop_assert_eq!(ours(line.as_bytes()), expected, "{}", line.escape_debug());
        }
    }
}
