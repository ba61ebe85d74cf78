//! The innocent twin of the stolen-credentials cases: a person who travels and logs in from several networks, a modest newsletter
//! to own customers, and guessers who never get in.

use super::Plan;
use super::backdrop::{self, Person};
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::internet::{Internet, Provider, crowd};
use crate::letter;
use crate::mta::Mta;
use crate::notice::{self, Told};
use crate::sink::Manner;
use crate::syslog::Stamps;
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::Result;
use jiff::SignedDuration;

const SERVER: &str = "203.0.113.12";
const ZONE: &str = "America/Chicago";

/// Someone's monitoring service.
const MONITOR: &str = "192.0.2.8";

const PROVIDERS: &[Provider] = &[
    (
        &["plainsmail.example"],
        &[
            (10, "mx1.plainsmail.example", "198.51.100.34", Manner::Tls),
            (20, "mx2.plainsmail.example", "198.51.100.35", Manner::Tls),
        ],
    ),
    (&["silo.example", "creek.example"], &[(10, "in.silo.example", "192.0.2.48", Manner::Plain)]),
    (&["bluffs.example"], &[(10, "mail.bluffs.example", "192.0.2.88", Manner::Grey)]),
    (
        &["depot.example"],
        &[
            (5, "a.depot.example", "192.0.2.99", Manner::Refused),
            (10, "b.depot.example", "192.0.2.94", Manner::Plain),
        ],
    ),
    (
        &["bin.example", "market.example"],
        &[(10, "mx.bin.example", "192.0.2.108", Manner::Sink(""))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "hank@plainsmail.example",
    "orders@silo.example",
    "june@bluffs.example",
    "files@depot.example",
    "stand@market.example",
    "former@plainsmail.example",
];
const CUSTOMERS: &[&str] = &[
    "a.cook@plainsmail.example",
    "b.dale@plainsmail.example",
    "farm@silo.example",
    "mill@silo.example",
    "fish@creek.example",
    "boat@creek.example",
    "inn@bluffs.example",
    "cafe@bin.example",
    "deli@bin.example",
    "pies@market.example",
    "jam@market.example",
    "gone.shop@plainsmail.example",
    "barn@depot.example",
    "full.box@silo.example",
];
// Office, home, hotel, airport, a train's Wi-Fi.
const PLACES: &[(&str, &str)] = &[
    ("198.51.100.130", "[192.168.0.21]"),
    ("198.51.100.171", "[192.168.178.20]"),
    ("192.0.2.207", "[10.17.4.90]"),
    ("192.0.2.230", "[172.20.10.3]"),
    ("198.51.100.241", "sams-mbp.local"),
];
const GUESSERS: &[&str] = &["192.0.2.245", "198.51.100.248", "198.51.100.250", "192.0.2.252"];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("canary.midwire.example", MONITOR);
    zone.host("mail.seedandfeed.example", SERVER).mx(
        "seedandfeed.example",
        "mail.seedandfeed.example",
        10,
    );
    zone.pool("pool.midwire.example", "198.51.100.128,198.51.100.180", "n-");
    zone.host("nat3.hotel-alpha.example", "192.0.2.207")
        .host("lounge.airport.example", "192.0.2.230");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses = vec![MONITOR];
    addresses.extend(PLACES.iter().map(|(address, _)| *address));
    addresses.extend(["198.51.100.140"]);
    addresses.extend(GUESSERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("mail", SERVER, ZONE)?;
    Mta {
        hostname: "mail.seedandfeed.example",
        domains: "seedandfeed.example",
        users: &[
            ("sam", "Corn-flower8"),
            ("dora", "hay.stack.needle"),
            ("test", "Zq7-kein-Test"),
            ("office", "Barn8Door"),
        ],
        submission: true,
        imap: true,
        stamps: Some(Stamps::Bsd),
        settings: "mydomain = seedandfeed.example\n",
        ..Mta::default()
    }
    .start(&server)?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.plainsmail.example")?, "hank@plainsmail.example"),
        (net.exchanger("in.silo.example")?, "orders@silo.example"),
        (net.exchanger("mail.bluffs.example")?, "june@bluffs.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.4,
        &senders,
        &["sam@seedandfeed.example", "dora@seedandfeed.example", "office@seedandfeed.example"],
    );
    let dora = Person {
        at: &crowd,
        from_ip: "198.51.100.140",
        ehlo: "[192.168.0.22]",
        server: SERVER,
        user: "dora",
        password: "hay.stack.needle",
        address: "dora@seedandfeed.example",
        agent: "Mozilla Thunderbird",
    };
    backdrop::correspondence(&mut line, &mut chance, length, 0.7, &dora, ELSEWHERE);
    let sam = |place: usize| {
        let (from_ip, ehlo) = PLACES.get(place).copied().unwrap_or(("198.51.100.130", "sam"));
        Person {
            at: &crowd,
            from_ip,
            ehlo,
            server: SERVER,
            user: "sam",
            password: "Corn-flower8",
            address: "sam@seedandfeed.example",
            agent: "Apple Mail (2.3776.700.51)",
        }
    };
    // A phone, a notebook and the desktop at the office are all logged in: the networks overlap, as with travelling people.
    for at in chance.arrivals(1.3, 4.0, length - 8.0) {
        let person = sam(chance.below(PLACES.len()));
        let to = chance.pick(ELSEWHERE);
        let text = letter::personal(&mut chance, person.address, to, person.agent);
        backdrop::submit(&mut line, at, "mail-out", &person, &[to], &text);
    }
    let mut at = 12.0;
    while at < length - 5.0 {
        let person = sam(chance.below(PLACES.len()));
        line.at(
            at,
            &crowd,
            "imap",
            &[
                "curl",
                "-sS",
                "-k",
                "--ssl-reqd",
                "--interface",
                person.from_ip,
                "--max-time",
                "20",
                "-u",
                "sam:Corn-flower8",
                &format!("imap://{SERVER}/INBOX"),
                "-X",
                "EXAMINE INBOX",
            ],
            "",
        );
        at += chance.between(50.0, 110.0);
    }
    // The newsletter, from the hotel.
    let hotel = sam(2);
    for (number, at) in
        chance.scatter(CUSTOMERS.len(), length * 0.35, length * 0.6).into_iter().enumerate()
    {
        let to = CUSTOMERS.get(number).copied().unwrap_or_default();
        let text = letter::report(
            "sam@seedandfeed.example",
            to,
            "Seed list for the coming year",
            "Dear customer,\n\nthe new list is out. Orders until the 10th are shipped before Christmas.\nIf you do not want this letter, tell me.\n\nSam",
        );
        backdrop::submit(&mut line, at, "newsletter", &hotel, &[to], &text);
    }
    for at in chance.arrivals(3.2, 2.0, length - 10.0) {
        let user =
            chance.pick(&["admin", "sam", "test", "dora", "office", "info", "sales", "root"]);
        let password = chance.word("abcdefgh12345", 8);
        let from_ip = chance.pick(GUESSERS);
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo: "User",
            server: SERVER,
            user,
            password: &password,
            address: "sam@seedandfeed.example",
            agent: "",
        };
        backdrop::submit(
            &mut line,
            at,
            "guess",
            &person,
            &["stand@market.example"],
            "Subject: x\n\nx\n",
        );
    }
    backdrop::monitored(&mut line, length, 85.0, &crowd, SERVER, "canary.midwire.example");

    let played = line.play(plan.name, length)?;
    // The log begins in the middle of the list's window.
    let seen = played.started - SignedDuration::from_mins(6);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 15, helo: "" };
    folder.notice("notice.txt", &notice::cbl_2018(told, 1))?;
    folder.site("addresses = [\"203.0.113.12\"]\nmta = [\"postfix\"]\nhelo = [\"mail.seedandfeed.example\"]\ntimezone = \"America/Chicago\"\n")?;
    folder.take(&server, "/var/log/mail.log", "logs/mail.log")?;
    folder.take(&server, "/var/log/auth.log", "logs/auth.log")?;
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.finish(
        &Expect {
            must_not_accuse: [
                "account:sam",
                "account:dora",
                "account:test",
                "account:office",
                "account:admin",
                "account:root",
                "address:sam@seedandfeed.example",
            ]
            .map(String::from)
            .to_vec(),
            twin_of: "stolen-test-account",
            origin: "recorded by the lab as the twin of the stolen-credentials cases",
            ..Expect::default()
        },
        "The travelling seedsman",
        STORY,
    )
}

const STORY: &str = "The same structure as the stolen-credentials cases, with nobody guilty: `sam` is on the way and logs in from five networks (office, home, hotel, airport, phone), several within minutes because all his machines fetch and send mail; \
from the hotel he sends his newsletter to fourteen customers, some of whom do not exist any more or have full mailboxes. `test` exists with a good password and is never used.

Guessers try many accounts, these among them, from four addresses and never get in.

The list's notice names no HELO; its window begins long before the log does, and there is no capture: nothing here can convict anybody.

By hand: `notice.txt`, `site.toml`.";
