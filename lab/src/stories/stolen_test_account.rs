//! FIELD (a): a forgotten system account `test` with the password `test`, used over submission from abroad.

use super::Plan;
use super::backdrop::{self, Person};
use crate::capture;
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

const SERVER: &str = "192.0.2.17";
const ZONE: &str = "America/New_York";

/// Someone's monitoring service.
const MONITOR: &str = "198.51.100.8";

const PROVIDERS: &[Provider] = &[
    (
        &["lakemail.example"],
        &[
            (10, "mx1.lakemail.example", "198.51.100.20", Manner::Tls),
            (20, "mx2.lakemail.example", "198.51.100.21", Manner::Tls),
        ],
    ),
    (
        &["prairie.example", "millworks.example"],
        &[(10, "in.prairie.example", "203.0.113.40", Manner::Plain)],
    ),
    (&["redbarn.example"], &[(10, "mail.redbarn.example", "203.0.113.80", Manner::Grey)]),
    (
        &["oldtown.example"],
        &[
            (5, "a.oldtown.example", "198.51.100.90", Manner::Refused),
            (10, "b.oldtown.example", "198.51.100.91", Manner::Plain),
        ],
    ),
    (
        &["bigbox.example", "yardsale.example"],
        &[(10, "mx.bigbox.example", "203.0.113.100", Manner::Sink(""))],
    ),
];

