//! Innocent twin of localdomain-helo: the server's name is right everywhere; the notice quotes another, before anybody captured.

use super::Plan;
use super::gathered::Part;
use super::scene::{Scene, Server};
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::Result;
use jiff::SignedDuration;

const SERVER: Server = Server {
    name: "mail",
    domain: "ruderverein-elbe.example",
    hostname: "mail.ruderverein-elbe.example",
    clock: "Europe/Berlin",
    stamps: Some(Stamps::Bsd),
    people: &[
        ("vorstand", "Skull-und-Riemen"),
        ("kasse", "Beitrag.2026"),
        ("jugend", "achter+stm"),
    ],
    boxes: &[("archiv", "Bootshaus1")],
    settings: "",
    sites: &[(
        Site {
            name: "www.ruderverein-elbe.example",
            root: "/var/www/rve",
            user: "",
            log: "access.log",
        },
        &["/", "/termine.php", "/mitmachen.php"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    for (page, text) in [
        ("index.php", "<h1>Ruderverein</h1>\n"),
        ("termine.php", "<p>Anrudern am 12. April</p>\n"),
        (
            "mitmachen.php",
            "<?php\nif (!empty($_POST['name'])) {\n    mail('jugend@ruderverein-elbe.example', 'Probetraining', $_POST['name']);\n}\necho 'Komm rudern';\n",
        ),
    ] {
        scene.server.write(&format!("/var/www/rve/{page}"), text, 0o644)?;
    }
    scene.server.sh("chown -R www-data:www-data /var/www/rve; find /var/www/rve -exec touch -d '2025-10-01 19:30:00' {} +")?;
    scene.reachability_check("/usr/local/sbin/mx-da", 4)?;
    scene.figures("/usr/local/bin/wochenzahlen", 6, "www-data")?;
    scene.everyday();
    let (length, web) = (scene.length, scene.web(""));
    let server = std::rc::Rc::clone(&scene.server);
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
            &["-d", "name=Jan"],
            "/mitmachen.php",
        );
    }
    line.sh(length * 0.58, &server, "capture", "setsid -f tcpdump -U -Z root -n -s 0 -i eth0 -w /var/tmp/danach.pcap 'tcp port 25' >/dev/null 2>&1");

    let played = scene.play()?;
    scene.server.sh("pkill -INT -x tcpdump; sleep 1")?;
    let seen = played.started + SignedDuration::from_secs((scene.length * 0.25) as i64);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "localhost.localdomain" };
    folder.notice("xbl.txt", &notice::checker(told))?;
    scene.usual(&mut folder, &[Part::Sockets])?;
    folder.take(&scene.server, "/var/tmp/danach.pcap", "captures/danach.pcap")?;
    folder.take(&scene.server, "/etc/postfix/master.cf", "etc/postfix/master.cf")?;
    folder.ask(&scene.server, &format!("dig -x {}", scene.address), "host/dig-ptr.txt")?;
    folder.ask(&scene.server, "dig mail.ruderverein-elbe.example A", "host/dig-a.txt")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "setting:myhostname",
            "setting:smtp_helo_name",
            "setting:mynetworks",
            "process:/usr/local/sbin/mx-da",
            "process:/usr/local/bin/wochenzahlen",
            "script:/var/www/rve/mitmachen.php",
            "url:POST /mitmachen.php",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "localdomain-helo",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the server without a name",
        STORY,
    )
}

const STORY: &str = "A rowing club's server in Germany (BSD stamps in local time) whose name, HELO, forward and reverse names agree. The checker's page quotes HELO localhost.localdomain at a second for which only logs exist: the administrator began to capture when the page had been read, \
a third of the recording later, and the capture shows the right name in every session. What said the other name is not known.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, a form that mails by PHP, a cron report by sendmail as www-data, a cron script that greets an exchanger without a log line (with the right name), password guessers, monitoring. \
By hand: the site's code and file times, `xbl.txt`, `site.toml`.";
