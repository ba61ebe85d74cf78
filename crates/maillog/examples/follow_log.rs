//! Follows a log into mails and counts them: `follow_log FILE [THREADS]`. For bench/maillog.

use heloscope_maillog::{Attempt, Calendar, Chain, Link, Login, Mail, Reject, Sink};
use heloscope_model::SourceId;

#[derive(Default, Debug)]
struct Count {
    mails: u64,
    deliveries: u64,
    logins: u64,
    rejects: u64,
    attempts: u64,
    links: u64,
}

impl Sink for Count {
    fn mail(&mut self, mail: Mail) {
        self.mails += 1;
        self.deliveries += mail.deliveries.len() as u64;
    }
    fn login(&mut self, _: Login) {
        self.logins += 1;
    }
    fn reject(&mut self, _: Reject) {
        self.rejects += 1;
    }
    fn attempt(&mut self, _: Attempt) {
        self.attempts += 1;
    }
    fn link(&mut self, _: Link) {
        self.links += 1;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("follow_log FILE [THREADS]")?;
    let threads = args.next().map_or(Ok(1), |n| n.parse())?;
    let mut file = std::fs::File::open(path)?;
    let calendar = Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 2026 };
    let mut count = Count::default();
    let mut chain = Chain::new().with_threads(threads);
    let report = chain.read_ending(SourceId(0), &mut file, &calendar, (12, 31), &mut count);
    chain.finish(&mut count);
    println!("{count:?}\n{report:?}");
    Ok(())
}
