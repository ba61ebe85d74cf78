//! The washer's game over the whole list, by its own clock. He mails a thousand recipients, each in one session from an
//! address of its own and in every manner that a session can have, and then reads all that the public is
//! given, for a month: DNS with the serial, the texts, the pages, the notices, the API, the statistics,
//! the files for rbldnsd, and as the owner of all his addresses what owners are told.
//!
//! Two lists with one key and one clock are played. In the one every other recipient is a trap, in the
//! other nobody is. He sees the same of both, byte for byte: whatever he infers, he is right of as many
//! recipients as by chance. (`tests/it/washer.rs` has the trap's own answers and their timing.)

use super::config::{Config, Detect, LookUps};
use super::histories::Histories;
use super::names::Names;
use super::publish;
use super::station::Station;
use heloscope_detect::{Dialects, Surroundings};
use heloscope_dnsbl::{Table, Transport, Zones, rbldnsd};
use heloscope_ledger::Ledger;
use heloscope_model::session::EndState;
use heloscope_model::sighting::{Receiver, TrapHit, TrapKind};
use heloscope_model::{Octets, Place, Session, Sighting, SourceId, Time};
use heloscope_smtp::{Limits, Machine, Side};
use heloscope_web::{Rate, Rim, Site, State};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const RECIPIENTS: u32 = 1000;
const START: i64 = 1_790_000_000;

/// His addresses: one a recipient, all of the ordinary Internet.
fn address(n: u32) -> IpAddr {
    match n % 5 {
        // Many of one IPv6 network, which has its own rules.
        4 => IpAddr::from(
            (0x2a00_1450_u128 << 96 | u128::from(n / 50) << 64 | u128::from(n)).to_be_bytes(),
        ),
        _ => IpAddr::from((0x0907_0000 + n * 7).to_be_bytes()),
    }
}

/// What he says before and after the recipient: nothing odd, or what detectors of every class look for.
const MANNERS: [(&str, &str, &[&str], EndState); 6] = [
    ("EHLO mail.washer.example", "MAIL FROM:<anna@washer.example>", &["QUIT"], EndState::Quit),
    ("HELO washer", "MAIL FROM:<anna@washer.example>", &["QUIT"], EndState::Quit),
    ("HELO localhost", "MAIL FROM:<anna@washer.example>", &["QUIT"], EndState::Quit),
    ("HELO localhost", "MAIL FROM:<anna@washer.example>", &[], EndState::Close),
    ("EHLO ylmf-pc", "MAIL FROM:<anna@washer.example>", &["QUIT"], EndState::Quit),
    (
        "HELO 9.7.1.2",
        "MAIL FROM:<anna@washer.example>",
        &["Subject: hello", "QUIT"],
        EndState::Quit,
    ),
];

/// One session to one recipient, as the trap would have seen it.
fn session(n: u32, recipients: &[String], trap: bool, at: Time) -> Sighting {
    let (helo, from, rest, end_state) = MANNERS[n as usize % MANNERS.len()];
    let (mut machine, mut clock) = (Machine::new(&Limits::default()), at);
    let mut say = |side, line: &str| {
        machine.feed(side, clock, format!("{line}\r\n").as_bytes());
        clock = clock.plus_secs(0.1);
    };
    say(Side::Server, "220 mx.bl.example ESMTP");
    let to = recipients.iter().map(|to| format!("RCPT TO:<{to}>"));
    let lines = [helo.to_owned(), from.to_owned()].into_iter().chain(to);
    for line in lines.chain(rest.iter().map(|&line| line.to_owned())) {
        say(Side::Client, &line);
        let answer = match line.split(' ').next() {
            Some("QUIT") => "221 2.0.0 Bye",
            Some("Subject:") => "502 5.5.2 Error: command not recognized",
            _ => "250 2.1.0 Ok",
        };
        say(Side::Server, answer);
    }
    let hit =
        |to: &String| TrapHit { recipient: Octets::new(to.as_bytes()), kind: TrapKind::NeverUsed };
    Sighting {
        sensor: "trap".into(),
        receiver: Receiver::default(),
        session: Session {
            place: Place::byte(SourceId(0), 0),
            start: at,
            end: clock,
            client: SocketAddr::new(address(n), 40_001),
            server: "192.0.2.25:25".parse().unwrap(),
            inside: None,
            client_mac: None,
            syn: None,
            sequence: (None, None),
            proxy: None,
            dialogue: machine.finish(),
            bytes: (0, 0),
            end_state,
        },
        traps: if trap { recipients.iter().map(hit).collect() } else { Vec::new() },
        trap_login: false,
        hello: None,
        bodies: Vec::new(),
    }
}