const ELSEWHERE: &[&str] = &[
    "joan@lakemail.example",
    "orders@prairie.example",
    "pete@redbarn.example",
    "hall@oldtown.example",
    "desk@yardsale.example",
    "former@lakemail.example",
    "shop@millworks.example",
];
const MEMBERS: &[&str] = &[
    "dock1@lakemail.example",
    "dock2@lakemail.example",
    "pier@prairie.example",
    "buoy@bigbox.example",
    "sail@redbarn.example",
    "keel@yardsale.example",
    "rope@millworks.example",
];
const VICTIMS: &[&str] = &[
    "lakemail.example",
    "prairie.example",
    "redbarn.example",
    "bigbox.example",
    "yardsale.example",
    "millworks.example",
    "oldtown.example",
];
const STRANGERS: &[&str] = &["198.51.100.231", "203.0.113.187", "203.0.113.214"];
const GUESSERS: &[&str] = &["198.51.100.245", "203.0.113.199"];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("check.pingdesk.example", MONITOR);
    zone.host("mail.tidewater.example", SERVER).mx(
        "tidewater.example",
        "mail.tidewater.example",
        10,
    );
    zone.pool("res.coastal.example", "203.0.113.128,203.0.113.180", "cpe-");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let homes = ["203.0.113.130", "203.0.113.131", "203.0.113.140"];
    let mut addresses = vec![MONITOR];
    addresses.extend(homes);
    addresses.extend(STRANGERS);
    addresses.extend(GUESSERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("mail", SERVER, ZONE)?;
    Mta {
        hostname: "mail.tidewater.example",
        domains: "tidewater.example",
        users: &[
            ("mona", "Bluefish-21"),
            ("oscar", "sand.dollar.5"),
            ("ruth", "Harbor9Light"),
            ("victor", "qwert-Zu8"),
            ("test", "test"),
            ("backup", "nightly-3-tapes"),
        ],
        submission: true,
        stamps: Some(Stamps::Bsd),
        settings: "mydomain = tidewater.example\n",
        ..Mta::default()
    }
    .start(&server)?;
    let wire = capture::pcapng(&server, "eth0", "tcp port 25", "mx-traffic.pcapng")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.lakemail.example")?, "joan@lakemail.example"),
        (net.exchanger("in.prairie.example")?, "orders@prairie.example"),
        (net.exchanger("mail.redbarn.example")?, "pete@redbarn.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.4,
        &senders,
        &[
            "mona@tidewater.example",
            "oscar@tidewater.example",
            "ruth@tidewater.example",
            "victor@tidewater.example",
            "nobody.here@tidewater.example",
        ],
    );
    let people = [
        ("mona", "Bluefish-21", "203.0.113.130", "[192.168.1.12]", "Mozilla Thunderbird"),
        (
            "oscar",
            "sand.dollar.5",
            "203.0.113.131",
            "Oscars-MacBook.local",
            "Apple Mail (2.3776.700.51)",
        ),
        ("ruth", "Harbor9Light", "203.0.113.140", "[10.0.0.44]", "Microsoft Outlook 16.0"),
    ];
    for (user, password, from_ip, ehlo, agent) in people {
        let address = format!("{user}@tidewater.example");
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
        backdrop::correspondence(&mut line, &mut chance, length, 0.6, &person, ELSEWHERE);
        if user == "ruth" {
            // The club's newsletter: many recipients in a short time, all of them members.
            for (number, at) in
                chance.scatter(MEMBERS.len(), length * 0.40, length * 0.50).into_iter().enumerate()
            {
                let to = MEMBERS.get(number).copied().unwrap_or_default();
                let text = letter::report(
                    &address,
                    to,
                    "Tides and dates for December",
                    "Dear members,\n\nthe harbor closes on the 12th.\n",
                );
                backdrop::submit(&mut line, at, "newsletter", &person, &[to], &text);
            }
        }
    }
    // Guessers try many names; none of their passwords is right.
    for at in chance.arrivals(2.0, 2.0, length - 10.0) {
        let user =
            chance.pick(&["admin", "info", "mona", "test", "postmaster", "oscar", "scanner"]);
        let password = chance.word("abcdefgh12345", 8);
        let from_ip = chance.pick(GUESSERS);
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo: "User",
            server: SERVER,
            user,
            password: &password,
            address: "info@tidewater.example",
            agent: "",
        };
        backdrop::submit(
            &mut line,
            at,
            "guess",
            &person,
            &["desk@yardsale.example"],
            "Subject: x\n\nx\n",
        );
    }
    backdrop::monitored(&mut line, length, 90.0, &crowd, SERVER, "check.pingdesk.example");
    let count = ((length / 60.0 * 1.8) as usize).max(6);
    for at in chance.scatter(count, length * 0.30, length * 0.60) {
        let from_ip = chance.pick(STRANGERS);
        let from = chance.pick(&[
            "billing@redbarn.example",
            "service@lakemail.example",
            "notice@millworks.example",
        ]);
        let recipients: Vec<String> = (0..2 + chance.below(4))
            .map(|_| format!("{}@{}", chance.word("abcdeilmnorst", 6), chance.pick(VICTIMS)))
            .collect();
        let to: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let text = letter::spam(&mut chance, from, "undisclosed-recipients:;");
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo: "[192.168.0.100]",
            server: SERVER,
            user: "test",
            password: "test",
            address: from,
            agent: "",
        };
        backdrop::submit(&mut line, at, "bad", &person, &to, &text);
    }
    line.sh(length * 0.7, &server, "rotate", ROTATE);

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let sink = net.exchanger("in.prairie.example")?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let (sample, sender, arrived) = match sink::received(&sink, "offers.example")? {
        Some(mail) => (mail.text, mail.sender, mail.arrived),
        None => (String::new(), "billing@redbarn.example".to_owned(), first),
    };

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen: arrived, tolerance: 0, helo: "" };
    folder.notice(
        "complaint.eml",
        &notice::arf(told, "prairie.example", "abuse@tidewater.example", &sender, &sample),
    )?;
    folder.site("addresses = [\"192.0.2.17\"]\nmta = [\"postfix\"]\nhelo = [\"mail.tidewater.example\"]\nvantage = \"host\"\ntimezone = \"America/New_York\"\n")?;
    folder.take(&server, &wire.path, "captures/mx-traffic.pcapng")?;
    for log in ["mail.log", "mail.log.1.gz"] {
        folder.take(&server, &format!("/var/log/{log}"), &format!("logs/{log}"))?;
    }
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.finish(
        &Expect {
            class: "stolen-credentials",
            culprit: "test",
            must_not_accuse: [
                "account:mona",
                "account:oscar",
                "account:ruth",
                "account:victor",
                "account:backup",
                "account:admin",
            ]
            .map(String::from)
            .to_vec(),
            origin: "FIELD (a), orgnizedmess.net: test/test; recorded by the lab",
            ..Expect::default()
        },
        "A forgotten test account",
        STORY,
    )
}

const STORY: &str = "A club's mail server in New York (BSD stamps in local time). Somebody once made a system account `test` with the password `test`; strangers use it over \
port 587 with changing senders. A receiver complains in the Abuse Reporting Format.

Noise: three people who submit from home, mail from outside, greylisting, an exchanger that is down, unknown recipients and the bounces they cause, guessers who try many accounts (also `test`, with wrong passwords) and never get in, \
a probe of port 25. Decoys: `ruth` sends a newsletter to many members in a short time inside the window, `backup` is a service account that nobody uses.

By hand: `complaint.eml` around a message that is real as the receiver stored it, `site.toml`.";
