//! FIELD (v): a rule for a VPN masquerades everything that leaves the machine by any interface, also what goes in to the mail container.

use super::Plan;
use super::backdrop;
use super::dockhouse::{Dock, Dockhouse};
use super::spree::{Spree, spree};
use crate::container::Network;
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use anyhow::{Context, Result};
use std::rc::Rc;

const DOCK: Dock = Dock {
    machine: "moo",
    domain: "rederij-zeewind.example",
    hostname: "moo.rederij-zeewind.example",
    net: Network { bridge: "br-mailcow", gateway: "172.22.1.1", cidr: "172.22.1.0/24" },
    mail_at: "172.22.1.253",
    app_at: "172.22.1.8",
    networks: "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
    people: &[("pieter", "Boei-en-baken5"), ("planning", "Getij.0642"), ("anneke", "scheepsbel!2")],
    six: ("51:e::7", "c40"),
    inner_six: None,
    settings: "smtpd_helo_required = yes\ndisable_vrfy_command = yes\n",
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut house = Dockhouse::build(plan, &DOCK)?;
    house
        .machine
        .sh("iptables -t nat -A POSTROUTING -j MASQUERADE -m comment --comment 'vpn clients'")?;
    house.scene.everyday();
    let length = house.scene.length;
    let app = Rc::clone(&house.app);
    let scene = &mut house.scene;
    for at in scene.chance.arrivals(1.2, 4.0, length - 8.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let text =
            letter::report("planning@rederij-zeewind.example", to, "Vaarschema", "Zie bijlage.\n");
        let words = [
            "--server",
            DOCK.mail_at,
            "--ehlo",
            "sogo",
            "--from",
            "planning@rederij-zeewind.example",
            "--rcpt",
            to,
        ];
        backdrop::speak(&mut scene.line, at, "planner", &app, &words, &text);
    }
    let crowd = Rc::clone(&scene.far.crowd);
    let (strangers, address) = (scene.far.strangers.clone(), scene.address);
    spree(
        scene,
        "test",
        &Spree {
            host: &crowd,
            rate: 0.25,
            part: (0.08, 0.3),
            server: address,
            ehlo: &["relaytest.example"],
            from_ip: &strangers,
            sender: "",
            victims: 1,
            words: &["--helo"],
        },
    );
    spree(
        scene,
        "bad",
        &Spree {
            host: &crowd,
            rate: 2.6,
            part: (0.45, 0.8),
            server: address,
            ehlo: &["qq-mail.example", "WIN-AB91", "[77.90.185.4]"],
            from_ip: &strangers,
            sender: "",
            victims: 4,
            words: &["--wait", "55"],
        },
    );

    let played = scene.play()?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen, tolerance: 0, helo: "" };
    folder.notice("css.json", &notice::intelligence(told, "CSS", "SPAM"))?;
    house.usual(&mut folder, &DOCK, false)?;
    let mut decoys = house.scene.accounts();
    decoys.extend(["host:172.22.1.1", "host:172.22.1.8", "host:172.22.1.253"].map(String::from));
    folder.finish(
        &Expect {
            class: "open-relay",
            culprit: "mynetworks",
            must_not_accuse: decoys,
            origin: "FIELD (v), mailcow 1145 and 1775: masquerading on every interface hides all clients behind the containers' gateway; recorded by the lab",
            ..Expect::default()
        },
        "Masqueraded inwards",
        STORY,
    )
}

const STORY: &str = "A shipping company's machine with the mail server in a container. Somebody set up a VPN and masqueraded without naming an interface: also what the machine forwards in to the container now comes from the bridge's own address, 172.22.1.1, \
by IPv4 as well. `mynetworks` holds all private addresses, as the distribution shipped it. Strangers relay; every client of port 25 and 587 looks alike.

Nobody captured packets; the machine's rules with their counters, its sockets and the container's log are there.

Noise: three people who submit (also from 172.22.1.1), mail from outside (likewise), greylisting, an exchanger that is down, unknown recipients, password guessers and monitoring (likewise), a provider that delivers by IPv6. Decoys: the planning program in the next container hands in without a login.

Real: Postfix, Dovecot, Docker's `docker-proxy`, netfilter. By hand: the bridge and firewall rules as dockerd writes them, the dialects, `css.json`, `site.toml`.";
