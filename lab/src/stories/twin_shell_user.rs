//! The innocent twin of ssh-tunnel: administrators at the shell, who mail from it and forward port 25 to a server of their own.

use super::Plan;
use super::ordinary::PAGES;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const ROOT: &str = "/var/www/tegelverk";
const NAME: &str = "www.tegelverket.example";
const SERVER: Server = Server {
    name: "tegel",
    domain: "tegelverket.example",
    hostname: "smtp1.tegelverket.example",
    clock: "Europe/Stockholm",
    stamps: Some(Stamps::Rfc3339),
    people: &[("ebba", "Lera-och-eld3"), ("gustav", "ugn.nr.sju")],
    boxes: &[("order", "Pall9Pall")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-04-14 08:02:57")?;
    scene.figures("/usr/local/bin/siffror", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-koll", 4)?;
    scene.logins(&[
        ("gustav", "ugn.nr.sju"),
        ("moa", "Sten+murbruk5"),
        ("drift", "Natt4skiftet"),
    ])?;
    scene.socket_snapshots(2)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "port25.pcap")?;

    scene.everyday();
    let length = scene.length;
    for at in scene.chance.arrivals(1.5, 3.0, length - 8.0) {
        let from = scene.chance.pick(&scene.far.scanners);
        let user =
            scene.chance.pick(&["root", "admin", "drift", "ubuntu", "test", "gustav", "git"]);
        let password = scene.chance.word("abcdefgh123", 7);
        scene.login(at, "guess", from, user, &password, "", "true");
    }
    let home = scene.people.get(1).map_or("", |person| person.from_ip);
    for at in scene.chance.scatter(6, 20.0, length - 60.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let does = format!(
            "uptime; printf 'From: gustav@tegelverket.example\\nTo: {to}\\nSubject: Driftstopp i natt\\n\\nkl 23-24\\n' | /usr/sbin/sendmail -t -i; sleep 18"
        );
        scene.login(at, "admin", home, "gustav", "ugn.nr.sju", "", &does);
    }
    // The night shift, on the road: tests the second server, at a provider's, through this one, because the train blocks port 25.
    let second = scene.far.keepers.get(1).copied().context("no second server")?;
    let road = scene.far.visitors.get(1).copied().unwrap_or_default();
    for (number, at) in scene.chance.scatter(5, length * 0.1, length - 80.0).into_iter().enumerate()
    {
        let port = 20_025 + number;
        let script = format!(
            "sshpass -p Natt4skiftet ssh -q -N -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -b {road} -L 127.0.0.1:{port}:{second}:25 drift@{} & t=$!; sleep 4\n\
             for n in 1 2; do printf 'From: drift@tegelverket.example\\nTo: postmaster@{second}\\nSubject: test\\nDate: {{DATE}}\\n\\ntest\\n' | \
             curl -sS -m 60 --url smtp://127.0.0.1:{port}/moas-laptop.local --mail-from drift@tegelverket.example --mail-rcpt postmaster@{second} -T -; sleep 12; done\n\
             kill $(pgrep -P $t) $t; wait $t",
            scene.address
        );
        let crowd = scene.far.crowd.clone();
        scene.line.sh(at, &crowd, "test", &script);
    }
    let office = scene.far.homes.get(4).copied().unwrap_or_default();
    for at in scene.chance.scatter(3, 30.0, length - 60.0) {
        scene.login(
            at,
            "moa",
            office,
            "moa",
            "Sten+murbruk5",
            "-L 127.0.9.1:5432:127.0.0.1:5432",
            "ls /var/www; sleep 20",
        );
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let seen = played.started - SignedDuration::from_mins(9 * 60 + 5);
    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 15, helo: "WORKGROUP" };
    folder.notice("page.txt", &notice::checker(told))?;
    scene.usual(&mut folder, &[])?;
    scene.take_snapshots(&mut folder)?;
    folder.take(&scene.server, &wire.path, "captures/port25.pcap")?;
    folder.ask(&scene.server, "getent passwd gustav moa drift www-data", "host/passwd.txt")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "account:moa",
            "account:drift",
            "account:root",
            "account:admin",
            "process:/usr/local/bin/siffror",
            "process:/usr/local/sbin/mx-koll",
            "process:sshd",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "ssh-tunnel",
            origin: "recorded by the lab as the twin of ssh-tunnel",
            ..Expect::default()
        },
        "The night shift's tunnel",
        STORY,
    )
}

const STORY: &str = "The same structure as ssh-tunnel with nobody guilty in sight: a brickworks' server in Sweden, with OpenSSH for three people. `gustav` mails from the shell; `moa` forwards a database port; \
`drift` tests the firm's second mail server, which stands at a provider's, through an SSH tunnel from the train, whose network blocks port 25: a few mails to its postmaster leave from sshd's child of that account, without a line in the mail log. \
The detection that the Spamhaus page tells of, with another HELO, is nine hours older than logs, socket tables and capture.

Noise and decoys as there: letters both ways, greylisting, an exchanger that is down, visits, scanners, guessers of SASL and SSH passwords, monitoring, a contact form, a cron report, a cron script that greets an exchanger; socket tables by cron.

By hand: the site's code, `page.txt`, `site.toml`.";
