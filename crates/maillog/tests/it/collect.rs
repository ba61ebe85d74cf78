//! A sink that keeps everything, and logs read into it.

use heloscope_maillog::{Attempt, Calendar, Chain, Link, Login, Mail, Reject, Report, Sink};
use heloscope_model::SourceId;

#[derive(Default, Debug, PartialEq)]
pub(crate) struct Collect {
    pub(crate) mails: Vec<Mail>,
    pub(crate) logins: Vec<Login>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) links: Vec<Link>,
}

impl Sink for Collect {
    fn mail(&mut self, mail: Mail) {
        self.mails.push(mail);
    }
    fn login(&mut self, login: Login) {
        self.logins.push(login);
    }
    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }
    fn attempt(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
    }
    fn link(&mut self, link: Link) {
        self.links.push(link);
    }
}

pub(crate) fn utc(last_year: i16) -> Calendar {
    Calendar { zone: jiff::tz::TimeZone::UTC, last_year }
}

pub(crate) fn read(log: &[u8], threads: usize) -> (Collect, Report) {
    let mut sink = Collect::default();
    let mut chain = Chain::new().with_threads(threads);
    let report = chain.read(SourceId(1), &mut &*log, &utc(2026), &mut sink);
    chain.finish(&mut sink);
    (sink, report)
}
