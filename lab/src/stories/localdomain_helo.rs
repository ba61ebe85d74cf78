//! FIELD (x): a server that was never named says `localhost.localdomain` to everybody. Nothing but its own mail leaves.

use super::Plan;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::Result;

const SERVER: Server = Server {
    name: "localhost",
    domain: "crossroads-choir.example",
    hostname: "mail.crossroads-choir.example",
    clock: "Europe/London",
    stamps: Some(Stamps::Bsd),
    people: &[
        ("eleanor", "Contralto-in-B"),
        ("treasurer", "Ledger.1871"),
        ("bookings", "hall+piano+2"),
    ],
    boxes: &[("archive", "Shellac78rpm")],
    // The image's installer wrote the host's name; the administrator set the names that show.
    settings: "myhostname = localhost.localdomain\nmyorigin = crossroads-choir.example\nsmtpd_banner = mail.crossroads-choir.example ESMTP\n",
    sites: &[(
        Site {
            name: "www.crossroads-choir.example",
            root: "/var/www/choir",
            user: "",
            log: "access.log",
        },
        &["/", "/concerts.php", "/join.php"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    for (page, text) in [
        ("index.php", "<h1>Crossroads Choir</h1>\n"),
        ("concerts.php", "<ul><li>Fauré, 12 December</li></ul>\n"),
        (
            "join.php",
            "<?php\nif (!empty($_POST['name'])) {\n    mail('bookings@crossroads-choir.example', 'A new voice', $_POST['name'] . \"\\n\" . $_POST['voice']);\n}\necho 'Sing with us';\n",
        ),
    ] {
        scene.server.write(&format!("/var/www/choir/{page}"), text, 0o644)?;
    }
    scene.server.sh("chown -R www-data:www-data /var/www/choir; find /var/www/choir -exec touch -d '2025-09-03 20:11:00' {} +")?;
    // A script of the administrator greets an exchanger, with a name of its own.
    let exchanger = scene.far.keepers.first().copied().unwrap_or_default();
    let script = include_str!("scene/reachable")
        .replace("EXCHANGER", exchanger)
        .replace("$(postconf -h myhostname)", "status.crossroads-choir.example");
    scene.cron("local", "*/4 * * * *", "root", "/usr/local/sbin/mx-status", &script)?;
    scene.figures("/usr/local/bin/weekly", 6, "www-data")?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "eth0.pcap")?;
    scene.everyday();
    let (length, web) = (scene.length, scene.web(""));
    let Scene { line, chance, far, .. } = &mut scene;
    for at in chance.arrivals(0.5, 5.0, length - 8.0) {
        let from = chance.pick(&far.visitors);
        super::backdrop::request(
            line,
            at,
            "join",
            &far.crowd,
            from,
            web,
            &["-d", "name=Joan&voice=alto"],
            "/join.php",
        );
    }

    scene.play()?;
    capture::end(&scene.server, &wire)?;
    // The sensor is some exchanger that got a letter of ours.
    let told = scene.far.stored("crossroads-choir.example")?;
    let seen = told.map_or_else(crate::clock::now, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 5, helo: "localhost.localdomain" };
    folder.notice("cbl.txt", &notice::cbl_2018(told, 2))?;
    folder.site(&format!(
        "addresses = [\"{}\"]\nmta = [\"postfix\"]\nvantage = \"host\"\ntimezone = \"Europe/London\"\n",
        scene.address
    ))?;
    scene.usual(&mut folder, &[super::gathered::Part::Site])?;
    folder.take(&scene.server, &wire.path, "captures/eth0.pcap")?;
    folder.take(&scene.server, "/etc/postfix/master.cf", "etc/postfix/master.cf")?;
    folder.ask(&scene.server, &format!("dig -x {}", scene.address), "host/dig-ptr.txt")?;
    folder.ask(&scene.server, "dig mail.crossroads-choir.example A", "host/dig-a.txt")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "process:/usr/local/sbin/mx-status",
            "process:/usr/local/bin/weekly",
            "script:/var/www/choir/join.php",
            "url:POST /join.php",
            "setting:mynetworks",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "mta-identity",
            culprit: "myhostname",
            must_not_accuse: decoys,
            origin: "FIELD (x), crosswire 2018: HELO localhost.localdomain, twice in 28 days; recorded by the lab",
            ..Expect::default()
        },
        "The server without a name",
        STORY,
    )
}

const STORY: &str = "A choir's rented server in London (BSD stamps in local time). The image's installer called it localhost.localdomain and wrote that into Postfix's `myhostname`; the administrator set the banner and the origin, so everything that people see looks right, \
and the reverse name is right too. To every exchanger Postfix says EHLO localhost.localdomain. The list quotes that, with the time of one contact +/- 5 minutes. Nothing but the choir's own mail leaves.

Noise: letters both ways, greylisting, an exchanger that is down, unknown recipients, visits, scanners, password guessers, monitoring of port 25. Decoys: a form that mails the choir through PHP's mail(); a cron report by sendmail as www-data; \
a cron script that greets an exchanger under a proper name without a log line.

By hand: the site's code and file times, `cbl.txt`, `site.toml`.";
