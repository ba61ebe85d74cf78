//! The rules as stories: what happened, second by second, and what was said of it. Each rule has its benign twin.
//!
//! `SECOND connect KEY=VALUE…` is a connection, `log TEXT` a line of the mail log (its stamp is made), `queue N`, `list`,
//! `heard`, `passing`, `tick` the others. What was said is `+rule subject` and `-rule subject`.

use super::*;
use crate::event::{Answer, Heard};
use crate::settings::{Allowed, Fixed, Gone, Limits, Mta};
use heloscope_evidence::ListState;
use heloscope_host::{Ended, Process};
use heloscope_investigate::verify::Earlier;
use heloscope_maillog::{Calendar, Live};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SMTP: &str = "exe=/usr/lib/postfix/sbin/smtp uid=106";

fn settings() -> Settings {
    let start = Time::from_secs(0);
    let fixed = |gone| Fixed { time: start.plus_secs(100.0), what: "removed it".to_owned(), gone };
    Settings {
        mta: Mta {
            name: "Postfix".to_owned(),
            folders: vec!["/usr/lib/postfix/sbin".to_owned()],
            programs: Vec::new(),
            users: [106].into(),
            helo: vec!["mail.example.org".to_owned()],
        },
        allowed: vec![Allowed {
            name: "monitoring".to_owned(),
            exe: Some("/usr/lib/nagios/plugins/check_smtp".to_owned()),
            uid: Some(110),
            to: vec!["192.0.2.25/32".parse().unwrap()],
            ..Allowed::default()
        }],
        allowed_clients: vec!["192.168.1.10/32".parse().unwrap()],
        addresses: vec!["203.0.113.10".parse().unwrap()],
        fixed: vec![
            fixed(Gone::Script("/var/www/wp-cache.php".to_owned())),
            fixed(Gone::Account("anna".to_owned())),
            fixed(Gone::Address("192.168.1.23/32".parse().unwrap())),
        ],
        limits: Limits::default(),
        count_local: false,
        own_pid: 1,
        users: [(33, "www-data".to_owned())].into(),
    }
}

struct Story {
    watch: Watch,
    live: Live,
    said: Vec<String>,
    alerts: Vec<crate::Alert>,
    sockets: u64,
}

