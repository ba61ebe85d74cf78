//! A list of any size for measurements (bench/dnsbl), the same each time.
//!
//!     bench_list write FOLDER COUNT            queries for dnsperf, zones for rbldnsd, its arguments
//!     bench_list serve ADDRESS COUNT SOCKETS   answers until it is killed; says "ready ADDRESS"
//!     bench_list table COUNT                   times of `get` alone and beside a writer

// An example that measures: it stops at what is wrong, and needs the clock.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::indexing_slicing)]

use heloscope_dnsbl::{
    Change, Code, Limits, NameServer, Reason, Server, Table, Value, ZoneConfig, Zones, rbldnsd,
};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// xorshift: the same numbers each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Nine of ten an IPv4 address outside 0/8 and 127/8, else within an IPv6 /64.
    fn address(&mut self) -> IpAddr {
        if self.throw().is_multiple_of(10) {
            return Ipv6Addr::from_bits(
                0x2001_u128 << 112 | u128::from(self.throw() >> 16) << 64 | 1,
            )
            .into();
        }
        loop {
            let address = Ipv4Addr::from_bits((self.throw() >> 16) as u32);
            if !address.is_loopback() && address.octets()[0] != 0 {
                return address.into();
            }
        }
    }
}

fn zones() -> Zones {
    let server = NameServer { name: "ns.example.net".into(), addresses: vec![] };
    let link = "https://example.org/lookup/{address}";
    Zones::new(&ZoneConfig::new("bl.example.org", vec![server], "dns@example.org", link)).unwrap()
}

fn listed(count: u64) -> Vec<IpAddr> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|_| dice.address()).collect()
}

fn change(address: IpAddr, list: bool) -> Change {
    let (bits, code) = match address {
        IpAddr::V4(v4) => {
            (32, if v4.to_bits().is_multiple_of(5) { Code::TRAPS } else { Code::BOTS })
        }
        IpAddr::V6(_) => (64, Code::BOTS),
    };
    let reason = if code == Code::BOTS { "Said HELO as a bot." } else { "Mail to traps." };
    let value = Value::new([(code, Reason::new(reason))]).filter(|_| list);
    Change { prefix: ipnet::IpNet::new(address, bits).unwrap().trunc(), value }
}

fn table(count: u64) -> Arc<Table> {
    let table = Table::new();
    let changes: Vec<_> = listed(count).into_iter().map(|address| change(address, true)).collect();
    table.apply(1, &changes).unwrap();
    table.publish(1_700_000_000);
    Arc::new(table)
}

fn reversed(address: IpAddr) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            format!("{:032x}", v6.to_bits()).chars().rev().map(String::from).collect()
        }
    };
    format!("{}.bl.example.org", labels.join("."))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words {
        ["write", folder, count] => write(Path::new(folder), count.parse().unwrap()),
        ["serve", address, count, sockets] => {
            serve(address.parse().unwrap(), count.parse().unwrap(), sockets.parse().unwrap());
        }
        ["table", count] => measure(count.parse().unwrap()),
        _ => panic!("write FOLDER COUNT | serve ADDRESS COUNT SOCKETS | table COUNT"),
    }
}

/// Half of the queries for listed addresses, one of ten for TXT.
fn write(folder: &Path, count: u64) {
    let exported = rbldnsd(folder, &zones(), &table(count)).unwrap();
    std::fs::write(folder.join("arguments"), exported.arguments.join("\n") + "\n").unwrap();
    let (listed, mut dice) = (listed(count), Dice(42));
    let mut queries = String::new();
    for i in 0..200_000 {
        let address = match i % 2 {
            0 => listed[(dice.throw() % count) as usize],
            _ => dice.address(),
        };
        let rtype = if dice.throw().is_multiple_of(10) { "TXT" } else { "A" };
        writeln!(queries, "{} {rtype}", reversed(address)).unwrap();
    }
    std::fs::write(folder.join("queries"), queries).unwrap();
}

fn serve(address: std::net::SocketAddr, count: u64, udp_sockets: usize) {
    let begun = Instant::now();
    let table = table(count);
    let limits = Limits { udp_sockets, ..Limits::default() };
    let server = Server::bind(address, Arc::new(zones()), table, limits).unwrap();
    println!("ready {} after {:.2} s", server.address(), begun.elapsed().as_secs_f64());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(udp_sockets)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(server.run(CancellationToken::new())).unwrap();
}

/// One reader; then the same beside a writer that applies batches of 1,000 without a pause.
fn measure(count: u64) {
    let begun = Instant::now();
    let table = table(count);
    println!("{count} applied in {:.2} s, {} prefixes", begun.elapsed().as_secs_f64(), table.len());
    let listed = listed(count);
    read("get alone", &table, &listed);
    let (stop, applied) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = std::thread::spawn({
        let (table, stop, applied) = (table.clone(), stop.clone(), applied.clone());
        let batches: Vec<Vec<Change>> = listed
            .chunks(1000)
            .take(100)
            .map(|chunk| chunk.iter().map(|address| change(*address, true)).collect())
            .collect();
        let gone: Vec<Vec<Change>> = batches
            .iter()
            .map(|batch| batch.iter().map(|c| Change { value: None, ..c.clone() }).collect())
            .collect();
        move || {
            let mut generation = 1;
            for batch in gone.iter().chain(&batches).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                generation += 1;
                table.apply(generation, batch).unwrap();
                applied.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
        }
    });
    let begun = Instant::now();
    read("get beside apply", &table, &listed);
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let rate = applied.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    println!("apply beside get: {rate:.0} changes a second");
}

fn read(what: &str, table: &Table, listed: &[IpAddr]) {
    let (mut dice, mut times, mut found) = (Dice(7), Vec::new(), 0u64);
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        for _ in 0..100 {
            let address = listed[(dice.throw() % listed.len() as u64) as usize];
            let begun = Instant::now();
            found += u64::from(table.get(address).is_some());
            times.push(begun.elapsed().as_nanos() as u64);
        }
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{what}: {} look-ups, {found} found; ns: median {}, p99 {}, p99.9 {}, p99.99 {}, most {}",
        times.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        at(1.0)
    );
}
