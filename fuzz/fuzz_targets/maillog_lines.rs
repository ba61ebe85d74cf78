//! Mail logs of any bytes: reading does not panic, and reading in parts on threads gives the
//! mails and numbers that reading in one go gives.
//!
//! Input: the log. In a log with a line over 400 bytes or a repetition, parts may differ (a line
//! may not fit a small block, or lose the line it repeats), so only reading is tried there.

#![no_main]

use heloscope_maillog::{
    Attempt, Calendar, Chain, Link, Login, Mail, Reject, Report, Sink, Summarizer,
};
use heloscope_model::SourceId;
use libfuzzer_sys::fuzz_target;

#[derive(Default, PartialEq, Debug)]
struct Said(Vec<String>);

impl Sink for Said {
    fn mail(&mut self, mail: Mail) {
        self.0.push(format!("{mail:?}"));
    }
    fn login(&mut self, login: Login) {
        self.0.push(format!("{login:?}"));
    }
    fn reject(&mut self, reject: Reject) {
        self.0.push(format!("{reject:?}"));
    }
    fn attempt(&mut self, attempt: Attempt) {
        self.0.push(format!("{attempt:?}"));
    }
    fn link(&mut self, link: Link) {
        self.0.push(format!("{link:?}"));
    }
}

fn calendar() -> Calendar {
    Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 2026 }
}

fn read(log: &[u8], chain: Chain) -> (Said, Report) {
    let (mut said, mut chain) = (Said::default(), chain);
    let report = chain.read(SourceId(0), &mut &*log, &calendar(), &mut said);
    chain.finish(&mut said);
    (said, report)
}

fuzz_target!(|log: &[u8]| {
    let one_go = read(log, Chain::new());
    let mut summarizer = Summarizer::new();
    let report = summarizer.read(&mut &*log, &calendar(), None);
    assert_eq!(report, one_go.1);
    let summary = summarizer.summary();
    assert!(summary.to_string().lines().all(|line| line.chars().count() <= 80));
    let plain = log.split(|&b| b == b'\n').all(|line| line.len() <= 400)
        && !log.windows(8).any(|word| word == b"repeated");
    if plain && log.len() > 1024 {
        assert_eq!(read(log, Chain::new().with_threads(2).with_blocks_of(1024)), one_go);
        let mut parts = Summarizer::new().with_threads(2).with_blocks_of(1024);
        parts.read(&mut &*log, &calendar(), None);
        assert_eq!(parts.summary(), summary);
    }
});
