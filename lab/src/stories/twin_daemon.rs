//! The innocent twin of post-daemon: a worker that a web page starts, that outlives its request and mails, as many shops have one.

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

const ROOT: &str = "/var/www/garnbutik";
const NAME: &str = "www.garnbutikken.example";
const SERVER: Server = Server {
    name: "garn",
    domain: "garnbutikken.example",
    hostname: "mail.garnbutikken.example",
    clock: "Europe/Copenhagen",
    stamps: Some(Stamps::Bsd),
    people: &[("sofie", "Maske-for-maske2"), ("emil", "uld.paa.lager")],
    boxes: &[("bestilling", "Nogle8Nogle")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-07-30 19:26:12")?;
    let worker = include_str!("twin_daemon/worker.php").replace("DOMAIN", SERVER.domain);
    scene.server.write(&format!("{ROOT}/worker/worker.php"), worker, 0o644)?;
    scene.server.write(
        &format!("{ROOT}/manage/office.php"),
        include_str!("twin_daemon/office.php"),
        0o644,
    )?;
    scene.server.sh(&format!("mkdir -p {ROOT}/worker/queue; chown -R www-data:www-data {ROOT}; find {ROOT}/worker {ROOT}/manage -exec touch -d '2025-07-30 19:26:12' {{}} +"))?;
    scene.figures("/usr/local/bin/tal", 6, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-oppe", 5)?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "smtp-out.pcapng")?;

    scene.everyday();
    let length = scene.length;
    let office = scene.far.homes.first().copied().unwrap_or_default();
    scene.post(length * 0.05, "start", office, ("", "/manage/office.php"), &[("do", "start")]);
    for at in scene.chance.arrivals(2.2, length * 0.08, length - 20.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        scene.post(
            at,
            "order",
            office,
            ("", "/manage/office.php"),
            &[("do", "letter"), ("to", to)],
        );
    }

    let played = scene.play()?;
    let mut folder = Folder::create(plan.out)?;
    folder.ask(
        &scene.server,
        "ls -l /proc/[0-9]*/exe /proc/[0-9]*/cwd 2>/dev/null || true",
        "host/proc-exe.txt",
    )?;
    scene.usual(&mut folder, &[])?;
    capture::end(&scene.server, &wire)?;
    let seen = played.started - SignedDuration::from_mins(13 * 60 + 2);
    let told = Told { address: scene.address, seen, tolerance: 15, helo: "garn" };
    folder.notice("cbl.txt", &notice::cbl_early(told, SignedDuration::from_mins(14 * 60 + 11)))?;
    folder.take(&scene.server, &wire.path, "captures/smtp-out.pcapng")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    for file in ["worker/worker.php", "manage/office.php"] {
        decoys.push(format!("script:{ROOT}/{file}"));
        decoys.push(format!("process:{ROOT}/{file}"));
    }
    decoys.extend(
        [
            "process:/usr/local/bin/tal",
            "process:/usr/local/sbin/mx-oppe",
            "process:php: letter worker",
            "url:POST /manage/office.php",
            "account:bestilling",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "post-daemon",
            origin: "recorded by the lab as the twin of post-daemon",
            ..Expect::default()
        },
        "The shop's worker",
        STORY,
    )
}

const STORY: &str = "The same structure as post-daemon with nobody guilty in sight: a wool shop's server in Denmark. One POST from the back office starts a PHP worker that leaves its request behind, has init as its parent, carries another name in the process table \
and works off a queue of letters to customers through sendmail for the rest of the time. The list's detection, with the host's short name as HELO, is thirteen hours older than logs and capture.

Noise and decoys as there: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring, a contact form, the editor's POSTs, a cron report, a cron script that greets an exchanger.

By hand: the site's code, file times, `cbl.txt`, `site.toml`.";
