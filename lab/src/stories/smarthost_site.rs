//! A site whose mail all leaves by its provider's smarthost; two servers inside hand in to the site's own. One of them is not clean.

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
use crate::syslog::Stamps;
use anyhow::{Context, Result};

const SMARTHOST: (&str, &str) = ("smtp.fiberlaget.example", "203.0.113.128");
const OFFICE: Office = Office {
    gateway: "ruter",
    name: "mx1",
    domain: "ishavsmuseet.example",
    hostname: "mx1.ishavsmuseet.example",
    clock: "Europe/Oslo",
    stamps: Some(Stamps::Bsd),
    lan: "10.14.2",
    dhcp: Dhcp::Isc,
    people: &[
        ("solveig", "Klippfisk-99", "solveig-pc", Some(Stack::Windows)),
        ("direktor", "polhavet.1896", "direktor-mac", None),
        ("butikk", "ansjos+kaffe", "kasse1", Some(Stack::Windows)),
    ],
    machines: &[
        ("samling", 40, None),
        ("billett", 41, None),
        ("bizhub", 50, None),
        ("varme", 60, None),
    ],
    networks: "",
    settings: "relayhost = [smtp.fiberlaget.example]\n",
    rules: "iptables -A FORWARD -i lan0 -o wan0 -p tcp --dport 25 ! -d 203.0.113.128 -j REJECT\n",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    announced::now(&office.scene.far, &format!("host-record={},{}\n", SMARTHOST.0, SMARTHOST.1))?;
    let smarthost = nullclient::smarthost(&office.scene.world, SMARTHOST, office.scene.address)?;
    office.scene.everyday();
    let (collection, culprit) = office.machine("samling")?;
    let culprit = culprit.to_owned();
    let (tickets, _) = office.machine("billett")?;
    let (copier, _) = office.machine("bizhub")?;
    let (heating, _) = office.machine("varme")?;
    for (host, name) in
        [(&collection, "samling.ishavsmuseet.example"), (&tickets, "billett.ishavsmuseet.example")]
    {
        nullclient::start(host, name, server)?;
    }
    let scene = &mut office.scene;
    let length = scene.length;
    // Both servers write to outsiders: loans of the collection, tickets.
    for (host, from, rate, subject) in [
        (&collection, "utlaan@ishavsmuseet.example", 0.6, "Utlaan 2026-114"),
        (&tickets, "billett@ishavsmuseet.example", 1.8, "Din billett"),
    ] {
        for at in scene.chance.arrivals(rate, 4.0, length - 10.0) {
            let to = scene.chance.pick(&scene.far.contacts);
            let text = letter::report(from, to, subject, "Vedlagt.\n");
            scene.line.at(at, host, "honest", &["sendmail", "-f", from, "-i", to], &text);
        }
    }
    for (host, name, rate) in [(&copier, "bizhub", 0.6), (&heating, "varme", 0.3)] {
        for at in scene.chance.arrivals(rate, 4.0, length - 8.0) {
            let from = format!("{name}@ishavsmuseet.example");
            let to = "solveig@ishavsmuseet.example";
            let text = letter::report(&from, to, name, "ok\n");
            let words = ["--server", server, "--ehlo", name, "--from", &from, "--rcpt", to];
            backdrop::speak(&mut scene.line, at, "device", host, &words, &text);
        }
    }
    let count = ((length / 60.0 * 1.8) as usize).max(8);
    for at in scene.chance.scatter(count, length * 0.4, length * 0.68) {
        let victims = 1 + scene.chance.below(3);
        let to = scene.far.victims(&mut scene.chance, victims);
        let from = format!(
            "{}@{}",
            scene.chance.word("abdegiklmnorst", 7),
            scene.chance.pick(&scene.far.domains)
        );
        let text = letter::spam(&mut scene.chance, &from, to.first().map_or("", String::as_str));
        let argv: Vec<&str> = ["sendmail", "-f", &from, "-i"]
            .into_iter()
            .chain(to.iter().map(String::as_str))
            .collect();
        scene.line.at(at, &collection, "bad", &argv, &text);
    }

    let played = scene.play()?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "klage.eml",
        &notice::hoster(told, "fiberlaget.example", "direktor@ishavsmuseet.example"),
    )?;
    scene.site(&mut folder, &format!("relays = [\"{}\"]\n", SMARTHOST.1))?;
    scene.usual(&mut folder, &[Part::Site, Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    drop(smarthost);
    let mut decoys = office.others(&["samling"]);
    decoys.extend(office.scene.accounts());
    decoys.push("setting:mynetworks".into());
    decoys.push(format!("host:{}", SMARTHOST.1));
    folder.finish(
        &Expect {
            class: "trusted-client",
            culprit: &culprit,
            must_not_accuse: decoys,
            origin: "issue 3: smarthost sites and null clients; recorded by the lab",
            ..Expect::default()
        },
        "The collection's server",
        STORY,
    )
}

const STORY: &str = "A museum in Norway (BSD stamps, the mail server's clock in UTC, ISC dhcpd). All mail leaves by the provider's smarthost; the gateway lets nothing else out on port 25. Two servers inside, the collection's and the ticket shop's, run Postfix as null clients and hand in to the museum's own mail server, \
which trusts the inside. Something on the collection's server hands spam to its own sendmail.

The provider passes on a complaint. Only the mail server and the gateway were asked for evidence, nobody captured packets.

Noise: three people who submit, mail from outside, greylisting and unknown recipients at the smarthost's far side, password guessers, monitoring. Decoys: the ticket shop mails more outsiders than the collection's server; copier and heating hand in without a login; \
the collection's server goes on with its honest letters.

Real: three Postfix of the museum's, the smarthost's Postfix. By hand: the devices' dialects, what the spam says, `klage.eml`, `site.toml`.";
