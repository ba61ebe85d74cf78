//! FIELD (t): a router that masquerades what it forwards inwards; the mail server trusts all private addresses.

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
use anyhow::{Context, Result};
use std::rc::Rc;

const OFFICE: Office = Office {
    gateway: "rb4011",
    name: "cow",
    domain: "stolarija-kovac.example",
    hostname: "mx.stolarija-kovac.example",
    clock: "Europe/Zagreb",
    stamps: None,
    lan: "192.168.88",
    dhcp: Dhcp::Dnsmasq,
    people: &[
        ("petar", "Hrast-i-bukva4", "petar-pc", Some(Stack::Windows)),
        ("ured", "Racun2Racun", "ured-pc", Some(Stack::Windows)),
        ("mirna", "furnir_0_6mm", "mirna-mac", None),
    ],
    machines: &[
        ("nas", 20, None),
        ("ricoh-c2003", 21, None),
        ("cnc-usluga", 0, Some(Stack::Windows)),
    ],
    networks: "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
    settings: "enable_long_queue_ids = yes\n",
    // "Hairpin" by somebody who wanted the inside to reach the server by its public name, without saying for whom.
    rules: "iptables -t nat -A POSTROUTING -o lan0 -j MASQUERADE\n",
    packets: None,
};

/// What the router's own export says of it; RouterOS itself is not here.
const EXPORT: &str = "# software id = 7QK2-NL0X
# model = RB4011iGS+
/ip firewall nat
add action=masquerade chain=srcnat comment=\"defconf: masquerade\"
add action=dst-nat chain=dstnat comment=mail dst-port=25,587 in-interface=ether1 protocol=tcp to-addresses=SERVER
";

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    let wire = capture::pcap(&office.scene.server, "eth0", "tcp port 25", "cow.pcap")?;
    office.scene.everyday();
    let (nas, _) = office.machine("nas")?;
    let (copier, _) = office.machine("ricoh-c2003")?;
    let (mill, _) = office.machine("cnc-usluga")?;
    let scene = &mut office.scene;
    let length = scene.length;
    for (host, name, rate, subject) in [
        (&nas, "nas", 0.4, "Backup finished"),
        (&copier, "ricoh-c2003", 1.3, "Scan"),
        (&mill, "cnc-usluga", 0.6, "Nalog gotov"),
    ] {
        for at in scene.chance.arrivals(rate, 4.0, length - 8.0) {
            let from = format!("{name}@stolarija-kovac.example");
            let to = if name == "nas" {
                "petar@stolarija-kovac.example"
            } else {
                scene.chance.pick(&scene.far.contacts)
            };
            let text = letter::report(&from, to, subject, "--\n");
            let words = ["--server", server, "--ehlo", name, "--from", &from, "--rcpt", to];
            backdrop::speak(&mut scene.line, at, "machine", host, &words, &text);
        }
    }
    let crowd = Rc::clone(&scene.far.crowd);
    let (strangers, address) = (scene.far.strangers.clone(), scene.address);
    // One asks first whether it relays.
    spree(
        scene,
        "test",
        &Spree {
            host: &crowd,
            rate: 0.3,
            part: (0.05, 0.25),
            server: address,
            ehlo: &["masscheck"],
            from_ip: &strangers,
            sender: "",
            victims: 1,
            words: &[],
        },
    );
    spree(
        scene,
        "bad",
        &Spree {
            host: &crowd,
            rate: 2.4,
            part: (0.42, 0.74),
            server: address,
            ehlo: &["[45.13.22.9]", "User", "mail.winter-sale.example"],
            from_ip: &strangers,
            sender: "",
            victims: 5,
            words: &["--wait", "70"],
        },
    );

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    played.span("bad").context("nothing bad happened")?;
    let stored = scene.far.stored("offers.example")?.context("nothing arrived")?;
    let (seen, sender) = (stored.arrived, stored.sender.as_str());
    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    // The complainer keeps the body to himself and sends the head without anybody's Received lines.
    let head: String = stored
        .text
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| ["From:", "Subject:", "Date:"].iter().any(|name| line.starts_with(name)))
        .map(|line| format!("{line}\n"))
        .collect();
    folder.notice(
        "prijava.eml",
        &notice::arf(
            told,
            "feedback.jadranpost.example",
            "petar@stolarija-kovac.example",
            sender,
            &head,
        ),
    )?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs, Part::Firewall])?;
    folder.file(
        "router/export.rsc",
        EXPORT.replace("SERVER", server).as_bytes(),
        "written by hand: what a RouterOS export of these rules would say",
    )?;
    folder.take(&scene.server, &wire.path, "captures/cow.pcap")?;
    let mut decoys = office.others(&[]);
    decoys.push("host:192.168.88.1".into());
    decoys.extend(office.scene.accounts());
    folder.finish(
        &Expect {
            class: "open-relay",
            culprit: "mynetworks",
            must_not_accuse: decoys,
            origin: "FIELD (t), mailcow 3394: a MikroTik router hides clients behind its own address, private addresses are trusted; recorded by the lab",
            ..Expect::default()
        },
        "The router's address",
        STORY,
    )
}

const STORY: &str = "A joiner's workshop in Croatia: the mail server stands behind a small router that forwards ports 25 and 587 and masquerades everything it sends on, inwards too. To Postfix every client from outside is 192.168.88.1, \
and `mynetworks` holds all private addresses. Strangers relay.

Noise: three people who submit from inside, mail from outside (also from 192.168.88.1), greylisting, an exchanger that is down, unknown recipients, password guessers and monitoring (from 192.168.88.1). Decoys: copier and milling machine mail outsiders without a login as often as the strangers do, the NAS mails inside.

The router is Linux with the same rules; its tables are not given, as RouterOS has none, only an export written by hand. The capture was taken on the mail server. By hand: `router/export.rsc`, `prijava.eml`, `site.toml`, dialects.";
