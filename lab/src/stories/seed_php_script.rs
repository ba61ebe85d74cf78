//! The seed thread, first variant: a web and mail server whose Postfix log and copies are clean, while a planted PHP script
//! opens port 25 itself. The firewall "lets only Postfix out" by a rule that stands behind a broader one.

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
use crate::syslog::{ROTATE, Stamps};
use crate::timeline::Timeline;
use crate::web::{self, Site};
use crate::world::World;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: &str = "203.0.113.25";
const ROOT: &str = "/var/www/kirchweg";
const SCRIPT: &str = "/var/www/kirchweg/content/uploads/2026/10/thumb-cache.php";

/// Someone's monitoring service.
const MONITOR: &str = "192.0.2.9";

const PROVIDERS: &[Provider] = &[
    (
        &["northmail.example"],
        &[
            (10, "mx1.northmail.example", "198.51.100.20", Manner::Tls),
            (20, "mx2.northmail.example", "198.51.100.21", Manner::Tls),
        ],
    ),
    (
        &["brightpost.example", "papermoon.example"],
        &[(10, "in.brightpost.example", "198.51.100.40", Manner::Plain)],
    ),
    (&["tallybox.example"], &[(10, "mail.tallybox.example", "192.0.2.80", Manner::Grey)]),
    (
        &["oldisp.example"],
        &[
            (5, "mx-a.oldisp.example", "192.0.2.90", Manner::Refused),
            (10, "mx-b.oldisp.example", "192.0.2.91", Manner::Plain),
        ],
    ),
    (
        &["hollowmail.example", "quickcart.example"],
        &[(10, "mx.hollowmail.example", "192.0.2.100", Manner::Sink(""))],
    ),
    (&["strictmail.example"], &[(10, "gate.strictmail.example", "198.51.100.60", Manner::Slow(2))]),
];

const ELSEWHERE: &[&str] = &[
    "t.berg@northmail.example",
    "office@brightpost.example",
    "lena@tallybox.example",
    "archive@oldisp.example",
    "orders@quickcart.example",
    "gone.away@northmail.example",
    "m.haas@strictmail.example",
    "press@papermoon.example",
];

const VICTIMS: &[&str] = &[
    "northmail.example",
    "brightpost.example",
    "hollowmail.example",
    "strictmail.example",
    "quickcart.example",
    "tallybox.example",
    "papermoon.example",
];

const STRANGERS: &[&str] = &["198.51.100.201", "198.51.100.214", "192.0.2.177"];
const PEOPLE: &[&str] =
    &["198.51.100.130", "198.51.100.131", "198.51.100.140", "192.0.2.150", "192.0.2.151"];
