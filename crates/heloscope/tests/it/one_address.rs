//! One server with everything that can send behind one address, all real: Postfix, php-fpm, cron, a bot under Postfix's user, an
//! SSH login, a container, a VPN client, a machine behind its NAT. What they do is played here; who is named for it is the tests' to
//! say: `witness` of `heloscope record`, `watch_story` of `heloscope watch`, `guard_story` of `heloscope guard`.
//!
//! Needs root and real software; [`Scene::or_why_not`] says what is missing. Everything ends with the scene.

use lab::container::{self, Network};
use lab::dns::Zone;
use lab::host::Host;
use lab::internet::{Internet, Provider};
use lab::mta::Mta;
use lab::sink::Manner;
use lab::tunnel::{self, End};
use lab::web::{self, Site};
use lab::world::World;
use std::rc::Rc;

pub(crate) const SERVER: &str = "203.0.113.81";
const PHONE: &str = "198.51.100.71";
const STRANGER: &str = "192.0.2.177";
pub(crate) const EXCHANGER: &str = "198.51.100.34";
/// Who listens for the others; bare SMTP.
pub(crate) const VICTIM: &str = "192.0.2.44";
const PROVIDERS: &[Provider] = &[
    (&["nordpost.example"], &[(10, "mx.nordpost.example", EXCHANGER, Manner::Plain)]),
    (&["suedpost.example"], &[(10, "mx.suedpost.example", VICTIM, Manner::Sink(""))]),
];
const CONTAINERS: Network =
    Network { bridge: "br-app", gateway: "172.29.0.1", cidr: "172.29.0.0/16" };
pub(crate) const CONTAINER: &str = "172.29.0.7";
const LAN: &str = "192.168.87.1";
pub(crate) const LAPTOP: &str = "192.168.87.23";
pub(crate) const LAPTOP_MAC: &str = "00:00:5e:00:53:87";
pub(crate) const IN_TUNNEL: &str = "10.87.0.2";
pub(crate) const ROOT: &str = "/var/www/kiosk";
pub(crate) const SCRIPT: &str = "/var/www/kiosk/media/2026/.cache/img-resize.php";
pub(crate) const CRON_SCRIPT: &str = "/tmp/.font-unix/.x/cache.pl";
pub(crate) const BOT: &str = "/var/tmp/.m/smtp";

/// What the planted programs do: the script sends a mail, the others hold a connection for a moment.
pub(crate) const PHP: &str = r#"<?php
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
pub(crate) struct Scene {
    pub(crate) server: Rc<Host>,
    pub(crate) app: Rc<Host>,
    laptop: Rc<Host>,
    phone: Rc<Host>,
    stranger: Rc<Host>,
    _internet: Internet,
    _world: World,
}

impl Scene {
    /// Builds it; none where root or software is missing, which is said.
    pub(crate) fn or_why_not() -> Option<Self> {
        crate::can_play(NEEDED).then(Self::build)
    }

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

    /// A stranger calls the planted script; it has sent when this returns.
    pub(crate) fn call_the_script(&self) {
        let call = format!(
            "curl -sS -m 20 -H 'Host: www.kiosk.example' http://{SERVER}{}",
            SCRIPT.strip_prefix(ROOT).unwrap()
        );
        assert_eq!(self.stranger.sh(&call).unwrap(), b"done");
    }

    /// All who send past Postfix, but for the script.
    pub(crate) fn the_others(&self) {
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
        for (_, host) in self.behind() {
            host.sh(&self.as_anybody()).unwrap();
        }
    }

    /// The machines whose connections leave by the server.
    pub(crate) fn behind(&self) -> [(&'static str, &Host); 3] {
        [("the container", &self.app), ("the laptop", &self.laptop), ("the phone", &self.phone)]
    }

    /// A command that opens a connection past Postfix, and fails where it cannot.
    pub(crate) fn as_anybody(&self) -> String {
        format!("timeout 5 perl -e '{}'", quit("x"))
    }

    /// The same, under a user of the server.
    pub(crate) fn as_user(&self, user: &str) -> String {
        format!("setpriv --reuid {user} --clear-groups {}", self.as_anybody())
    }

    /// The real mail server writes a letter; it is there when the exchanger has taken it.
    pub(crate) fn letter(&self, to: &str) {
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
    pub(crate) fn netns(&self, host: &Host) -> u64 {
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