/// The whole list but for the sensor, and a clock that the test holds.
struct List {
    station: Station,
    ledger: Ledger,
    table: Arc<Table>,
    zones: Zones,
    web: SocketAddr,
    clock: Arc<AtomicI64>,
    _runtime: tokio::runtime::Runtime,
}

impl List {
    fn start() -> Self {
        let config = Config::default();
        let policy = config.ledger.policy(false);
        let clock = Arc::new(AtomicI64::new(START));
        let told = clock.clone();
        let now = move || Time::from_secs(told.load(Ordering::SeqCst));
        let (folder, key) = (None, [7; 32]);
        let opened = heloscope_ledger::Config { folder, key, policy: policy.clone() };
        let ledger = Ledger::open(opened, now()).unwrap();
        let url = "https://bl.example";
        let zones = publish::zones(&config, url).unwrap();
        let table = Arc::new(Table::new());
        publish::follow(&ledger, &table).unwrap();
        let often = Rate { burst: 1_000_000, every_ms: 1 };
        let site = Site {
            zone: config.zone.clone(),
            url: url.to_owned(),
            operator: config.web.operator.clone(),
            contact: config.web.contact.clone(),
            key: [1; 32],
            desk: None,
            front_ends: Vec::new(),
            watchers: Vec::new(), // he is none
            pages: often,
            forms: often,
            policy,
        };
        let resolver = LookUps { resolvers: vec!["127.0.0.1:9".parse().unwrap()], timeout_ms: 100 };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let rim = Rim {
            now: Box::new(now),
            resolver: Arc::new(Names::new(&resolver).unwrap()),
            postman: None,
            metrics: Box::new(|| unreachable!("he is no watcher")),
            sensors: Box::new(Vec::new),
        };
        let socket = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let web = socket.local_addr().unwrap();
        let router = heloscope_web::router(State::new(site, rim, ledger.clone()).unwrap());
        let limits = heloscope_web::Limits::default();
        runtime.spawn(heloscope_web::serve(socket, router, limits, std::future::pending()));
        let histories = Arc::new(Histories::open(Path::new("/nonexistent")).unwrap());
        let station = Station::new(&Detect::default(), Dialects::shipped(), histories).unwrap();
        Self { station, ledger, table, zones, web, clock, _runtime: runtime }
    }

    fn now(&self) -> Time {
        Time::from_secs(self.clock.load(Ordering::SeqCst))
    }

