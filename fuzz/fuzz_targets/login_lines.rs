//! Auth logs and proxies' logs of any bytes, read as streams.

#![no_main]

use heloscope_evidence::stamp::Clock;
use heloscope_evidence::{authlog, proxylog};
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let clock = || Clock::new(jiff::tz::TimeZone::UTC, 2015);
    let inside = |at: At| matches!(at, At::Byte(at) if at < input.len() as u64);
    let mut given = 0;
    let report = authlog::read(SourceId(0), input, &mut clock(), &mut |event| {
        given += 1;
        assert!(inside(event.place.at));
        assert!(event.user.is_none_or(|user| user.chars().count() <= 1_000));
    });
    assert_eq!(report.records, given);
    given = 0;
    let report = proxylog::read(SourceId(0), input, &mut clock(), &mut |proxied| {
        given += 1;
        assert!(inside(proxied.place.at));
    });
    assert_eq!(report.records, given);
});
