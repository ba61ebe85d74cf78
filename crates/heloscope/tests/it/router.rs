//! A router that hears headers alone: an office behind address translation, its mail server, a laptop with a bot, a probe, somebody
//! who writes by a provider. All real: dnsmasq gives the leases, udhcpc asks for them, Postfix sends. The record names the laptop by
//! address, MAC and the name of its lease, and so does `investigate`, with nothing of the laptop's and no capture; without the
//! bot nobody is accused.
//!
//! Needs root; says so and passes where there is none. Everything ends with the test.

use crate::record::{Recording, lines};
use lab::clock;
use lab::dns::Zone;
use lab::gateway::Gateway;
use lab::host::Host;
use lab::internet::{Internet, Provider};
use lab::mta::Mta;
use lab::notice::{self, Told};
use lab::office::{self, Stack};
use lab::sink::Manner;
use lab::world::World;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

const PUBLIC: &str = "203.0.113.82";
const LAPTOP_MAC: &str = "00:00:5e:00:53:9d";
const PROBE_MAC: &str = "00:00:5e:00:53:0b";
const SUBMISSION: &str = "198.51.100.44";
const VICTIM_SIX: &str = "2001:db8::44";
const SINK: Manner = Manner::Sink("");
const PROVIDERS: &[Provider] = &[
    (&["nordpost.example"], &[(10, "mx.nordpost.example", "192.0.2.40", SINK)]),
    (&["suedpost.example"], &[(10, "mx.suedpost.example", SUBMISSION, SINK)]),
    (&["westpost.example"], &[(10, "mx.westpost.example", "192.0.2.101", SINK)]),
    (&["ostpost.example"], &[(10, "mx.ostpost.example", "203.0.113.201", SINK)]),
];
const VICTIMS: [&str; 4] = ["192.0.2.40", SUBMISSION, "192.0.2.101", "203.0.113.201"];

/// Real software that is played with.
const NEEDED: &[&str] = &[
    "/usr/sbin/postfix",
    "/usr/sbin/dnsmasq",
    "/usr/sbin/udhcpc",
    "/usr/sbin/smtp-sink",
    "/usr/bin/perl",
    "/usr/bin/tcpdump",
];

/// What the manual tells to run where no Heloscope is.
const MANUAL: &str = include_str!("../../../../docs/router.md");

struct Office {
    router: Rc<Host>,
    server: Rc<Host>,
    probe: Rc<Host>,
    /// The leases that were there before the recorder.
    leases: PathBuf,
    _internet: Internet,
    world: World,
}

impl Office {
    fn build(folder: &Path) -> Self {
        let world = World::new().unwrap();
        let mut zone = Zone::default();
        zone.host("mail.werft.example", PUBLIC).mx("werft.example", "mail.werft.example", 10);
        let internet = Internet::build(&world, zone, PROVIDERS).unwrap();
        let provider = internet.exchanger("mx.suedpost.example").unwrap();
        provider.daemon(&["smtp-sink", "-u", "nobody", "0.0.0.0:587", "20"]).unwrap();
        let victim = internet.exchanger("mx.nordpost.example").unwrap();
        world.public_six(&victim, "eth0", VICTIM_SIX).unwrap();
        let accepts = "use IO::Socket::IP; my $l = IO::Socket::IP->new(LocalHost => '::', LocalPort => 2525, Listen => 9) or die; while (my $c = $l->accept) { close $c }";
        victim.daemon(&["perl", "-e", accepts]).unwrap();
        world.switch("br-lan82").unwrap();
        let router = Gateway {
            name: "gw",
            public: PUBLIC,
            zone: "UTC",
            inside: &[("lan0", "br-lan82", "192.168.82.1", "192.168.82.100", "192.168.82.120")],
            dnsmasq: "dhcp-host=00:00:5e:00:53:02,192.168.82.2,mail\n",
            rules: "iptables -t nat -A PREROUTING -i wan0 -p tcp --dport 25 -j DNAT --to-destination 192.168.82.2
                sysctl -qw net.ipv6.conf.lan0.disable_ipv6=0 net.ipv6.conf.wan0.disable_ipv6=0 net.ipv6.conf.all.forwarding=1
                ip -6 addr add fd82::1/64 dev lan0 nodad && ip -6 addr add 2001:db8::82/32 dev wan0 nodad
                ip6tables -t nat -A POSTROUTING -o wan0 -j MASQUERADE",
        }
        .start(&world)
        .unwrap();
        let machine =
            |name, mac| office::machine(&world, "br-lan82", name, mac, Stack::Linux).unwrap();
        let server = machine("mail", "00:00:5e:00:53:02");
        let probe = machine("probe", PROBE_MAC);
        Mta {
            hostname: "mail.werft.example",
            domains: "werft.example",
            users: &[("werft", "Brause+Lakritz3")],
            settings: "mydomain = werft.example\nsmtp_tls_security_level = none\n",
            ..Mta::default()
        }
        .start(&server)
        .unwrap();
        let leases = folder.join("dnsmasq.leases");
        std::fs::write(&leases, router.read("/var/lib/misc/dnsmasq.leases").unwrap()).unwrap();
        let office = Self { router, server, probe, leases, _internet: internet, world };
        // Its daemons are up, so that later ones are logged when they go.
        office.letters(&["ole@nordpost.example"], 1);
        office
    }

