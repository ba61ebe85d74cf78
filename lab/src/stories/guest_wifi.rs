//! FIELD (o): a guest's laptop on the guest Wi-Fi, the mail server on the gateway itself, and no capture: only the
//! firewall's log of port 25 and the leases.

use super::Plan;
use super::backdrop::{self, Person};
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::gateway::Gateway;
use crate::internet::{Internet, Provider, crowd};
use crate::letter;
use crate::mta::Mta;
use crate::notice::{self, Told};
use crate::office::{self, Stack};
use crate::sink::{self, Manner};
use crate::syslog::Stamps;
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const PUBLIC: &str = "192.0.2.66";
const ZONE: &str = "Europe/Berlin";

const PROVIDERS: &[Provider] = &[
    (
        &["rheinpost.example"],
        &[
            (10, "mx1.rheinpost.example", "198.51.100.24", Manner::Tls),
            (20, "mx2.rheinpost.example", "198.51.100.27", Manner::Tls),
        ],
    ),
    (
        &["eifelnetz.example", "talweg.example"],
        &[(10, "in.eifelnetz.example", "203.0.113.44", Manner::Plain)],
    ),
    (&["moselmail.example"], &[(10, "mail.moselmail.example", "203.0.113.84", Manner::Grey)]),
    (
        &["burghof.example"],
        &[
            (5, "a.burghof.example", "198.51.100.94", Manner::Refused),
            (10, "b.burghof.example", "198.51.100.95", Manner::Slow(2)),
        ],
    ),
    (
        &["sammelpost.example", "karton.example"],
        &[(10, "mx.sammelpost.example", "203.0.113.104", Manner::Sink(""))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "jutta@rheinpost.example",
    "bestellung@eifelnetz.example",
    "horst@moselmail.example",
    "verein@burghof.example",
    "abo@karton.example",
    "gone@rheinpost.example",
];
const VICTIMS: &[&str] = &[
    "rheinpost.example",
    "eifelnetz.example",
    "talweg.example",
    "sammelpost.example",
    "karton.example",
    "moselmail.example",
    "burghof.example",
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("gw.tischlerei-falk.example", PUBLIC).mx(
        "tischlerei-falk.example",
        "gw.tischlerei-falk.example",
        10,
    );
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let crowd = crowd(&world, "crowd", &["203.0.113.140", "203.0.113.150"])?;
    world.switch("br-lan")?;
    world.switch("br-guest")?;
    let gateway = Gateway {
        name: "gw",
        public: PUBLIC,
        zone: ZONE,
        inside: &[
            ("lan0", "br-lan", "192.168.1.1", "192.168.1.50", "192.168.1.120"),
            ("guest0", "br-guest", "192.168.99.1", "192.168.99.20", "192.168.99.90"),
        ],
        dnsmasq: "domain=falk.lan\ndhcp-host=00:00:5e:00:53:05,192.168.1.5,wachhund\ndhcp-host=00:00:5e:00:53:09,192.168.1.9,kopierer\n",
        rules: "iptables -A FORWARD -i guest0 -o lan0 -j REJECT\niptables -A FORWARD -o wan0 -p tcp --syn --dport 25 -j LOG --log-prefix 'P25-FWD '\n\
                iptables -A OUTPUT -o wan0 -p tcp --syn --dport 25 -j LOG --log-uid --log-prefix 'P25-OUT '\n",
    }
    .start(&world)?;
    Mta {
        hostname: "gw.tischlerei-falk.example",
        domains: "tischlerei-falk.example",
        users: &[("falk", "Hobel-bank3"), ("buero", "Leim.und.Span"), ("lager", "Brett8Brett")],
        networks: "127.0.0.0/8 192.168.1.0/24",
        submission: true,
        stamps: Some(Stamps::Bsd),
        packets: Some("P25-"),
        settings: "mydomain = tischlerei-falk.example\n",
        ..Mta::default()
    }
    .start(&gateway)?;
    let falk = office::machine(&world, "br-lan", "falk-pc", "00:00:5e:00:53:51", Stack::Windows)?;
    let buero = office::machine(&world, "br-lan", "buero2", "00:00:5e:00:53:52", Stack::Windows)?;
    let copier = office::machine(&world, "br-lan", "kopierer", "00:00:5e:00:53:09", Stack::Linux)?;
    let watch = office::machine(&world, "br-lan", "wachhund", "00:00:5e:00:53:05", Stack::Linux)?;
    let phone = office::machine(&world, "br-guest", "iPhone", "00:00:5e:00:53:a1", Stack::Linux)?;
    let visitor =
        office::machine(&world, "br-guest", "susis-macbook", "00:00:5e:00:53:a2", Stack::Linux)?;
    let guest = office::machine(
        &world,
        "br-guest",
        "LAPTOP-7F1D0QBE",
        "00:00:5e:00:53:a7",
        Stack::Windows,
    )?;
    let culprit = office::address(&guest)?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.rheinpost.example")?, "jutta@rheinpost.example"),
        (net.exchanger("in.eifelnetz.example")?, "bestellung@eifelnetz.example"),
        (net.exchanger("mail.moselmail.example")?, "horst@moselmail.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.2,
        &senders,
        &[
            "falk@tischlerei-falk.example",
            "buero@tischlerei-falk.example",
            "lager@tischlerei-falk.example",
        ],
    );
    let person = Person {
        at: &falk,
        from_ip: "",
        ehlo: "[192.168.1.77]",
        server: "192.168.1.1",
        user: "falk",
        password: "Hobel-bank3",
        address: "falk@tischlerei-falk.example",
        agent: "Microsoft Outlook 16.0",
    };
    backdrop::correspondence(&mut line, &mut chance, length, 1.2, &person, ELSEWHERE);
    // buero2 has a second, private account at the provider and an old program that sends over port 25 to the provider's server.
    for at in chance.arrivals(0.5, 5.0, length - 8.0) {
        let to = chance.pick(&["jutta@rheinpost.example", "mutti@rheinpost.example"]);
        let text = letter::personal(
            &mut chance,
            "buero.falk@rheinpost.example",
            to,
            "Windows Live Mail 16.4",
        );
        backdrop::speak(
            &mut line,
            at,
            "own-provider",
            &buero,
            &[
                "--server",
                "198.51.100.24",
                "--ehlo",
                "buero2",
                "--from",
                "buero.falk@rheinpost.example",
                "--rcpt",
                to,
            ],
            &text,
        );
    }
    for at in chance.scatter(3, length * 0.2, length * 0.8) {
        let text = letter::personal(
            &mut chance,
            "susi@talweg.example",
            "oma@talweg.example",
            "Apple Mail (2.3445)",
        );
        backdrop::speak(
            &mut line,
            at,
            "visitor",
            &visitor,
            &[
                "--server",
                "203.0.113.44",
                "--ehlo",
                "susis-macbook.fritz.box",
                "--from",
                "susi@talweg.example",
                "--rcpt",
                "oma@talweg.example",
            ],
            &text,
        );
    }
    for at in chance.arrivals(0.4, 6.0, length - 8.0) {
        let text = letter::report(
            "kopierer@tischlerei-falk.example",
            "falk@tischlerei-falk.example",
            "Scan",
            "2 Seiten\n",
        );
        backdrop::speak(
            &mut line,
            at,
            "copier",
            &copier,
            &[
                "--server",
                "192.168.1.1",
                "--ehlo",
                "KM3A91C2",
                "--from",
                "kopierer@tischlerei-falk.example",
                "--rcpt",
                "falk@tischlerei-falk.example",
            ],
            &text,
        );
    }
    let mut at = 31.0;
    while at < length - 3.0 {
        backdrop::speak(
            &mut line,
            at,
            "monitor",
            &watch,
            &[
                "--domain",
                chance.pick(&["rheinpost.example", "eifelnetz.example"]),
                "--ehlo",
                "wachhund.falk.lan",
                "--probe",
            ],
            "",
        );
        at += 110.0;
    }
    backdrop::monitored(&mut line, length, 95.0, &crowd, PUBLIC, "ping.messdienst.example");
    for (host, rate) in [(&phone, 1.5), (&visitor, 1.0), (&guest, 1.0)] {
        for at in chance.arrivals(rate, 2.0, length - 3.0) {
            line.sh(at, host, "surf", "dig +short +timeout=2 gw.tischlerei-falk.example A >/dev/null; curl -s -m 4 -o /dev/null http://203.0.113.140/; true");
        }
    }
    let count = ((length / 60.0 * 2.2) as usize).max(8);
    for at in chance.scatter(count, length * 0.42, length * 0.66) {
        let to = format!("{}@{}", chance.word("abcdeilmnorst", 6), chance.pick(VICTIMS));
        let from = format!("{}@{}", chance.word("abdegiklmnorst", 7), chance.pick(VICTIMS));
        let text = letter::spam(&mut chance, &from, &to);
        backdrop::speak(
            &mut line,
            at,
            "bad",
            &guest,
            &[
                "--helo",
                "--ehlo",
                "user-pc",
                "--from",
                &from,
                "--rcpt",
                &to,
                "--no-quit",
                "--wait",
                "90",
            ],
            &text,
        );
    }

    let played = line.play(plan.name, length)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    // The second is that of a mail which an exchanger stored.
    let middle = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);
    let told = sink::received(&*net.exchanger("in.eifelnetz.example")?, "from user-pc")?;
    let seen = told.map_or(middle, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: PUBLIC, seen, tolerance: 0, helo: "user-pc" };
    folder.notice("notice.txt", &notice::checker(told))?;
    folder.site("addresses = [\"192.0.2.66\"]\nnetworks = [\"192.168.1.0/24\", \"192.168.99.0/24\"]\nmta = [\"postfix\"]\nhelo = [\"gw.tischlerei-falk.example\"]\ntimezone = \"Europe/Berlin\"\n")?;
    folder.take(&gateway, "/var/log/kern.log", "logs/kern.log")?;
    folder.take(&gateway, "/var/log/mail.log", "logs/mail.log")?;
    folder.take(&gateway, "/var/lib/misc/dnsmasq.leases", "dnsmasq.leases")?;
    folder.ask(&gateway, "postconf -n", "postconf-n.txt")?;
    folder.ask(&gateway, "iptables-save -c", "iptables-save.txt")?;
    let mut decoys = vec![
        "host:192.168.1.5".to_owned(),
        "host:192.168.1.9".into(),
        "account:falk".into(),
        "account:buero".into(),
    ];
    for host in [&falk, &buero, &phone, &visitor] {
        decoys.push(format!("host:{}", office::address(host)?));
    }
    folder.finish(
        &Expect {
            class: "nat-client",
            culprit: &culprit,
            must_not_accuse: decoys,
            origin: "FIELD (o) and (m): guest Wi-Fi laptop through the office NAT, found by logging port 25; recorded by the lab",
            ..Expect::default()
        },
        "The guest Wi-Fi",
        STORY,
    )
}

const STORY: &str = "A joiner's workshop in Germany (BSD stamps in local time): the gateway is the mail server as well, the guest Wi-Fi has a network of its own that leaves through the same address. \
The administrator had the firewall log new connections to port 25; nobody captured packets. The checker's page gives the second and the HELO of one contact.

A guest's laptop speaks to many exchangers itself.

Noise: a person who submits through the server, mail from outside, greylisting, an exchanger that is down, a probe of port 25, surfing guests. Decoys: `buero2` sends private mail with an old program over port 25, always to its own provider's server; \
a visitor's notebook does the same three times, once or more inside the incident; `wachhund` greets exchangers and quits; the copier mails through the server; the server's own connections stand in the same log (`P25-OUT`).

The laptop shows the TTL and port range of a recent Windows, set by sysctl. By hand: the dialects (a scripted client of the lab), `notice.txt`, `site.toml`.";
