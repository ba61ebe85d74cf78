//! Innocent twin of squid-connect: the proxy serves the branch alone and reaches no mail port; strangers knock in vain.

use super::Plan;
use super::browsing::{self, Browsing};
use super::scene::{Scene, Server};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::notice::{self, Told};
use crate::proxy;
use crate::web::Site;
use anyhow::{Context, Result};
use jiff::SignedDuration;
use std::rc::Rc;

const SERVER: Server = Server {
    name: "quai",
    domain: "librairie-meridien.example",
    hostname: "quai.librairie-meridien.example",
    clock: "Europe/Paris",
    stamps: None,
    people: &[("agathe", "Rayon-poche-12"), ("commandes", "Tranche+dos4"), ("luc", "signet.rouge")],
    boxes: &[("presse", "Epreuves7")],
    settings: "",
    sites: &[(
        Site {
            name: "www.librairie-meridien.example",
            root: "/var/www/meridien",
            user: "",
            log: "access.log",
        },
        &["/", "/agenda.html", "/contact.html"],
    )],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    for page in ["index.html", "agenda.html", "contact.html"] {
        scene.server.write(
            &format!("/var/www/meridien/{page}"),
            format!("<h1>{page}</h1>\n"),
            0o644,
        )?;
    }
    scene.figures("/usr/local/bin/chiffres", 6, "www-data")?;
    let branch = scene
        .far
        .homes
        .iter()
        .rev()
        .take(2)
        .map(|home| format!("acl annexe src {home}\n"))
        .collect::<String>();
    proxy::squid(
        &scene.server,
        &format!(
            "{branch}acl SSL_ports port 443\nacl Safe_ports port 80 443 1025-65535\nhttp_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\n\
             http_access allow localhost manager\nhttp_access deny manager\nhttp_access allow annexe\nhttp_access allow localhost\nhttp_access deny all\n\
             http_port 3128\ncoredump_dir /var/spool/squid\npinger_enable off\n"
        ),
    )?;
    scene.everyday();
    let portal =
        browsing::through(&mut scene, &Browsing { rate: 3.5, connect: 2.5, own_provider: 0.4 })?;
    let crowd = Rc::clone(&scene.far.crowd);
    let (strangers, address) = (scene.far.strangers.clone(), scene.address);
    spree(
        &mut scene,
        "refused",
        &Spree {
            host: &crowd,
            rate: 2.0,
            part: (0.3, 0.75),
            server: "",
            ehlo: &["[127.0.0.1]", "WORKPC"],
            from_ip: &strangers,
            sender: "",
            victims: 1,
            words: &["--proxy", &format!("{address}:3128")],
        },
    );

    let played = scene.play()?;
    drop(portal);
    let (first, last) = played.span("refused").context("nobody tried")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) / 2);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen, tolerance: 0, helo: "[192.168.43.8]" };
    folder.notice("xbl.txt", &notice::checker(told))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, "/var/log/squid/access.log", "logs/squid-access.log")?;
    folder.take(&scene.server, "/etc/squid/squid.conf", "etc/squid/squid.conf")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        [
            "service:tcp/3128 squid",
            "process:/usr/local/bin/chiffres",
            "uid:33",
            "site:/var/www/meridien",
            "setting:mynetworks",
        ]
        .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "squid-connect",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the branch's proxy",
        STORY,
    )
}

const STORY: &str = "A bookshop's server with a squid for its second shop, as in `squid-connect`. This one serves the second shop's two addresses alone and no mail port. Strangers try to reach exchangers through it all the same, \
and the second shop's old mail program does too: all are refused, and the access log says so.

The checker's page tells of a HELO that nothing here says, at a second in which strangers were being refused. Nobody captured packets, so what else left the address is not known.

Real: squid, Postfix, Apache. By hand: the dialects, `xbl.txt`, `site.toml`.";
