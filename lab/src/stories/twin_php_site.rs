//! The innocent twin of seed-php-script: a site with legitimate mailing code that looks suspicious, and an MTA whose own sessions are not all in its log as deliveries.

use super::Plan;
use super::backdrop::{self, Person, Web};
use crate::capture;
use crate::chance::Chance;
use crate::dns::Zone;
use crate::evidence::{Expect, Folder};
use crate::internet::{Internet, Provider, crowd};
use crate::mta::Mta;
use crate::notice::{self, Told};
use crate::sink::Manner;
use crate::syslog::Stamps;
use crate::timeline::Timeline;
use crate::web::{self, AGENTS, Site};
use crate::world::World;
use anyhow::Result;
use jiff::SignedDuration;

const SERVER: &str = "192.0.2.119";
const ROOT: &str = "/var/www/aula";

/// Someone's monitoring service.
const MONITOR: &str = "198.51.100.8";

const PROVIDERS: &[Provider] = &[
    (
        &["pomonet.example"],
        &[
            (10, "mx1.pomonet.example", "198.51.100.30", Manner::Tls),
            (20, "mx2.pomonet.example", "198.51.100.31", Manner::Tls),
        ],
    ),
    (
        &["jezero.example", "most.example"],
        &[(10, "in.jezero.example", "203.0.113.47", Manner::Plain)],
    ),
    (&["planina.example"], &[(10, "mail.planina.example", "203.0.113.87", Manner::Grey)]),
    (
        &["stari.example"],
        &[
            (5, "a.stari.example", "203.0.113.97", Manner::Refused),
            (10, "b.stari.example", "203.0.113.98", Manner::Plain),
        ],
    ),
    (&["kopriva.example"], &[(10, "mx.kopriva.example", "198.51.100.64", Manner::BrokenTls)]),
    (
        &["skladiste.example", "police.example"],
        &[(10, "mx.skladiste.example", "203.0.113.107", Manner::Sink(""))],
    ),
];
const ELSEWHERE: &[&str] = &[
    "maja@pomonet.example",
    "ured@jezero.example",
    "ivo@planina.example",
    "arhiva@stari.example",
    "vrt@kopriva.example",
    "trgovina@police.example",
    "gone@pomonet.example",
];
const PEOPLE: &[&str] = &["198.51.100.130", "198.51.100.131", "203.0.113.150", "203.0.113.151"];
const SCANNERS: &[&str] = &["198.51.100.222", "203.0.113.190"];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("up.nadzor.example", MONITOR);
    zone.host("smtp.skolskaaula.example", SERVER).name("www.skolskaaula.example", SERVER).mx(
        "skolskaaula.example",
        "smtp.skolskaaula.example",
        10,
    );
    zone.pool("kabel.primorje.example", "198.51.100.128,198.51.100.180", "d");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses = vec![MONITOR];
    addresses.extend(PEOPLE);
    addresses.extend(SCANNERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("aula", SERVER, "UTC")?;
    Mta {
        hostname: "smtp.skolskaaula.example",
        domains: "skolskaaula.example",
        users: &[("nina", "Kreda-i-ploca2"), ("tajnik", "zvono.u.osam"), ("kopije", "Arhiv4Arhiv")],
        submission: true,
        stamps: Some(Stamps::Bsd),
        settings: "mydomain = skolskaaula.example\nalways_bcc = kopije\nsmtpd_sender_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unverified_sender\naddress_verify_negative_refresh_time = 10m\nminimal_backoff_time = 2m\nqueue_run_delay = 1m\n",
        ..Mta::default()
    }
    .start(&server)?;
    for (path, text) in [
        ("index.php", INDEX),
        ("contact.php", CONTACT),
        ("app/Mail/Transport.php", TRANSPORT),
        ("app/assets.php", ASSETS),
        ("app/vendor/packed.php", PACKED),
        ("uploads/index.php", "<?php http_response_code(403);\n"),
        ("uploads/2026/plan.csv", "day,room\nMon,12\nTue,4\n"),
        ("newsletter/subscribe.php", SUBSCRIBE),
    ] {
        server.write(&format!("{ROOT}/{path}"), text, 0o644)?;
    }
    server.sh(&format!("chown -R www-data:www-data {ROOT}; find {ROOT} -exec touch -d '2026-02-20 08:30:00' {{}} +; touch -d '2026-11-02 17:12:09' {ROOT}/newsletter/subscribe.php {ROOT}/uploads/2026/plan.csv"))?;
    web::start(
        &server,
        &[Site { name: "www.skolskaaula.example", root: ROOT, user: "", log: "access.log" }],
        "",
    )?;
    server.write("/usr/local/sbin/mx-check", super::nodemailer_direct::MX_ALIVE, 0o755)?;
    server.write("/etc/cron.d/aula", "*/3 * * * * root /usr/local/sbin/mx-check mx1.pomonet.example\n*/5 * * * * www-data (echo 'From: www-data@skolskaaula.example'; echo 'To: maja@pomonet.example'; echo 'Subject: visits'; echo; uptime) | /usr/sbin/sendmail -t -i\n", 0o644)?;
    server.sh("cron")?;
    let wire = capture::pcapng(&server, "eth0", "tcp port 25", "aula.pcapng")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.pomonet.example")?, "maja@pomonet.example"),
        (net.exchanger("in.jezero.example")?, "ured@jezero.example"),
        (net.exchanger("mail.planina.example")?, "ivo@planina.example"),
        (net.exchanger("mx1.pomonet.example")?, "former.pupil@pomonet.example"),
        (net.exchanger("mx.kopriva.example")?, "vrt@kopriva.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.8,
        &senders,
        &["nina@skolskaaula.example", "tajnik@skolskaaula.example"],
    );
    for (user, password, from_ip, ehlo, agent) in [
        ("nina", "Kreda-i-ploca2", "198.51.100.130", "[192.168.1.40]", "Mozilla Thunderbird"),
        ("tajnik", "zvono.u.osam", "203.0.113.150", "URED-PC", "Microsoft Outlook 16.0"),
    ] {
        let address = format!("{user}@skolskaaula.example");
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
        backdrop::correspondence(&mut line, &mut chance, length, 0.9, &person, ELSEWHERE);
    }
    let web = Web { address: SERVER, name: "www.skolskaaula.example" };
    backdrop::visits(
        &mut line,
        &mut chance,
        length,
        4.0,
        &crowd,
        PEOPLE,
        web,
        &[
            "/",
            "/index.php?page=plan",
            "/contact.php",
            "/uploads/2026/plan.csv",
            "/app/assets.php?f=logo",
        ],
    );
    backdrop::scanners(&mut line, &mut chance, length, &crowd, SCANNERS, web);
    for at in chance.arrivals(0.9, 4.0, length - 8.0) {
        let from = chance.pick(PEOPLE);
        let body = format!(
            "mail=roditelj{}%40{}&text=Kada+je+sastanak%3F",
            chance.below(60),
            chance.pick(&["pomonet.example", "jezero.example", "police.example"])
        );
        backdrop::request(
            &mut line,
            at,
            "form",
            &crowd,
            from,
            web,
            &["-A", AGENTS.get(1).copied().unwrap_or_default(), "-d", &body],
            "/contact.php",
        );
    }
    for at in chance.arrivals(0.8, 4.0, length - 8.0) {
        let from = chance.pick(PEOPLE);
        let body = format!(
            "mail=prijava{}%40{}",
            chance.below(60),
            chance.pick(&[
                "pomonet.example",
                "most.example",
                "skladiste.example",
                "kopriva.example"
            ])
        );
        backdrop::request(
            &mut line,
            at,
            "subscribe",
            &crowd,
            from,
            web,
            &["-A", AGENTS.get(2).copied().unwrap_or_default(), "-d", &body],
            "/newsletter/subscribe.php",
        );
    }
    backdrop::monitored(&mut line, length, 75.0, &crowd, SERVER, "up.nadzor.example");

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    // Most of the list's window lies before the recording.
    let seen = played.started - SignedDuration::from_mins(9);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 15, helo: "[127.0.0.1]" };
    folder
        .notice("notice.txt", &notice::cbl_early(told, SignedDuration::from_mins(26 * 60 + 31)))?;
    folder.site("addresses = [\"192.0.2.119\"]\nmta = [\"postfix\"]\nhelo = [\"smtp.skolskaaula.example\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/aula.pcapng")?;
    for log in ["mail.log", "cron.log", "apache2/access.log", "apache2/error.log"] {
        folder.take(
            &server,
            &format!("/var/log/{log}"),
            &format!("logs/{}", log.replace('/', "-")),
        )?;
    }
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.ask(&server, "ss -tanp", "host/ss.txt")?;
    folder.take(&server, "/etc/cron.d/aula", "etc/cron.d/aula")?;
    folder.tree(&server, "/var/www")?;
    folder.tree(&server, "/home/kopije/Maildir/new")?;
    folder.finish(
        &Expect {
            must_not_accuse: [
                "contact.php",
                "app/Mail/Transport.php",
                "app/assets.php",
                "app/vendor/packed.php",
                "newsletter/subscribe.php",
                "uploads/index.php",
                "index.php",
            ]
            .iter()
            .map(|file| format!("script:{ROOT}/{file}"))
            .chain([
                "process:/usr/local/sbin/mx-check".into(),
                "account:nina".into(),
                "account:tajnik".into(),
            ])
            .collect(),
            twin_of: "seed-php-script",
            origin: "recorded by the lab as the twin of seed-php-script",
            ..Expect::default()
        },
        "The school's site",
        STORY,
    )
}

