//! Files of web roots: weights are shares, places lie inside the file.

#![no_main]

use heloscope_evidence::webroot::{File, Reader};
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let paths = ["/var/www/s/x.php", "/var/www/s/uploads/x.jpg", "/var/www/s/.htaccess", "/tmp/x"];
    let path = paths[usize::from(choice) % paths.len()];
    let file = File { path, bytes, modified: None, source: SourceId(0) };
    if let Some(read) = READER.read(&file) {
        for finding in read.findings {
            assert!((0.0..=1.0).contains(&finding.weight));
            assert!(matches!(finding.place.at, At::Byte(at) if at <= bytes.len() as u64));
        }
    }
});
