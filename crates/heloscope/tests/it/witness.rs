//! One server with everything that can send behind one address, all real: Postfix, php-fpm, cron, a bot under Postfix's user, an
//! SSH login, a container, a VPN client, a machine behind its NAT. Each opens connections; the recorder names each, down to
//! script and inside address, and the Postfix beside them is nobody but Postfix.
//!
//! Needs root; says so and passes where there is none. Everything ends with the test.

use crate::record::Recording;
use lab::clock;
use lab::container::{self, Network};
use lab::dns::Zone;
use lab::host::Host;
use lab::internet::{Internet, Provider};
use lab::mta::Mta;
use lab::sink::Manner;
use lab::tunnel::{self, End};
use lab::web::{self, Site};
use lab::world::World;
use serde_json::Value;
use std::path::Path;
use std::rc::Rc;

const SERVER: &str = "203.0.113.81";
const PHONE: &str = "198.51.100.71";
const STRANGER: &str = "192.0.2.177";
const EXCHANGER: &str = "198.51.100.34";
/// Who listens for the others; bare SMTP.
const VICTIM: &str = "192.0.2.44";
const PROVIDERS: &[Provider] = &[
    (&["nordpost.example"], &[(10, "mx.nordpost.example", EXCHANGER, Manner::Plain)]),
    (&["suedpost.example"], &[(10, "mx.suedpost.example", VICTIM, Manner::Sink(""))]),
];
const CONTAINERS: Network =
    Network { bridge: "br-app", gateway: "172.29.0.1", cidr: "172.29.0.0/16" };
const CONTAINER: &str = "172.29.0.7";
const LAN: &str = "192.168.87.1";
const LAPTOP: &str = "192.168.87.23";
const LAPTOP_MAC: &str = "00:00:5e:00:53:87";
const IN_TUNNEL: &str = "10.87.0.2";
const ROOT: &str = "/var/www/kiosk";
const SCRIPT: &str = "/var/www/kiosk/media/2026/.cache/img-resize.php";
const CRON_SCRIPT: &str = "/tmp/.font-unix/.x/cache.pl";
const BOT: &str = "/var/tmp/.m/smtp";

/// What the planted programs do: the script sends a mail, the others hold a connection for a moment.
const PHP: &str = r#"<?php
$s = fsockopen('192.0.2.44', 25);
foreach (['EHLO [127.0.0.1]', 'MAIL FROM:<ada@kiosk.example>', 'RCPT TO:<otto@suedpost.example>', 'DATA', "Subject: win\r\n\r\nwin\r\n.", 'QUIT'] as $line) {
    fread($s, 4096);
    fputs($s, "$line\r\n");
}
usleep(300000);
echo 'done';"#;
const PERL: &str = "use IO::Socket::INET; $0 = '/usr/sbin/apache2 -k start'; my $s = IO::Socket::INET->new(PeerAddr => '192.0.2.44', PeerPort => 25) or die; print $s \"QUIT\\r\\n\"; sleep 1;";

/// Real software that is played with.
const NEEDED: &[&str] = &[
    "/usr/sbin/postfix",
    "/usr/sbin/apache2",
    "/usr/sbin/php-fpm8.2",
    "/usr/sbin/cron",
    "/usr/sbin/sshd",
    "/usr/bin/sshpass",
    "/usr/bin/wireguard-go",
    "/usr/bin/wg",
];

/// All the hosts, alive while this is.
struct Scene {
    server: Rc<Host>,
    app: Rc<Host>,
    laptop: Rc<Host>,
    phone: Rc<Host>,
    stranger: Rc<Host>,
    _internet: Internet,
    _world: World,
}

