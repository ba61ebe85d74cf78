//! The whole of Heloscope as one story, between network namespaces with real software: an infected
//! machine and a real Postfix share an office's public address; the machine mails the trap; the list
//! lists the address; its notice and the gateway's capture name the machine; removal, relapse, refusal,
//! cure; DNS forgets, and it stays forgotten.
//!
//! Needs root; says so and passes where there is none. Everything ends with the test.

use lab::dns::Zone;
use lab::gateway::Gateway;
use lab::host::Host;
use lab::internet::{Internet, Provider};
use lab::mta::Mta;
use lab::office::{self, Stack};
use lab::sink::Manner;
use lab::world::{DNS, World};
use lab::{capture, clock};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The office's public address, and the list's.
const OFFICE: &str = "203.0.113.77";
const LIST: &str = "198.51.100.25";
/// A trap domain; and one that people reach by a slip of the finger.
const TRAP: &str = "never-was.example";
const TYPO: &str = "gnail.example";
/// Other people's exchangers: letters go there, and the bot mails whom it finds.
const PROVIDERS: &[Provider] = &[
    (&["nordpost.example"], &[(10, "mx.nordpost.example", "198.51.100.34", Manner::Plain)]),
    (&["suedpost.example"], &[(10, "mx.suedpost.example", "192.0.2.44", Manner::Sink(""))]),
];
/// A lock-out is a day; here it is seconds.
const LOCKOUT_S: u64 = 15;

/// The office: who stands behind its address.
struct Office {
    gateway: Rc<Host>,
    server: Rc<Host>,
    infected: Rc<Host>,
    /// The infected machine's address inside, and those of the others.
    culprit: String,
    others: Vec<String>,
}

impl Office {
    fn build(world: &World) -> Self {
        world.switch("br-lan").unwrap();
        let gateway = Gateway {
            name: "gateway",
            public: OFFICE,
            zone: "UTC",
            inside: &[("lan0", "br-lan", "192.168.40.1", "192.168.40.50", "192.168.40.90")],
            dnsmasq: "domain=brandt.lan\ndhcp-host=00:00:5e:00:53:02,192.168.40.2,post\n",
            rules: "",
        }
        .start(world)
        .unwrap();
        let machine =
            |name, mac, stack| office::machine(world, "br-lan", name, mac, stack).unwrap();
        let server = machine("post", "00:00:5e:00:53:02", Stack::Linux);
        let infected = machine("empfang-pc", "00:00:5e:00:53:51", Stack::Windows);
        let other = machine("lager-pc", "00:00:5e:00:53:52", Stack::Windows);
        Mta {
            hostname: "mail.brandt.example",
            domains: "brandt.example",
            users: &[("brandt", "Ziegel-und-Mehl1")],
            networks: "127.0.0.0/8 192.168.40.0/24",
            settings: "mydomain = brandt.example\n",
            ..Mta::default()
        }
        .start(&server)
        .unwrap();
        let bots = crate::root().join("lab/senders/bots");
        for script in ["wire.py", BOT] {
            let text = std::fs::read(bots.join(script)).unwrap();
            infected.write(&format!("/opt/bot/{script}"), text, 0o644).unwrap();
        }
        let address = |host: &Rc<Host>| office::address(host).unwrap();
        let others = vec![address(&server), address(&other)];
        Self { culprit: address(&infected), others, gateway, server, infected }
    }

    /// The bot mails the trap once; by when it was through.
    #[allow(clippy::disallowed_methods)] // what is measured
    fn bot(&self, seed: u32) -> Instant {
        self.bot_mails(seed, LIST, TRAP);
        Instant::now()
    }

    fn bot_mails(&self, seed: u32, server: &str, domain: &str) {
        let line = format!(
            "cd /opt/bot && python3 {BOT} --count 1 --seed {seed} --address {OFFICE} --server {server} --domain {domain}"
        );
        self.infected.sh(&line).unwrap();
    }