const INDEX: &str = include_str!("twin_php_site/index.php");
const CONTACT: &str = include_str!("twin_php_site/contact.php");

const SUBSCRIBE: &str = include_str!("twin_php_site/subscribe.php");
const TRANSPORT: &str = include_str!("twin_php_site/transport.php");

const ASSETS: &str = include_str!("twin_php_site/assets.php");

// Legitimate, and looks like what scanners flag: a compressed table of labels.
const PACKED: &str = include_str!("twin_php_site/packed.php");

const STORY: &str = "The same structure as seed-php-script, with unmodified code only. All mail of the site goes through Postfix: the contact form through sendmail, and the contact form and the newsletter's subscription through a class that opens a socket to the local port 25. \
The copies kept by `always_bcc` are complete.

Sessions on port 25 without a delivery line, all innocent: an exchanger that refuses connections before the second one takes the mail; address verification of senders (`reject_unverified_sender`); an exchanger whose STARTTLS fails so that Postfix tries again in plain text; \
`mx-check`, a cron script of the administrator that greets an exchanger and leaves with a name of its own.

Most of the window of the list's detection lies before the evidence begins, so that it can neither convict nor acquit.

Look-alikes: base64 pictures in code, a packed table (`gzinflate(base64_decode(...))` into JSON), a PHP file in the uploads folder that answers 403, a newer file that gets many POSTs.

By hand: the site's code, file times below /var/www, `notice.txt`, `site.toml`.";