impl Scene {
    fn build() -> Self {
        let world = World::new().unwrap();
        let mut zone = Zone::default();
        zone.host("mail.kiosk.example", SERVER).mx("kiosk.example", "mail.kiosk.example", 10);
        let internet = Internet::build(&world, zone, PROVIDERS).unwrap();
        let server = world.public("kiosk", SERVER, "UTC").unwrap();
        world.switch("br-lan87").unwrap();
        world.plug(&server, "lan0", "br-lan87", "").unwrap();
        let laptop = world.host("laptop", "UTC").unwrap();
        world.plug(&laptop, "eth0", "br-lan87", LAPTOP_MAC).unwrap();
        laptop
            .sh(&format!("ip addr add {LAPTOP}/24 dev eth0 && ip route add default via {LAN}"))
            .unwrap();
        container::network(&server, CONTAINERS).unwrap();
        server
            .sh(&format!(
                "ip addr add {LAN}/24 dev lan0
                 iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
                 iptables -I FORWARD -i lan0 -j ACCEPT; iptables -I FORWARD -i wg0 -j ACCEPT
                 iptables -I FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT"
            ))
            .unwrap();
        let app = container::container(&world, &server, CONTAINERS, "app", CONTAINER).unwrap();
        let phone = world.public("phone", PHONE, "UTC").unwrap();
        tunnel::wireguard(
            End { host: &server, address: "10.87.0.1", public: SERVER },
            &[End { host: &phone, address: IN_TUNNEL, public: PHONE }],
        )
        .unwrap();
        let stranger = world.public("stranger", STRANGER, "UTC").unwrap();
        Mta {
            hostname: "mail.kiosk.example",
            domains: "kiosk.example",
            users: &[("kiosk", "Brause+Lakritz3")],
            settings: "mydomain = kiosk.example\n",
            ..Mta::default()
        }
        .start(&server)
        .unwrap();
        server
            .sh("useradd -m kiosksite; useradd -m -s /bin/sh wartung && echo wartung:wartung1 | chpasswd")
            .unwrap();
        server.write(&format!("{ROOT}/index.php"), "<?php echo 'Kiosk';", 0o644).unwrap();
        server.write(SCRIPT, PHP, 0o644).unwrap();
        let site =
            Site { name: "www.kiosk.example", root: ROOT, user: "kiosksite", log: "kiosk.log" };
        web::start(&server, &[site], "").unwrap();
        server.write(CRON_SCRIPT, PERL, 0o644).unwrap();
        // What cron runs once, when it starts.
        server
            .write("/etc/cron.d/fonts", format!("@reboot www-data perl {CRON_SCRIPT}\n"), 0o644)
            .unwrap();
        server
            .sh(&format!("mkdir -p /var/tmp/.m && cp $(readlink -f /usr/bin/perl) {BOT}"))
            .unwrap();
        server
            .sh("ssh-keygen -A >/dev/null; mkdir -p /run/sshd; /usr/sbin/sshd -o PasswordAuthentication=yes -o UsePAM=no")
            .unwrap();
        Self { server, app, laptop, phone, stranger, _internet: internet, _world: world }
    }

    /// Everybody sends, one after the other; each is over when this returns.
    fn play(&self) {
        self.letter("ole@nordpost.example");
        let call = format!(
            "curl -sS -m 20 -H 'Host: www.kiosk.example' http://{SERVER}{}",
            SCRIPT.strip_prefix(ROOT).unwrap()
        );
        assert_eq!(self.stranger.sh(&call).unwrap(), b"done");
        self.server.daemon(&["cron", "-f"]).unwrap();
        let bot = format!(
            "setpriv --reuid postfix --regid postfix --clear-groups {BOT} -e '{}'",
            quit("smtp -t unix -u")
        );
        self.server.sh(&bot).unwrap();
        let tunnel = format!(
            "printf 'EHLO x\\r\\nQUIT\\r\\n' | timeout 20 sshpass -p wartung1 ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -W {VICTIM}:25 wartung@{SERVER}; true"
        );
        self.stranger.sh(&tunnel).unwrap();
        for host in [&self.app, &self.laptop, &self.phone] {
            host.sh(&format!("perl -e '{}'", quit("x"))).unwrap();
        }
        self.letter("bertha@nordpost.example");
    }