    /// The real mail server writes a letter; it is there when the trap has taken it.
    fn letter(&self, to: &str) {
        let text = format!(
            "From: Brandt <brandt@brandt.example>\nTo: {to}\nSubject: Angebot\n\nGuten Tag,\nanbei das Angebot.\n"
        );
        let mut child = self
            .server
            .spawn(&["sendmail", "-f", "brandt@brandt.example", "-i", to], text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        let sent = format!("to=<{to}>, relay=mx.");
        let log = until(Duration::from_secs(30), "the letter's delivery", || {
            let log = self.server.sh("cat /var/log/mail.log").unwrap();
            let log = String::from_utf8_lossy(&log).into_owned();
            let delivered = |l: &str| l.contains(&sent) && l.contains("status=sent");
            log.lines().any(delivered).then_some(log)
        });
        assert!(!log.contains("status=bounced"), "{log}");
    }

    /// What `dig` says of the office's address, asked from the office.
    fn dig(&self, kind: &str) -> String {
        let name: Vec<&str> = OFFICE.split('.').rev().collect();
        let line =
            format!("dig +short +tries=1 +time=2 @{LIST} {}.bl.example {kind}", name.join("."));
        String::from_utf8(self.server.sh(&line).unwrap()).unwrap().trim().to_owned()
    }

    /// Asks until the zone says `wanted`; how long that was after `since`.
    fn dns_says(&self, wanted: &str, since: Instant) -> Duration {
        until(Duration::from_secs(5), &format!("{wanted:?} in DNS"), || {
            let said = self.dig("A");
            (said == wanted).then(|| since.elapsed())
        })
    }

    fn http(&self, method: &str, path: &str) -> (u16, String) {
        let line = format!("curl -sS -m 10 -X {method} -w '\\n%{{http_code}}' http://{LIST}{path}");
        let said = String::from_utf8(self.server.sh(&line).unwrap()).unwrap();
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    fn api(&self) -> Value {
        let (status, said) = self.http("GET", &format!("/api/v1/addresses/{OFFICE}"));
        assert_eq!(status, 200, "{said}");
        serde_json::from_str(&said).unwrap()
    }

    fn is_listed(&self) -> bool {
        let (listed, said) = (self.api()["listed"] == true, self.dig("A"));
        assert_eq!(said.is_empty(), !listed, "DNS and pages agree");
        listed
    }

    /// Asks for removal; when the answer was there.
    #[allow(clippy::disallowed_methods)] // what is measured
    fn removal(&self) -> (u16, Value, Instant) {
        let (status, said) = self.http("POST", &format!("/api/v1/addresses/{OFFICE}/removal"));
        (status, serde_json::from_str(&said).unwrap(), Instant::now())
    }

    /// Asks again each time when the list said, until it is granted; when that was.
    fn removal_when_it_may_be(&self) -> Instant {
        for _ in 0..4 {
            let (status, said, asked) = self.removal();
            match (status, said["retry_after_s"].as_f64()) {
                (200, None) => return asked,
                (409, Some(wait)) => clock::pause(wait),
                _ => panic!("{status} {said}"),
            }
        }
        panic!("the lock-out does not end");
    }
}

/// A bot of class A that mails: it loses count of the replies.
const BOT: &str = "headers_as_commands.py";
const DETECTOR: &str = "headers-as-commands";

/// The list, in a namespace of its own.
struct List {
    process: Child,
    _host: Rc<Host>,
}

impl List {
    fn start(world: &World, folder: &Path) -> Self {
        let host = world.public("list", LIST, "UTC").unwrap();
        let config = folder.join("serve.toml");
        let state = folder.join("state");
        let mut file = std::fs::File::create(&config).unwrap();
        write!(
            file,
            r#"state = {state:?}
zone = "bl.example"
lab = true
[trap]
listen = ["{LIST}:25"]
name = "mx.{TRAP}"
[trap.domains]
"{TRAP}" = "never-used"
"{TYPO}" = "typo"
[dns]
listen = ["{LIST}:53"]
[web]
listen = ["{LIST}:80", "{LIST}:8080"]
url = "http://{LIST}"
[ledger]
lockout_s = {LOCKOUT_S}
[look-ups]
resolvers = ["{DNS}:53"]
"#
        )
        .unwrap();
        // Only the network is the other's: binary and folder stand where the test has them.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "nsenter", "-n", "-t", &host.pid().to_string(), "--"])
            .arg(env!("CARGO_BIN_EXE_heloscope"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready: Vec<String> = lines.take(4).map(|line| line.unwrap()).collect();
        assert_eq!(ready[0], format!("ready trap {LIST}:25"));
        assert_eq!(ready[3], format!("ready web {LIST}:8080"));
        Self { process, _host: host }
    }

    /// Ends it as its supervisor would.
    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for List {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Tries until there is an answer.
#[allow(clippy::disallowed_methods)] // a bound on waiting
fn until<T>(within: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < within, "no sign of {what}");
        clock::pause(0.1);
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_infected_machine_is_listed_found_cured_and_stays_forgotten() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = World::new().unwrap();
    let mut zone = Zone::default();
    zone.host("mail.brandt.example", OFFICE).mx("brandt.example", "mail.brandt.example", 10);
    zone.host(&format!("mx.{TRAP}"), LIST);
    zone.mx(TRAP, &format!("mx.{TRAP}"), 10).mx(TYPO, &format!("mx.{TRAP}"), 10);
    let _internet = Internet::build(&world, zone, PROVIDERS).unwrap();
    let list = List::start(&world, folder.path());
    let office = Office::build(&world);
    let wire = capture::pcap(&office.gateway, "any", "tcp port 25", "gateway.pcap").unwrap();

    // A real mail server's letter to a mistyped address lists nobody.
    office.letter("ole@nordpost.example");
    office.letter(&format!("anna@{TYPO}"));
    assert!(!office.is_listed());

    // The infected machine mails the trap: the address that both share is listed.
    for (seed, domains) in [(11, PROVIDERS[0]), (12, PROVIDERS[1])] {
        office.bot_mails(seed, domains.1[0].2, domains.0[0]);
    }
    let took = office.dns_says("127.0.0.4", office.bot(1));
    println!("listed in DNS {took:?} after the session's end");
    assert!(took < SECOND, "listed only {took:?} after the session's end");
    assert!(
        office.dig("TXT").contains(&format!("http://{LIST}/lookup/{OFFICE}")),
        "{}",
        office.dig("TXT")
    );
    let said = office.api();
    let detectors = said["listings"][0]["detectors"].as_array().unwrap();
    assert!(said["listed"] == true && detectors.contains(&DETECTOR.into()), "{said}");
    office.letter(&format!("bertha@{TYPO}"));

    the_notice_names_the_machine(&office, &wire, folder.path());

    // A first removal is granted at once, and DNS forgets.
    let (status, said, asked) = office.removal();
    assert_eq!((status, &said["granted"]), (200, &true.into()), "{said}");
    let took = office.dns_says("", asked);
    println!("forgotten by DNS {took:?} after the removal");
    assert!(took < SECOND, "forgotten only after {took:?}");

    // It still sends, and removal is refused until the lock-out has run out without a detection.
    office.dns_says("127.0.0.4", office.bot(2));
    assert_eq!(office.api()["listings"][0]["times_listed"], 2);
    let (status, said, refused) = office.removal();
    assert_eq!((status, &said["granted"]), (409, &false.into()), "{said}");
    let wait = said["retry_after_s"].as_u64().unwrap();
    assert!((1..=LOCKOUT_S).contains(&wait), "{said}");
    assert!(said["reason"].as_str().unwrap().contains("detected again"), "{said}");
    assert!(office.is_listed());

    // The machine is shut off: it still tries, and reaches nobody.
    let shut = format!("iptables -I FORWARD -s {} -p tcp --dport 25 -j REJECT", office.culprit);
    office.gateway.sh(&shut).unwrap();
    office.bot(3);
    let granted = office.removal_when_it_may_be();
    let locked = granted.duration_since(refused).as_secs();
    assert!(locked + 1 >= wait, "granted {locked} s later, {wait} s were said");
    let took = office.dns_says("", granted);
    println!("forgotten by DNS {took:?} after the last removal");
    assert!(took < SECOND, "forgotten only after {took:?}");

    // It stays forgotten: the mail server goes on writing, the list's clock goes on.
    office.bot(4);
    office.letter(&format!("carla@{TYPO}"));
    for _ in 0..6 {
        assert!(!office.is_listed());
        clock::pause(0.5);
    }
    let said = office.api();
    let history: Vec<&str> =
        said["history"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(history, ["removed", "refused", "listed", "removed", "listed"]);
    let (_, page) = office.http("GET", &format!("/lookup/{OFFICE}"));
    for (told, times) in [("removed on request", 2), ("removal refused", 1), ("listed", 2)] {
        let row = format!("<td>{told}</td>");
        assert_eq!(page.matches(&row).count(), times, "{told}: {page}");
    }
    list.stop();
}

/// What the administrator has, with the list's notice, in a folder: the cause is the machine and not
/// the mail server.
fn the_notice_names_the_machine(office: &Office, wire: &capture::Capture, folder: &Path) {
    let evidence = folder.join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    let (status, notice) = office.http("GET", &format!("/lookup/{OFFICE}/notice.txt"));
    assert_eq!(status, 200);
    clock::pause(1.2); // the kernel hands packets over in blocks, the last one after a second
    capture::end(&office.gateway, wire).unwrap();
    let said = |host: &Rc<Host>, line| host.sh(line).unwrap();
    for (name, content) in [
        ("notice.txt", notice.into_bytes()),
        ("gateway.pcap", office.gateway.read(&wire.path).unwrap()),
        ("dnsmasq.leases", office.gateway.read("/var/lib/misc/dnsmasq.leases").unwrap()),
        ("iptables-save.txt", said(&office.gateway, "iptables-save -c")),
        ("mail.log", office.server.read("/var/log/mail.log").unwrap()),
        ("postconf-n.txt", said(&office.server, "postconf -n")),
        (
            "site.toml",
            format!(
                "addresses = [\"{OFFICE}\"]\nnetworks = [\"192.168.40.0/24\"]\nmta = [\"postfix\"]\nhelo = [\"mail.brandt.example\"]\n"
            )
            .into_bytes(),
        ),
    ] {
        std::fs::write(evidence.join(name), content).unwrap();
    }
    let answer = crate::investigate(&[&evidence]);
    assert_eq!(answer["verdict"], "cause-found", "{answer:#}");
    assert_eq!(answer["causes"].as_array().unwrap().len(), 1, "{answer:#}");
    let cause = &answer["causes"][0];
    assert_eq!(cause["class"], "nat-client", "{answer:#}");
    assert_eq!(cause["culprit"]["kind"], "host", "{answer:#}");
    assert_eq!(cause["culprit"]["value"], office.culprit.as_str(), "{answer:#}");
    assert!(!office.others.contains(&office.culprit));
}