const SCANNERS: &[&str] = &["198.51.100.222", "192.0.2.190"];

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut chance = Chance::new(plan.seed);
    let world = World::new()?;
    let mut zone = Zone::default();
    zone.host("uptime.watchful.example", MONITOR);
    zone.host("mail.kirchweg.example", SERVER).name("www.kirchweg.example", SERVER).mx(
        "kirchweg.example",
        "mail.kirchweg.example",
        10,
    );
    zone.pool("dyn.cablehome.example", "198.51.100.128,198.51.100.254", "c-");
    let net = Internet::build(&world, zone, PROVIDERS)?;
    let mut addresses = vec![MONITOR];
    addresses.extend(PEOPLE);
    addresses.extend(STRANGERS);
    addresses.extend(SCANNERS);
    let crowd = crowd(&world, "crowd", &addresses)?;

    let server = world.public("kirchweg", SERVER, "UTC")?;
    Mta {
        hostname: "mail.kirchweg.example",
        domains: "kirchweg.example",
        users: &[("greta", "Linde-44-blau"), ("paul", "mohn.kuchen7"), ("archive", "Zu3Kisten")],
        submission: true,
        stamps: Some(Stamps::Bsd),
        settings: "mydomain = kirchweg.example\nalways_bcc = archive\n",
        ..Mta::default()
    }
    .start(&server)?;
    site(&server)?;
    web::start(
        &server,
        &[Site { name: "www.kirchweg.example", root: ROOT, user: "", log: "access.log" }],
        "",
    )?;
    server.write("/usr/local/sbin/check-mx", CHECK_MX, 0o755)?;
    server.write("/usr/local/bin/site-report", REPORT, 0o755)?;
    server.write("/etc/cron.d/site", CRON, 0o644)?;
    server.sh("cron")?;
    server.sh(FIREWALL)?;
    let wire = capture::pcap(&server, "eth0", "tcp port 25", "mail-ports.pcap")?;

    let mut line = Timeline::default();
    let length = plan.length;
    let senders = [
        (net.exchanger("mx1.northmail.example")?, "t.berg@northmail.example"),
        (net.exchanger("in.brightpost.example")?, "office@brightpost.example"),
        (net.exchanger("mail.tallybox.example")?, "lena@tallybox.example"),
    ];
    backdrop::incoming(
        &mut line,
        &mut chance,
        length,
        1.3,
        &senders,
        &["greta@kirchweg.example", "paul@kirchweg.example", "info@kirchweg.example"],
    );
    for (user, password, ip, ehlo, agent) in [
        ("greta", "Linde-44-blau", "198.51.100.130", "[192.168.178.31]", "Mozilla Thunderbird"),
        ("paul", "mohn.kuchen7", "192.0.2.150", "paul-laptop.fritz.box", "Evolution 3.46.4"),
    ] {
        let address = format!("{user}@kirchweg.example");
        let person = Person {
            at: &crowd,
            from_ip: ip,
            ehlo,
            server: SERVER,
            user,
            password,
            address: &address,
            agent,
        };
        backdrop::correspondence(&mut line, &mut chance, length, 0.8, &person, ELSEWHERE);
    }
    let page = Web { address: SERVER, name: "www.kirchweg.example" };
    backdrop::visits(
        &mut line,
        &mut chance,
        length,
        5.0,
        &crowd,
        PEOPLE,
        page,
        &[
            "/",
            "/index.php?page=garden",
            "/index.php?page=about",
            "/contact.php",
            "/content/uploads/2026/10/beds.svg",
            "/content/uploads/2026/09/roses.svg",
        ],
    );
    backdrop::scanners(&mut line, &mut chance, length, &crowd, SCANNERS, page);
    // The site's own people: the admin area is a stream of POSTs, as such areas are.
    for at in chance.arrivals(2.2, 5.0, length - 3.0) {
        backdrop::request(
            &mut line,
            at,
            "admin",
            &crowd,
            "198.51.100.130",
            page,
            &[
                "-A",
                crate::web::AGENTS.first().copied().unwrap_or_default(),
                "-d",
                "action=heartbeat&screen=edit",
            ],
            "/admin/ajax.php",
        );
    }
    for at in chance.arrivals(0.5, 5.0, length - 10.0) {
        let from = chance.pick(PEOPLE);
        backdrop::request(
            &mut line,
            at,
            "form",
            &crowd,
            from,
            page,
            &[
                "-A",
                crate::web::AGENTS.get(1).copied().unwrap_or_default(),
                "-d",
                "name=Visitor&mail=visitor%40northmail.example&text=When+is+the+garden+open%3F",
            ],
            "/contact.php",
        );
    }
    backdrop::monitored(&mut line, length, 60.0, &crowd, SERVER, "uptime.watchful.example");
    // The strangers: each request brings its own recipients.
    let posts = (length / 60.0 * 1.1) as usize;
    for at in chance.scatter(posts.max(6), length * 0.36, length * 0.66) {
        let mut list = Vec::new();
        for _ in 0..2 + chance.below(4) {
            let name = chance.word("abcdefghilmnoprstuv", 6);
            list.push(format!("{name}@{}", chance.pick(VICTIMS)));
        }
        let body = format!("k=zq81&d={}", list.join("%0A").replace('@', "%40"));
        let (from, agent) = (chance.pick(STRANGERS), chance.pick(web::AGENTS));
        backdrop::request(
            &mut line,
            at,
            "bad",
            &crowd,
            from,
            page,
            &["-A", agent, "-d", &body],
            SCRIPT.trim_start_matches(ROOT),
        );
    }
    line.sh(length * 0.25, &server, "rotate", ROTATE);

    let played = line.play(plan.name, length)?;
    capture::end(&server, &wire)?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: SERVER, seen, tolerance: 15, helo: "[127.0.0.1]" };
    folder.notice(
        "notice.txt",
        &notice::cbl_2015(told, "kelihos", SignedDuration::from_mins(3 * 24 * 60 + 3 * 60 + 59)),
    )?;
    folder.site("addresses = [\"203.0.113.25\"]\nmta = [\"postfix\"]\nhelo = [\"mail.kirchweg.example\"]\nvantage = \"host\"\n")?;
    folder.take(&server, &wire.path, "captures/mail-ports.pcap")?;
    for log in [
        "mail.log",
        "mail.log.1.gz",
        "cron.log",
        "auth.log",
        "apache2/access.log",
        "apache2/access.log.1.gz",
        "apache2/error.log",
    ] {
        folder.take(
            &server,
            &format!("/var/log/{log}"),
            &format!("logs/{}", log.replace('/', "-")),
        )?;
    }
    folder.ask(&server, "postconf -n", "host/postconf-n.txt")?;
    folder.ask(&server, "iptables-save -c", "host/iptables-save.txt")?;
    folder.ask(&server, "ps auxww", "host/ps.txt")?;
    folder.ask(&server, "ss -tanp", "host/ss.txt")?;
    folder.ask(&server, "chkrootkit amd basename chfn chsh cron crontab date du env find fingerd inetdconf init killall ls lsof mail netstat passwd pidof ps pstree rpcinfo scalper slapper bindshell w55808 z2 2>/dev/null", "host/chkrootkit.txt")?;
    folder.take(&server, "/etc/cron.d/site", "etc/cron.d/site")?;
    folder.tree(&server, "/var/www")?;
    folder.tree(&server, "/home/archive/Maildir/new")?;
    folder.finish(
        &Expect {
            class: "compromised-site",
            culprit: SCRIPT,
            must_not_accuse: vec![
                format!("script:{ROOT}/contact.php"),
                format!("script:{ROOT}/admin/ajax.php"),
                format!("script:{ROOT}/lib/smtp.php"),
                "process:/usr/local/sbin/check-mx".into(),
                "process:/usr/local/bin/site-report".into(),
                "account:greta".into(),
                "account:paul".into(),
            ],
            origin: "the seed thread, first variant; recorded by the lab",
            ..Expect::default()
        },
        "The seed thread, with a planted script",
        STORY,
    )
}

