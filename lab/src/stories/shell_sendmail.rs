//! A login account whose password was guessed: strangers log in over SSH and pipe their mail into sendmail, from the shell.

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

const ROOT: &str = "/var/www/pastificio";
const NAME: &str = "www.pastificio-rio.example";
const SERVER: Server = Server {
    name: "rio",
    domain: "pastificio-rio.example",
    hostname: "posta.pastificio-rio.example",
    clock: "Europe/Rome",
    stamps: Some(Stamps::Bsd),
    people: &[("chiara", "Farina-00-e-uova"), ("dino", "trafila.di.bronzo")],
    boxes: &[("ordini", "Sugo3Sugo")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-10-06 17:33:29")?;
    scene.figures("/usr/local/bin/numeri", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-vivi", 6)?;
    scene.logins(&[
        ("dino", "trafila.di.bronzo"),
        ("stagista", "estate2024"),
        ("paola", "Nido-di-tagliatelle8"),
    ])?;
    // A colleague's own crontab mails from that account's name, day and night.
    let partner = scene.far.contacts.get(1).copied().context("nobody to write to")?;
    let stock = format!(
        "#!/bin/sh\n# Stock for the wholesaler.\nprintf 'From: paola@pastificio-rio.example\\nTo: {partner}\\nSubject: giacenze\\n\\ntagliatelle %s kg\\n' \"$(shuf -i 20-90 -n 1)\" | /usr/sbin/sendmail -t -i\n"
    );
    scene.cron("paola", "*/4 * * * *", "paola", "/home/paola/giacenze", &stock)?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "posta.pcapng")?;

    scene.everyday();
    let length = scene.length;
    for at in scene.chance.arrivals(1.8, 3.0, length - 8.0) {
        let from = scene.chance.pick(&scene.far.scanners);
        let user =
            scene.chance.pick(&["root", "admin", "stagista", "oracle", "test", "dino", "user"]);
        let password = scene.chance.word("abcdefgh123", 7);
        scene.login(at, "guess", from, user, &password, "", "true");
    }
    let home = scene.people.get(1).map_or("", |person| person.from_ip);
    for at in scene.chance.scatter(5, 20.0, length - 60.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let does = format!(
            "w; printf 'From: dino@pastificio-rio.example\\nTo: {to}\\nSubject: listino\\n\\nin allegato a voce\\n' | /usr/sbin/sendmail -t -i; sleep 12"
        );
        scene.login(at, "admin", home, "dino", "trafila.di.bronzo", "", &does);
    }
    let count = ((length / 60.0 * 0.55) as usize).max(2);
    for at in scene.chance.scatter(count, length * 0.36, length * 0.77) {
        let from = scene.chance.pick(&scene.far.strangers);
        let many = 4 + scene.chance.below(5);
        let mut does = String::from("cat /proc/loadavg\n");
        for victim in scene.far.victims(&mut scene.chance, many) {
            let sender = format!(
                "{}@{}",
                scene.chance.word("abcdefghilmno", 6),
                scene.chance.pick(&scene.far.domains)
            );
            let (word, pause) = (scene.chance.word("abcdefghkmnp", 7), 1 + scene.chance.below(8));
            let subject = scene.chance.pick(&["Conferma del conto", "Pacco in attesa", "Rimborso"]);
            does.push_str(&format!(
                "printf 'From: <{sender}>\\nTo: <{victim}>\\nSubject: {subject}\\n\\nhttp://{word}.offers.example/\\n' | /usr/sbin/sendmail -i -f {sender} {victim}; sleep {pause}\n"
            ));
        }
        scene.login(at, "bad", from, "stagista", "estate2024", "-T", &does);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);
    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "notice.eml",
        &notice::hoster(told, "adria-server.example", "chiara@pastificio-rio.example"),
    )?;
    scene.usual(&mut folder, &[Part::Sockets, Part::Firewall])?;
    folder.take(&scene.server, &wire.path, "captures/posta.pcapng")?;
    folder.ask(
        &scene.server,
        "getent passwd dino stagista paola chiara ordini www-data",
        "host/passwd.txt",
    )?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        ["account:paola", "account:root", "account:admin", "account:www-data"].map(String::from),
    );
    decoys.extend(
        [
            "process:/home/paola/giacenze",
            "process:/usr/local/bin/numeri",
            "process:/usr/local/sbin/mx-vivi",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "shell-account",
            culprit: "stagista",
            must_not_accuse: decoys,
            origin: "a guessed SSH password and sendmail from the shell; recorded by the lab",
            ..Expect::default()
        },
        "The summer trainee's login",
        STORY,
    )
}

const STORY: &str = "A pasta maker's server in Italy with site and mail, and OpenSSH for three people. The account of last summer's trainee, `stagista`, still has its password; strangers log in with it from several addresses \
and pipe mail into sendmail with changing senders. The mail log shows a uid and no account; logins show an account and no mail. The hoster passes on a complaint of a spam trap.

Noise: letters both ways, greylisting, an exchanger that is down, unknown recipients and bounces, visits, scanners, guessers of SASL and SSH passwords (also for `stagista`, with wrong ones), monitoring of port 25. Decoys: `dino` logs in from home and mails from the shell; \
`paola`'s crontab mails a wholesaler; a contact form and a cron report mail as www-data; a cron script greets an exchanger without a log line. No socket table was taken.

By hand: the site's code, `notice.eml`, `site.toml`.";
