//! Notices of any text: what is read can be written in our own form and reads back equal.

#![no_main]

use heloscope_model::{Place, SourceId, notice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    for mut found in notice::read(&text, SourceId(1)) {
        assert!(found.reason.len() <= 4096 || text.contains("heloscope.notice"), "an endless reason");
        found.place = Place::byte(SourceId(2), 0);
        let written = found.to_text();
        assert_eq!(notice::read(&written, SourceId(2)), vec![found]);
    }
    // Mails are opened first.
    heloscope_evidence::notices::read(input, SourceId(3), 0);
});
