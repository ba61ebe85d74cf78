//! FIELD (q), (r): the mail server in a container trusts the containers' network; strangers who come by IPv6 look like its gateway.

use super::Plan;
use super::backdrop;
use super::dockhouse::{Dock, Dockhouse};
use super::spree::{Spree, spree};
use crate::capture;
use crate::container::Network;
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use anyhow::{Context, Result};
use std::rc::Rc;

const DOCK: Dock = Dock {
    machine: "kaj3",
    domain: "seilerei-holm.example",
    hostname: "post.seilerei-holm.example",
    net: Network { bridge: "br-4f1c2a9be07d", gateway: "172.19.0.1", cidr: "172.19.0.0/16" },
    mail_at: "172.19.0.2",
    app_at: "172.19.0.5",
    networks: "127.0.0.0/8 172.19.0.0/16",
    people: &[("holm", "Tau.werk.88"), ("lager", "Knoten5Knoten"), ("susanne", "hanf-und-sisal")],
    six: ("40:1f::25", "7a0"),
    inner_six: None,
    settings: "enable_long_queue_ids = yes\n",
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut house = Dockhouse::build(plan, &DOCK)?;
    let wire = capture::pcap(&house.machine, "eth0", "tcp port 25", "kaj3.pcap")?;
    house.scene.everyday();
    let length = house.scene.length;
    let app = Rc::clone(&house.app);
    let scene = &mut house.scene;
    // The shop's confirmations, handed in without a login: the reason why the network is trusted.
    for at in scene.chance.arrivals(1.1, 4.0, length - 8.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let text = letter::report(
            "laden@seilerei-holm.example",
            to,
            "Ihre Bestellung",
            "Vielen Dank. Der Versand folgt.\n",
        );
        let words = [
            "--server",
            DOCK.mail_at,
            "--ehlo",
            "app",
            "--from",
            "laden@seilerei-holm.example",
            "--rcpt",
            to,
        ];
        backdrop::speak(&mut scene.line, at, "shop", &app, &words, &text);
    }
    let crowd = Rc::clone(&scene.far.crowd);
    // Relay testers by IPv4 are turned away.
    let old: Vec<&str> = scene.far.strangers.clone();
    spree(
        scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 0.5,
            part: (0.1, 0.9),
            server: scene.address,
            ehlo: &["User", "WIN-7J2", "[192.168.2.33]"],
            from_ip: &old,
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
            rate: 2.6,
            part: (0.38, 0.72),
            server: house.six,
            ehlo: &["mail.ru-sender.example", "localhost", "WIN-CLJ1B0GQ6JP"],
            from_ip: &house.strangers,
            sender: "",
            victims: 4,
            words: &["--wait", "60"],
        },
    );

    let played = scene.play()?;
    capture::end(&house.machine, &wire)?;
    let scene = &house.scene;
    let (first, _) = played.span("bad").context("nothing bad happened")?;

    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "abuse-mail.eml",
        &notice::hoster(told, "kaj-rechenzentrum.example", "holm@seilerei-holm.example"),
    )?;
    house.usual(&mut folder, &DOCK, true)?;
    folder.take(&house.machine, &wire.path, "captures/kaj3.pcap")?;
    let mut decoys = scene.accounts();
    decoys.extend(["host:172.19.0.1", "host:172.19.0.5", "host:172.19.0.2"].map(String::from));
    folder.finish(
        &Expect {
            class: "open-relay",
            culprit: "mynetworks",
            must_not_accuse: decoys,
            origin: "FIELD (q) docker-mailserver 1405 and (r) 1136: IPv6 on the machine only, the containers' network trusted; recorded by the lab",
            ..Expect::default()
        },
        "The gateway of the containers",
        STORY,
    )
}

const STORY: &str = "A ropemaker's shop: Postfix runs in a container (long queue ids, UTC), beside it the shop's program, which hands its confirmations in without a login. For that program's sake \
`mynetworks` holds the containers' whole network. The machine has IPv6, the containers' network has not: Docker's userland proxy takes IPv6 connections and opens new ones to the container, from the bridge's own address. \
Strangers by IPv6 are therefore trusted.

Noise: three people who submit, mail from outside by IPv4 under the senders' own addresses, one provider that delivers by IPv6 and so arrives as the gateway too, greylisting, an exchanger that is down, password guessers, monitoring of port 25. \
Decoys: the shop's program writes to outsiders throughout; relay testers by IPv4 are refused.

Real: Postfix, Dovecot, Docker's `docker-proxy`, netfilter. By hand: the bridge and the firewall rules, written as dockerd 20.10 writes them (no dockerd ran; container processes do not show in the machine's `ps`), the strangers' and the shop program's dialects, \
`abuse-mail.eml`, `site.toml`.";
