//! Socket tables, connection tracking and netfilter lines of any bytes.

#![no_main]

use heloscope_evidence::connections::{conntrack, lsof, netfilter, sockets};
use heloscope_evidence::stamp::Clock;
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut found = sockets::read(input, SourceId(0), 0);
    found.extend(conntrack::read(input, SourceId(0), 0));
    found.extend(lsof::read(input, SourceId(0), 0));
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    let mut logged = 0;
    let report = netfilter::read(SourceId(0), input, &mut clock, &mut |connection| {
        logged += 1;
        found.push(connection);
    });
    assert_eq!(report.records, logged);
    for connection in found {
        assert!(matches!(connection.place.at, At::Byte(at) if at < input.len() as u64));
        assert!(connection.state.len() <= 800);
    }
});
