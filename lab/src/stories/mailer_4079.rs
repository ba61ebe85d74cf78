//! FIELD (g): a hosting server; a queue file names uid 4079, that user's access log shows POSTs to several PHP files.

use super::Plan;
use super::backdrop::{self, Web};
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
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: &str = "203.0.113.61";
const SCRIPT: &str = "/var/www/web4079/htdocs/modules/gallery/lang/de-at.php";

const PROVIDERS: &[Provider] = &[
    (
        &["mainpost.example"],
        &[
            (10, "mx1.mainpost.example", "198.51.100.22", Manner::Tls),
            (20, "mx2.mainpost.example", "198.51.100.23", Manner::Tls),
        ],
    ),
    (
        &["spessart.example", "weinort.example"],
        &[(10, "in.spessart.example", "192.0.2.42", Manner::Plain)],
    ),
    (&["rhoenmail.example"], &[(10, "mail.rhoenmail.example", "192.0.2.82", Manner::Grey)]),
    (&["altstadt.example"], &[(5, "a.altstadt.example", "198.51.100.92", Manner::Silent)]),
    (
        &["vorrat.example", "regal.example"],
        &[(10, "mx.vorrat.example", "192.0.2.102", Manner::Sink(""))],
    ),
];
const VICTIMS: &[&str] = &[
    "mainpost.example",
    "spessart.example",
    "weinort.example",
    "rhoenmail.example",
    "vorrat.example",
    "regal.example",
    "altstadt.example",
];
const PEOPLE: &[&str] = &["198.51.100.130", "198.51.100.141", "192.0.2.150", "192.0.2.162"];
const STRANGERS: &[&str] = &["192.0.2.219", "198.51.100.206", "198.51.100.239"];
const SCANNERS: &[&str] = &["198.51.100.222", "192.0.2.190"];