    fn take(&mut self, sighting: &Sighting) {
        let now = self.now();
        let judged = self.station.judge(sighting, Surroundings::default(), now);
        if let Some(detected) = judged.detected {
            self.ledger.detected(detected).unwrap();
        }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
        self.ledger.tick(self.now()).unwrap();
        self.table.publish(self.now().secs() as u32);
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.web).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: bl.example\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        // A form's token is drawn anew for each visitor.
        let masked = text
            .split("name=\"token\" value=\"")
            .enumerate()
            .map(|(n, part)| if n == 0 { part } else { part.split_once('"').unwrap().1 });
        let masked = masked.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("<token>");
        // The server's own clock is none of the list's.
        let dated = |line: &&str| !line.starts_with("date: ");
        masked.lines().filter(dated).collect::<Vec<_>>().join("\n")
    }

    /// The records of a name, as they come.
    fn ask(&self, name: &str, kind: u8) -> Vec<u8> {
        let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(label.len() as u8);
            question.extend_from_slice(label.as_bytes());
        }
        question.extend_from_slice(&[0, 0, kind, 0, 1]);
        let mut out = Vec::new();
        heloscope_dnsbl::answer(&self.zones, &self.table, &question, Transport::Tcp, &mut out);
        out
    }

    /// All that he can see at an instant, by where he saw it; pages of one address in `each`.
    fn look(&self, each: u32) -> BTreeMap<String, Vec<u8>> {
        let mut seen = BTreeMap::new();
        for path in
            ["/", "/statistics", "/healthz", "/metrics", "/policy/criteria", "/policy/removal"]
        {
            seen.insert(path.to_owned(), self.get(path).into_bytes());
        }
        seen.insert("the zone's SOA".into(), self.ask("bl.example", 6));
        let folder = tempfile::tempdir().unwrap();
        rbldnsd(folder.path(), &self.zones, &self.table).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            seen.insert(format!("{:?}", path.file_name()), std::fs::read(&path).unwrap());
        }
        for n in 0..RECIPIENTS {
            let address = address(n);
            let name = format!("{}.bl.example", reversed(address));
            seen.insert(format!("{n} A"), self.ask(&name, 1));
            seen.insert(format!("{n} TXT"), self.ask(&name, 16));
            seen.insert(
                format!("{n} as its owner"),
                format!("{:?}", self.ledger.owner(address)).into(),
            );
            if n % each == 0 {
                for path in [
                    format!("/lookup/{address}"),
                    format!("/lookup/{address}/notice.txt"),
                    format!("/api/v1/addresses/{address}"),
                ] {
                    let page = self.get(&path);
                    seen.insert(path, page.into_bytes());
                }
            }
        }
        seen
    }
}

fn reversed(address: IpAddr) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(four) => four.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(six) => {
            let nibbles = six.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect()
        }
    };
    labels.join(".")
}

/// Whether a recipient is a trap: a coin that the washer does not see.
fn is_trap(n: u32) -> bool {
    n.wrapping_mul(0x9e37_79b9) >> 31 == 1
}

#[test]
fn a_thousand_recipients_and_nothing_learnt() {
    let (mut with, mut without) = (List::start(), List::start());
    let traps = (0..RECIPIENTS).filter(|n| is_trap(*n)).count();
    assert!((400..600).contains(&traps), "{traps}");
    for n in 0..RECIPIENTS {
        let to = [format!("r{n}@somewhere.example")];
        with.take(&session(n, &to, is_trap(n), with.now()));
        without.take(&session(n, &to, false, without.now()));
        for list in [&with, &without] {
            list.pass(i64::from(n % 2));
        }
    }
    let mut listed = 0;
    // At once, while slots end, when all is out, after days, when listings run out.
    for (wait, each) in [
        (0, 50),
        (900, 50),
        (1800, 50),
        (3600, 3),
        (86_400, 20),
        (7 * 86_400, 20),
        (23 * 86_400, 50),
    ] {
        // A list's clock moves by an hour at an event at most.
        for _ in 0..wait / 450 {
            for list in [&with, &without] {
                list.pass(450);
            }
        }
        let (a, b) = (with.look(each), without.look(each));
        assert_eq!(a.len(), b.len());
        for (place, seen) in &a {
            let other = b.get(place).unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(
                seen == other,
                "{wait} s later {place} differs:\n{}\n{}",
                text(seen),
                text(other)
            );
        }
        listed = listed.max(with.ledger.active());
    }
    assert!(listed > 100, "the list did list: {listed}");
}

/// The game has teeth: who hits several traps is seen to.
#[test]
fn several_traps_from_one_address_do_show() {
    let (mut with, mut without) = (List::start(), List::start());
    let odd = MANNERS.iter().position(|m| m.3 == EndState::Close).unwrap() as u32;
    let to = [1, 2].map(|n| format!("r{n}@somewhere.example"));
    with.take(&session(odd, &to, true, with.now()));
    without.take(&session(odd, &to, false, without.now()));
    for list in [&with, &without] {
        (0..10).for_each(|_| list.pass(450));
    }
    assert_ne!(with.look(1000), without.look(1000));
    assert_eq!((with.ledger.active(), without.ledger.active()), (1, 0));
}
