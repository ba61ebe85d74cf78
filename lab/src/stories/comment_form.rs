//! FIELD (i): a newspaper's comment form puts what a reader typed into a mail header. Strangers try it, then use it.

use super::Plan;
use super::gathered::Part;
use super::scene::{Scene, Server};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::syslog::Stamps;
use crate::web::Site;
use anyhow::{Context, Result};

const ROOT: &str = "/var/www/jornal";
const SERVER: Server = Server {
    name: "ribeira",
    domain: "jornaldaribeira.example",
    hostname: "correio.jornaldaribeira.example",
    clock: "America/Sao_Paulo",
    stamps: Some(Stamps::Bsd),
    people: &[("amalia", "Pao.de.queijo4"), ("tiago", "rio-acima-22"), ("redacao", "Tinta7Preta")],
    boxes: &[("assinaturas", "Nove3Bancas")],
    settings: "",
    sites: &[(
        Site { name: "www.jornaldaribeira.example", root: ROOT, user: "", log: "access.log" },
        &["/", "/artigo.php?n=41", "/artigo.php?n=44", "/artigo.php?n=45", "/contacto.php"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    let reviewer = scene.far.contacts.get(1).copied().context("no reviewer")?;
    let team = format!(
        "<?php\nreturn ['redacao' => 'redacao@jornaldaribeira.example', 'revisao' => '{reviewer}'];\n"
    );
    for (path, text) in [
        (
            "index.php",
            "<?php\nforeach ([45, 44, 41] as $n) { echo '<a href=\"/artigo.php?n=', $n, '\">Artigo ', $n, '</a> '; }\n",
        ),
        ("artigo.php", include_str!("comment_form/artigo.php")),
        ("comentar.php", include_str!("comment_form/comentar.php")),
        ("contacto.php", include_str!("comment_form/contacto.php")),
        ("admin/moderar.php", include_str!("comment_form/moderar.php")),
        ("dados/equipa.php", &team),
    ] {
        scene.server.write(&format!("{ROOT}/{path}"), text, 0o644)?;
    }
    scene.server.sh(&format!(
        "chown -R www-data:www-data {ROOT}; find {ROOT} -exec touch -d '2024-02-19 18:05:40' {{}} +"
    ))?;
    scene.figures("/usr/local/bin/numeros", 6, "www-data")?;
    scene.reachability_check("/usr/local/sbin/alcance", 5)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "smtp.pcap")?;

    scene.everyday();
    let length = scene.length;
    // Readers, who mean it; one of them writes a letter now and then.
    for at in scene.chance.arrivals(1.6, 3.0, length - 10.0) {
        let from = scene.chance.pick(&scene.far.visitors);
        let mail = scene.chance.pick(&scene.far.contacts);
        let name = scene.chance.pick(&["Maria", "J. Pires", "Leitor atento", "Rui"]);
        let (text, article) = (scene.chance.pick(REMARKS), scene.chance.pick(&["41", "44", "45"]));
        let fields = [("mail", mail), ("nome", name), ("texto", text), ("artigo", article)];
        scene.post(at, "comment", from, ("", "/comentar.php"), &fields);
    }
    for at in scene.chance.arrivals(0.7, 5.0, length - 10.0) {
        let from = scene.chance.pick(&scene.far.visitors);
        let writer = scene.chance.pick(&scene.far.contacts);
        let fields = [("de", writer), ("carta", "Bom dia, quando sai o proximo numero?")];
        scene.post(at, "letter", from, ("", "/contacto.php"), &fields);
    }
    let moderator = scene.far.homes.first().copied().unwrap_or_default();
    for at in scene.chance.arrivals(4.0, 2.0, length - 5.0) {
        scene.post(at, "list", moderator, ("", "/admin/moderar.php"), &[("ate", "12")]);
    }
    // The strangers: a few probes to a box of their own, a pause, then in earnest.
    let mailbox = scene.far.victim(&mut scene.chance);
    let mut shots: Vec<(f64, Vec<String>)> = scene
        .chance
        .scatter(4, length * 0.10, length * 0.20)
        .into_iter()
        .map(|at| (at, vec![mailbox.clone()]))
        .collect();
    let count = ((length / 60.0 * 3.2) as usize).max(6);
    for at in scene.chance.scatter(count, length * 0.42, length * 0.80) {
        let victims = 4 + scene.chance.below(5);
        shots.push((at, scene.far.victims(&mut scene.chance, victims)));
    }
    for (number, (at, victims)) in shots.into_iter().enumerate() {
        let (from, chance) = (scene.chance.pick(&scene.far.strangers), &mut scene.chance);
        let (subject, link) = (chance.pick(SUBJECTS), chance.word("abcdefghkmnp", 7));
        let body = if number < 4 {
            format!("{number} {link}")
        } else {
            format!("{subject}\n\nhttp://{link}.offers.example/?u={number}")
        };
        let injected = format!(
            "{}@{}>\nBcc: {}\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n",
            chance.word("abcdefgh", 6),
            chance.pick(&scene.far.domains),
            victims.join(", ")
        );
        let (name, text) = (chance.word("abcdefghijklm", 6), chance.word("abcdefghijklm", 9));
        let fields =
            [("mail", injected.as_str()), ("nome", &name), ("texto", &text), ("artigo", "44")];
        scene.post(at, "bad", from, ("", "/comentar.php"), &fields);
    }

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "notice.eml",
        &notice::hoster(told, "cabo-hosting.example", "redacao@jornaldaribeira.example"),
    )?;
    scene.usual(&mut folder, &[Part::Queue])?;
    folder.take(&scene.server, &wire.path, "captures/smtp.pcap")?;
    let mut decoys = scene.accounts();
    for page in ["contacto.php", "admin/moderar.php", "comentar.php", "artigo.php"] {
        decoys.push(format!("script:{ROOT}/{page}"));
    }
    decoys.extend(["url:POST /contacto.php", "url:POST /admin/moderar.php"].map(String::from));
    decoys.extend(
        ["process:/usr/local/bin/numeros", "process:/usr/local/sbin/alcance"].map(String::from),
    );
    folder.finish(
        &Expect {
            class: "form-abuse",
            culprit: "POST /comentar.php",
            must_not_accuse: decoys,
            origin: "FIELD (i), unicom.com: header injection through a comment form, probes first; recorded by the lab",
            ..Expect::default()
        },
        "The comment form",
        STORY,
    )
}

const REMARKS: &[&str] = &[
    "Muito bem dito.",
    "E quem paga isto?",
    "Na rua de cima falta luz desde sexta.",
    "Obrigada pelo artigo, vou levar a minha mae.",
    "O mercado antigo era melhor.",
];
const SUBJECTS: &[&str] =
    &["Re: your order", "Watches of this week", "A private message waits", "Refinance today"];

const STORY: &str = "A local newspaper's server in Sao Paulo's zone (BSD stamps): site and mail on one host. Readers comment on articles; the form's script writes the reader's name and \
address into the header of a mail to the editors and pipes it to `sendmail -t`. Strangers put line ends and a `Bcc:` into the address: four probes to a box of their own, a pause, then many. \
Nothing was planted or changed on the site. The hoster passes on a complaint of a spam trap.

Noise: letters both ways, greylisting, an exchanger that is down, unknown recipients, visits, scanners, password guessers, monitoring of port 25. Decoys: readers' comments go through the same script \
and also leave to a reviewer elsewhere; a contact form that mails the writer back; the moderators' page with the most POSTs; a cron report by sendmail as www-data; a cron script that greets an exchanger without a log line.

By hand: the site's code (the form writes its header as such forms did; PHP's mail() of today would refuse the line ends, so it pipes to sendmail), file times below /var/www, `notice.eml`, `site.toml`.";
