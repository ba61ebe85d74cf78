//! FIELD (f): an editor component on many sites of one server lets strangers upload; pictures become PHP. Several sites hold
//! such a file, and one of them sends.

use super::Plan;
use super::far::kept;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};

const fn site(name: &'static str, root: &'static str, log: &'static str) -> Site {
    Site { name, root, user: "", log }
}

const PAGES: &[&str] = &[
    "/",
    "/index.php?id=2",
    "/index.php?id=3",
    "/index.php?id=7",
    "/index.php?option=com_contact",
    "/images/stories/front.jpg",
];
const SITES: &[(Site, &[&str])] = &[
    (site("www.piekarnia-klos.example", "/var/www/klos", "klos.log"), PAGES),
    (site("www.ogrody-wisla.example", "/var/www/wisla", "wisla.log"), PAGES),
    (site("www.zegarmistrz.example", "/var/www/zegar", "zegar.log"), PAGES),
    (site("www.szkola-tanca.example", "/var/www/taniec", "taniec.log"), PAGES),
    (site("www.rowery-gorskie.example", "/var/www/rowery", "rowery.log"), PAGES),
];
const SERVER: Server = Server {
    name: "web7",
    domain: "studio-lipa.example",
    hostname: "web7.studio-lipa.example",
    clock: "Europe/Warsaw",
    stamps: Some(Stamps::Rfc3339),
    people: &[("basia", "Makowiec-12"), ("wojtek", "zubr.w.lesie")],
    boxes: &[("faktury", "Segregator5")],
    settings: "",
    sites: SITES,
    php: "",
    packets: None,
};
/// The site whose file sends.
const SENDING: usize = 3;

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    for (site, _) in SITES {
        sites(&scene, site)?;
    }
    scene.figures("/usr/local/bin/ruch", 5, "www-data")?;
    scene.reachability_check("/usr/local/sbin/czy-odbiera", 6)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "mail.pcap")?;

    scene.everyday();
    let length = scene.length;
    let owner = scene.far.homes.first().copied().unwrap_or_default();
    for (site, _) in SITES {
        for at in scene.chance.arrivals(0.35, 5.0, length - 8.0) {
            let from = scene.chance.pick(&scene.far.visitors);
            let writer = scene.chance.pick(&scene.far.contacts);
            let fields = [("mail", writer), ("text", "Czy otwarte w sobote?"), ("copy", "1")];
            scene.post(
                at,
                "form",
                from,
                (site.name, "/index.php?option=com_contact&task=send"),
                &fields,
            );
        }
        // Owners use the same editor for what it is there for.
        for at in scene.chance.arrivals(0.25, 5.0, length - 8.0) {
            let name = format!("{}.jpg", scene.chance.word("abcdefgh", 5));
            upload(
                &mut scene,
                at,
                owner,
                site.name,
                &name,
                "\u{ff}\u{d8}JFIF picture",
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            );
            let call = r#"{"fn":"getItems","args":["/"]}"#;
            scene.post(at + 1.5, "editor", owner, (site.name, EDITOR), &[("json", call)]);
        }
    }
    // The strangers come by once, site after site; the third has its images folder elsewhere and is spared.
    let mut script = "";
    for (number, (site, _)) in SITES.iter().enumerate().filter(|(number, _)| *number != 2) {
        let at = length * 0.07 + number as f64 * scene.chance.between(5.0, 14.0);
        let from = scene.chance.pick(&scene.far.strangers);
        let stem = scene.chance.word("abcdefghijklmnopqrstuvwxyz", 5);
        upload(
            &mut scene,
            at,
            from,
            site.name,
            &format!("{stem}.gif"),
            include_str!("joomla_jce/picture.txt"),
            "BOT/0.1 (BOT for JCE)",
        );
        let call = format!(r#"{{"fn":"folderRename","args":["/{stem}.gif","{stem}.php"]}}"#);
        scene.post(at + 1.2, "plant", from, (site.name, EDITOR), &[("json", &call)]);
        let path = kept(format!("/images/stories/{stem}.php"));
        for visit in scene.chance.scatter(3, at + 3.0, length * 0.9) {
            scene.post(visit, "look", from, (site.name, path), &[("z", "1")]);
        }
        if number == SENDING {
            script = path;
        }
    }
    let (sending, _) = SITES.get(SENDING).context("no such site")?;
    let count = ((length / 60.0 * 1.7) as usize).max(5);
    for at in scene.chance.scatter(count, length * 0.38, length * 0.78) {
        let from = scene.chance.pick(&scene.far.strangers);
        let many = 2 + scene.chance.below(4);
        let list = scene.far.victims(&mut scene.chance, many).join("\n");
        let sender = format!(
            "{}@{}",
            scene.chance.word("abcdefgh", 6),
            scene.chance.pick(&scene.far.domains)
        );
        let body = format!(
            "<a href=http://{}.offers.example/>more</a>",
            scene.chance.word("abcdefghkmnp", 7)
        );
        let subject = scene.chance.pick(&["You were chosen", "Only this week", "Re: your request"]);
        let fields = [("l", list.as_str()), ("s", subject), ("b", &body), ("f", &sender)];
        scene.post(at, "bad", from, (sending.name, script), &fields);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let (sample, sender, arrived) = match scene.far.stored("offers.example")? {
        Some(mail) => (mail.text, mail.sender, mail.arrived),
        None => (String::new(), format!("www-data@{}", SERVER.domain), first),
    };

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen: arrived, tolerance: 0, helo: "" };
    let reporter = scene.far.domains.first().copied().unwrap_or_default();
    folder.notice(
        "complaint.eml",
        &notice::arf(told, reporter, "abuse@studio-lipa.example", &sender, &sample),
    )?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, &wire.path, "captures/mail.pcap")?;
    let mut decoys = scene.accounts();
    for (site, _) in SITES {
        for file in [
            "index.php",
            "components/com_contact/com_contact.php",
            "components/com_jce/com_jce.php",
        ] {
            decoys.push(format!("script:{}/{file}", site.root));
        }
    }
    decoys.extend(
        [
            "process:/usr/local/bin/ruch",
            "process:/usr/local/sbin/czy-odbiera",
            "url:POST /index.php",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "compromised-site",
            culprit: &format!("{}{script}", sending.root),
            must_not_accuse: decoys,
            origin: "FIELD (f), thedebianlinuxexperience: com_jce on many Joomla sites; recorded by the lab",
            ..Expect::default()
        },
        "Pictures that were none",
        STORY,
    )
}

