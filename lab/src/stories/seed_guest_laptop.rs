//! The seed thread, second variant: a guest's laptop behind the office NAT speaks to exchangers itself; the mail server
//! behind the same public address is clean.

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
use anyhow::{Context, Result};
use jiff::SignedDuration;

const PUBLIC: &str = "198.51.100.77";
const SERVER: &str = "10.20.0.10";

const PROVIDERS: &[Provider] = &[
    (
        &["baltmail.example"],
        &[
            (10, "mx1.baltmail.example", "203.0.113.30", Manner::Tls),
            (20, "mx2.baltmail.example", "203.0.113.31", Manner::Tls),
        ],
    ),
    (
        &["sundpost.example", "havn.example"],
        &[(10, "in.sundpost.example", "192.0.2.40", Manner::Plain)],
    ),
    (&["postlager.example"], &[(10, "mail.postlager.example", "203.0.113.80", Manner::Grey)]),
    (
        &["gammel.example"],
        &[
            (5, "a.gammel.example", "203.0.113.90", Manner::Refused),
            (10, "b.gammel.example", "203.0.113.91", Manner::Plain),
        ],
    ),
    (
        &["openbox.example", "kurv.example"],
        &[(10, "mx.openbox.example", "192.0.2.100", Manner::Sink("-w 1"))],
    ),
];

const ELSEWHERE: &[&str] = &[
    "ida@baltmail.example",
    "kontor@sundpost.example",
    "jens@postlager.example",
    "arkiv@gammel.example",
    "salg@kurv.example",
    "former.boss@baltmail.example",
    "brev@havn.example",
];

