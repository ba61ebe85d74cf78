//! FIELD (l): a newsletter's sign-up form mails whoever is typed in. Robots type in thousands of strangers ("list bombing");
//! the site's own, honest confirmations flood them.

use super::Plan;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};

const ROOT: &str = "/var/www/seed-swap";
const NAME: &str = "www.seedswap.example";
const SERVER: Server = Server {
    name: "allotment",
    domain: "seedswap.example",
    hostname: "out.seedswap.example",
    clock: "Europe/London",
    stamps: Some(Stamps::Rfc3339),
    people: &[("winnie", "Broad-bean-6"), ("clive", "compost.heap.11")],
    boxes: &[("letters", "Row4Row"), ("bounces", "Sieve2Sieve")],
    settings: "",
    sites: &[(
        Site { name: NAME, root: ROOT, user: "", log: "seedswap.log" },
        &["/", "/letter/subscribe.php", "/letter/thanks.php", "/?page=swap", "/contact.php"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    scene.ordinary_site(NAME, ROOT, "2024-09-02 20:11:30")?;
    let readers = format!("{}\n", scene.far.contacts.join("\n"));
    for (path, text) in [
        (
            "settings.php",
            "<?php\nreturn ['name' => 'Seed Swap', 'site' => 'www.seedswap.example', 'from' => 'letters@seedswap.example', 'id' => '<letters.seedswap.example>', 'bounces' => 'bounces@seedswap.example', 'secret' => getenv('LETTER_SECRET') ?: 'in the vault'];\n",
        ),
        ("subscribe.php", include_str!("signup_bombing/subscribe.php")),
        ("confirm.php", include_str!("signup_bombing/confirm.php")),
        ("thanks.php", "<?php\necho 'We have sent you a line to confirm.';\n"),
        ("readers.csv", &readers),
    ] {
        scene.server.write(&format!("{ROOT}/letter/{path}"), text, 0o644)?;
    }
    scene.server.sh(&format!("chown -R www-data:www-data {ROOT}/letter; find {ROOT}/letter -exec touch -d '2024-09-02 20:11:30' {{}} +"))?;
    let letter = include_str!("signup_bombing/letter").replace("DOMAIN", SERVER.domain);
    scene.server.write("/usr/local/bin/send-letter", letter, 0o755)?;
    scene.reachability_check("/usr/local/sbin/mx-look", 5)?;
    let wire = capture::pcapng(&scene.server, "eth0", "tcp port 25", "allotment.pcapng")?;

    scene.everyday();
    let length = scene.length;
    // This month's letter leaves in the same half hour.
    let server = scene.server.clone();
    let letter =
        "setpriv --reuid=www-data --regid=www-data --clear-groups /usr/local/bin/send-letter";
    scene.line.sh(length * 0.47, &server, "letter", letter);
    // People who mean it, and confirm: their tokens as the script will make them.
    let tokens = scene.server.sh(&format!(
        "php -r 'foreach (array_slice($argv, 1) as $a) {{ echo substr(hash_hmac(\"sha256\", $a, \"in the vault\"), 0, 24), \"\\n\"; }}' {}",
        scene.far.contacts.join(" ")
    ))?;
    let tokens: Vec<String> = String::from_utf8_lossy(&tokens).lines().map(str::to_owned).collect();
    for at in scene.chance.arrivals(0.6, 5.0, length - 20.0) {
        let from = scene.chance.pick(&scene.far.visitors);
        let number = scene.chance.below(scene.far.contacts.len());
        let email = scene.far.contacts.get(number).copied().unwrap_or_default();
        scene.post(
            at,
            "join",
            from,
            ("", "/letter/subscribe.php"),
            &[("email", email), ("first", "Ada")],
        );
        let token = tokens.get(number).map_or("", String::as_str);
        let reader = format!("/letter/confirm.php?t={token}");
        scene.get(at + 9.0, "confirm", from, ("", &reader));
    }
    // The robots: each address once, everybody's name is random.
    let count = ((length / 60.0 * 6.5) as usize).max(8);
    for at in scene.chance.scatter(count, length * 0.31, length * 0.76) {
        let from = scene.chance.pick(&scene.far.strangers);
        let email = scene.far.victim(&mut scene.chance);
        let first = scene.chance.word("abcdefghijklmnopqrstuvwxyz", 8);
        scene.post(
            at,
            "bad",
            from,
            ("", "/letter/subscribe.php"),
            &[("email", &email), ("first", &first)],
        );
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("Please confirm")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: SERVER.hostname };
    folder.notice(
        "report.eml",
        &notice::spamcop(
            told,
            "abuse@seedswap.example",
            "letters@seedswap.example",
            "Please confirm, ",
        ),
    )?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, "/usr/local/bin/send-letter", "usr/local/bin/send-letter")?;
    folder.take(&scene.server, &wire.path, "captures/allotment.pcapng")?;
    let mut decoys = scene.accounts();
    decoys.extend(Scene::ordinary_decoys(ROOT));
    decoys.extend(
        [
            "account:letters",
            "account:bounces",
            "url:GET /letter/confirm.php",
            "process:/usr/local/bin/send-letter",
            "process:/usr/local/sbin/mx-look",
            "address:letters@seedswap.example",
        ]
        .map(String::from),
    );
    for page in ["subscribe.php", "confirm.php", "settings.php"] {
        decoys.push(format!("script:{ROOT}/letter/{page}"));
    }
    folder.finish(
        &Expect {
            class: "form-abuse",
            culprit: "POST /letter/subscribe.php",
            must_not_accuse: decoys,
            origin: "FIELD (l), emaildelivered.com: an unprotected sign-up form, list-bombed; recorded by the lab",
            ..Expect::default()
        },
        "Please confirm",
        STORY,
    )
}

const STORY: &str = "Gardeners who swap seeds: site, newsletter and mail on one server in England. The sign-up form mails a line to confirm to any address, without a limit or a riddle. Robots on several addresses type in strangers, each once, \
under random names; the confirmations are honest, own mail, and reach people who never asked, a reporter to SpamCop and boxes that do not exist, whose bounces come back.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring of port 25. Decoys: people who sign up and mean it; this month's letter to the confirmed readers leaves in the same half hour \
from the same sender (bulk mail, but wanted); a contact form mails as the same user; the editor's POSTs; a cron script that greets an exchanger.

By hand: the site's code, file times below /var/www, `report.eml`, `site.toml`.";
