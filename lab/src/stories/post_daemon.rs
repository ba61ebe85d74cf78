//! One POST to a planted script starts a daemon that mails for the rest of the time, straight to exchangers. When the list sees
//! it, no request comes any more, and the daemon has no file.

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

const ROOT: &str = "/var/www/vivero";
const NAME: &str = "www.viverolamata.example";
const SCRIPT: &str = "/var/www/vivero/media/fonts/glyphs.php";
const HELO: &str = "viverolamata";
const SERVER: Server = Server {
    name: "mata",
    domain: "viverolamata.example",
    hostname: "correo.viverolamata.example",
    clock: "Europe/Madrid",
    stamps: Some(Stamps::Bsd),
    people: &[("pilar", "Olivo-viejo7"), ("ramon", "tierra.negra.4"), ("nuria", "Riego8Lento")],
    boxes: &[("pedidos", "Maceta3Barro")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-01-17 09:32:18")?;
    let control = scene.far.control(&mut scene.chance, &scene.world)?;
    let key = scene.chance.word("abcdefghijkmnpqrstuvwxyz23456789", 10);
    scene.packed(SCRIPT, include_str!("post_daemon/glyphs.txt"), &key)?;
    scene.server.sh(&format!(
        "touch -d '2025-01-17 09:32:18' {ROOT}/media {ROOT}/media/fonts; chown -R www-data:www-data {ROOT}/media; touch -d '2026-10-12 04:05:51' {SCRIPT}"
    ))?;
    scene.figures("/usr/local/bin/resumen", 6, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-vivo", 5)?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "smtp-out.pcapng")?;

    scene.everyday();
    let length = scene.length;
    let wait = (length * 0.2) as u32;
    let daemon = include_str!("post_daemon/daemon.txt")
        .replace("CONTROL", control)
        .replace("EHLO HELO", &format!("EHLO {HELO}"))
        .replace("WAIT", &wait.to_string());
    let packed = scene.server.sh(&format!("base64 -w0 <<'X'\n{daemon}X\n"))?;
    let packed = String::from_utf8_lossy(&packed).into_owned();
    let from = scene.chance.pick(&scene.far.strangers);
    let path = SCRIPT.trim_start_matches(ROOT);
    scene.post(length * 0.09, "start", from, ("", path), &[("a", &key), ("b", packed.trim())]);

    let played = scene.play()?;
    let mut folder = Folder::create(plan.out)?;
    // While it still runs.
    folder.ask(
        &scene.server,
        "ls -l /proc/[0-9]*/exe /proc/[0-9]*/cwd 2>/dev/null || true",
        "host/proc-exe.txt",
    )?;
    scene.usual(&mut folder, &[])?;
    capture::end(&scene.server, &wire)?;
    let (start, _) = played.span("start").context("the daemon was not started")?;
    let late = start + SignedDuration::from_secs(i64::from(wait) + 240);
    let seen = scene.far.stored("offers.example")?.map_or(late, |mail| mail.arrived);
    let told = Told { address: scene.address, seen, tolerance: 15, helo: HELO };
    folder.notice("cbl.txt", &notice::cbl_early(told, SignedDuration::from_mins(131)))?;
    folder.take(&scene.server, &wire.path, "captures/smtp-out.pcapng")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "process:/usr/local/bin/resumen",
            "process:/usr/local/sbin/mx-vivo",
            "process:/usr/sbin/apache2",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "compromised-site",
            culprit: SCRIPT,
            must_not_accuse: decoys,
            origin: "one POST that starts a daemon, as CBL's pages on web-server mailers describe; recorded by the lab",
            ..Expect::default()
        },
        "One request, hours of mail",
        STORY,
    )
}

const STORY: &str = "A plant nursery's server in Spain with site and mail. A planted PHP file among the fonts takes a program from a POST request, starts it with Perl and is not asked again. \
The program deletes its file, forks twice, calls itself `/usr/sbin/apache2 -k start`, fetches work, sleeps for some minutes and then speaks SMTP to one exchanger after another until it is stopped; it still runs when the evidence is taken. \
When the list sees it, the only request is minutes old. The CBL's early page quotes the HELO, the host's short name.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring of port 25. Decoys: real Apache processes of the same name and user; the editor's POSTs and the contact form around the same minute; \
a cron report by sendmail as www-data; a cron script that greets an exchanger without a log line.

By hand: the planted file and the program (written for this case, packed the usual way), their file times, the site's code, `cbl.txt`, `site.toml`.";
