//! FIELD (c): the default account `alarm` of a board's system image still had its default password; first seen as a flood of DNS queries.

use super::Plan;
use super::backdrop::{self, Person};
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::internet::{Internet, Provider, crowd};
use crate::letter;
use crate::mta::Mta;
use crate::notice::{self, Told};
use crate::sink::{self, Manner};
use crate::syslog::{ROTATE, Stamps};
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: &str = "198.51.100.9";
const ZONE: &str = "Europe/Zurich";

/// Someone's monitoring service.
const MONITOR: &str = "203.0.113.8";

const PROVIDERS: &[Provider] = &[
    (
        &["bergpost.example"],
        &[
            (10, "mx1.bergpost.example", "203.0.113.21", Manner::Tls),
            (20, "mx2.bergpost.example", "203.0.113.22", Manner::Tls),
        ],
    ),
    (
        &["talmail.example", "seeblick.example"],
        &[(10, "in.talmail.example", "192.0.2.41", Manner::Plain)],
    ),
    (&["gletscher.example"], &[(10, "mail.gletscher.example", "203.0.113.81", Manner::Grey)]),
    (
        &["altdorf.example"],
        &[
            (5, "a.altdorf.example", "203.0.113.91", Manner::Refused),
            (10, "b.altdorf.example", "203.0.113.92", Manner::Slow(3)),
        ],
    ),
    (
        &["kasten.example", "laden.example"],
        &[(10, "mx.kasten.example", "192.0.2.101", Manner::Sink(""))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "urs@bergpost.example",
    "vreni@talmail.example",
    "chor@gletscher.example",
    "gemeinde@altdorf.example",
    "abo@laden.example",
    "x-beat@bergpost.example",
];
const VICTIMS: &[&str] = &[
    "bergpost.example",
    "talmail.example",
    "seeblick.example",
    "gletscher.example",
    "kasten.example",
    "laden.example",
    "altdorf.example",
    "nirgends.example",
];
const STRANGERS: &[&str] = &["192.0.2.211", "203.0.113.222"];
const GUESSERS: &[&str] = &["192.0.2.245", "203.0.113.249", "203.0.113.250"];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("status.alpennetz.example", MONITOR);
    zone.host("cubie.bachweg.example", SERVER).mx("bachweg.example", "cubie.bachweg.example", 10);
    zone.pool("pool.alpennetz.example", "192.0.2.128,192.0.2.199", "h");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses = vec![MONITOR, "192.0.2.131", "192.0.2.140"];
    addresses.extend(STRANGERS);
    addresses.extend(GUESSERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("cubie", SERVER, ZONE)?;
    Mta {
        hostname: "cubie.bachweg.example",
        domains: "bachweg.example",
        users: &[
            ("beat", "Kuhglocke-12"),
            ("lea", "edel.weiss.3"),
            ("alarm", "alarm"),
            ("monitor", "Wetter6Frosch"),
        ],
        submission: true,
        stamps: Some(Stamps::Rfc3339),
        settings: "mydomain = bachweg.example\n",
        ..Mta::default()
    }
    .start(&server)?;
    // Its own caching resolver, which logs what it is asked.
    server.write("/etc/dnsmasq.conf", "user=root\nno-resolv\nno-hosts\nserver=192.0.2.53\nlisten-address=127.0.0.1\nbind-interfaces\nlog-queries\n", 0o644)?;
    server.sh("dnsmasq --conf-file=/etc/dnsmasq.conf --pid-file=/run/dnsmasq.pid && echo 'nameserver 127.0.0.1' > /etc/resolv.conf && cp /etc/resolv.conf /var/spool/postfix/etc/resolv.conf && postfix reload >/dev/null 2>&1")?;
    server.write("/usr/local/bin/weather", "#!/bin/sh\n(echo 'From: monitor@bachweg.example'; echo 'To: vreni@talmail.example, urs@bergpost.example'; echo 'Subject: water level'; echo; uptime) | /usr/sbin/sendmail -t -i -f monitor@bachweg.example\n", 0o755)?;
    server.write("/etc/cron.d/weather", "*/3 * * * * monitor /usr/local/bin/weather\n", 0o644)?;
    server.sh("cron")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.bergpost.example")?, "urs@bergpost.example"),
        (net.exchanger("in.talmail.example")?, "vreni@talmail.example"),
        (net.exchanger("mail.gletscher.example")?, "chor@gletscher.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.3,
        &senders,
        &["beat@bachweg.example", "lea@bachweg.example"],
    );
    for (user, password, from_ip, ehlo, agent) in [
        ("beat", "Kuhglocke-12", "192.0.2.131", "[192.168.1.31]", "Mozilla Thunderbird"),
        ("lea", "edel.weiss.3", "192.0.2.140", "leas-notebook.home", "KMail"),
    ] {
        let address = format!("{user}@bachweg.example");
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo,
            server: SERVER,
            user,
            password,
            address: &address,
            agent,
        };
        backdrop::correspondence(&mut line, &mut chance, length, 0.7, &person, ELSEWHERE);
    }
    for at in chance.arrivals(1.8, 2.0, length - 10.0) {
        let user = chance.pick(&["root", "beat", "alarm", "lea", "pi", "info", "monitor"]);
        let password = chance.word("abcdefgh12345", 6);
        let from_ip = chance.pick(GUESSERS);
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo: "ADMIN",
            server: SERVER,
            user,
            password: &password,
            address: "x@bachweg.example",
            agent: "",
        };
        backdrop::submit(
            &mut line,
            at,
            "guess",
            &person,
            &["abo@laden.example"],
            "Subject: x\n\nx\n",
        );
    }
    backdrop::monitored(&mut line, length, 80.0, &crowd, SERVER, "status.alpennetz.example");
    let count = ((length / 60.0 * 2.2) as usize).max(6);
    for at in chance.scatter(count, length * 0.40, length * 0.68) {
        let from_ip = chance.pick(STRANGERS);
        let from = format!(
            "{}@{}",
            chance.word("abcdeilmnorst", 7),
            chance.pick(&["seeblick.example", "bergpost.example", "kasten.example"])
        );
        let recipients: Vec<String> = (0..3 + chance.below(5))
            .map(|_| format!("{}@{}", chance.word("abcdeilmnorst", 6), chance.pick(VICTIMS)))
            .collect();
        let to: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let text = letter::spam(&mut chance, &from, "members@seeblick.example");
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo: "localhost.localdomain",
            server: SERVER,
            user: "alarm",
            password: "alarm",
            address: &from,
            agent: "",
        };
        backdrop::submit(&mut line, at, "bad", &person, &to, &text);
    }
    line.sh(length * 0.5, &server, "rotate", ROTATE);

    let played = line.play(plan.name, length)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    // The second is that of a mail which an exchanger stored.
    let middle = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);
    let told = sink::received(&*net.exchanger("in.talmail.example")?, "offers.example")?;
    let seen = told.map_or(middle, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 0, helo: "" };
    folder.notice("intelligence.json", &notice::intelligence(told, "CSS", "SPAMTRAP"))?;
    folder.site("addresses = [\"198.51.100.9\"]\nhelo = [\"cubie.bachweg.example\"]\n")?;
    for log in ["mail.log", "mail.log.1.gz", "syslog", "cron.log", "auth.log"] {
        folder.take(&server, &format!("/var/log/{log}"), &format!("logs/{log}"))?;
    }
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.take(&server, "/etc/cron.d/weather", "etc/cron.d/weather")?;
    folder.finish(
        &Expect {
            class: "stolen-credentials",
            culprit: "alarm",
            must_not_accuse: [
                "account:beat",
                "account:lea",
                "account:monitor",
                "account:root",
                "process:/usr/local/bin/weather",
            ]
            .map(String::from)
            .to_vec(),
            origin: "FIELD (c), andreasbaumann.cc: default-password account; recorded by the lab",
            ..Expect::default()
        },
        "The account that came with the image",
        STORY,
    )
}

const STORY: &str = "A small board at home with a public address carries a family's mail. Its system image came with the account `alarm`, password `alarm`. \
Strangers use it over port 587 with changing senders; the first thing to be noticed was the number of look-ups in the resolver's log (`logs/syslog`). No capture exists. The list's answer is JSON.

Noise: two people who submit, mail from outside, greylisting, an exchanger that is down, a domain without exchanger, guessers (also for `alarm`, with wrong passwords), a probe of port 25, a log rotation in the middle of the incident. \
Decoys: `monitor` mails the water level every three minutes from cron, `root` is tried most often by the guessers.

By hand: `intelligence.json`, `site.toml`.";
