//! Access logs: places lie inside the file, in order, whatever the pieces it is read in.

#![no_main]

use heloscope_evidence::weblog;
use heloscope_model::{At, SourceId};
use libfuzzer_sys::fuzz_target;
use std::io::Read;

fuzz_target!(|input: &[u8]| {
    let Some((&len, file)) = input.split_first() else { return };
    let mut requests = Vec::new();
    let report = weblog::read(SourceId(0), file, &mut |request| requests.push(request));
    assert_eq!(report.records, requests.len() as u64);
    let mut last = None;
    for request in &requests {
        let At::Byte(at) = request.place.at else { panic!("{:?}", request.place) };
        assert!(at < file.len() as u64 && last.is_none_or(|before| before < at));
        last = Some(at);
    }
    let mut again = Vec::new();
    let pieces = Pieces { file, len: usize::from(len) % 60 + 1 };
    let second = weblog::read(SourceId(0), pieces, &mut |request| again.push(request));
    assert_eq!((report, requests), (second, again));
});

/// A file that is read some bytes at a time.
struct Pieces<'a> {
    file: &'a [u8],
    len: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.len.min(buffer.len()).min(self.file.len());
        let (piece, rest) = self.file.split_at(len);
        buffer[..len].copy_from_slice(piece);
        self.file = rest;
        Ok(len)
    }
}