    /// The real mail server writes a letter; it is there when the exchanger has taken it.
    fn letter(&self, to: &str) {
        let text = format!(
            "From: Kiosk <kiosk@kiosk.example>\nTo: {to}\nSubject: Lieferung\n\nwie immer\n"
        );
        let line = ["sendmail", "-f", "kiosk@kiosk.example", "-i", to];
        assert!(self.server.spawn(&line, text.as_bytes()).unwrap().wait().unwrap().success());
        let sent = format!("grep -q 'to=<{to}>.*status=sent' /var/log/mail.log");
        let wait = format!("for i in $(seq 150); do {sent} && exit 0; sleep 0.2; done; exit 1");
        self.server.sh(&wait).unwrap();
    }

    /// The network namespaces that the server's own kernel would have: its own and its container's.
    fn netns(&self, host: &Host) -> u64 {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(format!("/proc/{}/ns/net", host.pid())).unwrap().ino()
    }
}

/// A perl text that opens a connection under a name of its choice.
fn quit(name: &str) -> String {
    format!(
        "use IO::Socket::INET; $0 = \"{name}\"; my $s = IO::Socket::INET->new(PeerAddr => \"{VICTIM}\", PeerPort => 25) or die; print $s \"QUIT\\r\\n\"; <$s>;"
    )
}