impl Story {
    fn new() -> Self {
        let mut watch = Watch::new(settings());
        watch.take(Time::from_secs(0), Event::Addresses(["203.0.113.10".parse().unwrap()].into()));
        let live = Live::new(&Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 1970 });
        Self { watch, live, said: Vec::new(), alerts: Vec::new(), sockets: 0 }
    }

    fn take(&mut self, now: Time, event: Event) {
        for say in self.watch.take(now, event) {
            match say {
                Say::Raised(alert) => {
                    self.said.push(format!("+{} {}", alert.rule.word(), alert.subject));
                    self.alerts.push(alert);
                }
                Say::Resolved(alert) => {
                    self.said.push(format!("-{} {}", alert.rule.word(), alert.subject))
                }
                Say::Summary(_) => self.said.push("summary".to_owned()),
            }
        }
    }

    fn play(&mut self, lines: &str) -> &[String] {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (second, rest) = line.split_once(' ').unwrap();
            let now = Time::from_secs(second.parse().unwrap());
            let (what, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let words: BTreeMap<&str, &str> =
                rest.split_whitespace().filter_map(|word| word.split_once('=')).collect();
            let word = |key: &str| words.get(key).map(|w| (*w).to_owned());
            match what {
                "tick" => self.take(now, Event::Tick),
                "queue" => {
                    let deferred = rest.parse().unwrap();
                    self.take(now, Event::Queue(QueueSize { deferred, ..QueueSize::default() }));
                }
                "log" => {
                    let stamp = jiff::Timestamp::from_second(now.secs()).unwrap();
                    let mut entries = Vec::new();
                    self.live
                        .line(format!("{stamp} mx {rest}").as_bytes(), &mut |e| entries.push(e));
                    for entry in entries {
                        self.take(now, Event::Log(entry));
                    }
                }
                "list" => {
                    let state = match &word("is").unwrap()[..] {
                        "listed" => ListState::Listed,
                        "clean" => ListState::Clean,
                        "refused" => ListState::Refused,
                        "error" => ListState::Error,
                        _ => ListState::Dead,
                    };
                    let codes =
                        word("codes").map(|c| c.split(',').map(|c| c.parse().unwrap()).collect());
                    self.take(
                        now,
                        Event::List(Answer {
                            list: word("of").unwrap(),
                            address: "203.0.113.10".parse().unwrap(),
                            state,
                            codes: codes.unwrap_or_default(),
                            text: "because".to_owned(),
                        }),
                    );
                }
                "passing" => {
                    let passing = Passing {
                        client: format!("{}:4000", word("from").unwrap()).parse().unwrap(),
                        server: word("to").unwrap().parse().unwrap(),
                        translated: None,
                        mac: Some("52:54:00:12:34:56".to_owned()),
                    };
                    self.take(now, Event::Noted(Noted::Passing { time: now, passing }));
                }
                "heard" => self.take(
                    now,
                    Event::Heard(Heard {
                        client: "203.0.113.10:4000".parse().unwrap(),
                        server: word("to").unwrap().parse().unwrap(),
                        helo: word("helo").unwrap(),
                    }),
                ),
                "connect" => {
                    self.sockets += 1;
                    let uid = word("uid").map_or(0, |uid| uid.parse().unwrap());
                    let connection = Connection {
                        socket: self.sockets,
                        start: now,
                        late: false,
                        client: Some("203.0.113.10:4000".parse().unwrap()),
                        server: word("to").unwrap_or("198.51.100.7:25".to_owned()).parse().unwrap(),
                        outcome: Some(word("outcome").unwrap_or("open".to_owned())),
                        process: Process {
                            pid: word("pid").map_or(7, |pid| pid.parse().unwrap()),
                            uid,
                            comm: "x".to_owned(),
                            exe: word("exe"),
                            args: vec!["x".to_owned(), "anna@example.net".to_owned()],
                            folder: word("in"),
                            ..Process::default()
                        },
                        cgroup: 1,
                        netns: 1,
                        script: word("script"),
                        files: Vec::new(),
                        place: heloscope_host::names::Place::default(),
                        ancestors: [Process {
                            pid: 6,
                            comm: "cron".to_owned(),
                            ..Process::default()
                        }]
                        .into(),
                    };
                    self.take(now, Event::Noted(Noted::Connection(Box::new(connection))));
                    let sent = word("sent").map_or(2000, |sent| sent.parse().unwrap());
                    let ended = Ended { socket: self.sockets, end: now, received: 1, sent };
                    self.take(now, Event::Noted(Noted::Ended(ended)));
                }
                other => panic!("{other}"),
            }
        }
        &self.said
    }
}

/// Plays a story; what was said of it.
fn said(lines: &str) -> Vec<String> {
    Story::new().play(lines).to_vec()
}

fn delivered(id: &str, pid: u32, relay: &str, status: &str) -> String {
    format!(
        "log postfix/smtp[{pid}]: {id}: to=<b@example.net>, relay={relay}, delay=1, delays=0/0/1/0, dsn=2.0.0, status={status}"
    )
}

