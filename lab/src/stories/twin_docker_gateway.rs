//! Innocent twin of docker-gateway: the same house, but only the one container is trusted, so strangers by IPv6 get nowhere.

use super::Plan;
use super::backdrop;
use super::dockhouse::{Dock, Dockhouse};
use super::spree::{Spree, spree};
use crate::container::Network;
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use anyhow::{Context, Result};
use jiff::SignedDuration;
use std::rc::Rc;

const DOCK: Dock = Dock {
    machine: "nubes",
    domain: "viveroaltea.example",
    hostname: "correo.viveroaltea.example",
    net: Network { bridge: "br-b05c77d1e3aa", gateway: "172.21.0.1", cidr: "172.21.0.0/16" },
    mail_at: "172.21.0.3",
    app_at: "172.21.0.7",
    networks: "127.0.0.0/8 172.21.0.7/32",
    people: &[("marta", "Rosal-y-6-olivos"), ("pedidos", "Macetas.44"), ("quique", "riego+goteo")],
    six: ("9c:2::1", "31d"),
    inner_six: None,
    settings: "",
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut house = Dockhouse::build(plan, &DOCK)?;
    house.scene.everyday();
    let length = house.scene.length;
    let app = Rc::clone(&house.app);
    let scene = &mut house.scene;
    for at in scene.chance.arrivals(1.3, 4.0, length - 8.0) {
        let to = scene.chance.pick(&scene.far.contacts);
        let text = letter::report(
            "pedidos@viveroaltea.example",
            to,
            "Su pedido",
            "Gracias. Sale manana.\n",
        );
        let words = [
            "--server",
            DOCK.mail_at,
            "--ehlo",
            "tienda",
            "--from",
            "pedidos@viveroaltea.example",
            "--rcpt",
            to,
        ];
        backdrop::speak(&mut scene.line, at, "shop", &app, &words, &text);
    }
    let crowd = Rc::clone(&scene.far.crowd);
    spree(
        scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 1.8,
            part: (0.3, 0.75),
            server: house.six,
            ehlo: &["WIN-4RTG0P", "localhost", "smtp.bulk.example"],
            from_ip: &house.strangers,
            sender: "",
            victims: 2,
            words: &["--wait", "50"],
        },
    );

    let played = scene.play()?;
    let scene = &house.scene;
    let (first, last) = played.span("refused").context("nobody tried")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 0, helo: "" };
    folder.notice(
        "aviso.eml",
        &notice::hoster(told, "nubes-alojamiento.example", "marta@viveroaltea.example"),
    )?;
    house.usual(&mut folder, &DOCK, false)?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "setting:mynetworks",
            "setting:smtpd_relay_restrictions",
            "host:172.21.0.1",
            "host:172.21.0.7",
            "host:172.21.0.3",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "docker-gateway",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the gateway of the containers",
        STORY,
    )
}

const STORY: &str = "A nursery with its mail server in a container and IPv6 on the machine only, as in `docker-gateway`: clients by IPv6 arrive as the bridge's gateway, 172.21.0.1. But `mynetworks` names only the one container \
that hands mail in. Strangers by IPv6 try to relay and are refused; the gateway's address stands in the log all the same, and mail for the nursery from a provider with IPv6 comes in by it.

The hoster's complaint names a second at which nothing but the usual left; nobody captured packets, so what went past the mail server is not known.

Real: Postfix, Dovecot, Docker's `docker-proxy`, netfilter. By hand: the bridge and firewall rules as dockerd writes them, the dialects of strangers and of the shop's program, `aviso.eml`, `site.toml`.";
