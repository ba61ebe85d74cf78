//! The innocent twin of seed-guest-laptop: a guest's laptop that sends mail through its own provider's submission server, and nothing else.

use super::Plan;
use super::backdrop::{self, Person};
use crate::capture;
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::gateway::Gateway;
use crate::internet::{Internet, Provider, crowd};
use crate::letter;
use crate::mta::Mta;
use crate::notice::{self, Told};
use crate::office::{self, Stack};
use crate::sink::Manner;
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::Result;
use jiff::SignedDuration;

const PUBLIC: &str = "203.0.113.201";
const SERVER: &str = "172.16.4.2";
const SUBMISSION: &str = "198.51.100.70";

const PROVIDERS: &[Provider] = &[
    (
        &["hillmail.example"],
        &[
            (10, "mx1.hillmail.example", "198.51.100.28", Manner::Tls),
            (20, "mx2.hillmail.example", "198.51.100.29", Manner::Tls),
        ],
    ),
    (
        &["dalepost.example", "weir.example"],
        &[(10, "in.dalepost.example", "192.0.2.46", Manner::Plain)],
    ),
    (&["moormail.example"], &[(10, "mail.moormail.example", "192.0.2.86", Manner::Grey)]),
    (
        &["ferry.example"],
        &[
            (5, "a.ferry.example", "192.0.2.97", Manner::Refused),
            (10, "b.ferry.example", "192.0.2.98", Manner::Plain),
        ],
    ),
    (
        &["crate.example", "stall.example"],
        &[(10, "mx.crate.example", "192.0.2.106", Manner::Sink("-w 1"))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "nora@hillmail.example",
    "office@dalepost.example",
    "glen@moormail.example",
    "records@ferry.example",
    "shop@stall.example",
    "former.client@hillmail.example",
    "lock@weir.example",
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("mx.brookside.example", PUBLIC).mx("brookside.example", "mx.brookside.example", 10);
    zone.host("submit.roampost.example", SUBMISSION).mx(
        "roampost.example",
        "submit.roampost.example",
        10,
    );
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let crowd = crowd(&world, "crowd", &["192.0.2.140", "192.0.2.141"])?;
    let roam = world.public("submit", SUBMISSION, "UTC")?;
    Mta {
        hostname: "submit.roampost.example",
        domains: "roampost.example",
        users: &[("vera", "Koffer-pack9"), ("timo", "insel.hopper1")],
        submission: true,
        settings: "mydomain = roampost.example\n",
        ..Mta::default()
    }
    .start(&roam)?;

    world.switch("br-lan")?;
    let gateway = Gateway {
        name: "fw",
        public: PUBLIC,
        zone: "UTC",
        inside: &[("lan0", "br-lan", "172.16.4.1", "172.16.4.60", "172.16.4.99")],
        dnsmasq: "domain=brookside.lan\ndhcp-host=00:00:5e:00:53:02,172.16.4.2,mx\ndhcp-host=00:00:5e:00:53:06,172.16.4.6,sentry\ndhcp-host=00:00:5e:00:53:30,172.16.4.30,mfp-hall\n",
        rules: "iptables -t nat -A PREROUTING -i wan0 -p tcp -m multiport --dports 25,587 -j DNAT --to-destination 172.16.4.2",
    }
    .start(&world)?;
    let server = office::machine(&world, "br-lan", "mx", "00:00:5e:00:53:02", Stack::Linux)?;
    Mta {
        hostname: "mx.brookside.example",
        domains: "brookside.example",
        users: &[("carol", "Willow-tree6"), ("dave", "otter.stream.2")],
        networks: "127.0.0.0/8 172.16.4.0/24",
        submission: true,
        settings: "mydomain = brookside.example\nenable_long_queue_ids = yes\n",
        ..Mta::default()
    }
    .start(&server)?;
    let carol = office::machine(&world, "br-lan", "CAROL-PC", "00:00:5e:00:53:61", Stack::Windows)?;
    let dave = office::machine(&world, "br-lan", "dave-desk", "00:00:5e:00:53:62", Stack::Linux)?;
    let printer = office::machine(&world, "br-lan", "mfp-hall", "00:00:5e:00:53:30", Stack::Linux)?;
    let watch = office::machine(&world, "br-lan", "sentry", "00:00:5e:00:53:06", Stack::Linux)?;
    let guest =
        office::machine(&world, "br-lan", "DESKTOP-3MT7VQA", "00:00:5e:00:53:b3", Stack::Windows)?;
    let tablet = office::machine(&world, "br-lan", "Tab-S9", "00:00:5e:00:53:b4", Stack::Linux)?;
    let wire = capture::pcapng(&gateway, "lan0", "tcp port 25 or tcp port 587", "fw-lan0.pcapng")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.hillmail.example")?, "nora@hillmail.example"),
        (net.exchanger("in.dalepost.example")?, "office@dalepost.example"),
        (net.exchanger("mail.moormail.example")?, "glen@moormail.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.2,
        &senders,
        &["carol@brookside.example", "dave@brookside.example"],
    );
    for (at, user, password, ehlo, agent) in [
        (&carol, "carol", "Willow-tree6", "[172.16.4.61]", "Microsoft Outlook 16.0"),
        (&dave, "dave", "otter.stream.2", "dave-desk.brookside.lan", "Mozilla Thunderbird"),
    ] {
        let address = format!("{user}@brookside.example");
        let person = Person {
            at,
            from_ip: "",
            ehlo,
            server: SERVER,
            user,
            password,
            address: &address,
            agent,
        };
        backdrop::correspondence(&mut line, &mut chance, length, 0.8, &person, ELSEWHERE);
    }
    // Guests send through their provider, with STARTTLS and a password; one of their programs says [127.0.0.1] there.
    for (at, user, password, ehlo, rate) in [
        (&guest, "vera", "Koffer-pack9", "[127.0.0.1]", 1.6),
        (&tablet, "timo", "insel.hopper1", "localhost", 0.4),
    ] {
        let address = format!("{user}@roampost.example");
        let person = Person {
            at,
            from_ip: "",
            ehlo,
            server: SUBMISSION,
            user,
            password,
            address: &address,
            agent: "Mailspring",
        };
        backdrop::correspondence(&mut line, &mut chance, length, rate, &person, ELSEWHERE);
        for moment in chance.arrivals(1.5, 2.0, length - 3.0) {
            line.sh(moment, at, "surf", "dig +short +timeout=2 submit.roampost.example A >/dev/null; curl -s -m 4 -o /dev/null http://192.0.2.140/; true");
        }
    }
    for at in chance.arrivals(0.35, 6.0, length - 8.0) {
        let to = chance.pick(&[
            "dave@brookside.example",
            "office@dalepost.example",
            "shop@stall.example",
        ]);
        let text = letter::report("mfp@brookside.example", to, "Scan to mail", "1 page\n");
        backdrop::speak(
            &mut line,
            at,
            "printer",
            &printer,
            &[
                "--server",
                SERVER,
                "--ehlo",
                "MFP-HALL",
                "--from",
                "mfp@brookside.example",
                "--rcpt",
                to,
            ],
            &text,
        );
    }
    let mut at = 25.0;
    while at < length - 3.0 {
        backdrop::speak(
            &mut line,
            at,
            "monitor",
            &watch,
            &["--domain", "hillmail.example", "--ehlo", "sentry.brookside.lan", "--probe"],
            "",
        );
        at += 70.0;
    }
    backdrop::monitored(&mut line, length, 90.0, &crowd, PUBLIC, "probe.uptimeco.example");

    let played = line.play(plan.name, length)?;
    capture::end(&gateway, &wire)?;
    // The list saw something nine hours before anybody captured anything.
    let seen = played.started - SignedDuration::from_mins(9 * 60 + 12);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: PUBLIC, seen, tolerance: 15, helo: "[127.0.0.1]" };
    folder.notice(
        "notice.txt",
        &notice::cbl_2015(told, "kelihos", SignedDuration::from_mins(9 * 60 + 40)),
    )?;
    folder.site("addresses = [\"203.0.113.201\"]\nnetworks = [\"172.16.4.0/24\"]\nmta = [\"postfix\"]\nhelo = [\"mx.brookside.example\"]\nvantage = \"inside\"\n")?;
    folder.take(&gateway, &wire.path, "captures/fw-lan0.pcapng")?;
    folder.take(&gateway, "/var/lib/misc/dnsmasq.leases", "gateway/dnsmasq.leases")?;
    folder.ask(&gateway, "iptables-save", "gateway/iptables-save.txt")?;
    folder.take(&server, "/var/log/mail.log", "mailserver/mail.log")?;
    folder.ask(&server, "postconf -n", "mailserver/postconf-n.txt")?;
    let mut decoys = vec![
        "host:172.16.4.2".to_owned(),
        "host:172.16.4.6".into(),
        "host:172.16.4.30".into(),
        "account:carol".into(),
        "account:dave".into(),
    ];
    for host in [&guest, &tablet, &carol, &dave] {
        decoys.push(format!("host:{}", office::address(host)?));
    }
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "seed-guest-laptop",
            origin: "recorded by the lab as the twin of seed-guest-laptop",
            ..Expect::default()
        },
        "The guest who did nothing",
        STORY,
    )
}

const STORY: &str = "The same structure as seed-guest-laptop, with nobody guilty in sight: the office's mail server behind the public address, a guest's laptop (Windows's TTL and ports) on the LAN. \
The guest sends mail through its own provider's submission server on port 587, with STARTTLS and a password, and its program says `[127.0.0.1]` there: that is what the list's notice quotes, but submission is not what lists see. \
On port 25 the guest does nothing. The capture was taken on the inside of the gateway. The list's detection lies nine hours before the capture and the log begin, so the evidence cannot name anybody.

Noise and decoys as there: people who submit, mail from outside, greylisting, an exchanger that is down, a printer, a monitoring host that greets an exchanger and quits, a second guest.

By hand: the printer's and the probe's dialects, `notice.txt`, `site.toml`.";