#[test]
fn past_the_mta() {
    for (story, want) in [
        // The seed's: a script of a web site, told at once, counted, over in the end.
        (
            "1 connect exe=/usr/bin/php8.2 script=/var/www/x.php uid=33\n2 connect exe=/usr/bin/php8.2 script=/var/www/x.php uid=33\n90000 tick",
            &["+past-the-mta /var/www/x.php (uid 33)", "-past-the-mta /var/www/x.php (uid 33)"][..],
        ),
        (
            "1 connect exe=/usr/sbin/php-fpm8.2 in=/var/www/shop uid=33",
            &["+past-the-mta /usr/sbin/php-fpm8.2 in /var/www/shop (uid 33)"],
        ),
        // A file of the MTA's name elsewhere, and the MTA's file under another user, are not the MTA.
        (
            "1 connect exe=/tmp/usr/lib/postfix/sbin/smtp uid=33",
            &["+past-the-mta /tmp/usr/lib/postfix/sbin/smtp (uid 33)"],
        ),
        (
            "1 connect exe=/usr/lib/postfix/sbin/smtp uid=1000",
            &["+past-the-mta /usr/lib/postfix/sbin/smtp (uid 1000)"],
        ),
        (
            "1 connect exe=/usr/lib/postfix/sbin/x/smtp uid=33\n9 tick",
            &["+past-the-mta /usr/lib/postfix/sbin/x/smtp (uid 33)"],
        ),
        // Allowed is allowed only where all holds.
        (
            "1 connect exe=/usr/lib/nagios/plugins/check_smtp uid=110 to=198.51.100.7:25\n9 tick",
            &["+past-the-mta /usr/lib/nagios/plugins/check_smtp (uid 110)"],
        ),
        // A laptop behind.
        (
            "1 passing from=192.168.1.77 to=198.51.100.7:25\n2 passing from=192.168.1.77 to=198.51.100.8:25",
            &["+past-the-mta machine 192.168.1.77"],
        ),
        // Another's line does not explain it.
        (
            "1 connect exe=/usr/sbin/other uid=120 pid=9\n2 log postfix/smtp[8]: ABCDEF1: to=<b@example.net>, relay=mx[198.51.100.7]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (ok)\n9 tick",
            &["+past-the-mta /usr/sbin/other (uid 120)"],
        ),
        // An interpreter is never taken for the MTA, whatever somebody writes into the log.
        (
            "1 connect exe=/usr/bin/perl script=/tmp/a.pl uid=33 pid=9\n1 log postfix/smtp[9]: ABCDEF1: to=<b@example.net>, relay=mx[198.51.100.7]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (ok)",
            &["+past-the-mta /tmp/a.pl (uid 33)"],
        ),
    ] {
        assert_eq!(said(story), want, "{story}");
    }
}

#[test]
fn past_the_mta_s_twins() {
    let smtp = |to: &str| format!("1 connect {SMTP} to={to}\n");
    for story in [
        // Lineless is not yet guilty: probes, earlier MXes, cached sessions leave no line.
        smtp("198.51.100.7:25") + "100 tick",
        smtp("[2001:db8::25]:25") + "100 tick",
        // Into this host's own mail server.
        "1 connect exe=/usr/bin/php8.2 uid=33 to=127.0.0.1:25\n2 connect exe=/usr/bin/php8.2 uid=33 to=203.0.113.10:587\n9 tick".to_owned(),
        // Monitoring, and Heloscope's own letters.
        "1 connect exe=/usr/lib/nagios/plugins/check_smtp uid=110 to=192.0.2.25:587\n2 connect exe=/opt/heloscope pid=1 uid=0\n9 tick".to_owned(),
        // A mail server at a place nobody knew, which its log explains.
        format!("1 connect exe=/opt/postfix/libexec/smtp uid=120 pid=9\n2 {}\n9 tick\n10 connect exe=/opt/postfix/libexec/smtp uid=120 pid=10\n20 tick", delivered("ABCDEF1", 9, "mx[198.51.100.7]:25", "sent (ok)")),
        // A machine that may, and a laptop that hands its mail in elsewhere with an account.
        "1 passing from=192.168.1.10 to=198.51.100.7:25\n2 passing from=192.168.1.77 to=198.51.100.7:587".to_owned(),
    ] {
        assert!(said(&story).is_empty(), "{story}: {:?}", said(&story));
    }
}

#[test]
fn what_the_log_explains_late_is_over_then() {
    let story = format!(
        "1 connect exe=/opt/postfix/libexec/smtp uid=120 pid=9\n9 tick\n30 {}",
        delivered("ABCDEF1", 9, "mx[198.51.100.7]:25", "sent (ok)")
    );
    assert_eq!(
        said(&story),
        [
            "+past-the-mta /opt/postfix/libexec/smtp (uid 120)",
            "-past-the-mta /opt/postfix/libexec/smtp (uid 120)"
        ]
    );
}

