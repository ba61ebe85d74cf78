//! FIELD (w): a legitimate Node application speaks to exchangers itself, past the MTA, and says `[127.0.0.1]` because the host's name has no dot.

use super::Plan;
use super::backdrop::{self, Person, Web};
use crate::capture;
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::internet::{Internet, Provider, crowd};
use crate::mta::Mta;
use crate::node;
use crate::notice::{self, Told};
use crate::sink::Manner;
use crate::timeline::Timeline;
use crate::world::World;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: &str = "198.51.100.33";

/// Someone's monitoring service.
const MONITOR: &str = "192.0.2.8";

const PROVIDERS: &[Provider] = &[
    (
        &["lumamail.example"],
        &[
            (10, "mx1.lumamail.example", "203.0.113.23", Manner::Tls),
            (20, "mx2.lumamail.example", "203.0.113.24", Manner::Tls),
        ],
    ),
    (
        &["costera.example", "puerto.example"],
        &[(10, "in.costera.example", "192.0.2.43", Manner::Plain)],
    ),
    (&["montepost.example"], &[(10, "mail.montepost.example", "203.0.113.83", Manner::Grey)]),
    (
        &["viejo.example"],
        &[
            (5, "a.viejo.example", "203.0.113.93", Manner::Refused),
            (10, "b.viejo.example", "203.0.113.94", Manner::Slow(4)),
        ],
    ),
    (
        &["buzon.example", "mercado.example"],
        &[(10, "mx.buzon.example", "192.0.2.103", Manner::Sink("-w 2"))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "lucia@lumamail.example",
    "pedidos@costera.example",
    "ramon@montepost.example",
    "archivo@viejo.example",
    "caja@mercado.example",
    "former@lumamail.example",
];
const GUESTS: &[&str] = &[
    "lumamail.example",
    "costera.example",
    "puerto.example",
    "viejo.example",
    "buzon.example",
    "mercado.example",
    "montepost.example",
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("uptime.vigia.example", MONITOR);
    zone.host("app01.playahotel.example", SERVER).mx(
        "playahotel.example",
        "app01.playahotel.example",
        10,
    );
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let visitors = ["203.0.113.150", "203.0.113.151", "192.0.2.160", "192.0.2.171"];
    let mut addresses = vec![MONITOR];
    addresses.extend(visitors);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("app01", SERVER, "UTC")?;
    Mta {
        hostname: "app01.playahotel.example",
        domains: "playahotel.example",
        users: &[("recepcion", "Toalla-azul4"), ("direccion", "Sombrilla.88")],
        submission: true,
        settings: "mydomain = playahotel.example\n",
        ..Mta::default()
    }
    .start(&server)?;
    node::application(&server, "/srv/booking", "notify.js", DIRECT, "booking")?;
    node::application(&server, "/srv/panel", "server.js", LOCAL, "panel")?;
    server.write("/usr/local/sbin/mx-alive", MX_ALIVE, 0o755)?;
    server.write("/etc/cron.d/local", "*/4 * * * * root /usr/local/sbin/mx-alive mx1.lumamail.example\n*/5 * * * * recepcion (echo 'From: recepcion@playahotel.example'; echo 'To: lucia@lumamail.example'; echo 'Subject: rooms'; echo; uptime) | /usr/sbin/sendmail -t -i\n", 0o644)?;
    server.sh("cron")?;
    let wire = capture::pcapng(&server, "eth0", "tcp port 25", "app01-smtp.pcapng")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.lumamail.example")?, "lucia@lumamail.example"),
        (net.exchanger("in.costera.example")?, "pedidos@costera.example"),
        (net.exchanger("mail.montepost.example")?, "ramon@montepost.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.2,
        &senders,
        &["recepcion@playahotel.example", "direccion@playahotel.example"],
    );
    for (user, password, from_ip, ehlo, agent) in [
        ("recepcion", "Toalla-azul4", "192.0.2.160", "[192.168.10.5]", "Mozilla Thunderbird"),
        (
            "direccion",
            "Sombrilla.88",
            "203.0.113.150",
            "iMac-de-Ana.local",
            "Apple Mail (2.3776.700.51)",
        ),
    ] {
        let address = format!("{user}@playahotel.example");
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
    backdrop::monitored(&mut line, length, 100.0, &crowd, SERVER, "uptime.vigia.example");
    let panel = Web { address: "198.51.100.33:8090", name: "panel.playahotel.example" };
    for at in chance.arrivals(1.1, 3.0, length - 8.0) {
        let body = format!("mail=personal{}%40{}", chance.below(50), chance.pick(GUESTS));
        backdrop::request(
            &mut line,
            at,
            "panel",
            &crowd,
            "203.0.113.151",
            panel,
            &["-d", &body],
            "/invite",
        );
    }
    let booking = Web { address: "198.51.100.33:8080", name: "www.playahotel.example" };
    // Bookings come all day; in the evening rush, in the middle of the recording, they come thick.
    let mut moments = chance.arrivals(0.7, 3.0, length - 8.0);
    moments.extend(chance.scatter((length / 60.0) as usize, length * 0.4, length * 0.6));
    for at in moments {
        let body = format!("mail=guest{}%40{}&room=sea", chance.below(900), chance.pick(GUESTS));
        let from = chance.pick(&visitors);
        backdrop::request(&mut line, at, "bad", &crowd, from, booking, &["-d", &body], "/book");
    }
    line.sh(length * 0.45, &server, "look", "for i in $(seq 900); do ss -tanp > /var/tmp/ss.now; if grep ESTAB /var/tmp/ss.now | grep -E ':25 +users' | grep -q '\"node\"'; then cp /var/tmp/ss.now /var/tmp/ss.txt; ps auxww > /var/tmp/ps.txt; break; fi; sleep 0.1; done");

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let (first, last) = played.span("bad").context("nothing was booked")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 5, helo: "[127.0.0.1]" };
    folder.notice("notice.txt", &notice::cbl_2018(told, 2))?;
    folder.site("addresses = [\"198.51.100.33\"]\nmta = [\"postfix\"]\nhelo = [\"app01.playahotel.example\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/app01-smtp.pcapng")?;
    for log in ["mail.log", "cron.log"] {
        folder.take(&server, &format!("/var/log/{log}"), &format!("logs/{log}"))?;
    }
    folder.take(&server, "/var/tmp/ss.txt", "host/ss-tanp.txt")?;
    folder.take(&server, "/var/tmp/ps.txt", "host/ps-auxww.txt")?;
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.take(&server, "/etc/cron.d/local", "etc/cron.d/local")?;
    for file in [
        "/srv/booking/notify.js",
        "/srv/booking/package.json",
        "/srv/panel/server.js",
        "/srv/panel/package.json",
    ] {
        folder.take(&server, file, file.trim_start_matches('/'))?;
    }
    folder.finish(
        &Expect {
            class: "direct-sender",
            culprit: "/srv/booking/notify.js",
            must_not_accuse: [
                "process:/srv/panel/server.js",
                "process:/usr/local/sbin/mx-alive",
                "account:recepcion",
                "account:direccion",
            ]
            .map(String::from)
            .to_vec(),
            origin: "FIELD (w), nodemailer 502: HELOs as 127.0.0.1; recorded by the lab",
            ..Expect::default()
        },
        "The booking application",
        STORY,
    )
}

/// Greets an exchanger and leaves.
pub(super) const MX_ALIVE: &str = include_str!("nodemailer_direct/mx-alive.py");

/// An application that mails through the server on its own host.
pub(super) const LOCAL: &str = include_str!("nodemailer_direct/panel.js");
const DIRECT: &str = include_str!("nodemailer_direct/notify.js");

const STORY: &str = "A hotel's server runs Postfix and two Node applications with real nodemailer. The booking application delivers confirmations straight to the guests' exchangers; \
nodemailer says `[127.0.0.1]` because the host is called `app01`, without a dot. The CBL lists the address for that HELO. Postfix itself says the right one.

`ss -tanp` and `ps auxww` were run again and again until a connection to port 25 by something else than Postfix showed.

Noise: two people who submit, mail from outside, greylisting (the application gives up there, Postfix retries), an exchanger that is down, unknown recipients, a probe of port 25. Decoys: the panel application uses the same library but sends through the server on its host \
(its HELO is `[127.0.0.1]` too, seen in the server's log only), `mx-alive` greets an exchanger from cron and leaves without a log line, a cron mail of `recepcion`.

By hand: the two applications' code, `notice.txt`, `site.toml`.";
