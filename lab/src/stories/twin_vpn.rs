//! Innocent twin of vpn-laptop: people on the road who submit with their login; the tunnel's port 25 is shut.

use super::Plan;
use super::backdrop::{self, Person};
use super::scene::{Scene, Server};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::tunnel;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: Server = Server {
    name: "relais",
    domain: "geometra-bianchi.example",
    hostname: "relais.geometra-bianchi.example",
    clock: "Europe/Rome",
    stamps: None,
    people: &[
        ("bianchi", "Catasto-foglio7"),
        ("laura", "livella&treppiede"),
        ("studio", "Mappa1a500"),
    ],
    boxes: &[("pec", "Firma.Digitale")],
    settings: "",
    sites: &[],
    php: "",
    packets: None,
};

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    let (world, server) = (&scene.world, &scene.server);
    let laura = world.public("laura-xps", "203.0.113.124", "UTC")?;
    let tablet = world.public("tab-cantiere", "203.0.113.126", "UTC")?;
    server.sh("sysctl -qw net.ipv4.ip_forward=1
         iptables -P FORWARD DROP
         iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
         iptables -A FORWARD -i tun0 -p tcp --dport 25 -j REJECT --reject-with tcp-reset
         iptables -A FORWARD -i tun0 -o eth0 -j ACCEPT
         iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE")?;
    tunnel::openvpn(
        server,
        scene.address,
        "push \"redirect-gateway def1\"\n",
        &[(&laura, "laura"), (&tablet, "cantiere")],
    )?;
    scene.reachability_check("/usr/local/sbin/controllo-mx", 5)?;
    scene.everyday();
    let length = scene.length;
    let Scene { chance, line, far, .. } = &mut scene;
    // Laura submits through the tunnel, to the server's address inside it.
    let sitter = Person {
        at: &laura,
        from_ip: "",
        ehlo: "laura-xps",
        server: "10.8.0.1",
        user: "laura",
        password: "livella&treppiede",
        address: "laura@geometra-bianchi.example",
        agent: "Mozilla Thunderbird",
    };
    for at in chance.arrivals(2.0, 4.0, length - 8.0) {
        let to = chance.pick(&far.contacts);
        let text = letter::personal(chance, sitter.address, to, sitter.agent);
        backdrop::submit(line, at, "road", &sitter, &[to], &text);
    }
    // The tablet's surveying program tries its maker's server on port 25 and meets the firewall.
    let (keeper, maker) = far.keeper(1)?;
    for at in chance.arrivals(1.0, 4.0, length - 8.0) {
        let (from, to) = ("rilievi@geometra-bianchi.example", format!("telemetria@{maker}"));
        let text = letter::report(from, &to, "log", "v4.1\n");
        let words = ["--server", keeper, "--ehlo", "tab-cantiere", "--from", from, "--rcpt", &to];
        backdrop::speak(line, at, "refused", &tablet, &words, &text);
    }

    let played = scene.play()?;
    let (first, last) = played.span("road").context("nobody was on the road")?;
    let seen = first + SignedDuration::from_secs((last.as_second() - first.as_second()) * 2 / 5);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 5, helo: "desktop-rk20" };
    folder.notice("cbl.txt", &notice::cbl_2018(told, 1))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, "/var/log/openvpn/openvpn-status.log", "logs/openvpn-status.log")?;
    folder.take(&scene.server, "/var/log/openvpn/openvpn.log", "logs/openvpn.log")?;
    folder.take(&scene.server, "/etc/openvpn/server/server.conf", "etc/openvpn/server.conf")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        ["host:10.8.0.2", "host:10.8.0.3", "process:/usr/local/sbin/controllo-mx"]
            .map(String::from),
    );
    folder.finish(
        &Expect {
            must_not_accuse: decoys,
            twin_of: "vpn-laptop",
            origin: "recorded by the lab",
            ..Expect::default()
        },
        "The innocent twin of the laptop in the tunnel",
        STORY,
    )
}

const STORY: &str = "A surveyor's server in Italy with mail and an OpenVPN tunnel through which a notebook and a tablet send all their traffic. Laura submits with her login through the tunnel, more than anybody else; the tablet's program tries its maker's server on port 25 and meets the firewall, \
which lets nothing out of the tunnel to port 25.

The CBL quotes a HELO that nobody here says. Nobody captured packets.

Noise: three people who submit, mail from outside, greylisting, an exchanger that is down, password guessers, monitoring, a cron script that greets an exchanger without a log line. Real: OpenVPN with a certificate authority of its own, Postfix, Dovecot. By hand: the dialects, `cbl.txt`, `site.toml`.";
