//! A squid for the branch office, left open to everybody, with port 25 among those that may be reached: strangers use it.

use super::Plan;
use super::browsing::{self, Browsing};
use super::scene::{Scene, Server};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::web::Site;
use crate::{capture, proxy};
use anyhow::{Context, Result};
use std::rc::Rc;

const SERVER: Server = Server {
    name: "vela",
    domain: "ostwindreisen.example",
    hostname: "vela.ostwindreisen.example",
    clock: "UTC",
    stamps: None,
    people: &[("tamara", "Fernweh-2go"), ("buchung", "Sitzplatz14a"), ("igor", "baltic.sea.9")],
    boxes: &[("kasse", "Wechselgeld3")],
    settings: "",
    sites: &[(
        Site {
            name: "www.ostwindreisen.example",
            root: "/var/www/ostwind",
            user: "",
            log: "access.log",
        },
        &["/", "/reisen.html", "/kontakt.html"],
    )],
    php: "",
    packets: None,
};

/// The first rules are those that Debian ships; the administrator added ports, then let everybody in.
const SQUID: &str = "acl localnet src 10.0.0.0/8
acl localnet src 192.168.0.0/16
acl SSL_ports port 443
# Mail program of the branch
acl SSL_ports port 25 465 587 993
acl Safe_ports port 80
acl Safe_ports port 21
acl Safe_ports port 443
acl Safe_ports port 25 465 587 993
acl Safe_ports port 1025-65535
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access deny manager
http_access allow localnet
http_access allow localhost
# the branch has no fixed address (T., March)
http_access allow all
http_port 3128
coredump_dir /var/spool/squid
pinger_enable off
";

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    for (page, text) in [
        ("index.html", "Ostwind Reisen"),
        ("reisen.html", "Riga, Tallinn"),
        ("kontakt.html", "Tel."),
    ] {
        scene.server.write(
            &format!("/var/www/ostwind/{page}"),
            format!("<h1>{text}</h1>\n"),
            0o644,
        )?;
    }
    scene.reachability_check("/usr/local/sbin/mx-check", 5)?;
    scene.figures("/usr/local/bin/zahlen", 7, "www-data")?;
    proxy::squid(&scene.server, SQUID)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "vela.pcap")?;
    scene.everyday();
    let portal =
        browsing::through(&mut scene, &Browsing { rate: 3.0, connect: 2.0, own_provider: 0.7 })?;
    let crowd = Rc::clone(&scene.far.crowd);
    let (strangers, address) = (scene.far.strangers.clone(), scene.address);
    spree(
        &mut scene,
        "bad",
        &Spree {
            host: &crowd,
            rate: 2.4,
            part: (0.35, 0.7),
            server: "",
            ehlo: &["[127.0.0.1]", "PC-20160312", "smtp.gmx-mail.example"],
            from_ip: &strangers,
            sender: "",
            victims: 1,
            words: &["--proxy", &format!("{address}:3128"), "--wait", "120"],
        },
    );

    let played = scene.play()?;
    drop(portal);
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;

    let seen = scene.far.stored("offers.example")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen, tolerance: 0, helo: "" };
    folder.notice("intelligence.json", &notice::intelligence(told, "XBL", "BAD_HELO"))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, &wire.path, "captures/vela.pcap")?;
    folder.take(&scene.server, "/var/log/squid/access.log", "logs/squid-access.log")?;
    folder.take(&scene.server, "/etc/squid/squid.conf", "etc/squid/squid.conf")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "process:/usr/local/sbin/mx-check",
            "process:/usr/local/bin/zahlen",
            "uid:33",
            "site:/var/www/ostwind",
            "setting:mynetworks",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            class: "open-proxy",
            culprit: "tcp/3128 squid",
            must_not_accuse: decoys,
            origin: "the CBL's first reason for listing, an open HTTP proxy; recorded by the lab",
            ..Expect::default()
        },
        "The branch's proxy",
        STORY,
    )
}

const STORY: &str = "A travel agency's server with a site and the mail of one domain, and a squid for the branch office. Two years ago the administrator allowed ports 25, 465, 587 and 993 for the branch's mail program, \
later everybody, because the branch has no fixed address. Strangers use the proxy to speak to exchangers; the sessions leave from the server's own address, with names of all kinds after EHLO, past Postfix.

Noise: letters both ways, greylisting, an exchanger that is down, visits, scanners, password guessers, monitoring. Decoys: the branch's browsers go through the same proxy, and its mail program sends letters over port 25 to its own provider's exchanger by CONNECT, as the strangers do, \
before, during and after; a cron script on the server greets an exchanger without a log line; a cron report by sendmail as www-data.

Real: squid 5.7, Postfix, Apache. By hand: squid.conf's last lines, the dialects of the strangers and of the branch's mail program, `intelligence.json`, `site.toml`.";
