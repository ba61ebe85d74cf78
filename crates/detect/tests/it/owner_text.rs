//! Whatever a client says and wherever it says it: the owner's words name nobody of the envelope, no
//! trap, no name of a log-in.

use crate::session::sightings;
use heloscope_detect::{Dialects, Surroundings, judge_sighting};
use proptest::prelude::*;

const NAMES: [&str; 4] =
    ["anna@example.org", "joe@spam.example", "o'neill@x.example", "ADMIN@Y.example"];

/// A name of the envelope where only other things belong.
fn misplaced() -> impl Strategy<Value = Vec<String>> {
    let name = || prop::sample::select(&NAMES[..]);
    prop::collection::vec(
        prop_oneof![
            name().prop_map(|n| format!("C: EHLO {n}\nS: 250 mx")),
            name().prop_map(|n| format!("C: helo x{}\nS: 501 no", n.to_uppercase())),
            name().prop_map(|n| format!("C: {n}\nS: 500 what")),
            name().prop_map(|n| format!("C: VRFY {n}\nS: 252 ok")),
            name().prop_map(|n| format!("C: CONNECT {n}:25 HTTP/1.0\nS: 500 what")),
            name().prop_map(|n| format!("C: From: {n}\nS: 500 what")),
            name().prop_map(|n| format!(
                "C: DATA\nS: 354 go\nC: X-Mailer: Microsoft Outlook Express 6.0 {n}\n\
                 C: Message-ID: <{n}>\nC:\nC: hi\nC: .\nS: 250 ok"
            )),
            name().prop_map(|n| format!(
                "C: MAIL FROM:<{n}>\nS: 250 ok\nC: RCPT TO:<{n}>\nS: 250 ok"
            )),
            name().prop_map(|n| format!("C: RCPT TO:<{n}>\nS: 550 5.1.1 who")),
        ],
        0..10,
    )
}

proptest! {
    #[test]
    fn it_names_nobody(turns in misplaced(), early in any::<bool>()) {
        let mut case = "@trap joe@spam.example\n@trap-login\n@syn linux\n".to_owned();
        if early {
            case += "C: EHLO joe@spam.example\n";
        }
        case += if early { "S: 220 mx.example.net\nS: 250 mx\n" } else { "S: 220 mx.example.net\n" };
        // All of them belong to the envelope in the end.
        for name in NAMES {
            case += &format!("C: MAIL FROM:<{name}>\nS: 250 ok\nC: RCPT TO:<{name}>\nS: 250 ok\nC: RSET\nS: 250 ok\n");
        }
        case += "C: AUTH PLAIN AGpvZUBzcGFtLmV4YW1wbGUAc2VjcmV0\nS: 535 no\n";
        case += &turns.join("\n");
        let sighting = sightings(&case).remove(0);
        let found = judge_sighting(&sighting, &Surroundings::default(), &Dialects::default());
        prop_assert!(found.iter().any(|d| d.detector == "auth-guessing" && d.class == 'A'));
        for detection in found {
            let text = detection.owner.as_str().to_ascii_lowercase();
            for name in NAMES {
                prop_assert!(!text.contains(&name.to_ascii_lowercase()), "{}: {text}", detection.detector);
            }
        }
    }
}