#[test]
fn an_alert_carries_its_proof_and_no_recipient() {
    let mut story = Story::new();
    story.play("1 connect exe=/usr/bin/perl script=/tmp/.x/a.pl uid=33 in=/tmp/.x");
    let [alert] = &story.alerts[..] else { panic!("{:?}", story.alerts) };
    let proof = alert.proof.join("\n");
    for word in [
        "198.51.100.7:25",
        "process 7",
        "/usr/bin/perl runs /tmp/.x/a.pl",
        "www-data (uid 33)",
        "in /tmp/.x",
        "started by: 6 cron",
    ] {
        assert!(proof.contains(word), "{word}: {proof}");
    }
    assert!(!proof.contains("anna@"), "{proof}");
}

#[test]
fn foreign_exe_and_its_twin() {
    assert_eq!(
        said(
            "1 connect exe=/usr/bin/perl script=/tmp/a.pl uid=106\n2 connect exe=/usr/bin/perl script=/tmp/a.pl uid=106"
        ),
        ["+foreign-exe /tmp/a.pl (uid 106)"]
    );
    assert!(said(&format!("1 connect {SMTP}\n9 tick")).is_empty());
}

#[test]
fn foreign_helo_and_its_twins() {
    let story = "1 connect exe=/usr/bin/perl script=/tmp/a.pl uid=33\n2 heard to=198.51.100.7:25 helo=[127.0.0.1]";
    assert_eq!(said(story), ["+past-the-mta /tmp/a.pl (uid 33)", "+foreign-helo [127.0.0.1]"]);
    let rejected = format!(
        "1 {}",
        delivered(
            "ABCDEF1",
            9,
            "mx[198.51.100.7]:25",
            "bounced (host mx[198.51.100.7] said: 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname)"
        )
    );
    assert_eq!(said(&rejected), ["+foreign-helo localhost"]);
    // The MTA's own name, in any case, and an allowed program's.
    let twin = format!(
        "1 connect {SMTP}\n2 heard to=198.51.100.7:25 helo=MAIL.example.org\n3 connect exe=/usr/lib/nagios/plugins/check_smtp uid=110 to=192.0.2.25:25\n4 heard to=192.0.2.25:25 helo=probe"
    );
    assert!(said(&twin).is_empty(), "{:?}", said(&twin));
}

/// A mail with so many recipients of an account, in one second.
fn mails(second: u64, account: &str, many: usize, tag: usize) -> String {
    let mut story = String::new();
    for n in 0..many {
        let id = format!("{:X}", 0xA000_0000_usize + tag * 100_000 + n);
        story.push_str(&format!(
            "{second} log postfix/submission/smtpd[5]: {id}: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username={account}\n{second} {}\n{second} log postfix/qmgr[1]: {id}: removed\n",
            delivered(&id, 9, "mx[198.51.100.7]:25", "sent (ok)")
        ));
    }
    story
}

#[test]
fn rate_and_its_twins() {
    // Above the account's limit, then above the host's; each once; over a day later.
    let story = mails(10, "berta", 301, 0) + "90000 tick";
    assert_eq!(
        said(&story),
        ["+rate account berta", "+rate this host", "-rate account berta", "-rate this host"]
    );
    // At the limit it is not above it.
    assert!(said(&mails(10, "berta", 200, 0)).is_empty());
    // A mail that is tried for ever counts once.
    let tried = mails(10, "berta", 1, 0)
        + &(0..500)
            .map(|n| {
                format!(
                    "{} {}\n",
                    n + 20,
                    delivered("B0000000", 9, "mx[198.51.100.7]:25", "deferred (later)")
                )
            })
            .collect::<String>();
    assert!(said(&tried).is_empty());
    // What is usual: the second day as the first says nothing new.
    let usual = mails(10, "berta", 250, 0) + "86500 tick\n" + &mails(86_600, "berta", 255, 1);
    assert_eq!(said(&usual), ["+rate account berta", "-rate account berta"]);
    // What the mail server delivers here, or hands a filter, is nothing that leaves.
    let inside: String = (0..400)
        .map(|n| {
            format!(
                "10 {}\n",
                delivered(
                    &format!("{:X}", 0xA000_0000_usize + n),
                    9,
                    "127.0.0.1[127.0.0.1]:10024",
                    "sent (ok)"
                )
            )
        })
        .collect();
    assert!(said(&inside).is_empty());
}

