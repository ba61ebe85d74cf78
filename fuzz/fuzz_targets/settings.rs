//! `postconf -n`, `main.cf` and `site.toml` of any bytes.

#![no_main]

use heloscope_evidence::{settings, site};
use heloscope_model::SourceId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for setting in settings::read(input, SourceId(0), 0) {
        assert!(!setting.name.is_empty() && !setting.value.contains('\n'));
    }
    site::read(&String::from_utf8_lossy(input));
});
