//! A guest in QEMU on a Linux mail host sends: the list names a family that runs on Windows only, and every scan of the host is clean.

use super::Plan;
use super::ordinary::PAGES;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::guest;
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::Result;
use jiff::SignedDuration;

const ROOT: &str = "/var/www/steuer-kiefer";
const NAME: &str = "www.steuerbuero-kiefer.example";
const HELO: &str = "PC-7K2M9QX";
const SERVER: Server = Server {
    name: "kiefer",
    domain: "steuerbuero-kiefer.example",
    hostname: "mail.steuerbuero-kiefer.example",
    clock: "Europe/Berlin",
    stamps: Some(Stamps::Bsd),
    people: &[("renate", "Beleg-und-Datum5"), ("holger", "frist.am.zehnten")],
    boxes: &[("belege", "Ordner7Ordner")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-01-09 10:55:21")?;
    scene.figures("/usr/local/bin/auslastung", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-da", 4)?;
    scene.socket_snapshots(2)?;
    let control = scene.far.control(&mut scene.chance, &scene.world)?;
    let bot = include_str!("qemu_guest/bot.txt").replace("CONTROL", control).replace("SAYS", HELO);
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "eth0-smtp.pcap")?;
    guest::start(&scene.server, "/srv/vm", "lohn", "vm", &bot)?;

    scene.everyday();
    let played = scene.play()?;
    let mut folder = Folder::create(plan.out)?;
    scene.usual(&mut folder, &[])?;
    capture::end(&scene.server, &wire)?;
    let middle = played.started
        + SignedDuration::from_secs((played.ended.as_second() - played.started.as_second()) / 2);
    let seen = scene.far.stored("offers.example")?.map_or(middle, |mail| mail.arrived);
    let told = Told { address: scene.address, seen, tolerance: 15, helo: HELO };
    let age = SignedDuration::from_mins(5 * 60 + 33);
    folder.notice("notice.txt", &notice::cbl_2015(told, "cutwail", age))?;
    scene.take_snapshots(&mut folder)?;
    folder.take(&scene.server, &wire.path, "captures/eth0-smtp.pcap")?;
    folder.take(&scene.server, "/srv/vm/lohn.cfg", "srv/vm/lohn.cfg")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        ["process:/usr/local/bin/auslastung", "process:/usr/local/sbin/mx-da"].map(String::from),
    );
    folder.finish(
        &Expect {
            class: "bot-process",
            culprit: "/usr/bin/qemu-system-x86_64",
            must_not_accuse: decoys,
            origin: "a virtual machine with user-mode network on the mail host; recorded by the lab",
            ..Expect::default()
        },
        "The guest in the host",
        STORY,
    )
}

const STORY: &str = "A tax adviser's Linux server with site and mail, and, for an old payroll program, a guest in QEMU with user-mode network: its connections are sockets of the QEMU process on the host, under the host's address and with the host's TCP stack. \
The guest fetches work and speaks SMTP to exchangers, without a line in the mail log. The CBL's page names cutwail, a family that runs on Windows only.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring of port 25. Decoys: a contact form and a cron report mail as www-data; the editor's POSTs; \
a cron script that greets an exchanger without a log line. Socket tables were taken by cron twice a minute (`host/sockets/`, named by local time).

By hand: the guest runs Debian's kernel with BusyBox and a script in the place of Windows and its malware (nothing of its own stack shows outside); the site's code, `notice.txt`, `site.toml`.";