#[test]
fn what_is_past_the_mta_counts_where_mail_may_have_gone() {
    let sends = |what: &str| -> String {
        let bot = "connect exe=/usr/bin/perl script=/tmp/a.pl uid=33";
        (0..60).map(|n| format!("{} {bot} {what}\n", n + 1)).collect()
    };
    let rate = "+rate program /tmp/a.pl".to_owned();
    assert!(said(&sends("sent=500")).contains(&rate));
    // Refused, unanswered, or over before a mail was said: it is told, and nobody was written to.
    for what in ["outcome=ECONNREFUSED sent=0", "outcome=ETIMEDOUT sent=0", "sent=30"] {
        assert_eq!(said(&sends(what)), ["+past-the-mta /tmp/a.pl (uid 33)"], "{what}");
    }
    // One that is waited for is over before it is judged.
    let waited: String = (0..60)
        .map(|n| format!("{} connect exe=/usr/sbin/other uid=120 sent=500\n", n + 1))
        .collect();
    let said = said(&format!("{waited}99 tick"));
    assert!(said.contains(&"+rate program /usr/sbin/other".to_owned()), "{said:?}");
}

#[test]
fn a_filter_s_second_mail_is_the_account_s_still() {
    let mut story = String::new();
    for n in 0..201 {
        let (one, two) =
            (format!("{:X}", 0xA000_0000_usize + n), format!("{:X}", 0xB000_0000_usize + n));
        story.push_str(&format!("10 log postfix/submission/smtpd[5]: {one}: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username=berta\n"));
        story.push_str(&format!("10 log postfix/smtpd[6]: {two}: client=localhost[127.0.0.1]\n"));
        story.push_str(&format!("10 {}\n", delivered(&two, 9, "mx[198.51.100.7]:25", "sent (ok)")));
        story.push_str(&format!("10 {}\n", delivered(&one, 8, "127.0.0.1[127.0.0.1]:10024", &format!("sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {two})"))));
    }
    assert_eq!(said(&story), ["+rate account berta"]);
}

#[test]
fn queue_growth_and_its_twin() {
    let calm: String = (0..50).map(|hour| format!("{} queue 20\n", hour * 3600)).collect();
    let grown =
        format!("{calm}180000 queue 150\n180030 queue 400\n180060 queue 90\n180090 queue 60");
    assert_eq!(said(&grown), ["+queue-growth the mail queue", "-queue-growth the mail queue"]);
    let full: String = (0..50).map(|hour| format!("{} queue 90\n", hour * 3600)).collect();
    assert!(said(&format!("{full}180000 queue 170\n180030 queue 99")).is_empty());
}

#[test]
fn bounce_names_a_list_and_its_twin() {
    let bounce = |said: &str| {
        format!(
            "1 {}",
            delivered(
                "ABCDEF1",
                9,
                "mx.example.net[198.51.100.7]:25",
                &format!(
                    "bounced (host mx.example.net[198.51.100.7] said: {said} (in reply to RCPT TO command))"
                )
            )
        )
    };
    let mut story = Story::new();
    story.play(&bounce("554 5.7.1 <b@example.net>: Service unavailable; Client host [203.0.113.10] blocked using zen.spamhaus.org"));
    assert_eq!(story.said, ["+bounce-names-a-list Spamhaus ZEN: 203.0.113.10"]);
    assert!(!format!("{:?}", story.alerts).contains("b@example"), "{:?}", story.alerts);
    assert!(said(&bounce("550 5.1.1 <b@example.net>: Recipient address rejected: User unknown in virtual mailbox table")).is_empty());
}

