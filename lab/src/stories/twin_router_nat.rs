//! Innocent twin of router-nat: the same kind of router, but the mail server trusts two devices by their addresses and nobody else.

use super::Plan;
use super::backdrop;
use super::gathered::Part;
use super::premises::{Dhcp, Office, Premises};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use anyhow::{Context, Result};
use jiff::SignedDuration;
use std::rc::Rc;

const OFFICE: Office = Office {
    gateway: "hex-s",
    name: "pasts",
    domain: "liepasdurvis.example",
    hostname: "pasts.liepasdurvis.example",
    clock: "Europe/Riga",
    stamps: None,
    lan: "10.5.50",
    dhcp: Dhcp::Dnsmasq,
    people: &[
        ("ilze", "Ozols-un-osis6", "ilze-pc", Some(Stack::Windows)),
        ("darbnica", "Eve7Eve7", "darbnica-pc", Some(Stack::Windows)),
        ("janis", "slieksnis.90cm", "janis-nb", None),
    ],
    machines: &[
        ("canon-mf", 20, None),
        ("zagis", 21, Some(Stack::Windows)),
        ("tv-panelis", 0, None),
    ],
    networks: "127.0.0.0/8 10.5.50.20/32 10.5.50.21/32",
    settings: "",
    rules: "iptables -t nat -A POSTROUTING -o lan0 -j MASQUERADE\n",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    office.scene.everyday();
    let (copier, _) = office.machine("canon-mf")?;
    let (saw, _) = office.machine("zagis")?;
    let scene = &mut office.scene;
    let length = scene.length;
    for (host, name, rate, subject) in
        [(&copier, "canon-mf", 1.4, "Skenets"), (&saw, "zagis", 0.7, "Darbs pabeigts")]
    {
        for at in scene.chance.arrivals(rate, 4.0, length - 8.0) {
            let from = format!("{name}@liepasdurvis.example");
            let to = scene.chance.pick(&scene.far.contacts);
            let text = letter::report(&from, to, subject, "--\n");
            let words = ["--server", server, "--ehlo", name, "--from", &from, "--rcpt", to];
            backdrop::speak(&mut scene.line, at, "machine", host, &words, &text);
        }
    }
    let crowd = Rc::clone(&scene.far.crowd);
    let (strangers, address) = (scene.far.strangers.clone(), scene.address);
    spree(
        scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 2.0,
            part: (0.3, 0.75),
            server: address,
            ehlo: &["User", "[45.148.10.2]", "mail.deal-now.example"],
            from_ip: &strangers,
            sender: "",
            victims: 3,
            words: &["--wait", "60"],
        },
    );

    let played = scene.play()?;
    let (first, last) = played.span("refused").context("nobody tried")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) * 2 / 5);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "sudziba.eml",
        &notice::hoster(told, "daugavanet.example", "ilze@liepasdurvis.example"),
    )?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs, Part::Firewall])?;
    let mut decoys = office.others(&[]);
    decoys.extend(
        ["host:10.5.50.1", "setting:mynetworks", "setting:smtpd_relay_restrictions"]
            .map(String::from),
    );
    decoys.extend(office.scene.accounts());
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "router-nat",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the router's address",
        STORY,
    )
}

const STORY: &str = "A door maker's in Latvia behind a router that masquerades inwards, as in `router-nat`: every client from outside is 10.5.50.1. `mynetworks` holds the copier and the saw by their addresses and nobody else, so strangers who try to relay are refused, from 10.5.50.1 as well.

The provider passes on a complaint about some second; nobody captured packets, the router's tables are not given.

Noise: three people who submit, mail from outside, greylisting, an exchanger that is down, unknown recipients, password guessers, monitoring; copier and saw mail outsiders without a login. By hand: `sudziba.eml`, `site.toml`, dialects.";
