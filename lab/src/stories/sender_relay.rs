//! An open relay by a plain mistake: whoever writes as one of the house may send anywhere, because a scanner cannot log in.

use super::Plan;
use super::backdrop;
use super::scene::{Scene, Server};
use super::spree::{Spree, spree};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};
use std::rc::Rc;

const SERVER: Server = Server {
    name: "server1",
    domain: "forlagetlyng.example",
    hostname: "server1.forlagetlyng.example",
    clock: "Europe/Copenhagen",
    stamps: Some(Stamps::Bsd),
    people: &[("karen", "Roman-i-3-bind"), ("redaktion", "Korrektur.no.5"), ("mads", "omslag+ryg")],
    boxes: &[("manus", "Uopfordret1")],
    settings: "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, check_sender_access hash:/etc/postfix/husets_afsendere, defer_unauth_destination\n",
    sites: &[(
        Site {
            name: "www.forlagetlyng.example",
            root: "/var/www/lyng",
            user: "",
            log: "access.log",
        },
        &["/", "/boeger.html", "/kontakt.html"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.server.write(
        "/etc/postfix/husets_afsendere",
        "# scanneren hjemme hos Karen kan ikke logge ind\nforlagetlyng.example OK\n",
        0o644,
    )?;
    scene.server.sh("postmap hash:/etc/postfix/husets_afsendere")?;
    for page in ["index.html", "boeger.html", "kontakt.html"] {
        scene.server.write(
            &format!("/var/www/lyng/{page}"),
            format!("<h1>{page}</h1>\n"),
            0o644,
        )?;
    }
    scene.figures("/usr/local/bin/ugetal", 6, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-tjek", 5)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "server1.pcap")?;
    scene.everyday();
    let (length, address) = (scene.length, scene.address);
    let crowd = Rc::clone(&scene.far.crowd);
    let home = scene.far.homes.first().copied().context("nobody is at home")?;
    for at in scene.chance.arrivals(1.2, 4.0, length - 8.0) {
        let from = "scanner@forlagetlyng.example";
        let to = scene.chance.pick(&scene.far.contacts);
        let text = letter::report(from, to, "Skannet dokument", "1 side\n");
        let words = [
            "--server",
            address,
            "--bind",
            home,
            "--ehlo",
            "BRW38B1DB",
            "--from",
            from,
            "--rcpt",
            to,
        ];
        backdrop::speak(&mut scene.line, at, "scanner", &crowd, &words, &text);
    }
    let strangers = scene.far.strangers.clone();
    // Those who write as others are refused.
    spree(
        &mut scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 0.8,
            part: (0.05, 0.6),
            server: address,
            ehlo: &["relaytest", "WIN-7T1"],
            from_ip: &strangers,
            sender: "",
            victims: 1,
            words: &[],
        },
    );
    for (sender, rate) in [
        ("karen@forlagetlyng.example", 0.9),
        ("salg@forlagetlyng.example", 0.8),
        ("noreply@forlagetlyng.example", 0.7),
    ] {
        spree(
            &mut scene,
            "bad",
            &Spree {
                host: &crowd,
                rate,
                part: (0.4, 0.75),
                server: address,
                ehlo: &["WIN-7T1", "forlagetlyng.example", "[10.0.2.15]"],
                from_ip: &strangers,
                sender,
                victims: 3,
                words: &["--wait", "60"],
            },
        );
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    played.span("bad").context("nothing bad happened")?;
    let stored = scene.far.stored("offers.example")?.context("nothing arrived")?;

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen: stored.arrived, tolerance: 0, helo: "" };
    // The complainer keeps the body to himself and sends the head without anybody's Received lines.
    let head: String = stored
        .text
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| ["From:", "Subject:", "Date:"].iter().any(|name| line.starts_with(name)))
        .map(|line| format!("{line}\n"))
        .collect();
    folder.notice(
        "klage.eml",
        &notice::arf(
            told,
            "fbl.oeresundspost.example",
            "karen@forlagetlyng.example",
            &stored.sender,
            &head,
        ),
    )?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, "/etc/postfix/husets_afsendere", "etc/postfix/husets_afsendere")?;
    folder.take(&scene.server, &wire.path, "captures/server1.pcap")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "setting:mynetworks",
            "process:/usr/local/bin/ugetal",
            "process:/usr/local/sbin/mx-tjek",
            "uid:33",
            "site:/var/www/lyng",
        ]
        .map(String::from),
    );
    decoys.push(format!("host:{home}"));
    folder.finish(
        &Expect {
            class: "open-relay",
            culprit: "smtpd_relay_restrictions",
            must_not_accuse: decoys,
            origin: "issue 3, open-relay by misconfiguration: a sender table says OK before the relay check; recorded by the lab",
            ..Expect::default()
        },
        "Whoever writes as one of the house",
        STORY,
    )
}

const STORY: &str = "A publisher's server in Denmark (BSD stamps in local time). Karen's scanner at home cannot log in; for its sake `smtpd_relay_restrictions` asks a table of senders before it refuses strangers, and the table says OK to the house's whole domain. \
Strangers write as karen@, salg@ and noreply@ of the house and send anywhere. No password leaked: Karen's account goes on with her own letters.

Noise: three people who submit with a login, mail from outside, greylisting, an exchanger that is down, unknown recipients, visits, scanners, password guessers, monitoring. Decoys: Karen's account, whose address the strangers use; the scanner, which hands in without a login from her home; relay tests by others' senders are refused; \
a cron report by sendmail as www-data; a cron script that greets an exchanger without a log line.

By hand: the dialects, `klage.eml`, `site.toml`.";
