//! Innocent twin of smarthost-site: the same kind of site, all of whose servers are honest.

use super::Plan;
use super::announced;
use super::backdrop;
use super::gathered::Part;
use super::nullclient;
use super::premises::{Dhcp, Office, Premises};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SMARTHOST: (&str, &str) = ("mailout.tejonet.example", "203.0.113.129");
const OFFICE: Office = Office {
    gateway: "fw1",
    name: "correio",
    domain: "quintadovale.example",
    hostname: "correio.quintadovale.example",
    clock: "Europe/Lisbon",
    stamps: None,
    lan: "10.90.4",
    dhcp: Dhcp::Isc,
    people: &[
        ("joana", "Vindima-2025", "joana-pc", Some(Stack::Windows)),
        ("adega", "Barrica.7.Touriga", "adega-pc", Some(Stack::Windows)),
        ("turismo", "prova+visita", "turismo-mac", None),
    ],
    machines: &[("loja", 20, None), ("erp", 21, None), ("canon-ir", 30, None)],
    networks: "",
    settings: "relayhost = [mailout.tejonet.example]\nenable_long_queue_ids = yes\n",
    rules: "iptables -A FORWARD -i lan0 -o wan0 -p tcp --dport 25 ! -d 203.0.113.129 -j REJECT\n",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    announced::now(&office.scene.far, &format!("host-record={},{}\n", SMARTHOST.0, SMARTHOST.1))?;
    let smarthost = nullclient::smarthost(&office.scene.world, SMARTHOST, office.scene.address)?;
    office.scene.everyday();
    let (shop, _) = office.machine("loja")?;
    let (erp, _) = office.machine("erp")?;
    let (copier, _) = office.machine("canon-ir")?;
    for (host, name) in [(&shop, "loja.quintadovale.example"), (&erp, "erp.quintadovale.example")] {
        nullclient::start(host, name, server)?;
    }
    let scene = &mut office.scene;
    let length = scene.length;
    for (host, from, rate, subject) in [
        (&shop, "loja@quintadovale.example", 2.6, "A sua encomenda"),
        (&erp, "faturas@quintadovale.example", 0.9, "Fatura"),
    ] {
        for at in scene.chance.arrivals(rate, 4.0, length - 10.0) {
            let to = scene.chance.pick(&scene.far.contacts);
            let text = letter::report(from, to, subject, "Obrigado.\n");
            scene.line.at(at, host, "honest", &["sendmail", "-f", from, "-i", to], &text);
        }
    }
    for at in scene.chance.arrivals(0.6, 4.0, length - 8.0) {
        let from = "canon-ir@quintadovale.example";
        let text = letter::report(from, "joana@quintadovale.example", "Scan", "1\n");
        let words = [
            "--server",
            server,
            "--ehlo",
            "canon-ir",
            "--from",
            from,
            "--rcpt",
            "joana@quintadovale.example",
        ];
        backdrop::speak(&mut scene.line, at, "device", &copier, &words, &text);
    }

    let played = scene.play()?;
    let (first, last) = played.span("honest").context("nothing was sent")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) * 3 / 5);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "queixa.eml",
        &notice::hoster(told, "tejonet.example", "joana@quintadovale.example"),
    )?;
    scene.site(&mut folder, &format!("relays = [\"{}\"]\n", SMARTHOST.1))?;
    scene.usual(&mut folder, &[Part::Site, Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    drop(smarthost);
    let mut decoys = office.others(&[]);
    decoys.extend(office.scene.accounts());
    decoys.push("setting:mynetworks".into());
    decoys.push(format!("host:{}", SMARTHOST.1));
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "smarthost-site",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the collection's server",
        STORY,
    )
}

const STORY: &str = "A winery in Portugal whose mail all leaves by the provider's smarthost, as in `smarthost-site`. Two servers inside, the shop and the book-keeping, run Postfix as null clients and hand in to the winery's own mail server. The shop confirms orders to outsiders, one of whom has left, more often than anybody else writes. All is honest.

The provider passes on a complaint about some second; nothing says which mail, nobody captured packets.

Noise: three people who submit, mail from outside, greylisting and unknown recipients, password guessers, monitoring, a copier that hands in. Real: all Postfix. By hand: the copier's dialect, `queixa.eml`, `site.toml`.";
