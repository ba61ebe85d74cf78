//! The readers of what is read whole, each with any bytes: VPN servers, scanners, name servers,
//! summaries, services. The first byte chooses the command that stands above the text.

#![no_main]

use heloscope_evidence::stamp::Clock;
use heloscope_evidence::{dns_facts, mail_summary, scanners, settings, vpn};
use heloscope_model::{At, Place, SourceId};
use libfuzzer_sys::fuzz_target;

const COMMANDS: [&str; 12] = [
    "wg show wg0 dump",
    "clamscan -ri /",
    "maldet -e",
    "rkhunter --check",
    "chkrootkit -q",
    "aide --check",
    "twprint -m r",
    "debsums -c",
    "dig +short mx example.org",
    "host 203.0.113.10",
    "nslookup -q=txt example.org",
    "drill -x 203.0.113.10",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, text)) = input.split_first() else { return };
    let command = COMMANDS.get(usize::from(*first)).copied();
    let mut places: Vec<Place> = Vec::new();
    let source = SourceId(0);
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    places.extend(vpn::read(text, source, 0, command, &mut clock).iter().map(|c| c.place));
    places.extend(vpn::read_log(source, text, &mut clock).0.iter().map(|c| c.place));
    places.extend(scanners::read(text, source, 0, command).iter().map(|f| f.place));
    places.extend(dns_facts::read(text, source, 0, command).iter().map(|f| f.place));
    places.extend(mail_summary::read(text, source, 0).iter().map(|f| f.place));
    places.extend(settings::services::read(text, source, 0).iter().map(|s| s.place));
    for place in places {
        assert!(matches!(place.at, At::Byte(at) if at < text.len() as u64));
    }
});
