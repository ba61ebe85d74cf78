//! A bot that runs as uid postfix, so that a firewall which lets only that user out to port 25 lets it out too. It says the
//! MTA's own name.

use super::Plan;
use super::ordinary::PAGES;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::Result;
use jiff::SignedDuration;

const ROOT: &str = "/var/www/tulpen";
const NAME: &str = "www.tulpenhof.example";
const BOT: &str = "/var/spool/postfix/usr/lib/zoneinfo/.tzcache";
const SERVER: Server = Server {
    name: "hof",
    domain: "tulpenhof.example",
    hostname: "smtp.tulpenhof.example",
    clock: "UTC",
    stamps: Some(Stamps::Rfc3339),
    people: &[("saskia", "Bollen-in-okt5"), ("joost", "polder.wind.8")],
    boxes: &[("veiling", "Klok3Klok")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-03-21 11:00:36")?;
    scene.server.sh(include_str!("postfix_uid_bot/firewall.sh"))?;
    let control = scene.far.control(&mut scene.chance, &scene.world)?;
    let bot = include_str!("postfix_uid_bot/bot.txt")
        .replace("CONTROL", control)
        .replace("EHLO HELO", &format!("EHLO {}", SERVER.hostname));
    scene.server.write(BOT, bot, 0o700)?;
    scene.server.sh(&format!("chown -R postfix:postfix $(dirname {BOT}); touch -d '2026-11-02 22:40:19' {BOT} $(dirname {BOT})"))?;
    scene.figures("/usr/local/bin/cijfers", 6, "www-data")?;
    // The check of exchangers runs as postfix: its author met the same firewall.
    scene.reachability_check("/usr/local/sbin/mx-bereikbaar", 4)?;
    scene.server.sh("sed -i 's,root /usr/local/sbin/mx-bereikbaar,postfix /usr/local/sbin/mx-bereikbaar,' /etc/cron.d/local")?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "hof25.pcap")?;

    scene.everyday();
    let length = scene.length;
    let start = format!(
        "cd /; exec setsid -f setpriv --reuid=postfix --regid=postfix --clear-groups /usr/bin/perl {BOT} </dev/null >/dev/null 2>&1"
    );
    let server = scene.server.clone();
    scene.line.sh(length * 0.02, &server, "bot", &start);
    // A site's script tries the same at times and is refused.
    let played = scene.play()?;
    let mut folder = Folder::create(plan.out)?;
    scene.usual(&mut folder, &[])?;
    capture::end(&scene.server, &wire)?;
    let middle = played.started
        + SignedDuration::from_secs((played.ended.as_second() - played.started.as_second()) / 2);
    let seen = scene.far.stored("offers.example")?.map_or(middle, |mail| mail.arrived);
    let told = Told { address: scene.address, seen, tolerance: 5, helo: SERVER.hostname };
    folder.notice("cbl.txt", &notice::cbl_2018(told, 2))?;
    folder.take(&scene.server, &wire.path, "captures/hof25.pcap")?;
    folder.ask(&scene.server, "find /var/spool/postfix/usr /var/lib/postfix /tmp /var/tmp /dev/shm -printf '%T@ %m %u %s %p\\n'", "host/places.list")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "process:/usr/local/bin/cijfers",
            "process:/usr/local/sbin/mx-bereikbaar",
            "process:/usr/lib/postfix/sbin/master",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "bot-process",
            culprit: BOT,
            must_not_accuse: decoys,
            origin: "a bot under the MTA's uid behind an owner rule; recorded by the lab",
            ..Expect::default()
        },
        "Only Postfix may",
        STORY,
    )
}

const STORY: &str = "A tulip grower's server with site and mail. Its firewall lets only the user postfix connect to port 25, and the rules stand in the right order. A bot runs as that very user from a file below Postfix's own spool \
(how an intruder got there is not part of the case); it says the MTA's own name as HELO, so neither the firewall, nor the user, nor the HELO tells it from the MTA: its sessions are the ones without a line in the mail log. \
It still runs when the evidence is taken.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring of port 25. Decoys: Postfix's own processes of the same user; a cron script that runs as postfix too, \
because of the firewall, says the MTA's name, greets an exchanger and quits without a log line; a contact form and a cron report mail as www-data.

By hand: the bot (Perl, written for this case) and its start, its file times, the site's code, `cbl.txt`, `site.toml`.";
