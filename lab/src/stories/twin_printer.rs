//! Innocent twin of trusted-printer: a scan-to-mail device that is busier than anybody, and honest.

use super::Plan;
use super::backdrop;
use super::gathered::Part;
use super::premises::{Dhcp, Office, Premises};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use anyhow::{Context, Result};

const OFFICE: Office = Office {
    gateway: "edge",
    name: "mail",
    domain: "kanzlei-obermaier.example",
    hostname: "mail.kanzlei-obermaier.example",
    clock: "Europe/Vienna",
    stamps: None,
    lan: "10.33.7",
    dhcp: Dhcp::Dnsmasq,
    people: &[
        ("obermaier", "Paragraph-879", "obermaier-pc", Some(Stack::Windows)),
        ("sekretariat", "Stempel.und.Siegel", "sekretariat1", Some(Stack::Windows)),
        ("konzipient", "frist_14_tage", "konzi-nb", None),
    ],
    machines: &[
        ("kyocera-taskalfa", 30, None),
        ("frankiermaschine", 31, None),
        ("zeiterfassung", 0, Some(Stack::Windows)),
    ],
    networks: "",
    settings: "enable_long_queue_ids = yes\n",
    rules: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    office.scene.everyday();
    let (scanner, _) = office.machine("kyocera-taskalfa")?;
    let (franking, _) = office.machine("frankiermaschine")?;
    let (clock, _) = office.machine("zeiterfassung")?;
    let scene = &mut office.scene;
    let length = scene.length;
    // Files of a large case go to courts, clients and colleagues: several recipients each, some of whom are gone.
    for at in scene.chance.arrivals(3.2, 4.0, length - 8.0) {
        let mut to: Vec<&str> = (0..1 + scene.chance.below(3))
            .map(|_| scene.chance.pick(&scene.far.contacts))
            .collect();
        to.dedup();
        let from = scene
            .chance
            .pick(&["scan@kanzlei-obermaier.example", "obermaier@kanzlei-obermaier.example"]);
        let text = letter::report(
            from,
            to.first().copied().unwrap_or_default(),
            "Akt 14 Cg 22/26 - Beilage",
            "siehe Anlage\n",
        );
        let words = [
            "--server",
            server,
            "--ehlo",
            "KM8A21F0",
            "--helo",
            "--from",
            from,
            "--rcpt",
            &to.join(","),
        ];
        backdrop::speak(&mut scene.line, at, "scanner", &scanner, &words, &text);
    }
    for (host, name, rate) in [(&franking, "frankiermaschine", 0.3), (&clock, "zeiterfassung", 0.5)]
    {
        for at in scene.chance.arrivals(rate, 4.0, length - 8.0) {
            let from = format!("{name}@kanzlei-obermaier.example");
            let text =
                letter::report(&from, "sekretariat@kanzlei-obermaier.example", name, "Stand\n");
            let words = [
                "--server",
                server,
                "--ehlo",
                name,
                "--from",
                &from,
                "--rcpt",
                "sekretariat@kanzlei-obermaier.example",
            ];
            backdrop::speak(&mut scene.line, at, "device", host, &words, &text);
        }
    }

    let played = scene.play()?;
    let moments: Vec<_> = played.moments.iter().filter(|(tag, _)| tag == "scanner").collect();
    let (_, seen) = moments.get(moments.len() / 2).copied().context("nothing was scanned")?;

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen: *seen, tolerance: 0, helo: "" };
    folder.notice(
        "beschwerde.eml",
        &notice::hoster(told, "donaunetz.example", "obermaier@kanzlei-obermaier.example"),
    )?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    let mut decoys = office.others(&[]);
    decoys.extend(office.scene.accounts());
    decoys
        .extend(["setting:mynetworks", "address:scan@kanzlei-obermaier.example"].map(String::from));
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "trusted-printer",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the label printer",
        STORY,
    )
}

const STORY: &str = "A lawyer's office in Vienna whose mail server trusts the inside, as in `trusted-printer`. The scanner mails the files of a large case to outsiders, several a minute, under two senders of the house, to one to three people each, one of whom has left; \
it is the busiest client of all and honest.

The provider passes on a complaint about some second; nothing says which mail, and nobody captured packets.

Noise: three people who submit, mail from outside, greylisting, an exchanger that is down, password guessers, monitoring. By hand: the devices' dialects, `beschwerde.eml`, `site.toml`.";
