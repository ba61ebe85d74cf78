//! The innocent twin of nodemailer-direct: the application says `[127.0.0.1]` too, but to the MTA on its own host; what leaves says the right name.

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
use anyhow::Result;
use jiff::SignedDuration;

const SERVER: &str = "192.0.2.71";

/// Someone's monitoring service.
const MONITOR: &str = "203.0.113.8";

const PROVIDERS: &[Provider] = &[
    (
        &["fiordpost.example"],
        &[
            (10, "mx1.fiordpost.example", "203.0.113.25", Manner::Tls),
            (20, "mx2.fiordpost.example", "203.0.113.26", Manner::Tls),
        ],
    ),
    (&["skog.example", "elv.example"], &[(10, "in.skog.example", "198.51.100.49", Manner::Plain)]),
    (&["fjellmail.example"], &[(10, "mail.fjellmail.example", "203.0.113.89", Manner::Grey)]),
    (
        &["brygge.example"],
        &[
            (5, "a.brygge.example", "203.0.113.99", Manner::Refused),
            (10, "b.brygge.example", "203.0.113.95", Manner::Plain),
        ],
    ),
    (
        &["kasse.example", "torget.example"],
        &[(10, "mx.kasse.example", "198.51.100.109", Manner::Sink("-w 1"))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "ola@fiordpost.example",
    "post@skog.example",
    "kari@fjellmail.example",
    "lager@brygge.example",
    "butikk@torget.example",
    "gone@fiordpost.example",
];
const PARENTS: &[&str] = &[
    "fiordpost.example",
    "skog.example",
    "elv.example",
    "kasse.example",
    "torget.example",
    "fjellmail.example",
    "brygge.example",
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("status.overvakning.example", MONITOR);
    zone.host("web2.barnehage.example", SERVER).mx(
        "barnehage.example",
        "web2.barnehage.example",
        10,
    );
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let crowd = crowd(
        &world,
        "crowd",
        &[MONITOR, "203.0.113.150", "203.0.113.151", "198.51.100.160", "198.51.100.171"],
    )?;
    let server = world.public("web2", SERVER, "UTC")?;
    Mta {
        hostname: "web2.barnehage.example",
        domains: "barnehage.example",
        users: &[("styrer", "Gul-vott-4"), ("kontor", "sand.kasse.1")],
        submission: true,
        settings: "mydomain = barnehage.example\nenable_long_queue_ids = yes\n",
        ..Mta::default()
    }
    .start(&server)?;
    node::application(
        &server,
        "/srv/portal",
        "app.js",
        &super::nodemailer_direct::LOCAL.replace("playahotel", "barnehage"),
        "portal",
    )?;
    server.write("/usr/local/sbin/mx-alive", super::nodemailer_direct::MX_ALIVE, 0o755)?;
    server.write(
        "/etc/cron.d/local",
        "*/3 * * * * root /usr/local/sbin/mx-alive mx1.fiordpost.example\n",
        0o644,
    )?;
    server.sh("cron")?;
    let wire = capture::pcap(&server, "any", "tcp port 25", "web2-any.pcap")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.fiordpost.example")?, "ola@fiordpost.example"),
        (net.exchanger("in.skog.example")?, "post@skog.example"),
        (net.exchanger("mail.fjellmail.example")?, "kari@fjellmail.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.2,
        &senders,
        &["styrer@barnehage.example", "kontor@barnehage.example"],
    );
    for (user, password, from_ip, ehlo, agent) in [
        ("styrer", "Gul-vott-4", "203.0.113.150", "[192.168.1.11]", "Mozilla Thunderbird"),
        ("kontor", "sand.kasse.1", "198.51.100.160", "KONTOR-PC", "Microsoft Outlook 16.0"),
    ] {
        let address = format!("{user}@barnehage.example");
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
    backdrop::monitored(&mut line, length, 100.0, &crowd, SERVER, "status.overvakning.example");
    let portal = Web { address: "192.0.2.71:8090", name: "portal.barnehage.example" };
    for at in chance.arrivals(2.0, 3.0, length - 8.0) {
        let body = format!("mail=forelder{}%40{}", chance.below(300), chance.pick(PARENTS));
        let from = chance.pick(&["203.0.113.151", "198.51.100.171", "203.0.113.150"]);
        backdrop::request(&mut line, at, "invite", &crowd, from, portal, &["-d", &body], "/invite");
    }
    line.sh(length * 0.5, &server, "look", "for i in $(seq 900); do ss -tanp > /var/tmp/ss.now; if grep ESTAB /var/tmp/ss.now | grep -E ':25 +users' | grep -q '\"node\"'; then cp /var/tmp/ss.now /var/tmp/ss.txt; ps auxww > /var/tmp/ps.txt; break; fi; sleep 0.02; done; test -e /var/tmp/ss.txt || { ss -tanp > /var/tmp/ss.txt; ps auxww > /var/tmp/ps.txt; }");

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let seen = played.started - SignedDuration::from_mins(4);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 5, helo: "[127.0.0.1]" };
    folder.notice("notice.txt", &notice::cbl_2018(told, 1))?;
    folder.site("addresses = [\"192.0.2.71\"]\nmta = [\"postfix\"]\nhelo = [\"web2.barnehage.example\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/web2-any.pcap")?;
    for log in ["mail.log", "cron.log"] {
        folder.take(&server, &format!("/var/log/{log}"), &format!("logs/{log}"))?;
    }
    folder.take(&server, "/var/tmp/ss.txt", "host/ss-tanp.txt")?;
    folder.take(&server, "/var/tmp/ps.txt", "host/ps-auxww.txt")?;
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.take(&server, "/etc/cron.d/local", "etc/cron.d/local")?;
    for file in ["/srv/portal/app.js", "/srv/portal/package.json"] {
        folder.take(&server, file, file.trim_start_matches('/'))?;
    }
    folder.finish(
        &Expect {
            must_not_accuse: [
                "process:/srv/portal/app.js",
                "script:/srv/portal/app.js",
                "process:/usr/bin/node",
                "process:/usr/local/sbin/mx-alive",
                "account:styrer",
                "account:kontor",
                "setting:myhostname = web2.barnehage.example",
            ]
            .map(String::from)
            .to_vec(),
            twin_of: "nodemailer-direct",
            origin: "recorded by the lab as the twin of nodemailer-direct",
            ..Expect::default()
        },
        "The kindergarten's portal",
        STORY,
    )
}

const STORY: &str = "The same structure as nodemailer-direct, with nobody guilty: the portal uses real nodemailer, whose `[127.0.0.1]` stands in the capture (taken with `-i any`, loopback included) and in `ss` beside `node`, but the connections go to the MTA on the same host; \
every mail leaves through Postfix with the right HELO and has its lines. Only a small part of the list's window lies inside the evidence.

Also here: `mx-alive`, a cron script of the administrator that greets an exchanger with a name of its own and leaves without a log line; an exchanger that is down; greylisting; unknown recipients; probes of port 25.

By hand: the application's code, `notice.txt`, `site.toml`.";
