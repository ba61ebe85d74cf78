//! The innocent twin of qemu-guest: a guest in QEMU that reports through the host's MTA, and greets an exchanger now and then.

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

const ROOT: &str = "/var/www/archief";
const NAME: &str = "www.streekarchief.example";
const SERVER: Server = Server {
    name: "streek",
    domain: "streekarchief.example",
    hostname: "post.streekarchief.example",
    clock: "Europe/Brussels",
    stamps: Some(Stamps::Rfc3339),
    people: &[("griet", "Perkament-en-inkt2"), ("bram", "doos.nr.negen")],
    boxes: &[("archive", "Rek4Rek")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-02-20 14:01:48")?;
    scene.figures("/usr/local/bin/bezoek", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-open", 4)?;
    scene.socket_snapshots(2)?;
    let partner = scene.far.routes.first().map_or("", |(_, _, address)| address);
    let recipients = format!(
        "griet@streekarchief.example {}",
        scene.far.contacts.first().copied().unwrap_or_default()
    );
    let script = include_str!("twin_qemu_guest/backup.txt")
        .replace("DOMAIN", SERVER.domain)
        .replace("RECIPIENTS", &recipients)
        .replace("EXCHANGER", partner);
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "eth0-smtp.pcapng")?;
    guest::start(&scene.server, "/srv/guests", "archive", "guests", &script)?;

    scene.everyday();
    let played = scene.play()?;
    let mut folder = Folder::create(plan.out)?;
    scene.usual(&mut folder, &[])?;
    capture::end(&scene.server, &wire)?;
    let seen = played.started - SignedDuration::from_mins(12 * 60 + 17);
    let told = Told { address: scene.address, seen, tolerance: 15, helo: "MARKETING-3" };
    let age = SignedDuration::from_mins(13 * 60 + 2);
    folder.notice("notice.txt", &notice::cbl_2015(told, "cutwail", age))?;
    scene.take_snapshots(&mut folder)?;
    folder.take(&scene.server, &wire.path, "captures/eth0-smtp.pcapng")?;
    folder.take(&scene.server, "/srv/guests/archive.cfg", "srv/guests/archive.cfg")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "process:/usr/bin/qemu-system-x86_64",
            "process:/usr/local/bin/bezoek",
            "process:/usr/local/sbin/mx-open",
            "host:127.0.0.1",
            "account:archive",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "qemu-guest",
            origin: "recorded by the lab as the twin of qemu-guest",
            ..Expect::default()
        },
        "The guest that files",
        STORY,
    )
}

const STORY: &str = "The same structure as qemu-guest with nobody guilty in sight: a regional archive's server in Belgium with a guest in QEMU (user-mode network) that copies files and reports by mail, through the host's Postfix, to which it is localhost; \
every other time it greets a partner's exchanger, under its own good name, and quits, which leaves no line in the mail log. The list's page names cutwail, another HELO, and a detection twelve hours older than logs, socket tables and capture.

Noise and decoys as there: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring, a contact form, the editor's POSTs, a cron report, a cron script that greets an exchanger; socket tables by cron.

By hand: the guest's script (BusyBox on Debian's kernel), the site's code, `notice.txt`, `site.toml`.";
