//! FIELD (s): the containers' network has IPv6 of its own, and the userland proxy hands strangers on as that network's gateway.

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
    machine: "ox",
    domain: "meierei-lohberg.example",
    hostname: "mail.meierei-lohberg.example",
    net: Network { bridge: "br-mailcow", gateway: "172.22.1.1", cidr: "172.22.1.0/24" },
    mail_at: "172.22.1.253",
    app_at: "172.22.1.249",
    networks: "127.0.0.0/8 [::1]/128 172.22.1.0/24 [fd4d:6169:6c63:6f77::]/64",
    people: &[
        ("lohberg", "Quark.und.Molke"),
        ("hofladen", "Eier-10er-Pack"),
        ("azubi", "kannen_waschen3"),
    ],
    six: ("77:a::53", "e15"),
    inner_six: Some(("fd4d:6169:6c63:6f77::1", "fd4d:6169:6c63:6f77::fd")),
    settings: "inet_protocols = all\nsmtpd_helo_required = yes\n",
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut house = Dockhouse::build(plan, &DOCK)?;
    let wire = capture::pcap(&house.machine, "eth0", "tcp port 25", "ox.pcap")?;
    house.scene.everyday();
    let length = house.scene.length;
    let app = Rc::clone(&house.app);
    let scene = &mut house.scene;
    for at in scene.chance.arrivals(1.8, 4.0, length - 8.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let from = "hofladen@meierei-lohberg.example";
        let text = letter::report(from, to, "Abholung am Samstag", "Bis dann.\n");
        let words = ["--server", DOCK.mail_at, "--ehlo", "sogo", "--from", from, "--rcpt", to];
        backdrop::speak(&mut scene.line, at, "webmail", &app, &words, &text);
    }
    let crowd = Rc::clone(&scene.far.crowd);
    // A relay test by IPv4, as the usual testers do it, finds nothing.
    let (old, address) = (scene.far.strangers.clone(), scene.address);
    spree(
        scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 0.4,
            part: (0.05, 0.95),
            server: address,
            ehlo: &["relaytest.example"],
            from_ip: &old,
            sender: "",
            victims: 1,
            words: &["--helo"],
        },
    );
    // Spammers who write as somebody of one large provider; its bounces come back.
    let big = format!(
        "{}@{}",
        scene.chance.word("0123456789", 9),
        scene.far.domains.last().context("no provider")?
    );
    spree(
        scene,
        "bad",
        &Spree {
            host: &crowd,
            rate: 2.2,
            part: (0.3, 0.62),
            server: house.six,
            ehlo: &["[23.94.5.17]", "PC-20210419QKYD", "mx.mail-sz.example"],
            from_ip: &house.strangers,
            sender: &big,
            victims: 4,
            words: &["--wait", "65"],
        },
    );

    let played = scene.play()?;
    capture::end(&house.machine, &wire)?;
    let scene = &house.scene;
    played.span("bad").context("nothing bad happened")?;
    let stored = scene.far.stored("offers.example")?.context("nothing arrived")?;

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen: stored.arrived, tolerance: 0, helo: "" };
    let subject = stored.text.lines().find_map(|line| line.strip_prefix("Subject: "));
    folder.notice(
        "spamcop.eml",
        &notice::spamcop(
            Told { helo: DOCK.hostname, ..told },
            "lohberg@meierei-lohberg.example",
            &stored.sender,
            subject.unwrap_or_default(),
        ),
    )?;
    house.usual(&mut folder, &DOCK, true)?;
    folder.take(&house.machine, &wire.path, "captures/ox.pcap")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        ["host:172.22.1.249", "host:172.22.1.1", "host:fd4d:6169:6c63:6f77::1"].map(String::from),
    );
    folder.finish(
        &Expect {
            class: "open-relay",
            culprit: "mynetworks",
            must_not_accuse: decoys,
            origin: "FIELD (s), mailcow 5242: strangers by IPv6 look like fd4d:...::1; recorded by the lab",
            ..Expect::default()
        },
        "The other gateway of the containers",
        STORY,
    )
}

const STORY: &str = "A dairy farm's machine with the mail server in a container whose network has IPv6 of its own (unique local addresses). Docker's userland proxy takes IPv6 from outside and opens new connections from fd4d:6169:6c63:6f77::1, \
which `mynetworks` trusts, as the distribution shipped it. Strangers relay by IPv6; by IPv4, where testers look, everybody keeps his address and is refused.

Noise: three people who submit, mail from outside by IPv4, one provider that delivers by IPv6 and so arrives as the gateway too, bounces to the forged sender, greylisting, an exchanger that is down, password guessers, monitoring. Decoys: the web mailer in the next container hands in without a login throughout; relay testers by IPv4.

Real: Postfix, Dovecot, Docker's `docker-proxy`, netfilter. By hand: the bridge and firewall rules as dockerd writes them, the dialects, `spamcop.eml`, `site.toml`.";