#[test]
fn list_changed_and_its_twins() {
    let story = "1 list of=zen is=clean\n2 list of=zen is=listed codes=127.0.0.4\n3 list of=zen is=listed codes=127.0.0.4\n4 list of=zen is=error\n5 list of=zen is=refused codes=127.255.255.254\n6 list of=zen is=listed codes=127.0.0.3,127.0.0.4\n7 list of=zen is=clean";
    assert_eq!(
        said(story),
        [
            "+list-changed zen: 203.0.113.10",
            "-list-changed zen: 203.0.113.10",
            "+list-changed zen: 203.0.113.10",
            "-list-changed zen: 203.0.113.10"
        ]
    );
    // Errors say nothing of the address: neither listed nor, after a listing, clean.
    assert!(said("1 list of=zen is=clean\n2 list of=zen is=refused codes=127.255.255.254\n3 list of=zen is=error\n4 list of=zen is=dead codes=127.0.0.2\n5 list of=zen is=clean").is_empty());
}

#[test]
fn fix_undone_and_its_twins() {
    for (story, want) in [
        (
            "50 connect exe=/usr/bin/php8.2 script=/var/www/wp-cache.php uid=33 to=127.0.0.1:25",
            None,
        ),
        (
            "150 connect exe=/usr/bin/php8.2 script=/var/www/wp-cache.php uid=33 to=127.0.0.1:25",
            Some("+fix-undone the script /var/www/wp-cache.php"),
        ),
        ("150 connect exe=/usr/bin/php8.2 script=/var/www/index.php uid=33 to=127.0.0.1:25", None),
        (
            "150 log postfix/submission/smtpd[5]: ABCDEF1: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username=anna",
            Some("+fix-undone the account anna"),
        ),
        (
            "150 log postfix/submission/smtpd[5]: ABCDEF1: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username=berta",
            None,
        ),
        (
            "150 passing from=192.168.1.23 to=198.51.100.7:587",
            Some("+fix-undone the address 192.168.1.23"),
        ),
        ("50 passing from=192.168.1.23 to=198.51.100.7:587", None),
    ] {
        assert_eq!(said(story).first().map(String::as_str), want, "{story}");
    }
}

/// An answer of `heloscope investigate`, as far as it is read again.
const ANSWER: &str = r#"{"format":"heloscope.investigation/1","coverage":[{"last":"1970-01-01T00:01:40Z"}],"causes":[
{"class":"compromised-site","path":"past-mta","culprit":{"kind":"script","value":"/var/www/shop/up.php"}},
{"class":"nat-client","path":"forwarded","culprit":{"kind":"host","value":"192.168.1.44"}},
{"class":"stolen-credentials","path":"through-mta","culprit":{"kind":"account","value":"anna"}}]}"#;

#[test]
fn what_an_answer_named_and_its_twins() {
    let earlier = Earlier::read(ANSWER.as_bytes()).unwrap();
    let time = earlier.until().unwrap();
    let fixed = |cause: &heloscope_investigate::verify::Cause| Fixed {
        time,
        what: "mended".to_owned(),
        gone: Gone::Cause(cause.clone()),
    };
    let fixed: Vec<Fixed> = earlier.causes().iter().map(fixed).collect();
    let undone = |story: &str| {
        let mut played = Story::new();
        played.watch = Watch::new(Settings { fixed: fixed.clone(), ..settings() });
        let said = played.play(story).iter();
        said.filter(|said| said.contains("fix-undone")).cloned().collect::<Vec<_>>()
    };
    let php = |script: &str, to: &str| {
        format!("connect exe=/usr/sbin/php-fpm8.2 script={script} uid=33 to={to}")
    };
    let (up, elsewhere) = ("/var/www/shop/up.php", "198.51.100.7:25");
    assert_eq!(
        undone(&format!("150 {}\n160 {}", php(up, elsewhere), php(up, elsewhere))),
        ["+fix-undone the script /var/www/shop/up.php"]
    );
    assert_eq!(
        undone("150 passing from=192.168.1.44 to=198.51.100.7:25"),
        ["+fix-undone the machine 192.168.1.44"]
    );
    for twin in [
        // Before it was mended; the same program with another script; another machine.
        format!("50 {}", php(up, elsewhere)),
        format!("150 {}", php("/var/www/shop/contact.php", elsewhere)),
        "150 passing from=192.168.1.45 to=198.51.100.7:25".to_owned(),
        // Mail handed in with an account, and to the mail server here, is no delivery of theirs.
        format!("150 {}", php(up, "198.51.100.7:587")),
        format!("150 {}", php(up, "127.0.0.1:25")),
        "150 passing from=192.168.1.44 to=198.51.100.7:587".to_owned(),
        // The account's owner writes as he did: whether the thief does is weighed by verify.
        "150 log postfix/submission/smtpd[5]: ABCDEF1: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username=anna".to_owned(),
    ] {
        assert!(undone(&twin).is_empty(), "{twin}: {:?}", undone(&twin));
    }
}

