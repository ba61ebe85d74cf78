//! The capture reader on any file: it does not panic, does not care in what pieces the file is
//! read, gives no more sessions than frames, and what it gives can be merged and quoted.
//!
//! Input: a byte that chooses limits and piece length, then the file.

#![no_main]

use heloscope_capture::{Options, Report, frame_lines, merge, read, recognise};
use heloscope_model::{At, Session, SourceId};
use libfuzzer_sys::fuzz_target;
use std::io::Read;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, file)) = input.split_first() else { return };
    let mut options = Options::default();
    if choice & 1 != 0 {
        options.flows = 3;
        options.reorder_bytes = 64;
        options.idle_s = 5;
    }
    let (sessions, report) = sessions(&mut &file[..], &options);
    let mut pieces = Pieces { file, len: usize::from(choice >> 1) % 60 + 1 };
    assert_eq!((&sessions, &report), (&self::sessions(&mut pieces, &options).0, &report));
    assert!(sessions.len() as u64 <= report.frames);
    assert!(report.problem.is_some() || recognise(file));
    let frames: Vec<_> = sessions
        .iter()
        .map(|session| match session.place.at {
            At::Frame(number) if (1..=report.frames).contains(&number) => number,
            ref other => panic!("{other:?} of {} frames", report.frames),
        })
        .collect();
    for line in frame_lines(&mut &file[..], &frames) {
        assert!(line.text.chars().all(|c| !c.is_control()), "{:?}", line.text);
    }
    let merged = merge(sessions);
    assert!(merge(merged.clone()).len() <= merged.len());
});

fn sessions(input: &mut dyn Read, options: &Options) -> (Vec<Session>, Report) {
    let mut sessions = Vec::new();
    let report = read(SourceId(0), input, options, &mut |session| sessions.push(session));
    (sessions, report)
}

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