    /// Records on the router, with the right to hear packets and no other.
    fn record(&self, store: &Path) -> Recording {
        let mut command = Command::new("nsenter");
        command.args(["-n", "-t", &self.router.pid().to_string(), "--"]);
        command.args(["setpriv", "--bounding-set", "-all,+net_raw"]);
        command.args([env!("CARGO_BIN_EXE_heloscope"), "record", "--headers-only", "--leases"]);
        command.arg(&self.leases).arg("--store").arg(store);
        Recording::of(command).unwrap()
    }

    /// The manual's ring of headers, on this router's interface.
    fn ring(&self) {
        let (_, command) = MANUAL.split_once("    tcpdump ").unwrap();
        let (command, _) = command.split_once("\n\n").unwrap();
        let command = format!("tcpdump {}", command.replace("-n -i br-lan", "-U -n -i lan0"));
        self.router.daemon(&["sh", "-c", &command]).unwrap();
        let begun =
            "for i in $(seq 100); do [ -s /tmp/mail.pcap00 ] && exit 0; sleep 0.1; done; exit 1";
        self.router.sh(begun).unwrap();
    }

    /// What goes on every day: letters by the mail server, a probe of one exchanger, somebody's mail by his provider.
    fn everyday(&self, sent: usize) {
        self.letters(
            &["ole@nordpost.example", "ute@westpost.example", "jan@ostpost.example"],
            sent,
        );
        for _ in 0..4 {
            self.probe.sh(&opens("192.0.2.101", 25)).unwrap();
        }
        for _ in 0..4 {
            self.probe.sh(&mails(SUBMISSION, 587)).unwrap();
        }
    }

    /// Letters by the mail server, until so many in all have been taken.
    fn letters(&self, to: &[&str], sent: usize) {
        for to in to {
            let text = format!(
                "From: Werft <werft@werft.example>\nTo: {to}\nSubject: Angebot\n\nwie besprochen\n"
            );
            let line = ["sendmail", "-f", "werft@werft.example", "-i", to];
            assert!(self.server.spawn(&line, text.as_bytes()).unwrap().wait().unwrap().success());
        }
        let sent = format!("[ $(grep -c status=sent /var/log/mail.log) -ge {sent} ]");
        let wait = format!("for i in $(seq 150); do {sent} && exit 0; sleep 0.1; done; exit 1");
        self.server.sh(&wait).unwrap();
    }

    /// A laptop comes, asks for an address, and its bot writes to everybody.
    fn laptop(&self) -> (Rc<Host>, String) {
        let laptop =
            office::machine(&self.world, "br-lan82", "annas-laptop", LAPTOP_MAC, Stack::Linux)
                .unwrap();
        let address = office::address(&laptop).unwrap();
        let all: Vec<String> = VICTIMS.iter().chain(&VICTIMS).map(|ip| mails(ip, 25)).collect();
        laptop.sh(&all.join("\n")).unwrap();
        (laptop, address)
    }
}

/// Opens a connection, hears the greeting and leaves.
fn opens(server: &str, port: u16) -> String {
    format!(
        "perl -e 'use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => \"{server}\", PeerPort => {port}) or die; <$s>; print $s \"QUIT\\r\\n\"; <$s>'"
    )
}

/// Hands a mail over.
fn mails(server: &str, port: u16) -> String {
    format!(
        "perl -e 'use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => \"{server}\", PeerPort => {port}) or die; <$s>; for my $c (\"HELO [127.0.0.1]\", \"MAIL FROM:<a\\@b.example>\", \"RCPT TO:<c\\@d.example>\", \"DATA\", \"Subject: x\\r\\n\\r\\n\" . (\"buy \" x 300) . \"\\r\\n.\", \"QUIT\") {{ print $s \"$c\\r\\n\"; <$s> }}'"
    )
}

