//! The innocent twin of comment-form: a form that mails, on its busiest day, used by people who mean it.

use super::Plan;
use super::gathered::Part;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::Result;
use jiff::SignedDuration;

const ROOT: &str = "/var/www/musikschule";
const NAME: &str = "www.musikschule-auental.example";
const SERVER: Server = Server {
    name: "auental",
    domain: "musikschule-auental.example",
    hostname: "mail.musikschule-auental.example",
    clock: "Europe/Zurich",
    stamps: Some(Stamps::Bsd),
    people: &[("sekretariat", "Viola-da-9amba"), ("urs", "takt.und.tinte")],
    boxes: &[("archiv", "Noten3Kiste")],
    settings: "",
    sites: &[(
        Site { name: NAME, root: ROOT, user: "", log: "access.log" },
        &["/", "/?page=kurse", "/anmeldung.php", "/anmeldung.php?kurs=7", "/contact.php"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-02-08 15:20:44")?;
    scene.server.write(
        &format!("{ROOT}/anmeldung.php"),
        include_str!("twin_contact_form/anmeldung.php"),
        0o644,
    )?;
    scene.server.sh(&format!("mkdir -p {ROOT}/daten; chown -R www-data:www-data {ROOT}; touch -d '2025-02-08 15:20:44' {ROOT}/anmeldung.php {ROOT}/daten"))?;
    scene.figures("/usr/local/bin/zahlen", 6, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-da", 5)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "smtp.pcap")?;

    scene.everyday();
    let length = scene.length;
    // Registration opens: everybody at once, each with an address of their own.
    let count = ((length / 60.0 * 5.0) as usize).max(6);
    for at in scene.chance.scatter(count, length * 0.40, length * 0.78) {
        let from = if scene.chance.unit() < 0.7 {
            scene.chance.pick(&scene.far.visitors)
        } else {
            scene.chance.pick(&scene.far.homes)
        };
        let parent = format!(
            "{}.{}@{}",
            scene.chance.pick(&["anna", "beat", "corina", "dario", "eveline", "fabian", "gaby"]),
            scene.chance.word("abdefgilmnorstu", 6),
            scene.chance.pick(&scene.far.domains)
        );
        let course = scene.chance.pick(&["3", "7", "8", "12"]);
        let fields = [("kurs", course), ("name", "Familie M."), ("mail", parent.as_str())];
        scene.post(at, "registration", from, ("", "/anmeldung.php"), &fields);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    // The detection lies hours before the logs begin.
    let seen = played.started - SignedDuration::from_mins(10 * 60 + 25);
    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "notice.eml",
        &notice::hoster(
            told,
            "bergnetz-hosting.example",
            "sekretariat@musikschule-auental.example",
        ),
    )?;
    scene.usual(&mut folder, &[Part::Queue])?;
    folder.take(&scene.server, &wire.path, "captures/smtp.pcap")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.push(format!("script:{ROOT}/anmeldung.php"));
    decoys.extend(
        [
            "url:POST /anmeldung.php",
            "process:/usr/local/bin/zahlen",
            "process:/usr/local/sbin/mx-da",
            "account:sekretariat",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "comment-form",
            origin: "recorded by the lab as the twin of comment-form",
            ..Expect::default()
        },
        "Registration day",
        STORY,
    )
}

const STORY: &str = "The same structure as comment-form with nobody guilty in sight: a music school's server, a form whose script mails the parent who typed in an address and the school's office, as the web server's user. \
Registration for the courses opens in the middle of the recording and a hundred families use it within minutes, from many addresses, a few of them behind one. The script checks the address; nothing is injected. \
The hoster's complaint is ten hours older than logs and capture, so the evidence cannot name anybody.

Noise and decoys as there: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring, a contact form, the editor's POSTs, a cron report, a cron script that greets an exchanger.

By hand: the site's code, file times below /var/www, `notice.eml`, `site.toml`.";