const EDITOR: &str =
    "/index.php?option=com_jce&task=plugin&plugin=imgmanager&file=imgmanager&method=form&cid=20";

/// A picture, or what is called one, through the editor's image manager.
fn upload(
    scene: &mut Scene,
    at: f64,
    from: &str,
    site: &str,
    name: &str,
    content: &str,
    agent: &str,
) {
    let (header, form) = (format!("Host: {site}"), format!("Filedata=@-;filename={name}"));
    let url = format!("http://{}{EDITOR}", scene.address);
    let argv = [
        "curl",
        "-sS",
        "-o",
        "/dev/null",
        "--max-time",
        "60",
        "-H",
        &header,
        "--interface",
        from,
        "-A",
        agent,
        "-F",
        &form,
        &url,
    ];
    scene.line.at(at, &scene.far.crowd, "upload", &argv, content);
}

fn sites(scene: &Scene, site: &Site) -> Result<()> {
    let owner = scene.people.first().map_or("", |person| person.address);
    for (path, text) in [
        ("index.php", include_str!("joomla_jce/index.php")),
        ("components/com_content/com_content.php", include_str!("joomla_jce/com_content.php")),
        ("components/com_contact/com_contact.php", include_str!("joomla_jce/com_contact.php")),
        ("components/com_jce/com_jce.php", include_str!("joomla_jce/com_jce.php")),
        ("images/stories/front.jpg", "JFIF front\n"),
        ("images/index.html", "<html></html>\n"),
    ] {
        let text = text.replace("OWNER", owner).replace("NAME", site.name);
        scene.server.write(&format!("{}/{path}", site.root), text, 0o644)?;
    }
    scene.server.sh(&format!(
        "chown -R www-data:www-data {0}; find {0} -exec touch -d '2024-06-11 13:20:07' {{}} +",
        site.root
    ))?;
    Ok(())
}

const STORY: &str = "An agency's server in Poland: five customers' sites on one Apache (mod_php, so everything runs as www-data), and the agency's mail. All five have the same old editor component, \
modelled on Joomla's com_jce: it takes pictures from anybody and renames them on request. Strangers pass by once, upload a `.gif` to four of the sites and rename it to `.php`; each gets another name. \
They look in on all four now and then, by POST, but only one is ever used to send: its requests bring recipients, sender and text, and PHP's mail() hands them to sendmail. A receiver complains in the Abuse Reporting Format.

Noise: letters both ways, greylisting, an exchanger that is down, visits of five sites, scanners, password guessers, monitoring of port 25. Decoys: contact forms of five sites mail as the same user, \
also to the writers; owners upload real pictures through the same component; three planted files never send; a cron report by sendmail as www-data; a cron script greets an exchanger.

By hand: the sites' code (a few lines in the manner of a CMS), the planted file (written for this case), file times of the sites' own code, `complaint.eml` around a message that is real as the receiver stored it, `site.toml`.";