#[test]
fn each_sender_behind_one_address_is_named() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let missing = NEEDED.iter().find(|path| !Path::new(path).exists());
    if let Some(path) = missing {
        println!("skipped: needs {path} (the packages that test.sh installs)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let scene = Scene::build();
    let Some(recording) = Recording::within(scene.server.pid(), &store) else { return };
    scene.play();
    clock::pause(1.5);
    recording.end();

    let lines = crate::record::lines(&store);
    let of_host = |host: &Host| {
        let netns = scene.netns(host);
        lines.iter().filter(move |l| l["event"] == "connection" && l["netns"] == netns)
    };
    let own: Vec<&Value> = of_host(&scene.server).collect();
    let to_victim: Vec<&&Value> =
        own.iter().filter(|l| l["server"] == format!("{VICTIM}:25").as_str()).collect();

    // The planted script under php-fpm: by its file, and by the pool's user.
    let php = the_one(&to_victim, |l| text(&l["process"]["exe"]).contains("php-fpm"));
    assert_eq!(php["script"], SCRIPT, "{php:#}");
    assert_eq!(php["process"]["uid"], uid(&scene.server, "kiosksite"));

    // The script that cron started, whatever it calls itself.
    let perl = the_one(&to_victim, |l| l["script"] == CRON_SCRIPT);
    assert_eq!(perl["process"]["comm"], "/usr/sbin/apach", "{perl:#}");
    assert!(text(&perl["process"]["exe"]).starts_with("/usr/bin/perl"), "{perl:#}");
    let ancestors: Vec<&str> =
        perl["ancestors"].as_array().unwrap().iter().map(|a| text(&a["comm"])).collect();
    assert!(ancestors.contains(&"cron"), "{perl:#}");

    // The bot that runs as Postfix's user, and is none of its programs.
    let postfix = uid(&scene.server, "postfix");
    let bot = the_one(&to_victim, |l| l["process"]["uid"] == postfix);
    assert_eq!(bot["process"]["exe"], BOT, "{bot:#}");

    // The tunnel: sshd, with the rights of the account.
    let wartung = uid(&scene.server, "wartung");
    let tunnel = the_one(&to_victim, |l| l["process"]["uid"] == wartung);
    assert!(text(&tunnel["process"]["exe"]).ends_with("/sshd"), "{tunnel:#}");
    assert_eq!(to_victim.len(), 4, "nobody else wrote there: {to_victim:#?}");

    // Postfix is Postfix: every letter, and nobody else at the exchanger.
    let letters: Vec<&&Value> =
        own.iter().filter(|l| l["server"] == format!("{EXCHANGER}:25").as_str()).collect();
    assert!(letters.len() >= 2, "{own:#?}");
    for letter in letters {
        assert_eq!(letter["process"]["exe"], "/usr/lib/postfix/sbin/smtp", "{letter:#}");
        assert_eq!(letter["process"]["uid"], postfix);
    }

    // What passed through, with who stands behind it.
    let passing = |client: &str| {
        let of_client = |l: &&Value| {
            l["event"] == "passing" && text(&l["client"]).starts_with(&format!("{client}:"))
        };
        let found: Vec<&Value> = lines.iter().filter(of_client).collect();
        assert_eq!(found.len(), 1, "{client}: {lines:#?}");
        assert_eq!(found[0]["server"], format!("{VICTIM}:25").as_str());
        assert!(text(&found[0]["translated"]).starts_with(SERVER), "{:#}", found[0]);
        found[0].clone()
    };
    assert_eq!(passing(LAPTOP)["mac"], LAPTOP_MAC);
    passing(CONTAINER);
    passing(IN_TUNNEL);
    // A container's processes are this kernel's own: named as well.
    let inside: Vec<&Value> = of_host(&scene.app).collect();
    assert!(
        matches!(inside[..], [one] if text(&one["process"]["exe"]).contains("perl")),
        "{inside:#?}"
    );

    the_record_answers_the_notice(&scene, php, &lines, folder.path());
}

/// The administrator has the notice, his mail log, his web root and the record, and no capture: the script is named.
fn the_record_answers_the_notice(scene: &Scene, php: &Value, lines: &[Value], folder: &Path) {
    let evidence = folder.join("evidence");
    // His kernel knows the server and its container; the others are machines of their own here, too.
    let seen = [scene.netns(&scene.server), scene.netns(&scene.app)];
    let until = text(&php["start"]);
    let his: String = lines
        .iter()
        .filter(|l| {
            l["event"] != "connection" || l["netns"].as_u64().is_some_and(|n| seen.contains(&n))
        })
        .filter(|l| l["start"].as_str().or(l["time"].as_str()).is_none_or(|at| at <= until))
        .map(|l| format!("{l}\n"))
        .collect();
    let notice = format!(
        "IP Address {SERVER} is listed in the CBL. It was last detected at {} UTC (+/- 5 minutes). This host HELOed as [127.0.0.1]\n",
        until.get(..16).unwrap().replace('T', " ")
    );
    let site = format!(
        "addresses = [\"{SERVER}\"]\nmta = [\"postfix\"]\nhelo = [\"mail.kiosk.example\"]\n"
    );
    let files = [
        ("notice.txt", notice.into_bytes()),
        ("record.jsonl", his.into_bytes()),
        ("mail.log", scene.server.read("/var/log/mail.log").unwrap()),
        ("access.log", scene.server.read("/var/log/apache2/kiosk.log").unwrap()),
        ("site.toml", site.into_bytes()),
        (&format!("{ROOT}/index.php")[1..], b"<?php echo 'Kiosk';".to_vec()),
        (&SCRIPT[1..], PHP.as_bytes().to_vec()),
    ];
    for (name, content) in files {
        let path = evidence.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let answer = crate::investigate(&[&evidence]);
    assert_eq!(answer["causes"][0]["culprit"]["value"], SCRIPT, "{answer:#}");
    assert_eq!(answer["causes"].as_array().unwrap().len(), 1, "{answer:#}");
    assert_eq!(answer["causes"][0]["class"], "compromised-site", "{answer:#}");
}

/// The only one.
fn the_one<'l>(lines: &[&&'l Value], is_it: impl Fn(&Value) -> bool) -> &'l Value {
    let found: Vec<&&&Value> = lines.iter().filter(|l| is_it(l)).collect();
    assert_eq!(found.len(), 1, "{lines:#?}");
    found[0]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn uid(host: &Host, name: &str) -> u64 {
    String::from_utf8(host.sh(&format!("id -u {name}")).unwrap()).unwrap().trim().parse().unwrap()
}
