//! A machine that drives the label printer is trusted by the mail server as the whole inside is; something on it mails through the server.

use super::Plan;
use super::backdrop;
use super::gathered::Part;
use super::premises::{Dhcp, Office, Premises};
use super::spree::{Spree, spree};
use crate::capture;
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use crate::syslog::Stamps;
use anyhow::{Context, Result};

const OFFICE: Office = Office {
    gateway: "fw",
    name: "posta",
    domain: "mlekarnabrezno.example",
    hostname: "posta.mlekarnabrezno.example",
    clock: "Europe/Prague",
    stamps: Some(Stamps::Bsd),
    lan: "192.168.40",
    dhcp: Dhcp::Isc,
    people: &[
        ("hana", "Tvaroh-a-med7", "hana-pc", Some(Stack::Windows)),
        ("expedice", "Paleta.12.Paleta", "expedice1", Some(Stack::Windows)),
        ("vedouci", "syr-eidam-30", "vedouci-ntb", None),
    ],
    machines: &[
        ("etikety", 0, Some(Stack::Windows)),
        ("KMC258", 31, None),
        ("vaha-linka2", 33, None),
        ("dohled", 12, None),
    ],
    networks: "",
    settings: "",
    rules: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    let wire = capture::pcap(&office.scene.server, "eth0", "tcp port 25", "posta.pcap")?;
    office.scene.everyday();
    let (labels, culprit) = office.machine("etikety")?;
    let (copier, _) = office.machine("KMC258")?;
    let (scale, _) = office.machine("vaha-linka2")?;
    let (watch, _) = office.machine("dohled")?;
    let culprit = culprit.to_owned();
    let scene = &mut office.scene;
    let length = scene.length;
    // The copier mails scans, also to outsiders; the scale on line 2 sends its protocol; the label machine itself reports when a roll ends.
    for at in scene.chance.arrivals(2.4, 5.0, length - 8.0) {
        let inside = "hana@mlekarnabrezno.example";
        let to =
            if scene.chance.unit() < 0.3 { inside } else { scene.chance.pick(&scene.far.contacts) };
        let text =
            letter::report("kopirka@mlekarnabrezno.example", to, "Scan z KMC258", "1 strana\n");
        let words = [
            "--server",
            server,
            "--ehlo",
            "KMC258",
            "--helo",
            "--from",
            "kopirka@mlekarnabrezno.example",
            "--rcpt",
            to,
        ];
        backdrop::speak(&mut scene.line, at, "copier", &copier, &words, &text);
    }
    for (host, name, rate, subject) in
        [(&scale, "vaha-linka2", 0.5, "Protokol vazeni"), (&labels, "etikety", 0.25, "Dosla role")]
    {
        for at in scene.chance.arrivals(rate, 5.0, length - 8.0) {
            let from = format!("{name}@mlekarnabrezno.example");
            let text =
                letter::report(&from, "expedice@mlekarnabrezno.example", subject, "viz linka 2\n");
            let words = [
                "--server",
                server,
                "--ehlo",
                name,
                "--from",
                &from,
                "--rcpt",
                "expedice@mlekarnabrezno.example",
            ];
            backdrop::speak(&mut scene.line, at, "machine", host, &words, &text);
        }
    }
    backdrop::monitored(&mut scene.line, length, 90.0, &watch, server, "dohled.mlekarna.lan");
    spree(
        scene,
        "bad",
        &Spree {
            host: &labels,
            rate: 2.0,
            part: (0.4, 0.7),
            server,
            ehlo: &["etikety"],
            from_ip: &[],
            sender: "",
            victims: 4,
            words: &["--helo", "--wait", "40"],
        },
    );

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;

    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "stiznost.eml",
        &notice::hoster(told, "podhorinet.example", "vedouci@mlekarnabrezno.example"),
    )?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    folder.take(&scene.server, &wire.path, "captures/posta.pcap")?;
    let mut decoys = office.others(&["etikety"]);
    decoys.extend(office.scene.accounts());
    decoys.push("setting:mynetworks".into());
    folder.finish(
        &Expect {
            class: "trusted-client",
            culprit: &culprit,
            must_not_accuse: decoys,
            origin: "issue 3, trusted-client: an old machine on the shop floor that the mail server trusts; recorded by the lab",
            ..Expect::default()
        },
        "The label printer",
        STORY,
    )
}

const STORY: &str = "A dairy in Bohemia (BSD stamps, the mail server's clock in UTC, ISC dhcpd): the mail server stands inside and lets the whole inside network send without a login, because copier, scale and label printer cannot log in. \
The old Windows machine that drives the label printer is infected; what runs on it found the mail server and sends through it, four victims a mail at most, senders made up.

Noise: three people who submit with a login, mail from outside, greylisting, an exchanger that is down, unknown recipients, password guessers, monitoring from outside and inside. Decoys: the copier hands in as many mails, mostly to outsiders, and says HELO as the culprit does; \
the scale's protocols; the label machine's own honest reports before, during and after.

The capture was taken on the mail server. The label machine shows the TTL, port range and missing timestamps of Windows, set by sysctl. By hand: the dialects of machines and offender (a scripted client of the lab), `stiznost.eml`, `site.toml`.";
