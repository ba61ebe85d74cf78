//! A sensor for benchmarks and for trying by hand: each session one JSON line on stdout
//! (`heloscope.session/1` with `detections`, and beside it `traps`, `hello`, `bodies`).
//!
//!     sightings LISTEN [--proxy ADDR] [--state DIR] [--name NAME] [--traps FILE] [--auth]
//!               [--helocheck ADDR] [--trust NET] [--delay S] [--tarpit S] [--no-pipelining]
//!               [--per-address N] [--sessions N] [--quiet]
//!
//! It prints `ready trap ADDRESS` on stderr, and ends at the end of its standard input.

// A tool of tests: bad usage may panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use heloscope_trap::{Config, Sensor, Traps};
use std::io::Read;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

fn main() {
    let mut words = std::env::args().skip(1);
    let listen = words.next().expect("LISTEN").parse().expect("an address");
    let mut config = Config::new("mx.example.net", listen, std::env::temp_dir());
    let mut quiet = false;
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value");
        match word.as_str() {
            "--proxy" => config.proxy.push(value().parse().expect("an address")),
            "--state" => config.state = PathBuf::from(value()),
            "--name" => config.personality.name = value(),
            "--traps" => {
                config.traps = Traps::parse(&std::fs::read_to_string(value()).unwrap()).unwrap();
            }
            "--auth" => config.personality.extensions.auth = true,
            "--no-pipelining" => config.personality.extensions.pipelining = false,
            "--helocheck" => config.helocheck.push(value()),
            "--trust" => config.proxy_protocol_from.push(value().parse().expect("a network")),
            "--delay" => config.personality.greeting_delay_s = value().parse().unwrap(),
            "--tarpit" => config.personality.tarpit_s = value().parse().unwrap(),
            "--per-address" => config.limits.sessions_per_address = value().parse().unwrap(),
            "--sessions" => config.limits.sessions = value().parse().unwrap(),
            "--quiet" => quiet = true,
            other => panic!("{other}"),
        }
    }
    let sensor = Sensor::bind(config).unwrap_or_else(|error| panic!("{error}"));
    for address in sensor.local_addrs() {
        eprintln!("ready trap {address}");
    }
    for address in sensor.proxy_addrs() {
        eprintln!("ready proxy {address}");
    }
    let counts = sensor.counts();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (sink, mut sightings) = tokio::sync::mpsc::channel::<heloscope_model::Sighting>(1024);
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            stop.cancel();
        });
        let printer = tokio::spawn(async move {
            while let Some(sighting) = sightings.recv().await {
                let detections = heloscope_detect::judge(&sighting.session);
                if quiet {
                    continue;
                }
                let line = heloscope_model::session::json::line(&sighting.session, &detections);
                let mut line = serde_json::to_value(line).unwrap();
                let traps = sighting
                    .traps
                    .iter()
                    .map(|hit| serde_json::json!({ "recipient": hit.recipient, "kind": hit.kind }));
                line["traps"] = traps.collect();
                line["syn"] = format!("{:?}", sighting.session.syn).into();
                line["hello"] = format!("{:?}", sighting.hello).into();
                line["bodies"] = sighting.bodies.iter().map(|body| body.0.len()).collect();
                println!("{line}");
            }
        });
        sensor.run(sink, shutdown).await.unwrap();
        printer.await.unwrap();
    });
    eprintln!("{:?}", counts.snapshot());
}