const VICTIMS: &[&str] = &[
    "baltmail.example",
    "sundpost.example",
    "openbox.example",
    "kurv.example",
    "postlager.example",
    "havn.example",
    "gammel.example",
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("mail.fjordlys.example", PUBLIC).mx("fjordlys.example", "mail.fjordlys.example", 10);
    zone.pool("pool.telenett.example", "192.0.2.128,192.0.2.254", "p");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let crowd = crowd(&world, "crowd", &["192.0.2.140", "192.0.2.141", "192.0.2.201"])?;
    world.switch("br-lan")?;
    let gateway = Gateway {
        name: "gw",
        public: PUBLIC,
        zone: "UTC",
        inside: &[("lan0", "br-lan", "10.20.0.1", "10.20.0.100", "10.20.0.180")],
        dnsmasq: "domain=fjordlys.lan\ndhcp-host=00:00:5e:00:53:0a,10.20.0.10,mail\ndhcp-host=00:00:5e:00:53:0b,10.20.0.11,overvaak\ndhcp-host=00:00:5e:00:53:32,10.20.0.50,brn-skriver\n",
        rules: "iptables -t nat -A PREROUTING -i wan0 -p tcp -m multiport --dports 25,587 -j DNAT --to-destination 10.20.0.10\niptables -P FORWARD DROP\niptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\niptables -A FORWARD -i lan0 -o wan0 -j ACCEPT\niptables -A FORWARD -i wan0 -d 10.20.0.10 -p tcp -m multiport --dports 25,587 -j ACCEPT",
    }
    .start(&world)?;

    let server = office::machine(&world, "br-lan", "mail", "00:00:5e:00:53:0a", Stack::Linux)?;
    Mta {
        hostname: "mail.fjordlys.example",
        domains: "fjordlys.example",
        users: &[("anna", "Skjaer-gaard8"), ("erik", "havtaske.99"), ("kontor", "Papir3Papir")],
        networks: "127.0.0.0/8 10.20.0.0/24",
        submission: true,
        settings: "mydomain = fjordlys.example\nenable_long_queue_ids = yes\n",
        ..Mta::default()
    }
    .start(&server)?;
    let anna = office::machine(&world, "br-lan", "PC-ANNA", "00:00:5e:00:53:41", Stack::Windows)?;
    let erik =
        office::machine(&world, "br-lan", "eriks-thinkpad", "00:00:5e:00:53:42", Stack::Linux)?;
    let printer =
        office::machine(&world, "br-lan", "brn-skriver", "00:00:5e:00:53:32", Stack::Linux)?;
    let watch = office::machine(&world, "br-lan", "overvaak", "00:00:5e:00:53:0b", Stack::Linux)?;
    let phone = office::machine(&world, "br-lan", "Galaxy-A54", "00:00:5e:00:53:77", Stack::Linux)?;
    let guest =
        office::machine(&world, "br-lan", "DESKTOP-9QK2LVR", "00:00:5e:00:53:9d", Stack::Windows)?;
    let culprit = office::address(&guest)?;
    let wire = capture::pcap(&gateway, "any", "tcp port 25", "gw-any.pcap")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.baltmail.example")?, "ida@baltmail.example"),
        (net.exchanger("in.sundpost.example")?, "kontor@sundpost.example"),
        (net.exchanger("mail.postlager.example")?, "jens@postlager.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.2,
        &senders,
        &["anna@fjordlys.example", "erik@fjordlys.example", "kontor@fjordlys.example"],
    );
    for (at, user, password, ehlo, agent) in [
        (&anna, "anna", "Skjaer-gaard8", "[10.20.0.101]", "Microsoft Outlook 16.0"),
        (&erik, "erik", "havtaske.99", "eriks-thinkpad.fjordlys.lan", "Mozilla Thunderbird"),
    ] {
        let address = format!("{user}@fjordlys.example");
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
        backdrop::correspondence(&mut line, &mut chance, length, 0.9, &person, ELSEWHERE);
    }
    // The printer mails its scans through the server, to people outside as well.
    for at in chance.arrivals(0.35, 6.0, length - 8.0) {
        let to = chance.pick(&[
            "erik@fjordlys.example",
            "kontor@sundpost.example",
            "anna@fjordlys.example",
            "salg@kurv.example",
        ]);
        let text =
            letter::report("skriver@fjordlys.example", to, "Scan from BRN-SKRIVER", "1 page\n");
        backdrop::speak(
            &mut line,
            at,
            "printer",
            &printer,
            &[
                "--server",
                SERVER,
                "--ehlo",
                "BRN-SKRIVER",
                "--from",
                "skriver@fjordlys.example",
                "--rcpt",
                to,
            ],
            &text,
        );
    }
    // The monitoring host greets an exchanger that the office depends on, and our own server.
    let mut at = 20.0;
    while at < length - 3.0 {
        backdrop::speak(
            &mut line,
            at,
            "monitor",
            &watch,
            &["--domain", "baltmail.example", "--ehlo", "overvaak.fjordlys.example", "--probe"],
            "",
        );
        at += 75.0;
    }
    backdrop::monitored(&mut line, length, 100.0, &crowd, PUBLIC, "probe.oppetid.example");
    // Guests do what guests do: web and names.
    for (host, rate) in [(&phone, 2.0), (&guest, 1.2)] {
        for at in chance.arrivals(rate, 2.0, length - 3.0) {
            line.sh(at, host, "surf", "dig +short +timeout=2 www.fjordlys.example A >/dev/null; curl -s -m 4 -o /dev/null http://192.0.2.140/; true");
        }
    }
    let count = ((length / 60.0 * 2.6) as usize).max(8);
    for at in chance.scatter(count, length * 0.38, length * 0.62) {
        let name = chance.word("aeioubdfgklmnrst", 6);
        let to = format!("{name}@{}", chance.pick(VICTIMS));
        let from = format!(
            "{}@{}.example",
            chance.word("abdegiklmnorst", 7),
            chance.word("abcdefghij", 6)
        );
        let text = letter::spam(&mut chance, &from, &to);
        backdrop::speak(
            &mut line,
            at,
            "bad",
            &guest,
            &[
                "--ehlo",
                "[127.0.0.1]",
                "--from",
                &from,
                "--rcpt",
                &to,
                "--space",
                "--no-quit",
                "--wait",
                "180",
            ],
            &text,
        );
    }

    let played = line.play(plan.name, length)?;
    capture::end(&gateway, &wire)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: PUBLIC, seen, tolerance: 15, helo: "[127.0.0.1]" };
    folder
        .notice("notice.txt", &notice::cbl_early(told, SignedDuration::from_mins(15 * 60 + 7)))?;
    folder.site("addresses = [\"198.51.100.77\"]\nnetworks = [\"10.20.0.0/24\"]\nmta = [\"postfix\"]\nhelo = [\"mail.fjordlys.example\"]\n")?;
    folder.take(&gateway, &wire.path, "captures/gw-any.pcap")?;
    folder.take(&gateway, "/var/lib/misc/dnsmasq.leases", "gateway/dnsmasq.leases")?;
    folder.ask(&gateway, "iptables-save", "gateway/iptables-save.txt")?;
    folder.take(&server, "/var/log/mail.log", "mailserver/mail.log")?;
    folder.ask(&server, "postconf -n", "mailserver/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "mailserver/ps.txt")?;
    folder.finish(
        &Expect {
            class: "nat-client",
            culprit: &culprit,
            must_not_accuse: vec![
                format!("host:{}", office::address(&anna)?),
                format!("host:{}", office::address(&erik)?),
                "host:10.20.0.50".into(),
                "host:10.20.0.11".into(),
                format!("host:{}", office::address(&phone)?),
                "host:10.20.0.10".into(),
                "account:anna".into(),
                "account:erik".into(),
            ],
            origin: "the seed thread, second variant; recorded by the lab",
            ..Expect::default()
        },
        "The seed thread, with a guest's laptop",
        STORY,
    )
}

const STORY: &str = "An office behind one public address: the mail server (Postfix, long queue ids) stands inside, ports 25 and 587 are forwarded to it. \
The CBL lists the public address because of HELO [127.0.0.1]. The mail server's log is clean.

A guest's laptop on the same LAN speaks SMTP straight to exchangers, with HELO [127.0.0.1], a space after the colon of MAIL FROM and RCPT TO, and no QUIT. \
The capture was taken on the gateway with `-i any`, so each session stands in it twice, before and after translation.

Noise: two people who submit through the server, mail from outside, greylisting, an exchanger that is down, unknown recipients, a guest's phone that surfs. Decoys: a printer that mails through the server, \
a monitoring host that greets an exchanger on port 25 and quits, the server itself.

The laptop shows the TTL, port range, window scale and missing timestamps of a recent Windows, set by sysctl; the order of TCP options is Linux's.

By hand: the laptop's dialect (a scripted client of the lab: no sample of a bot was at hand), the printer's and the probe's dialects, `notice.txt`, `site.toml`.";
