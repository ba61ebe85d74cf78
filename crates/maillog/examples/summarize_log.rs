//! Prints the numbers of logs: `summarize_log THREADS FILE…`. For bench/maillog.

use heloscope_maillog::{Calendar, Summarizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let threads = args.next().ok_or("summarize_log THREADS FILE…")?.parse()?;
    let calendar = Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 2026 };
    let mut summarizer = Summarizer::new().with_threads(threads);
    for path in args {
        summarizer.read(&mut std::fs::File::open(path)?, &calendar, Some((12, 31)));
    }
    print!("{}", summarizer.summary());
    Ok(())
}
