//! Two causes at once, each with its notice: a phone shop's demonstration PC behind the NAT, later a leaked password.

use super::Plan;
use super::backdrop::{self, Person};
use super::gathered::Part;
use super::premises::{Dhcp, Office, Premises};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use crate::{capture, sink};
use anyhow::{Context, Result};
use jiff::SignedDuration;
use std::rc::Rc;

const OFFICE: Office = Office {
    gateway: "border",
    name: "mailbox",
    domain: "telefonek-szeged.example",
    hostname: "mailbox.telefonek-szeged.example",
    clock: "Europe/Budapest",
    stamps: None,
    lan: "192.168.12",
    dhcp: Dhcp::Dnsmasq,
    people: &[
        ("zsofia", "Paprika-es-so9", "zsofia-pc", Some(Stack::Windows)),
        ("raktar", "Polc.3.Doboz", "raktar-pc", Some(Stack::Windows)),
        ("bence", "tisza_part_22", "bence-nb", None),
    ],
    machines: &[
        ("DEMO-PC", 0, Some(Stack::Windows)),
        ("vevo-tablet", 0, None),
        ("szamlazo", 14, Some(Stack::Windows)),
        ("brother-mfc", 15, None),
    ],
    networks: "",
    settings: "enable_long_queue_ids = yes\n",
    rules: "",
    packets: None,
};
const LEAKED: &str = "raktar";

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    let gateway = office.scene.gateway.clone().context("no gateway")?;
    let wire = capture::pcap(&gateway, "any", "tcp port 25", "border-any.pcap")?;
    office.scene.everyday();
    let (demo, culprit) = office.machine("DEMO-PC")?;
    let culprit = culprit.to_owned();
    let (tablet, _) = office.machine("vevo-tablet")?;
    let (invoices, _) = office.machine("szamlazo")?;
    let (copier, _) = office.machine("brother-mfc")?;
    let scene = &mut office.scene;
    let (length, address) = (scene.length, scene.address);
    for (host, name, rate, subject) in
        [(&invoices, "szamlazo", 1.4, "Szamla"), (&copier, "brother-mfc", 0.5, "Szkennelt irat")]
    {
        for at in scene.chance.arrivals(rate, 4.0, length - 8.0) {
            let from = format!("{name}@telefonek-szeged.example");
            let to = scene.chance.pick(&scene.far.contacts);
            let text = letter::report(&from, to, subject, "Mellekelve.\n");
            let words = ["--server", server, "--ehlo", name, "--from", &from, "--rcpt", to];
            backdrop::speak(&mut scene.line, at, "device", host, &words, &text);
        }
    }
    for (host, rate) in [(&tablet, 1.5), (&demo, 1.2)] {
        for at in scene.chance.arrivals(rate, 2.0, length - 3.0) {
            scene.line.sh(
                at,
                host,
                "surf",
                "dig +short +timeout=2 mailbox.telefonek-szeged.example >/dev/null; true",
            );
        }
    }
    // The copier's maker is asked for its mail server now and then: greeted from inside, nothing sent.
    let (_, maker) = scene.far.keeper(0)?;
    let mut at = 40.0;
    while at < length - 3.0 {
        backdrop::speak(
            &mut scene.line,
            at,
            "probe",
            &copier,
            &["--domain", maker, "--ehlo", "brother-mfc", "--probe"],
            "",
        );
        at += 130.0;
    }
    spree(
        scene,
        "direct",
        &Spree {
            host: &demo,
            rate: 1.6,
            part: (0.14, 0.36),
            server: "",
            ehlo: &["demo-win10"],
            from_ip: &[],
            sender: "",
            victims: 1,
            words: &["--helo", "--space", "--no-quit", "--wait", "120"],
        },
    );
    // Strangers with the store room's password, from several places, at the other end of the story.
    let count = ((length / 60.0 * 1.6) as usize).max(8);
    let (_, password) = OFFICE
        .people
        .iter()
        .find(|person| person.0 == LEAKED)
        .map(|person| (person.0, person.1))
        .context("no such account")?;
    for at in scene.chance.scatter(count, length * 0.6, length * 0.82) {
        let recipients = 1 + scene.chance.below(3);
        let victims = scene.far.victims(&mut scene.chance, recipients);
        let to: Vec<&str> = victims.iter().map(String::as_str).collect();
        let text = letter::spam(
            &mut scene.chance,
            "raktar@telefonek-szeged.example",
            to.first().copied().unwrap_or_default(),
        )
        .replace("offers.example", "deals.example");
        let crowd = Rc::clone(&scene.far.crowd);
        let person = Person {
            at: &crowd,
            from_ip: scene.chance.pick(&scene.far.strangers),
            ehlo: scene.chance.pick(&["[10.9.0.4]", "DESKTOP-M3", "localhost"]),
            server: address,
            user: LEAKED,
            password,
            address: "raktar@telefonek-szeged.example",
            agent: "",
        };
        backdrop::submit(&mut scene.line, at, "stolen", &person, &to, &text);
    }

    let played = scene.play()?;
    capture::end(&gateway, &wire)?;
    let (first, _) = played.span("direct").context("nothing went direct")?;
    let (later, _) = played.span("stolen").context("nothing was stolen")?;
    let direct = scene.far.stored("from demo-win10")?.map_or(first, |mail| mail.arrived);
    let plain = scene.far.net.exchanger(scene.far.keeper(1)?.0)?;
    let stolen = sink::received(&plain, "deals.example")?.map_or(later, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen: direct, tolerance: 5, helo: "demo-win10" };
    folder.notice(
        "notices/cbl.txt",
        &notice::cbl_early(told, SignedDuration::from_mins(11 * 60 + 26)),
    )?;
    let told = Told { seen: stolen, tolerance: 0, helo: "", ..told };
    folder.notice(
        "notices/abuse.eml",
        &notice::hoster(told, "tiszanet.example", "bence@telefonek-szeged.example"),
    )?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    folder.take(&gateway, &wire.path, "captures/border-any.pcap")?;
    let mut decoys = office.others(&["DEMO-PC"]);
    decoys.extend(office.scene.accounts().into_iter().filter(|account| !account.ends_with(LEAKED)));
    folder.finish(
        &Expect {
            class: "nat-client",
            culprit: &culprit,
            more: &[("stolen-credentials", LEAKED)],
            must_not_accuse: decoys,
            origin: "issue 3: several causes at once, several notices; recorded by the lab",
            ..Expect::default()
        },
        "Two causes",
        STORY,
    )
}

const STORY: &str = "A phone shop in Hungary behind one public address, the mail server inside. In the first third a demonstration PC speaks to exchangers itself; in the last third strangers submit with the store room's password. \
The CBL tells of the first (HELO, +/- 5 minutes), the provider's abuse desk of the second.

Noise: three people who submit, the store room among them throughout, mail from outside, greylisting, an exchanger that is down, unknown recipients, password guessers, monitoring. Decoys: the invoicing PC hands in without a login as often as either culprit; the copier does too, and greets an exchanger and quits; a customers' tablet.

The capture was taken on the gateway with `-i any`, so each session stands in it twice. The PC shows the TTL and port range of Windows, set by sysctl. By hand: dialects, `notices/`, `site.toml`.";
