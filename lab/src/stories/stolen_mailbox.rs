//! FIELD (b): a hosting server with many mailboxes, one of which leaked from a customer's desktop. Its owner goes on working.

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
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: &str = "203.0.113.140";

/// Someone's monitoring service.
const MONITOR: &str = "192.0.2.8";

const PROVIDERS: &[Provider] = &[
    (
        &["umbrapost.example"],
        &[
            (10, "mx1.umbrapost.example", "198.51.100.25", Manner::Tls),
            (20, "mx2.umbrapost.example", "198.51.100.26", Manner::Tls),
        ],
    ),
    (
        &["collina.example", "vialetto.example"],
        &[(10, "in.collina.example", "192.0.2.45", Manner::Tls)],
    ),
    (&["lagomail.example"], &[(10, "mail.lagomail.example", "192.0.2.85", Manner::Grey)]),
    (
        &["torrevecchia.example"],
        &[
            (5, "a.torrevecchia.example", "192.0.2.95", Manner::Silent),
            (10, "b.torrevecchia.example", "192.0.2.96", Manner::Plain),
        ],
    ),
    (
        &["cassetta.example", "bottega.example"],
        &[(10, "mx.cassetta.example", "198.51.100.105", Manner::Sink("-w 1"))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "chiara@umbrapost.example",
    "ordini@collina.example",
    "marco@lagomail.example",
    "ufficio@torrevecchia.example",
    "negozio@bottega.example",
    "gone@umbrapost.example",
    "info@vialetto.example",
];
const VICTIMS: &[&str] = &[
    "umbrapost.example",
    "collina.example",
    "vialetto.example",
    "lagomail.example",
    "cassetta.example",
    "bottega.example",
    "torrevecchia.example",
];
const STRANGERS: &[&str] =
    &["192.0.2.201", "192.0.2.233", "198.51.100.199", "198.51.100.244", "198.51.100.251"];

const ACCOUNTS: &[(&str, &str, &str, &str, &str)] = &[
    ("info.fornoverdi", "Pane-e-olio4", "198.51.100.130", "[192.168.1.20]", "Mozilla Thunderbird"),
    (
        "anna.fornoverdi",
        "biscotto.77",
        "198.51.100.130",
        "[192.168.1.21]",
        "Microsoft Outlook 16.0",
    ),
    (
        "studio.arclinea",
        "Matita9nera",
        "198.51.100.150",
        "studio-imac.local",
        "Apple Mail (2.3774.600.62)",
    ),
    ("paolo.arclinea", "scala-1-50", "198.51.100.150", "[192.168.0.9]", "Microsoft Outlook 16.0"),
    ("shop.velabianca", "Randa&fiocco2", "192.0.2.160", "[10.1.1.5]", "Mozilla Thunderbird"),
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("monitor.ospitare.example", MONITOR);
    zone.host("vps7.ospitare.example", SERVER);
    for domain in ["fornoverdi.example", "arclinea.example", "velabianca.example"] {
        zone.mx(domain, "vps7.ospitare.example", 10);
    }
    zone.pool("dsl.retebella.example", "198.51.100.128,198.51.100.180", "ip-");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses =
        vec![MONITOR, "198.51.100.130", "198.51.100.150", "192.0.2.160", "198.51.100.177"];
    addresses.extend(STRANGERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("vps7", SERVER, "UTC")?;
    Mta {
        hostname: "vps7.ospitare.example",
        domains: "ospitare.example",
        users: &[
            ("info.fornoverdi", "Pane-e-olio4"),
            ("anna.fornoverdi", "biscotto.77"),
            ("studio.arclinea", "Matita9nera"),
            ("paolo.arclinea", "scala-1-50"),
            ("shop.velabianca", "Randa&fiocco2"),
            ("giulia.velabianca", "Timone3Timone"),
        ],
        submission: true,
        imap: true,
        settings: "mydomain = ospitare.example\nenable_long_queue_ids = yes\nvirtual_alias_domains = fornoverdi.example arclinea.example velabianca.example\n\
                   virtual_alias_maps = regexp:/etc/postfix/virtual\n",
        ..Mta::default()
    }
    .start(&server)?;
    server.write(
        "/etc/postfix/virtual",
        "/^([a-z]+)@(fornoverdi|arclinea|velabianca)\\.example$/ $1.$2\n",
        0o644,
    )?;
    let wire = capture::pcap(&server, "eth0", "tcp port 25 or tcp port 587", "vps7.pcap")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.umbrapost.example")?, "chiara@umbrapost.example"),
        (net.exchanger("in.collina.example")?, "ordini@collina.example"),
        (net.exchanger("mail.lagomail.example")?, "marco@lagomail.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.6,
        &senders,
        &[
            "info@fornoverdi.example",
            "anna@fornoverdi.example",
            "studio@arclinea.example",
            "paolo@arclinea.example",
            "shop@velabianca.example",
        ],
    );
    for (user, password, from_ip, ehlo, agent) in ACCOUNTS {
        let address = user
            .split_once('.')
            .map(|(name, domain)| format!("{name}@{domain}.example"))
            .unwrap_or_default();
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
        backdrop::correspondence(&mut line, &mut chance, length, 0.5, &person, ELSEWHERE);
        // Their programs look for new mail.
        let mut at = chance.between(5.0, 60.0);
        while at < length - 5.0 {
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
                    from_ip,
                    "--max-time",
                    "20",
                    "-u",
                    &format!("{user}:{password}"),
                    &format!("imap://{SERVER}/INBOX"),
                    "-X",
                    "EXAMINE INBOX",
                ],
                "",
            );
            at += chance.between(100.0, 160.0);
        }
    }
    // The shop confirms orders by a program at home: many short letters, as bots send them, but its own.
    let shop = Person {
        at: &crowd,
        from_ip: "198.51.100.177",
        ehlo: "orders",
        server: SERVER,
        user: "shop.velabianca",
        password: "Randa&fiocco2",
        address: "shop@velabianca.example",
        agent: "",
    };
    for at in chance.arrivals(1.0, length * 0.2, length * 0.8) {
        let to = chance.pick(ELSEWHERE);
        let text = letter::report(
            "shop@velabianca.example",
            to,
            "Your order",
            "Thank you for your order. We ship tomorrow.\n",
        );
        backdrop::submit(&mut line, at, "orders", &shop, &[to], &text);
    }
    backdrop::monitored(&mut line, length, 120.0, &crowd, SERVER, "monitor.ospitare.example");
    let count = ((length / 60.0 * 2.2) as usize).max(6);
    for at in chance.scatter(count, length * 0.35, length * 0.65) {
        let from_ip = chance.pick(STRANGERS);
        let recipients: Vec<String> = (0..1 + chance.below(3))
            .map(|_| format!("{}@{}", chance.word("abcdeilmnorst", 6), chance.pick(VICTIMS)))
            .collect();
        let to: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let text = letter::spam(
            &mut chance,
            "anna@fornoverdi.example",
            recipients.first().map(String::as_str).unwrap_or_default(),
        );
        let ehlo = chance.pick(&["[10.8.0.3]", "WIN-8UJ1", "localhost"]);
        let person = Person {
            at: &crowd,
            from_ip,
            ehlo,
            server: SERVER,
            user: "anna.fornoverdi",
            password: "biscotto.77",
            address: "anna@fornoverdi.example",
            agent: "",
        };
        backdrop::submit(&mut line, at, "bad", &person, &to, &text);
    }

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    // The second is that of a mail which an exchanger stored.
    let middle = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);
    let told = sink::received(&*net.exchanger("in.collina.example")?, "offers.example")?;
    let seen = told.map_or(middle, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 0, helo: "" };
    folder.notice(
        "abuse-mail.eml",
        &notice::hoster(told, "ospitare.example", "admin@fornoverdi.example"),
    )?;
    folder.site("addresses = [\"203.0.113.140\"]\nmta = [\"postfix\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/vps7.pcap")?;
    folder.take(&server, "/var/log/mail.log", "logs/mail.log")?;
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ss -tanp", "host/ss.txt")?;
    folder.finish(
        &Expect {
            class: "stolen-credentials",
            culprit: "anna.fornoverdi",
            must_not_accuse: ["account:info.fornoverdi", "account:studio.arclinea", "account:paolo.arclinea", "account:shop.velabianca", "account:giulia.velabianca"].map(String::from).to_vec(),
            origin: "FIELD (b), serverfault 501555: one client mailbox leaked from a desktop; recorded by the lab",
            ..Expect::default()
        },
        "One mailbox of many",
        STORY,
    )
}

const STORY: &str = "A hosting server with mailboxes of three customers (Virtualmin's way: the account is `name.domain`). The password of `anna.fornoverdi` leaked from her desktop. \
Strangers submit spam with it, with her own address as sender, while she goes on working from the bakery, where a colleague sends from the same address. The hoster forwards a complaint of a spam trap.

Noise: five people who submit and look for new mail by IMAP, mail from outside through virtual aliases, greylisting, an exchanger that does not answer so that a second one is tried, unknown recipients, a probe of port 25. \
Decoys: `shop.velabianca` is used from two networks, and its order program sends many short letters inside the window.

By hand: `abuse-mail.eml`, `site.toml`.";