const SITES: &[Site] = &[
    Site {
        name: "www.weingut-steig.example",
        root: "/var/www/web4077/htdocs",
        user: "web4077",
        log: "web4077.log",
    },
    Site {
        name: "www.fahrschule-ost.example",
        root: "/var/www/web4078/htdocs",
        user: "web4078",
        log: "web4078.log",
    },
    Site {
        name: "www.chorverein.example",
        root: "/var/www/web4079/htdocs",
        user: "web4079",
        log: "web4079.log",
    },
    Site {
        name: "www.kistenladen.example",
        root: "/var/www/web4080/htdocs",
        user: "web4080",
        log: "web4080.log",
    },
];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("web3.hostwerk.example", SERVER).mx("hostwerk.example", "web3.hostwerk.example", 10);
    for site in SITES {
        zone.name(site.name, SERVER);
    }
    zone.pool("dsl.frankennetz.example", "198.51.100.128,198.51.100.180", "p-");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses = PEOPLE.to_vec();
    addresses.extend(STRANGERS);
    addresses.extend(SCANNERS);
    let crowd = crowd(&world, "crowd", &addresses)?;
    let server = world.public("web3", SERVER, "UTC")?;
    for site in SITES {
        let (user, uid) = (site.user, site.user.trim_start_matches("web"));
        server.sh(&format!("groupadd -g {uid} {user} && useradd -u {uid} -g {uid} -d /var/www/{user} -s /usr/sbin/nologin {user}"))?;
        server.write(&format!("{}/index.php", site.root), INDEX, 0o644)?;
        server.write(&format!("{}/kontakt.php", site.root), CONTACT, 0o644)?;
    }
    server.write("/var/www/web4080/htdocs/shop/order.php", ORDER, 0o644)?;
    server.write("/var/www/web4079/htdocs/modules/gallery/upload.php", UPLOAD, 0o644)?;
    server.write(
        "/var/www/web4079/htdocs/modules/gallery/lang/de.php",
        "<?php\n$lang = ['next' => 'weiter', 'back' => 'zurück', 'upload' => 'hochladen'];\n",
        0o644,
    )?;
    server.write(
        "/var/www/web4079/htdocs/modules/gallery/lang/en.php",
        "<?php\n$lang = ['next' => 'next', 'back' => 'back', 'upload' => 'upload'];\n",
        0o644,
    )?;
    server.write("/var/www/web4079/htdocs/admin/save.php", SAVE, 0o644)?;
    server.write("/var/www/web4078/htdocs/anmeldung.php", REGISTER, 0o644)?;
    server.write("/tmp/payload.php", PAYLOAD, 0o600)?;
    server.sh(&format!(
        "php -r '$p=base64_encode(str_rot13(file_get_contents(\"/tmp/payload.php\")));\
         $o=\"<?php \\$GLOBALS[\\x27_l\\x27]=\\x27de-at\\x27; \\$v=\\x27bas\\x27.\\x27e64_d\\x27.\\x27ecode\\x27;\\$w=\\x27str_\\x27.\\x27rot13\\x27;eval(\\$w(\\$v(\\x27\".$p.\"\\x27)));\\n\";file_put_contents(\"{SCRIPT}\",$o);' && rm /tmp/payload.php
         for u in 4077 4078 4079 4080; do chown -R web$u:web$u /var/www/web$u; done
         find /var/www -exec touch -d '2026-03-18 14:02:10' {{}} +
         touch -d '2026-08-05 09:15:44' /var/www/web4080/htdocs/shop/order.php
         touch -d '2026-10-11 23:58:03' {SCRIPT}"
    ))?;
    Mta {
        hostname: "web3.hostwerk.example",
        domains: "hostwerk.example",
        users: &[("technik", "Kabel-Salat6")],
        stamps: Some(Stamps::Bsd),
        settings: "mydomain = hostwerk.example\nsmtp_connect_timeout = 8s\n",
        ..Mta::default()
    }
    .start(&server)?;
    web::start(&server, SITES, "")?;
    server.write("/usr/local/bin/newsletter", NEWSLETTER, 0o755)?;
    server.write("/etc/cron.d/shop", "*/2 * * * * web4080 /usr/local/bin/newsletter\n", 0o644)?;
    server.sh("cron")?;
    let wire = capture::pcap(&server, "eth0", "tcp port 25", "web3-smtp.pcap")?;

    let length = plan.length;
    let mut line = Timeline::default();
    let senders = [
        (net.exchanger("mx1.mainpost.example")?, "amt@mainpost.example"),
        (net.exchanger("in.spessart.example")?, "kunde@spessart.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        0.6,
        &senders,
        &["technik@hostwerk.example"],
    );
    for site in SITES {
        let web = Web { address: SERVER, name: site.name };
        backdrop::visits(
            &mut line,
            &mut chance,
            length,
            2.2,
            &crowd,
            PEOPLE,
            web,
            &["/", "/index.php?p=termine", "/kontakt.php", "/bild.jpg"],
        );
        for at in chance.arrivals(0.45, 4.0, length - 6.0) {
            let from = chance.pick(PEOPLE);
            let body = format!(
                "mail=frage{}%40mainpost.example&text=Haben+Sie+am+Samstag+offen%3F",
                chance.below(90)
            );
            backdrop::request(
                &mut line,
                at,
                "form",
                &crowd,
                from,
                web,
                &["-A", AGENTS.get(1).copied().unwrap_or_default(), "-d", &body],
                "/kontakt.php",
            );
        }
    }
    let at_site =
        |number: usize| SITES.get(number).map(|site| Web { address: SERVER, name: site.name });
    let (school, choir, shop) =
        (at_site(1).context("site")?, at_site(2).context("site")?, at_site(3).context("site")?);
    backdrop::scanners(&mut line, &mut chance, length, &crowd, SCANNERS, choir);
    // The shop's orders and the driving school's registrations mail as well, inside the window too.
    for at in chance.arrivals(1.0, 3.0, length - 6.0) {
        let from = chance.pick(PEOPLE);
        let body =
            format!("mail=kauf{}%40{}&artikel=kiste", chance.below(90), chance.pick(VICTIMS));
        backdrop::request(
            &mut line,
            at,
            "order",
            &crowd,
            from,
            shop,
            &["-A", AGENTS.first().copied().unwrap_or_default(), "-d", &body],
            "/shop/order.php",
        );
    }
    for at in chance.arrivals(0.5, 3.0, length - 6.0) {
        let from = chance.pick(PEOPLE);
        backdrop::request(
            &mut line,
            at,
            "register",
            &crowd,
            from,
            school,
            &[
                "-A",
                AGENTS.get(2).copied().unwrap_or_default(),
                "-d",
                "name=Neu&mail=neu%40weinort.example",
            ],
            "/anmeldung.php",
        );
    }
    // The choir's own editor saves pages and uploads pictures.
    for at in chance.arrivals(1.2, 3.0, length - 6.0) {
        let path =
            chance.pick(&["/admin/save.php", "/admin/save.php", "/modules/gallery/upload.php"]);
        backdrop::request(
            &mut line,
            at,
            "edit",
            &crowd,
            "198.51.100.141",
            choir,
            &[
                "-A",
                AGENTS.get(3).copied().unwrap_or_default(),
                "-d",
                "page=termine&text=Probe+am+Montag",
            ],
            path,
        );
    }
    let count = ((length / 60.0 * 1.2) as usize).max(6);
    for at in chance.scatter(count, length * 0.36, length * 0.62) {
        let list: Vec<String> = (0..3 + chance.below(5))
            .map(|_| format!("{}%40{}", chance.word("abcdeilmnorst", 6), chance.pick(VICTIMS)))
            .collect();
        let body = format!(
            "pw=u77&to={}&s={}",
            list.join("%0A"),
            chance.pick(&["Ihr+Konto", "Letzte+Mahnung", "Paket+wartet"])
        );
        let (from, agent) = (chance.pick(STRANGERS), chance.pick(AGENTS));
        backdrop::request(
            &mut line,
            at,
            "bad",
            &crowd,
            from,
            choir,
            &["-A", agent, "-d", &body],
            SCRIPT.trim_start_matches("/var/www/web4079/htdocs"),
        );
    }

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 5, helo: "" };
    folder.notice("notice.txt", &notice::cbl_2018(told, 3))?;
    folder.site("addresses = [\"203.0.113.61\"]\nmta = [\"postfix\"]\nhelo = [\"web3.hostwerk.example\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/web3-smtp.pcap")?;
    for log in [
        "mail.log",
        "cron.log",
        "apache2/web4077.log",
        "apache2/web4078.log",
        "apache2/web4079.log",
        "apache2/web4080.log",
    ] {
        folder.take(
            &server,
            &format!("/var/log/{log}"),
            &format!("logs/{}", log.replace("apache2/", "")),
        )?;
    }
    folder.ask(&server, "postqueue -p", "host/postqueue-p.txt")?;
    folder.ask(&server, "q=$(postqueue -j | grep -v MAILER-DAEMON | grep 'web4079' | head -1 | sed 's/.*\"queue_id\": *\"\\([^\"]*\\)\".*/\\1/'); postcat -q $q", "host/postcat-one.txt")?;
    folder.ask(
        &server,
        "getent passwd root www-data postfix web4077 web4078 web4079 web4080 technik",
        "host/passwd.txt",
    )?;
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.take(&server, "/etc/cron.d/shop", "etc/cron.d/shop")?;
    folder.tree(&server, "/var/www")?;
    let root = "/var/www/web4079/htdocs";
    folder.finish(
        &Expect {
            class: "compromised-site",
            culprit: SCRIPT,
            must_not_accuse: vec![
                format!("script:{root}/kontakt.php"),
                format!("script:{root}/admin/save.php"),
                format!("script:{root}/modules/gallery/upload.php"),
                "script:/var/www/web4080/htdocs/shop/order.php".into(),
                "script:/var/www/web4078/htdocs/anmeldung.php".into(),
                "script:/var/www/web4077/htdocs/kontakt.php".into(),
                "process:/usr/local/bin/newsletter".into(),
            ],
            origin: "FIELD (g), adminforge.de: queue file, user id 4079, that user's access log; recorded by the lab",
            ..Expect::default()
        },
        "User 4079",
        STORY,
    )
}

