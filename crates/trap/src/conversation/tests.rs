//! What is answered: documents in `tests/conversations`, and promises that hold for any bytes.

use super::*;
use crate::record::{End, Record, Seen};
use crate::traps::Traps;
use heloscope_model::Sighting;
use heloscope_model::session::EndState;
use heloscope_smtp::Side;
use heloscope_smtp::script::{Turn, parse};
use proptest::prelude::*;
use std::fmt::Write;

fn rules() -> Rules {
    Rules {
        personality: Personality::new("mx.example.net"),
        limits: Limits::default(),
        helocheck: vec!["helocheck@example.net".into()],
        shingle_key: [7; 16],
        body_bytes: 0,
    }
}

/// A session driven by hand: a conversation and its record, fed alike.
struct Talk {
    conversation: Conversation,
    record: Record,
    now: Time,
    closed: Option<Why>,
    said: Vec<u8>,
}

impl Talk {
    fn begin(rules: Rules) -> Self {
        let now = Time::from_secs(1_000_000);
        let client = "192.0.2.7:40000".parse().unwrap();
        let server = "198.51.100.1:25".parse().unwrap();
        let seen = Seen { client, server, syn: None };
        let record = Record::new(&rules.limits, seen, now);
        let conversation = Conversation::new(Arc::new(rules), client.ip(), 1, now);
        let mut talk = Self { conversation, record, now, closed: None, said: Vec::new() };
        talk.go_on();
        talk
    }

    /// Does what is to be done without waiting; until when it would wait.
    fn go_on(&mut self) -> Option<Time> {
        for _ in 0..10_000 {
            match self.conversation.next(self.now) {
                Step::Say(bytes) => {
                    self.record.said(self.now, &bytes);
                    self.said.extend(bytes);
                }
                Step::Listen(until) => return Some(until),
                Step::Secure => {
                    self.record.tls_opened(None);
                    self.conversation.secured(self.now);
                }
                Step::Close(why) => {
                    self.closed = Some(why);
                    return None;
                }
            }
        }
        panic!("it never waits");
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.now = self.now.plus_secs(0.1);
        if self.closed.is_none() {
            self.record.heard(self.now, bytes);
            self.conversation.hear(self.now, bytes);
            self.go_on();
        }
    }

    fn wait(&mut self, secs: f64) {
        self.now = self.now.plus_secs(secs);
        self.go_on();
    }

    /// One trap for mail, and one name that nobody logs in with.
    fn end(mut self) -> Sighting {
        let traps = Traps::parse("spam.example never-used").unwrap();
        let traps = traps.with_logins(["backup".to_owned()]).unwrap();
        self.record.finish(End {
            at: self.now,
            state: if self.closed == Some(Why::Quit) { EndState::Quit } else { EndState::Close },
            tls: None,
            bodies: self.conversation.take_bodies(),
            sensor: "test",
            receiver: &Default::default(),
            traps: &traps,
        })
    }
}

/// What was said since the last time, a line each.
fn lines(said: &mut Vec<u8>) -> Vec<String> {
    let said = String::from_utf8(std::mem::take(said)).unwrap();
    said.split_inclusive('\n').map(|line| line.trim_end_matches(['\r', '\n']).to_owned()).collect()
}