#[test]
fn a_router_names_the_laptop_behind_it() {
    if !crate::can_play(NEEDED) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let office = Office::build(folder.path());

    // A day without the laptop: nobody is accused.
    let store = folder.path().join("quiet");
    let recording = office.record(&store);
    office.everyday(4);
    clock::pause(1.3);
    recording.end();
    let answer = asked(&office, folder.path(), &store);
    assert_eq!(answer["causes"].as_array().unwrap().len(), 0, "{:#}", answer["causes"]);
    let probe = address(&office.probe);
    let quiet = lines(&store);
    let of_probe = passing(&quiet, &probe);
    assert_eq!(of_probe.len(), 8, "{quiet:#?}");
    for line in of_probe {
        // By the lease that was there before.
        assert_eq!((&line["name"], &line["mac"]), (&"probe".into(), &PROBE_MAC.into()), "{line:#}");
    }

    // A day with it.
    let store = folder.path().join("record");
    let recording = office.record(&store);
    assert_eq!(recording.rights(), ["0000000000000000"; 2], "nothing is kept");
    office.ring();
    let (laptop, address) = office.laptop();
    office.everyday(7);
    laptop
        .sh(&format!(
            "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
             ip -6 addr add fd82::23/64 dev eth0 nodad && ip -6 route add default via fd82::1
             {}
             ",
            opens(VICTIM_SIX, 2525),
        ))
        .unwrap();
    clock::pause(1.3);
    recording.end();

    let record = lines(&store);
    let lease = record
        .iter()
        .find(|l| l["event"] == "lease" && l["address"] == address.as_str())
        .unwrap_or_else(|| panic!("{record:#?}"));
    assert_eq!((&lease["name"], &lease["by"]), (&"annas-laptop".into(), &"dhcp".into()));
    let of_laptop = passing(&record, &address);
    assert_eq!(of_laptop.len(), 8, "each once: {record:#?}");
    for line in of_laptop {
        assert_eq!(line["outcome"], "open", "{line:#}");
        assert_eq!((&line["mac"], &line["name"]), (&LAPTOP_MAC.into(), &"annas-laptop".into()));
        assert_eq!(line["interface"], "lan0");
        let end = record
            .iter()
            .find(|l| l["event"] == "ended" && l["socket"] == line["socket"])
            .unwrap_or_else(|| panic!("{record:#?}"));
        // HELO to QUIT, as `mails` says it.
        assert_eq!(end["sent"], 1297, "{end:#}");
        assert!(end["received"].as_u64().unwrap() > 50, "{end:#}");
    }
    let six = passing(&record, "[fd82::23]");
    assert_eq!(six.len(), 1, "{record:#?}");
    assert_eq!((&six[0]["name"], &six[0]["outcome"]), (&"annas-laptop".into(), &"open".into()));
    // Inside's own alone: no line tells of the router's address.
    assert!(passing(&record, PUBLIC).is_empty(), "{record:#?}");
    let (began, last) = (&record[0], &record[record.len() - 1]);
    assert_eq!((&began["event"], &began["means"]), (&"began".into(), &"headers".into()));
    assert_eq!(last["event"], "stopped");

    // By the record; and where no Heloscope runs, by the ring and the lease file.
    let ring = folder.path().join("ring");
    std::fs::create_dir(&ring).unwrap();
    for (from, to) in
        [("/tmp/mail.pcap00", "mail.pcap00"), ("/var/lib/misc/dnsmasq.leases", "dhcp.leases")]
    {
        std::fs::write(ring.join(to), office.router.read(from).unwrap()).unwrap();
    }
    for evidence in [store, ring] {
        let answer = asked(&office, folder.path(), &evidence);
        let causes = answer["causes"].as_array().unwrap();
        let [cause] = &causes[..] else { panic!("{}: {causes:#?}", evidence.display()) };
        let culprit = &cause["culprit"];
        assert_eq!(
            (&cause["class"], &culprit["value"]),
            (&"nat-client".into(), &address.as_str().into())
        );
        assert_eq!(culprit["attrs"]["mac"], LAPTOP_MAC, "{cause:#}");
        assert_eq!(culprit["attrs"]["name"], "annas-laptop", "{cause:#}");
    }
}

/// What `investigate` says of a notice that came now, the router's record and the mail server's log.
fn asked(office: &Office, folder: &Path, store: &Path) -> Value {
    let seen = clock::now();
    let told = Told { address: PUBLIC, seen, tolerance: 15, helo: "" };
    let paths = [folder.join("notice.txt"), folder.join("mail.log"), store.to_owned()];
    std::fs::write(&paths[0], notice::cbl_2018(told, 1)).unwrap();
    std::fs::write(&paths[1], office.server.read("/var/log/mail.log").unwrap()).unwrap();
    crate::investigate(&[&paths[0], &paths[1], &paths[2]])
}

/// The connections that a client opened.
fn passing<'l>(lines: &'l [Value], client: &str) -> Vec<&'l Value> {
    let of_client = |l: &&Value| {
        l["event"] == "passing"
            && l["client"].as_str().is_some_and(|c| c.starts_with(&format!("{client}:")))
    };
    lines.iter().filter(of_client).collect()
}

fn address(host: &Host) -> String {
    office::address(host).unwrap()
}

#[test]
fn without_the_right_to_hear_packets_it_says_so() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["-n", "--", "sh", "-c"])
        .arg("ip link add lan0 type veth peer name far0 && ip addr add 192.168.9.1/24 dev lan0 && ip link set lan0 up && exec setpriv --bounding-set -net_raw \"$@\"")
        .args(["sh", env!("CARGO_BIN_EXE_heloscope"), "record", "--headers-only", "--store"])
        .arg(folder.path().join("record"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(77), "{}", crate::stderr(&output));
    assert!(crate::stderr(&output).contains("CAP_NET_RAW"), "{}", crate::stderr(&output));
}
