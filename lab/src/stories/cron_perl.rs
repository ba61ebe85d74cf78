//! FIELD (h), in the manner of Mumblehard: a Perl script in /var/tmp that the web server's own crontab starts every few minutes.

use super::Plan;
use super::gathered::Part;
use super::ordinary::PAGES;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const ROOT: &str = "/var/www/fjordkor";
const NAME: &str = "www.fjordkoret.example";
const SERVER: Server = Server {
    name: "fjord",
    domain: "fjordkoret.example",
    hostname: "post.fjordkoret.example",
    clock: "Europe/Oslo",
    stamps: Some(Stamps::Rfc3339),
    people: &[("sunniva", "Bass.og.tenor2"), ("leif", "Kveldssang-9")],
    boxes: &[("noter", "Takt4av4")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-08-30 21:14:09")?;
    // Where the script gets its work: a list of exchangers' addresses and recipients.
    let control = scene.far.control(&mut scene.chance, &scene.world)?;
    let bot = format!("/var/tmp/{}", scene.chance.word("abcdefghkLMNPqrstXYZ", 6));
    let mailer = include_str!("cron_perl/mailer.txt").replace("CONTROL", control);
    scene.server.write(&bot, mailer, 0o755)?;
    scene.server.sh(&format!(
        "chown www-data:www-data {bot}; touch -d '2026-11-08 03:12:44' {bot}
         printf '*/3 * * * * {bot} >/dev/null 2>&1\\n' > /var/spool/cron/crontabs/www-data
         chown www-data:crontab /var/spool/cron/crontabs/www-data; chmod 600 /var/spool/cron/crontabs/www-data
         touch -d '2026-11-08 03:12:45' /var/spool/cron/crontabs/www-data"
    ))?;
    // A like-minded neighbour that means no harm: Perl, cron, port 25, the same HELO.
    let greeted = scene.far.keepers.first().context("no exchanger")?;
    let greeter = include_str!("cron_perl/mx-greet.pl").replace("EXCHANGER", greeted);
    scene.server.sh("id graphs >/dev/null 2>&1 || useradd -r -M -s /usr/sbin/nologin graphs")?;
    scene.cron("graphs", "*/3 * * * *", "graphs", "/usr/local/lib/graphs/mx-greet.pl", &greeter)?;
    scene.figures("/usr/local/bin/ukestall", 5, "www-data")?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "eth0-25.pcapng")?;

    scene.everyday();
    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let middle = played.started
        + SignedDuration::from_secs((played.ended.as_second() - played.started.as_second()) / 2);
    let seen = scene.far.stored("offers.example")?.map_or(middle, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 5, helo: "localhost.localdomain" };
    folder.notice("cbl.txt", &notice::cbl_2018(told, 4))?;
    scene.usual(&mut folder, &[Part::Sockets])?;
    folder.take(&scene.server, &wire.path, "captures/eth0-25.pcapng")?;
    folder.ask(
        &scene.server,
        "find /tmp /var/tmp /dev/shm -printf '%T@ %m %u %s %p\\n'",
        "host/tmp.list",
    )?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend([
        "process:/usr/local/lib/graphs/mx-greet.pl".into(),
        "process:/usr/local/bin/ukestall".into(),
    ]);
    folder.finish(
        &Expect {
            class: "bot-process",
            culprit: &bot,
            must_not_accuse: decoys,
            origin: "FIELD (h), Mumblehard: Perl in /var/tmp started by cron; recorded by the lab",
            ..Expect::default()
        },
        "Perl from cron",
        STORY,
    )
}

const STORY: &str = "A choir's server in Norway with site and mail. Somebody once left a Perl script with a random name in /var/tmp and a line in the crontab of www-data; every three minutes (the family \
it is modelled on took fifteen) it fetches work from a web server elsewhere and speaks SMTP to a handful of exchangers with `HELO localhost.localdomain`, without a line in the mail log. \
The CBL's page of 2018 quotes that HELO.

Noise: letters both ways, greylisting, an exchanger that is down, unknown recipients, visits, scanners, password guessers, monitoring of port 25. Decoys: a Perl script of the graphs, \
started by cron in the same minutes, that greets an exchanger with the same HELO and quits; a contact form and a cron report that mail as www-data; the editor's POSTs. No socket table was taken.

By hand: the script (written for this case), its file times, the site's code, `cbl.txt`, `site.toml`.";
