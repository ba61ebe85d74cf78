//! The innocent twin of cron-perl: Perl from cron that speaks SMTP to exchangers, and Perl that mails; both belong there.

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

const ROOT: &str = "/var/www/kirjakauppa";
const NAME: &str = "www.kirjakauppa-saari.example";
const SERVER: Server = Server {
    name: "saari",
    domain: "kirjakauppa-saari.example",
    hostname: "posti.kirjakauppa-saari.example",
    clock: "Europe/Helsinki",
    stamps: Some(Stamps::Rfc3339),
    people: &[("aino", "Kansi-ja-selka8"), ("veikko", "talvi.lukee.2")],
    boxes: &[("varasto", "Hylly6Hylly")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-06-27 12:45:03")?;
    let exchangers = scene.far.keepers.join(" ");
    let watch = include_str!("twin_cron_script/exchangers.pl").replace("EXCHANGERS", &exchangers);
    let customers = scene.far.contacts.join("\n");
    let due = include_str!("twin_cron_script/due.pl").replace("DOMAIN", SERVER.domain);
    scene.server.write("/srv/shop/due.txt", format!("{customers}\n"), 0o644)?;
    scene.server.sh("id shop >/dev/null 2>&1 || useradd -r -d /srv/shop -s /usr/sbin/nologin shop; chown -R shop /srv/shop")?;
    // Left in /var/tmp by its author, who meant to move it one day.
    scene.cron("shop", "*/3 * * * *", "shop", "/var/tmp/mx-watch.pl", &watch)?;
    scene.cron("shop", "*/4 * * * *", "shop", "/srv/shop/due.pl", &due)?;
    scene.server.sh(
        "chown shop /var/tmp/mx-watch.pl; touch -d '2025-07-01 16:12:00' /var/tmp/mx-watch.pl",
    )?;
    scene.figures("/usr/local/bin/luvut", 5, "www-data")?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "eth0-25.pcapng")?;

    scene.everyday();
    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let seen = played.started - SignedDuration::from_mins(11 * 60 + 40);
    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 5, helo: "localhost.localdomain" };
    folder.notice("cbl.txt", &notice::cbl_2018(told, 1))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, &wire.path, "captures/eth0-25.pcapng")?;
    folder.ask(
        &scene.server,
        "find /tmp /var/tmp /dev/shm -printf '%T@ %m %u %s %p\\n'",
        "host/tmp.list",
    )?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "process:/var/tmp/mx-watch.pl",
            "process:/srv/shop/due.pl",
            "process:/usr/local/bin/luvut",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "cron-perl",
            origin: "recorded by the lab as the twin of cron-perl",
            ..Expect::default()
        },
        "Perl that belongs there",
        STORY,
    )
}

const STORY: &str = "The same structure as cron-perl with nobody guilty in sight: a bookshop's server in Finland. A Perl script that its author left in /var/tmp greets its customers' exchangers every three minutes under the host's own name, asks for nothing and quits, \
so that the shop knows when customers cannot be reached; it leaves no line in the mail log. Another mails reminders to customers through sendmail. \
The list's page quotes `localhost.localdomain`, which nothing here says, and its detection is more than eleven hours older than logs and capture.

Noise and decoys as there: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring, a contact form, the editor's POSTs, a cron report as www-data.

By hand: the two scripts, the site's code, file times, `cbl.txt`, `site.toml`.";
