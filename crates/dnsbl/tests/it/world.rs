//! The list that tests serve: bl.example.org with its two sublists, and a server of it on loopback.

use heloscope_dnsbl::{
    Change, Code, Counters, Limits, NameServer, Reason, Server, Table, Value, ZoneConfig, Zones,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The zone's name.
pub(crate) const APEX: &str = "bl.example.org";

/// The zones as the scenarios have them.
pub(crate) fn zones() -> Zones {
    let outside = NameServer { name: "ns.example.net".into(), addresses: vec![] };
    let inside = NameServer {
        name: "ns1.dns.bl.example.org".into(),
        addresses: vec!["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()],
    };
    let link = "https://example.org/lookup/{address}";
    let config = ZoneConfig::new(APEX, vec![outside, inside], "host.master@example.org", link);
    Zones::new(&config).unwrap()
}

/// A listing: prefix, and reasons by code.
pub(crate) fn listing(prefix: &str, codes: &[(u8, &str)]) -> Change {
    let codes = codes.iter().map(|(code, text)| (Code::new(*code).unwrap(), Reason::new(text)));
    Change { prefix: prefix.parse().unwrap(), value: Value::new(codes) }
}

/// A table with a few listings, and its server.
pub(crate) struct World {
    /// To change what is listed.
    pub(crate) table: Arc<Table>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its counts.
    pub(crate) counters: Arc<Counters>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl World {
    /// On a free port of 127.0.0.1.
    pub(crate) fn start(changes: &[Change], limits: Limits) -> World {
        World::start_at((Ipv4Addr::LOCALHOST, 0).into(), changes, limits)
    }

    /// On an address.
    pub(crate) fn start_at(address: SocketAddr, changes: &[Change], limits: Limits) -> World {
        let table = Arc::new(Table::new());
        table.apply(1, changes).unwrap();
        let server = Server::bind(address, Arc::new(zones()), table.clone(), limits).unwrap();
        let (address, counters) = (server.address(), server.counters());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(server.run(stopped)).unwrap();
        });
        World { table, address, counters, stop, thread: Some(thread) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Waits until something holds, 20 seconds at most.
#[allow(clippy::disallowed_methods)] // tests wait by the clock
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Where a program is; says that the test is skipped where it is nowhere.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin"];
    let found = places.iter().map(|place| PathBuf::from(place).join(name)).find(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

/// An address of 127.0.0.0/8 that no other test has, for programs that cannot say which free port
/// they took.
pub(crate) fn own_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(5300);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    ([127, 100 + high % 100, middle, low], NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// A child that is ended with the test.
pub(crate) struct Child(pub(crate) std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// dig's output on loopback, and its exit status.
pub(crate) fn dig(server: SocketAddr, arguments: &[&str]) -> Option<String> {
    let mut dig = Command::new(program("dig")?);
    dig.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    dig.args(["+time=5", "+tries=1", "+norec"]).args(arguments);
    let output = dig.output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}
