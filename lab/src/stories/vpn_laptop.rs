//! A consultant's laptop sends all its traffic home through the company server's WireGuard tunnel; what is on it speaks to exchangers.

use super::Plan;
use super::backdrop;
use super::scene::{Scene, Server};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::tunnel::{self, End};
use crate::{capture, clock};
use anyhow::{Context, Result};
use jiff::SignedDuration;

const SERVER: Server = Server {
    name: "hub",
    domain: "lindqvist-partner.example",
    hostname: "mx.lindqvist-partner.example",
    clock: "Europe/Stockholm",
    stamps: None,
    people: &[
        ("ulf", "Kaffe-och-kanelbulle"),
        ("petra", "r1ksdag-nord"),
        ("ekonomi", "Moms.25.procent"),
    ],
    boxes: &[("arkiv", "Parm7Parm")],
    settings: "enable_long_queue_ids = yes\n",
    sites: &[],
    php: "",
    packets: None,
};
const CULPRIT: &str = "10.77.0.5";

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut scene = Scene::server(plan, &SERVER)?;
    let (world, server) = (&scene.world, &scene.server);
    let notebook = world.public("petra-nb", "203.0.113.122", "UTC")?;
    let phone = world.public("pixel-7", "203.0.113.123", "UTC")?;
    let laptop = world.public("LAPTOP-ULF", "203.0.113.127", "UTC")?;
    laptop.sh("sysctl -qw net.ipv4.ip_default_ttl=128 net.ipv4.tcp_timestamps=0 net.ipv4.ip_local_port_range='49152 65535'")?;
    server.sh("sysctl -qw net.ipv4.ip_forward=1
         iptables -P FORWARD DROP
         iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
         iptables -A FORWARD -i wg0 -o eth0 -j ACCEPT
         iptables -t nat -A POSTROUTING -s 10.77.0.0/24 -o eth0 -j MASQUERADE
         iptables -A OUTPUT -o eth0 -p tcp --dport 25 -m owner --uid-owner postfix -j ACCEPT
         iptables -A OUTPUT -o eth0 -p tcp --dport 25 -m owner --uid-owner root -j ACCEPT
         iptables -A OUTPUT -o eth0 -p tcp --dport 25 -j REJECT")?;
    tunnel::wireguard(
        End { host: server, address: "10.77.0.1", public: scene.address },
        &[
            End { host: &notebook, address: "10.77.0.2", public: "" },
            End { host: &phone, address: "10.77.0.4", public: "" },
            End { host: &laptop, address: CULPRIT, public: "" },
        ],
    )?;
    scene.reachability_check("/usr/local/sbin/mx-pulse", 4)?;
    let wire = capture::pcap(&scene.server, "eth0", "tcp port 25", "eth0.pcap")?;
    scene.server.daemon(&[
        "bash", "-c",
        "exec conntrack -E -p tcp --orig-port-dst 25 -e NEW,DESTROY -o timestamp >> /var/log/conntrack25.log 2>/dev/null",
    ])?;
    clock::pause(0.5);

    scene.everyday();
    let length = scene.length;
    let Scene { chance, line, far, .. } = &mut scene;
    let (keeper, provider) = far.keeper(1)?;
    // Petra's old program hands her private letters to her own provider's server.
    for at in chance.arrivals(0.9, 4.0, length - 8.0) {
        let (from, to) = (
            format!("petra.l@{provider}"),
            format!("{}@{provider}", chance.pick(&["mamma", "kerstin", "scouterna"])),
        );
        let text = letter::personal(chance, &from, &to, "Mozilla Thunderbird");
        let words = ["--server", keeper, "--ehlo", "petra-nb", "--from", &from, "--rcpt", &to];
        backdrop::speak(line, at, "own-provider", &notebook, &words, &text);
    }
    for (host, rate) in [(&phone, 1.5), (&laptop, 1.2), (&notebook, 1.0)] {
        for at in chance.arrivals(rate, 2.0, length - 3.0) {
            line.sh(
                at,
                host,
                "surf",
                &format!("dig +short +timeout=2 {provider} MX >/dev/null; true"),
            );
        }
    }
    spree(
        &mut scene,
        "bad",
        &Spree {
            host: &laptop,
            rate: 2.3,
            part: (0.4, 0.66),
            server: "",
            ehlo: &["win-pc-8831"],
            from_ip: &[],
            sender: "",
            victims: 1,
            words: &["--helo", "--no-quit", "--wait", "110"],
        },
    );

    let played = scene.play()?;
    capture::end(&scene.server, &wire)?;
    let (first, _) = played.span("bad").context("nothing bad happened")?;
    let seen = scene.far.stored("from win-pc-8831")?.map_or(first, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address: scene.address, seen, tolerance: 15, helo: "win-pc-8831" };
    folder.notice("cbl.txt", &notice::cbl_early(told, SignedDuration::from_mins(9 * 60 + 12)))?;
    scene.usual(&mut folder, &[])?;
    folder.take(&scene.server, &wire.path, "captures/eth0.pcap")?;
    folder.take(&scene.server, "/var/log/conntrack25.log", "logs/conntrack25.log")?;
    folder.ask(&scene.server, "wg show", "host/wg-show.txt")?;
    let mut decoys = scene.accounts();
    decoys.extend(
        ["host:10.77.0.2", "host:10.77.0.4", "process:/usr/local/sbin/mx-pulse"].map(String::from),
    );
    decoys.push(format!("host:{}", scene.address));
    folder.finish(
        &Expect {
            class: "vpn-client",
            culprit: CULPRIT,
            must_not_accuse: decoys,
            origin: "issue 3, vpn-client: a client whose traffic leaves through the server's tunnel; recorded by the lab",
            ..Expect::default()
        },
        "The laptop in the tunnel",
        STORY,
    )
}

const STORY: &str = "A consultancy in Sweden (RFC 3339 stamps, long queue ids): one rented server for mail and for the WireGuard tunnel through which laptops and phones send all their traffic. \
The firewall lets only Postfix and root reach port 25 from the server itself, but forwards whatever comes out of the tunnel and gives it the server's address. A laptop in the tunnel speaks to exchangers.

The administrator had `conntrack -E` write connections to port 25 into a file and captured packets outside, where all sessions come from the server's own address.

Noise: three people who submit, mail from outside, greylisting, an exchanger that is down, password guessers, monitoring of port 25, look-ups from the tunnel. Decoys: a notebook in the tunnel sends private letters over port 25 to its own provider's exchanger throughout; \
a cron script of the server greets an exchanger without a log line; Postfix's own connections stand in the same list.

Real: WireGuard (wireguard-go and `wg`; the lab's kernel has no module), conntrack-tools, Postfix. The laptop shows the TTL, port range and missing timestamps of Windows, set by sysctl. By hand: the dialects of laptop and notebook, `cbl.txt`, `site.toml`.";