const INDEX: &str = include_str!("mailer_4079/index.php");
const CONTACT: &str = include_str!("mailer_4079/kontakt.php");

const ORDER: &str = include_str!("mailer_4079/order.php");
const REGISTER: &str = include_str!("mailer_4079/anmeldung.php");

const UPLOAD: &str = include_str!("mailer_4079/upload.php");
const SAVE: &str = include_str!("mailer_4079/save.php");

const NEWSLETTER: &str = include_str!("mailer_4079/newsletter");

// Recipients come with the request and only the lab's exchangers exist.
const PAYLOAD: &str = include_str!("mailer_4079/payload.txt");

const STORY: &str = "A hosting server with four customers; each site's PHP runs as its own user (php-fpm pools), all mail leaves through Postfix with the right HELO. \
The CBL lists it. In the queue lie messages with `uid=4079`; that user's access log shows POSTs to several PHP files.

One of them, a look-alike of a language file, was planted: it mails to recipients from the request through `mail()`. The others are the choir's own editor, gallery and contact form.

Noise: visitors and scanners, contact forms of all sites, mail from outside, greylisting, an exchanger that does not answer. Decoys: a shop whose order page mails whoever orders (uid 4080), its newsletter from cron every two minutes (uid 4080 too), \
a driving school's registration (uid 4078), files of the same site that get POSTs but never mail.

By hand: the sites' code (small ones), the planted script (written for this case, packed the usual way), file times below /var/www, `notice.txt`, `site.toml`.";
