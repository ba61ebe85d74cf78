//! FIELD (j): "email this article to a friend" on a blog, used by strangers to say what they like to whom they like. The site
//! mails over SMTP to its own host, so that no uid stands in the log.

use super::Plan;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};

const ROOT: &str = "/var/www/gratwanderer";
const NAME: &str = "blog.ridgewalkers.example";
const SERVER: Server = Server {
    name: "ridge",
    domain: "ridgewalkers.example",
    hostname: "mail.ridgewalkers.example",
    clock: "America/Denver",
    stamps: Some(Stamps::Bsd),
    people: &[("hazel", "Switchback-19"), ("dean", "cairn.on.top"), ("toni", "Scree8Slope")],
    boxes: &[("huts", "Bunk4Bunk")],
    settings: "",
    sites: &[(
        Site { name: NAME, root: ROOT, user: "", log: "blog.log" },
        &["/", "/?p=12", "/?p=31", "/?p=44", "/wp-email.php?p=31"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    let guest = scene.far.contacts.get(2).copied().context("no guest author")?;
    for (path, text) in [
        (
            "index.php",
            "<?php\n$p = (int) ($_GET['p'] ?? 0);\necho '<h1>', $p ?: 'Ridge Walkers', '</h1><a href=\"/wp-email.php?p=', $p, '\">Email this</a><form action=\"/wp-comments-post.php\" method=\"post\"><textarea name=\"comment\"></textarea></form>';\n",
        ),
        ("wp-email.php", include_str!("wp_email/wp-email.php")),
        ("wp-comments-post.php", include_str!("wp_email/comments.php")),
        ("inc/mailer.php", include_str!("wp_email/mailer.php")),
        ("wp-admin/admin-ajax.php", include_str!("ordinary/editor.php")),
    ] {
        let text = text
            .replace("OWNER", "dean@ridgewalkers.example")
            .replace("GUEST", guest)
            .replace("DOMAIN", SERVER.domain)
            .replace("SITE", NAME);
        scene.server.write(&format!("{ROOT}/{path}"), text, 0o644)?;
    }
    scene.server.sh(&format!(
        "chown -R www-data:www-data {ROOT}; find {ROOT} -exec touch -d '2023-10-05 22:14:50' {{}} +"
    ))?;
    scene.figures("/usr/local/bin/hut-figures", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/mx-up", 6)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "ridge.pcap")?;

    scene.everyday();
    let length = scene.length;
    // Readers recommend articles, comment; the author writes.
    for at in scene.chance.arrivals(0.6, 4.0, length - 8.0) {
        let from = scene.chance.pick(&scene.far.visitors);
        let (me, friend) =
            (scene.chance.pick(&scene.far.contacts), scene.chance.pick(&scene.far.contacts));
        let fields = [
            ("p", "31"),
            ("yourname", "Kim"),
            ("youremail", me),
            ("yourremarks", "thought of you"),
            ("friendemail", friend),
        ];
        scene.post(at, "recommend", from, ("", "/wp-email.php"), &fields);
    }
    for at in scene.chance.arrivals(0.9, 4.0, length - 8.0) {
        let from = scene.chance.pick(&scene.far.visitors);
        let fields = [("p", "44"), ("comment", "We had snow up there in June.")];
        scene.post(at, "comment", from, ("", "/wp-comments-post.php"), &fields);
    }
    let home = scene.far.homes.get(1).copied().unwrap_or_default();
    for at in scene.chance.arrivals(3.0, length * 0.05, length * 0.7) {
        let draft = scene.chance.word("abcdefghij ", 30);
        scene.post(at, "editor", home, ("", "/wp-admin/admin-ajax.php"), &[("draft", &draft)]);
    }
    let count = ((length / 60.0 * 2.6) as usize).max(5);
    for at in scene.chance.scatter(count, length * 0.33, length * 0.72) {
        let from = scene.chance.pick(&scene.far.strangers);
        let friends = scene.far.victims(&mut scene.chance, 5).join(", ");
        let me = scene.far.victim(&mut scene.chance);
        let remarks = format!(
            "{}\n\nhttp://{}.offers.example/\n",
            scene.chance.pick(&[
                "You have won a voucher.",
                "Loans without questions.",
                "Meet singles near you."
            ]),
            scene.chance.word("abcdefghkmnp", 7)
        );
        let fields = [
            ("p", "12"),
            ("yourname", "Support"),
            ("youremail", me.as_str()),
            ("yourremarks", &remarks),
            ("friendemail", &friends),
        ];
        scene.post(at, "bad", from, ("", "/wp-email.php"), &fields);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: SERVER.hostname };
    folder.notice("intelligence.json", &notice::intelligence(told, "CSS", "SPAMTRAP"))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, &wire.path, "captures/ridge.pcap")?;
    let mut decoys = scene.accounts();
    for page in [
        "wp-email.php",
        "wp-comments-post.php",
        "wp-admin/admin-ajax.php",
        "inc/mailer.php",
        "index.php",
    ] {
        decoys.push(format!("script:{ROOT}/{page}"));
    }
    decoys.extend(
        [
            "url:POST /wp-comments-post.php",
            "url:POST /wp-admin/admin-ajax.php",
            "process:/usr/local/bin/hut-figures",
            "process:/usr/local/sbin/mx-up",
            "host:127.0.0.1",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "form-abuse",
            culprit: "POST /wp-email.php",
            must_not_accuse: decoys,
            origin: "FIELD (j), og-consulting.com: a blog's email-a-friend page; recorded by the lab",
            ..Expect::default()
        },
        "Tell a friend",
        STORY,
    )
}

const STORY: &str = "A walking club's blog and mail on one server in Colorado (BSD stamps). Readers can recommend an article to up to five friends with a few words of their own; nothing asks who they are. \
Strangers write their advertising into those words. The site mails over SMTP to 127.0.0.1, so the mail log names no uid, only `client=localhost`; comments and recommendations take the same way. \
Spamhaus lists the address in its CSS, with the MTA's own name.

Noise: letters both ways, greylisting, an exchanger that is down, unknown recipients and their bounces, visits, scanners, password guessers, monitoring of port 25. Decoys: readers who recommend to one friend each; \
comments, which mail the author and a guest author elsewhere; the editor's POSTs to `admin-ajax.php`; a cron report by sendmail as www-data; a cron script that greets an exchanger.

By hand: the site's code (a small one in the manner of a well-known blog and its plug-in), file times below /var/www, `intelligence.json`, `site.toml`.";