/// `C:` lines are said to the server; what it answers must be the `S:` lines that follow.
/// `@KEY VALUE` lines before them change the rules; `wait S` lets time pass; `@closed WHY` ends.
#[test]
fn documents() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut wrong, mut cases) = (String::new(), 0);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut renewed = text.split("=== ").next().unwrap().to_owned();
        for case in text.split("=== ").skip(1) {
            cases += 1;
            let (title, body) = case.split_once('\n').unwrap();
            let found = play(body);
            if found.trim() != body.trim() {
                writeln!(wrong, "{}: {title}\n{found}", file.display()).unwrap();
            }
            write!(renewed, "=== {title}\n{found}\n").unwrap();
        }
        #[allow(clippy::disallowed_methods)] // a switch for the person who edits the documents
        if std::env::var("UPDATE_CONVERSATIONS").is_ok() {
            std::fs::write(&file, renewed.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(cases > 25, "only {cases} cases found");
    assert!(wrong.is_empty(), "{wrong}");
}

/// The document as it really goes: the client's lines as they are, the server's as it says them.
fn play(body: &str) -> String {
    let (mut rules, mut out) = (rules(), String::new());
    let (settings, turns): (Vec<_>, Vec<_>) =
        body.lines().filter(|l| !l.is_empty()).partition(|l| l.starts_with("@set "));
    for setting in settings {
        let words: Vec<_> = setting.split(' ').collect();
        let number = || words[2].parse::<f64>().unwrap();
        match words[1] {
            "auth" => rules.personality.extensions.auth = true,
            "no-starttls" => rules.personality.extensions.starttls = false,
            "delay" => rules.personality.greeting_delay_s = number(),
            "tarpit" => rules.personality.tarpit_s = number(),
            "errors" => rules.limits.errors = number() as u32,
            "commands" => rules.limits.commands = number() as u32,
            "recipients" => rules.limits.recipients = number() as u32,
            "message-bytes" => rules.limits.message_bytes = number() as u64,
            "session-bytes" => rules.limits.session_bytes = number() as u64,
            "line-bytes" => rules.limits.line_bytes = number() as usize,
            other => panic!("{other}"),
        }
        writeln!(out, "{setting}").unwrap();
    }
    let mut talk = Talk::begin(rules);
    let tell = |talk: &mut Talk, out: &mut String| {
        for line in lines(&mut talk.said) {
            writeln!(out, "S: {line}").unwrap();
        }
        if let Some(why) = talk.closed.take() {
            writeln!(out, "closed {why:?}").unwrap();
        }
    };
    tell(&mut talk, &mut out);
    for turn in turns {
        if turn.starts_with("S:") || turn.starts_with("closed ") {
            continue;
        }
        writeln!(out, "{turn}").unwrap();
        match turn.split_once(' ') {
            Some(("wait", secs)) => talk.wait(secs.parse().unwrap()),
            _ if turn == "full" => talk.conversation.set_full(true),
            _ => match &parse(turn).unwrap()[..] {
                [Turn::Says(Side::Client, bytes)] => talk.hear(bytes),
                other => panic!("{other:?}"),
            },
        }
        tell(&mut talk, &mut out);
    }
    out
}

#[test]
fn recipients_are_answered_alike() {
    let answer = |recipient: &str| {
        let mut talk = Talk::begin(rules());
        talk.hear(b"EHLO x.example\r\nMAIL FROM:<a@example.org>\r\n");
        talk.said.clear();
        talk.hear(format!("RCPT TO:<{recipient}>\r\n").as_bytes());
        (std::mem::take(&mut talk.said), talk.end().traps.len())
    };
    let (trap, traps) = answer("joe@spam.example");
    let (other, none) = answer("joe@example.org");
    assert_eq!((traps, none), (1, 0));
    assert_eq!(trap, other);
}

/// `backup`, who never was, with a password; `joe@spam.example`, a trap that takes mail; `joe`.
#[test]
fn a_log_in_as_nobody_is_noted() {
    let login = |response: &str| {
        let mut rules = rules();
        rules.personality.extensions.auth = true;
        let mut talk = Talk::begin(rules);
        talk.hear(format!("EHLO x\r\nAUTH PLAIN {response}\r\nQUIT\r\n").as_bytes());
        talk.end().trap_login
    };
    assert!(login("AGJhY2t1cABzZWNyZXQ="));
    assert!(!login("AGpvZUBzcGFtLmV4YW1wbGUAc2VjcmV0"));
    assert!(!login("AGpvZQBzZWNyZXQ="));
}

#[test]
fn a_recipient_that_was_refused_is_no_hit() {
    let mut talk = Talk::begin(rules());
    talk.hear(b"EHLO x\r\nRCPT TO:<joe@spam.example>\r\nQUIT\r\n");
    assert!(talk.end().traps.is_empty());
}

#[test]
fn a_dialogue_under_tls_is_recorded_whole() {
    let mut talk = Talk::begin(rules());
    talk.hear(b"EHLO a\r\n");
    talk.hear(b"STARTTLS\r\nEHLO smuggled\r\n");
    talk.hear(b"EHLO b\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<joe@spam.example>\r\nDATA\r\n");
    talk.hear(b"Subject: x\r\n\r\none two three four five\r\n.\r\nQUIT\r\n");
    assert_eq!(talk.closed, Some(Why::Quit));
    let sighting = talk.end();
    let said: Vec<_> =
        sighting.session.dialogue.commands.iter().map(|c| c.raw.to_string()).collect();
    // The smuggled command is recorded, and was not obeyed.
    assert_eq!(said[..3], ["EHLO a\r\n", "STARTTLS\r\n", "EHLO smuggled\r\n"]);
    assert_eq!(sighting.session.dialogue.commands[2].reply, None);
    assert_eq!(said[3], "EHLO b\r\n");
    assert_eq!((sighting.session.messages(), sighting.traps.len()), (1, 1));
    assert_eq!(sighting.bodies[0].0.len(), 2);
    assert!(sighting.session.starttls());
}

#[test]
fn secrets_are_not_kept() {
    let mut rules = rules();
    rules.personality.extensions.auth = true;
    let mut talk = Talk::begin(rules);
    for line in ["EHLO x", "AUTH LOGIN", "bWU=", "c2VjcmV0", "AUTH PLAIN AG1lAHNlY3JldA==", "QUIT"]
    {
        talk.hear(format!("{line}\r\n").as_bytes());
    }
    let dialogue = talk.end().session.dialogue;
    assert_eq!(dialogue.auth.len(), 2);
    assert!(dialogue.auth.iter().all(|auth| auth.user == Some("me".into())));
    let kept = format!("{dialogue:?}");
    assert!(!kept.contains("c2VjcmV0") && !kept.contains("secret") && !kept.contains("AG1l"));
}

#[test]
fn a_clock_that_jumps_back_ends_nothing() {
    let mut talk = Talk::begin(rules());
    talk.hear(b"EHLO x\r\n");
    talk.wait(-86_400.0);
    talk.hear(b"NOOP\r\n");
    assert_eq!(talk.closed, None);
}

/// Bytes that wake most of the machine.
fn speech() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 22] = [
        b"EHLO x.example\r\n",
        b"HELO x\n",
        b"MAIL FROM:<a@example.org>\r\n",
        b"RCPT TO:<joe@spam.example>\r\n",
        b"RCPT TO:<helocheck@example.net>\r\n",
        b"DATA\r\n",
        b"BDAT 5\r\nab\r\nc",
        b"BDAT 3 LAST\r\nabc",
        b"BDAT x\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"\n.\n",
        b"Subject: x\r\n",
        b"AUTH LOGIN\r\n",
        b"AUTH PLAIN x\r\n",
        b"STARTTLS\r\n",
        b"RSET\r\n",
        b"\r\n",
        b"CONNECT mx:25 HTTP/1.0\r\n",
        b"QUIT\r\n",
        b"\x05\x01\x00",
        b"\xff\xfe\0",
    ];
    let piece = proptest::sample::select(&PIECES[..]);
    let any = proptest::collection::vec(any::<u8>(), 0..20);
    let some = prop_oneof![6 => piece.prop_map(<[u8]>::to_vec), 1 => any];
    proptest::collection::vec(some, 0..40).prop_map(|pieces| pieces.concat())
}