#[test]
fn a_new_run_repeats_nothing_and_still_ends_it() {
    let mut story = Story::new();
    story.play("1 connect exe=/usr/bin/perl script=/tmp/a.pl uid=33\n1 list of=zen is=listed codes=127.0.0.4");
    let (watch, failed) = Watch::new(settings()).with_kept(&story.watch.keep());
    assert!(failed.is_none(), "{failed:?}");
    let mut again = Story { watch, ..Story::new() };
    assert!(again.play("2 connect exe=/usr/bin/perl script=/tmp/a.pl uid=33\n2 list of=zen is=listed codes=127.0.0.4").is_empty());
    assert_eq!(again.play("90000 tick\n90001 list of=zen is=clean").len(), 2);
    // What cannot be read is said and begun anew.
    assert!(Watch::new(settings()).with_kept(b"{").1.is_some());
}

#[test]
fn the_same_events_give_the_same_words() {
    let story = mails(10, "berta", 250, 0)
        + "20 connect exe=/usr/bin/perl script=/tmp/a.pl uid=33\n21 tick";
    let (mut one, mut two) = (Story::new(), Story::new());
    one.play(&story);
    two.play(&story);
    assert_eq!(one.alerts, two.alerts);
    assert_eq!(one.watch.keep(), two.watch.keep());
}

#[test]
fn strangers_cannot_make_it_grow() {
    let mut story = Story::new();
    for n in 0..20_000_u32 {
        let connection = Connection {
            socket: u64::from(n),
            start: Time::from_secs(1),
            late: false,
            client: None,
            server: "198.51.100.7:25".parse().unwrap(),
            outcome: Some("open".to_owned()),
            process: Process {
                pid: n,
                uid: 33,
                exe: Some(format!("/tmp/{n}")),
                ..Process::default()
            },
            cgroup: 1,
            netns: 1,
            script: None,
            files: Vec::new(),
            place: heloscope_host::names::Place::default(),
            ancestors: [].into(),
        };
        story.take(Time::from_secs(1), Event::Noted(Noted::Connection(Box::new(connection))));
    }
    // Fifty programs, the others as one, and the host's rate.
    assert_eq!(story.said.len(), 52, "{:?}", story.said);
    assert!(story.watch.keep().len() < 2 << 20, "{}", story.watch.keep().len());
}

proptest! {
    #[test]
    fn never_panics(words in prop::collection::vec("[ -~]{0,40}", 0..30), secs in prop::collection::vec(any::<i64>(), 30)) {
        let mut story = Story::new();
        for (text, at) in words.into_iter().zip(secs) {
            let now = Time::from_nanos(at);
            let mut entries = Vec::new();
            story.live.line(format!("Nov 24 14:30:00 mx postfix/smtp[9]: ABCDEF1: to=<{text}>, relay={text}, delay=1, delays=0/0/1/0, dsn=2.0.0, status=bounced ({text})").as_bytes(), &mut |e| entries.push(e));
            for entry in entries {
                story.take(now, Event::Log(entry));
            }
            story.take(now, Event::Tick);
        }
    }
}
