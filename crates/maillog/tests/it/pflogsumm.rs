//! Our numbers beside pflogsumm's on the same logs. `messages` less `beyond.messages` must be
//! its numbers, and the sizes and different addresses too. Runs where pflogsumm is installed.

use crate::collect::utc;
use crate::corpus;
use crate::generate::{Generator, Shape};
use heloscope_maillog::{Summarizer, Summary};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// pflogsumm's grand totals by their words; `None` where it is not installed.
fn pflogsumm(log: &[u8]) -> Option<BTreeMap<String, (u64, char)>> {
    let program = ["/usr/sbin/pflogsumm", "/usr/bin/pflogsumm"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    let Some(program) = program else {
        println!("skipped: no pflogsumm");
        return None;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(log).unwrap();
    let run = Command::new(program)
        .args(["--detail", "0"])
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(run.status.success());
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let mut totals = BTreeMap::new();
    for line in text.lines().take_while(|line| !line.starts_with("Per-")) {
        let mut words = line.split_whitespace();
        let Some((number, unit)) = words.next().and_then(scaled) else { continue };
        let rest: Vec<_> = words.collect();
        let name = rest.join(" ");
        if let Some((name, deferrals)) = name.split_once(" (").filter(|(n, _)| *n == "deferred") {
            let deferrals = scaled(deferrals.split_whitespace().next().unwrap()).unwrap();
            totals.insert("deferrals".into(), deferrals);
            totals.insert(name.into(), (number, unit));
        } else {
            let name = name.split(" (").next().unwrap().to_string();
            totals.insert(name, (number, unit));
        }
    }
    Some(totals)
}

/// `522k` as (522, 'k').
fn scaled(word: &str) -> Option<(u64, char)> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = word[digits.len()..].chars().next().unwrap_or(' ');
    digits.parse().ok().map(|n| (n, unit))
}

fn ours(log: &[u8], threads: usize) -> Summary {
    let mut summarizer = Summarizer::new().with_threads(threads);
    summarizer.read(&mut &*log, &utc(2026), None);
    summarizer.summary()
}

fn compare(what: &str, log: &[u8]) -> Option<Summary> {
    let theirs = pflogsumm(log)?;
    let summary = ours(log, 1);
    let (m, b) = (summary.messages, summary.beyond.messages);
    for (name, number) in [
        ("received", m.received - b.received),
        ("delivered", m.delivered - b.delivered),
        ("forwarded", m.forwarded - b.forwarded),
        ("deferred", m.deferred - b.deferred),
        ("deferrals", m.deferrals - b.deferrals),
        ("bounced", m.bounced - b.bounced),
        ("rejected", m.rejected - b.rejected),
        ("held", m.held - b.held),
        ("discarded", m.discarded - b.discarded),
        ("bytes received", summary.bytes.received),
        ("bytes delivered", summary.bytes.delivered),
        ("senders", summary.senders),
        ("recipients", summary.recipients),
    ] {
        // Sizes and addresses are of the same lines only where both count the same lines.
        let of_lines = name.starts_with("bytes") || name == "senders" || name == "recipients";
        if of_lines && (b.received, b.delivered) != (0, 0) {
            continue;
        }
        let (theirs, unit) = theirs.get(name).copied().unwrap_or((0, ' '));
        let number = match unit {
            'k' => number / 1024,
            'm' => number / (1024 * 1024),
            _ => number,
        };
        assert_eq!(number, theirs, "{what}: {name} ({unit})");
    }
    println!(
        "{what}: {} lines agree; beyond: {:?}",
        log.split(|&b| b == b'\n').count(),
        summary.beyond.reasons
    );
    Some(summary)
}

fn generated(shape: Shape) -> Vec<u8> {
    let mut log = Vec::new();
    Generator::new(shape).write(&mut log).unwrap();
    log
}

#[test]
fn generated_logs_agree() {
    for shape in [
        Shape { days: 3, stories_a_day: 2000, ..Shape::default() },
        Shape { days: 2, stories_a_day: 1500, long_ids: false, seed: 7, ..Shape::default() },
        Shape { days: 2, stories_a_day: 1500, iso: true, seed: 9, ..Shape::default() },
    ] {
        let log = generated(shape.clone());
        let Some(summary) = compare(&format!("{shape:?}"), &log) else { return };
        assert!(summary.messages.received > 1000 && summary.messages.deferrals > 50);
        assert!(summary.messages.held > 0 && summary.messages.discarded > 0);
        assert_eq!(summary.beyond.reasons, []);
    }
}

#[test]
fn threads_count_the_same() {
    let log = generated(Shape { days: 2, stories_a_day: 4000, seed: 3, ..Shape::default() });
    assert!(log.len() > 8 << 20, "several blocks: {}", log.len());
    let one = ours(&log, 1);
    assert_eq!(ours(&log, 2), one);
    assert_eq!(ours(&log, 3), one);
}

#[test]
fn logs_of_the_corpus_agree() {
    if let Some(path) = corpus::find("logs/fail2ban/postfix") {
        compare("fail2ban", &std::fs::read(path).unwrap());
    }
    let Some(files) = corpus::untar("logs/crowdsec/crowdsec-mail-tests.tar.xz") else { return };
    for (path, log) in files {
        if path.ends_with(".log") && path.contains("postfix") {
            compare(&path, &log);
        }
    }
    let Some(files) = corpus::untar("logs/whyscream/whyscream-tests.tar.xz") else { return };
    let mut log = String::new();
    for (path, text) in files {
        log.push_str(&crate::whyscream::line_of(&path, &String::from_utf8_lossy(&text)));
    }
    compare("whyscream", log.as_bytes());
}

/// Every line that we count and pflogsumm does not, one of each reason, and that it is told.
#[test]
fn differences_are_explained() {
    let line = |tag: &str, text: &str| format!("Nov 24 03:40:01 mx {tag}[1]: {text}\n");
    let to = "AAAAAA1: to=<a@example.org>, relay=local, delay=1, delays=1/0/0/0, dsn=2.0.0, status";
    let fields = "from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<c>";
    for (reason, log, expected) in [
        ("instance", line("postfix-out/smtpd", "AAAAAA1: client=a[192.0.2.1]"), [1, 0, 0, 0, 0]),
        ("service", line("postfix/10025/smtpd", "AAAAAA1: client=a[192.0.2.1]"), [1, 0, 0, 0, 0]),
        (
            "service",
            line(
                "postfix/submissions/smtpd",
                &format!("NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 no; {fields}"),
            ),
            [0, 0, 0, 1, 0],
        ),
        (
            "fields",
            line(
                "postfix/smtp",
                "AAAAAA1: to=<a@example.org>, relay=a[192.0.2.1]:25, delay=1, delays=1/0/0/0, tls=may, dsn=2.0.0, status=sent (250 ok)",
            ),
            [0, 1, 0, 0, 0],
        ),
        (
            "fields",
            line(
                "postfix/local",
                &to.replace("<a@example.org>", "a@example.org")
                    .replace("status", "status=deferred (x)"),
            ),
            [0, 0, 1, 0, 0],
        ),
        (
            "milters",
            line(
                "postfix/smtpd",
                &format!(
                    "NOQUEUE: milter-reject: RCPT from a[192.0.2.1]: 451 4.7.1 Later; {fields}"
                ),
            ),
            [0, 0, 0, 1, 0],
        ),
        (
            "milters",
            line(
                "postfix/smtpd",
                &format!("AAAAAA1: milter-hold: RCPT from a[192.0.2.1]: 451 4.7.1 Later; {fields}"),
            ),
            [0, 0, 0, 0, 1],
        ),
        (
            "cleanup",
            line(
                "postfix/cleanup",
                &format!(
                    "AAAAAA1: reject: mime-error improper use of 8-bit data from a[192.0.2.1]; {fields}"
                ),
            ),
            [0, 0, 0, 1, 0],
        ),
        (
            "repeated",
            line(
                "postfix/smtpd",
                &format!(
                    "message repeated 2 times: [ NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 no; {fields}]"
                ),
            ),
            [0, 0, 0, 2, 0],
        ),
    ] {
        let summary = ours(log.as_bytes(), 1);
        let m = summary.messages;
        let counts = [m.received, m.delivered, m.deferrals, m.rejected, m.held];
        assert_eq!(counts, expected, "{log}");
        let [(words, lines)] = summary.beyond.reasons.as_slice() else { panic!("{log}") };
        assert!(words.contains(reason), "{words}: {log}");
        assert_eq!(*lines, counts.iter().sum::<u64>());
        compare(reason, log.as_bytes());
    }
}

/// pflogsumm takes a short queue id that comes again for the mail it was before: it adds neither
/// its size nor its sender, and a second deferral under it is no second message. We follow mails,
/// not ids. This is the one difference that `beyond` cannot count, because it would have to
/// remember every id there ever was.
#[test]
fn used_ids_are_mails_of_their_own() {
    let mut log = String::new();
    for n in 1..=2 {
        log += &format!(
            "Nov 24 0{n}:40:01 mx postfix/smtpd[1]: AAAAAA1: client=a[192.0.2.1]\n\
             Nov 24 0{n}:40:02 mx postfix/qmgr[1]: AAAAAA1: from=<a{n}@example.org>, size=10, nrcpt=1 (queue active)\n\
             Nov 24 0{n}:40:03 mx postfix/smtp[1]: AAAAAA1: to=<b@example.org>, relay=none, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (x)\n\
             Nov 24 0{n}:40:04 mx postfix/qmgr[1]: AAAAAA1: removed\n"
        );
    }
    let summary = ours(log.as_bytes(), 1);
    assert_eq!((summary.messages.deferred, summary.bytes.received, summary.senders), (2, 20, 2));
    if let Some(theirs) = pflogsumm(log.as_bytes()) {
        assert_eq!(theirs["deferred"].0, 1);
        assert_eq!(theirs["bytes received"].0, 10);
        assert_eq!(theirs["senders"].0, 1);
    }
}

#[test]
fn the_contract_s_shape() {
    let log = generated(Shape { days: 1, stories_a_day: 200, ..Shape::default() });
    let summary = ours(&log, 1);
    let json = serde_json::to_value(&summary).unwrap();
    let keys = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&json),
        ["format", "first", "last", "messages", "bytes", "senders", "recipients", "top"]
    );
    assert_eq!(
        keys(&json["messages"]),
        [
            "received",
            "delivered",
            "forwarded",
            "deferred",
            "deferrals",
            "bounced",
            "rejected",
            "held",
            "discarded"
        ]
    );
    assert_eq!(keys(&json["bytes"]), ["received", "delivered"]);
    assert_eq!(keys(&json["top"]), ["account", "client", "uid", "sender", "recipient_domain"]);
    assert_eq!(keys(&json["top"]["client"][0]), ["name", "messages", "recipients"]);
    assert_eq!(json["format"], "heloscope.summary/1");
    for line in summary.to_string().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
