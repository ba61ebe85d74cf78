//! Tables of `ps` and crontabs of any bytes.

#![no_main]

use heloscope_evidence::stamp::Clock;
use heloscope_evidence::{crontab, processes};
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    for process in processes::read(input, SourceId(0), 0, &mut clock) {
        assert!(matches!(process.place.at, At::Byte(at) if at < input.len() as u64));
    }
    for form in [crontab::Form::Unknown, crontab::Form::System, crontab::Form::Own(None)] {
        for entry in crontab::read(input, SourceId(0), 0, &form) {
            assert!(!entry.when.is_empty());
        }
    }
});