/// Every line that is said is a reply line (RFC 5321 4.2): a code, a mark, printable text.
fn assert_replies(said: &[u8]) {
    assert!(said.is_empty() || said.ends_with(b"\r\n"));
    for line in said.split_inclusive(|&b| b == b'\n') {
        let shown = line.escape_ascii();
        assert!(line.len() <= 512 && line.ends_with(b"\r\n"), "{shown}");
        assert!(line[..3].iter().all(u8::is_ascii_digit), "{shown}");
        assert!(matches!(line[3], b' ' | b'-'), "{shown}");
        assert!(line[..line.len() - 2].iter().all(|b| (0x20..0x7f).contains(b)), "{shown}");
    }
}

proptest! {
    #[test]
    fn never_panics_and_always_speaks_smtp(
        bytes in speech(), chunk in 1usize..60, auth: bool, slow: bool, small: bool,
    ) {
        let mut rules = rules();
        rules.personality.extensions.auth = auth;
        if slow {
            (rules.personality.tarpit_s, rules.personality.greeting_delay_s) = (0.3, 2.0);
        }
        if small {
            (rules.limits.line_bytes, rules.limits.commands) = (20, 9);
        }
        let mut talk = Talk::begin(rules);
        for part in bytes.chunks(chunk) {
            talk.hear(part);
        }
        for _ in 0..200 {
            talk.wait(1.0);
        }
        assert_replies(&talk.said);
        let sighting = talk.end();
        let dialogue = &sighting.session.dialogue;
        prop_assert!(dialogue.commands.len() <= 1064);
        heloscope_detect::judge(&sighting.session);
    }

    /// The record's machine and the conversation take the same bytes for the same thing: each
    /// message of the one is a message of the other, with the same answer.
    #[test]
    fn the_record_agrees(bytes in speech(), chunk in 1usize..60) {
        // What comes behind QUIT and (in clear) behind STARTTLS is recorded and not obeyed; another
        // protocol is told so and closed.
        let no_quit = |&byte: &u8| if byte == b'Q' { b'X' } else { byte };
        let bytes: Vec<u8> = b"NOOP\r\n".iter().chain(&bytes).map(no_quit).collect();
        let mut rules = rules();
        rules.limits.errors = 1000;
        rules.personality.extensions.starttls = false;
        let mut talk = Talk::begin(rules);
        for part in bytes.chunks(chunk) {
            talk.hear(part);
        }
        let (messages, said) = (talk.conversation.messages(), talk.said.clone());
        let sighting = talk.end();
        let dialogue = &sighting.session.dialogue;
        let taken = dialogue.messages.iter().filter(|message| {
            dialogue.reply(message.reply).is_some_and(|reply| reply.is_positive())
        });
        let queued = said.windows(9).filter(|w| w == b"queued as").count();
        prop_assert_eq!(messages as usize, queued);
        // A chunk that was refused and is followed by better ones is one refused message there.
        let refused = |c: &heloscope_model::session::Command| {
            c.verb == heloscope_model::session::Verb::Bdat
                && dialogue.reply(c.reply).is_some_and(|reply| reply.is_refusal())
        };
        if !dialogue.commands.iter().any(refused) {
            prop_assert_eq!(messages as usize, taken.count(), "{}", bytes.escape_ascii());
        }
        prop_assert_eq!(sighting.bodies.len(), dialogue.messages.len(), "{}", bytes.escape_ascii());
    }
}
