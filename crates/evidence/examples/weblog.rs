//! Makes an access log in memory and reads it: `cargo run --release --example weblog -- MB`.
//! Prints megabytes a second, without and with the records made.

use heloscope_evidence::weblog;
use heloscope_model::SourceId;

#[allow(clippy::disallowed_methods)] // a stop-watch
fn main() {
    let megabytes: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(500);
    let mut log = Vec::with_capacity(megabytes << 20);
    let mut n = 0_u64;
    while log.len() < megabytes << 20 {
        n += 1;
        let r = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let line = format!(
            "198.51.100.{} - - [{:02}/Dec/2015:{:02}:{:02}:{:02} +0100] \"{} /shop/item.php?id={r}&ref=mail HTTP/1.1\" {} {} \"http://shop.example.org/list/{}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:42.0) Gecko/20100101 Firefox/42.0\"\n",
            r % 250,
            n % 28 + 1,
            n / 7 % 24,
            n / 3 % 60,
            n % 60,
            if r.is_multiple_of(9) { "POST" } else { "GET" },
            if r.is_multiple_of(13) { 404 } else { 200 },
            r % 90_000,
            r % 5000,
        );
        log.extend_from_slice(line.as_bytes());
    }
    let begun = std::time::Instant::now();
    let mut parsed = 0_u64;
    for line in log.split(|&b| b == b'\n') {
        parsed += u64::from(weblog::parse(line).is_some());
    }
    let alone = begun.elapsed().as_secs_f64();
    let begun = std::time::Instant::now();
    let mut posts = 0_u64;
    let report = weblog::read(SourceId(0), log.as_slice(), &mut |r| {
        posts += u64::from(r.method.as_bytes() == b"POST");
    });
    let whole = begun.elapsed().as_secs_f64();
    let size = log.len() as f64 / 1e6;
    println!("{parsed} lines, {:.0} MB/s parsed", size / alone);
    println!("{} records ({posts} POST), {:.0} MB/s read", report.records, size / whole);
}