fn site(server: &crate::host::Host) -> Result<()> {
    for (path, text) in [
        ("index.php", INDEX),
        ("contact.php", CONTACT),
        ("login.php", LOGIN),
        ("admin/ajax.php", AJAX),
        ("lib/smtp.php", SMTP_CLASS),
        (
            "lib/settings.php",
            "<?php\n// Logo for the mail footer, so that it needs no request.\nreturn ['title' => 'Garden at Kirchweg', 'logo' => base64_decode('R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=')];\n",
        ),
        ("content/uploads/index.php", "<?php\n// Nothing to see here.\n"),
        ("content/uploads/2026/10/beds.svg", SVG),
        ("content/uploads/2026/10/gate.svg", SVG),
        ("content/uploads/2026/09/roses.svg", SVG),
    ] {
        server.write(&format!("{ROOT}/{path}"), text, 0o644)?;
    }
    // The payload is packed here, on the spot, so that the repository holds it readable.
    server.write("/tmp/payload.php", PAYLOAD, 0o600)?;
    server.sh(&format!(
        "php -r '$p=base64_encode(gzdeflate(file_get_contents(\"/tmp/payload.php\")));\
         $o=\"<?php\\n/* thumbnail cache */\\n\\$q=strrev(\\\"edoced_46esab\\\");\\$z=\\\"gz\\\".\\\"inf\\\".\\\"late\\\";\\n@eval(\\$z(\\$q(\\x27\".chunk_split($p,76,\"\\n\").\"\\x27)));\\n\";\
         file_put_contents(\"{SCRIPT}\",$o);' && rm /tmp/payload.php
         chown -R www-data:www-data {ROOT}
         find {ROOT} -exec touch -d '2025-11-03 10:12:31' {{}} +
         touch -d '2026-09-14 16:40:02' {ROOT}/content/uploads/2026/09/roses.svg
         touch -d '2026-10-02 09:11:45' {ROOT}/content/uploads/2026/10/*.svg
         touch -d '2026-10-29 02:47:13' {SCRIPT}"
    ))?;
    Ok(())
}

const FIREWALL: &str = include_str!("seed_php_script/firewall.sh");
const CRON: &str = include_str!("seed_php_script/cron");

const CHECK_MX: &str = include_str!("seed_php_script/check-mx");
const REPORT: &str = include_str!("seed_php_script/site-report");

const INDEX: &str = include_str!("seed_php_script/index.php");
const CONTACT: &str = include_str!("seed_php_script/contact.php");

const LOGIN: &str = include_str!("seed_php_script/login.php");
const AJAX: &str = include_str!("seed_php_script/ajax.php");

const SMTP_CLASS: &str = include_str!("seed_php_script/smtp.php");

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\"><rect width=\"80\" height=\"40\" fill=\"#7a5\"/></svg>\n";

// Recipients come with the request and only the lab's exchangers exist: enough structure to be what a scanner flags, no more.
const PAYLOAD: &str = include_str!("seed_php_script/payload.txt");

const STORY: &str = "A server with a public address carries a club's web site (Apache, mod_php) and its mail (Postfix, submission with Dovecot SASL). \
The CBL lists the address as kelihos, a family that runs on Windows only. The Postfix log and the copies kept by `always_bcc` are clean, chkrootkit finds nothing, and the firewall \
is meant to let only Postfix out to port 25.

A planted PHP script in the uploads folder takes recipients from POST requests of strangers and speaks SMTP itself with `EHLO [127.0.0.1]`. The firewall's \
rules for port 25 never match because a broader ACCEPT for NEW connections stands before them (see the counters).

Noise: mail in and out through Postfix, with greylisting, an exchanger that refuses connections so that a second one is tried, unknown recipients; a contact form that mails through sendmail; \
the editor's POSTs; scanners; monitoring of port 25. Decoys: the contact form, `admin/ajax.php` (POST-heavy), a mailer class that opens sockets, a cron script that greets an exchanger \
and leaves without a log line, a cron report by mail as www-data.

By hand: the site's code (a small one in the manner of a CMS), the planted script (written for this case, packed the usual way), the file times below /var/www (set to those of an older site), \
`notice.txt`, `site.toml`.";
