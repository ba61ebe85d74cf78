//! Packets as `tcpdump` or `ngrep` print them: told from other texts, and what their stamps
//! leave open.
//!
//! A text is one when its first line is a packet's, but for what these programs say before
//! ("listening on ..."), so that a complaint or a log that quotes a packet stays what it is. The zone
//! of its stamps is the site's, the day of undated ones that on which the file was written. The
//! notice's day would be a guess that makes an alibi or a culprit.

use heloscope_capture::text::{self, Clock};
use heloscope_model::Time;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Lines that may stand before the first TCP packet.
const BEFORE: usize = 200;

/// What these programs say of themselves, and prompts above them.
const SAID: [&str; 12] = [
    "tcpdump",
    "reading from ",
    "listening on ",
    "dropped privs",
    "interface: ",
    "filter: ",
    "match: ",
    "input: ",
    "# tcpdump",
    "$ tcpdump",
    "# ngrep",
    "$ ngrep",
];

/// How much the stamps say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamps {
    /// Seconds since 1970.
    Epoch,
    /// Date and time of a zone; noon of the first day, its zone taken for UTC.
    Dated(i64),
    /// Time of day.
    Undated,
}

/// Whether a text is such an output.
pub(crate) fn recognise(head: &[u8]) -> bool {
    first_packet(head).is_some()
}

/// What the stamp of the first packet says.
pub(crate) fn stamps(head: &[u8]) -> Stamps {
    let line = first_packet(head).unwrap_or_default();
    // ngrep's stamp stands behind the protocol.
    let line = line.strip_prefix(b"T ").unwrap_or(line);
    let word = line.split(|&b| b == b' ').next().unwrap_or_default();
    let day = std::str::from_utf8(word).ok().map(|word| word.replace('/', "-"));
    let day = day.and_then(|day| day.parse::<jiff::civil::Date>().ok());
    let noon = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0)).ok());
    let numbers = word.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if numbers && word.len() >= 10 {
        Stamps::Epoch
    } else {
        noon.map_or(Stamps::Undated, |noon| Stamps::Dated(noon.as_second()))
    }
}

/// How the stamps are read, and what is to be said of it.
pub(crate) fn clock(
    stamps: Stamps,
    zone: Option<&TimeZone>,
    modified: Option<i64>,
) -> (Clock, Option<&'static str>) {
    if stamps == Stamps::Epoch {
        return (Clock::default(), None);
    }
    let written = modified.and_then(|at| Timestamp::from_second(at).ok());
    let around = match stamps {
        Stamps::Dated(noon) => Timestamp::from_second(noon).ok(),
        _ => written,
    };
    let offset = zone.zip(around).map(|(zone, at)| zone.to_offset(at).seconds()).unwrap_or(0);
    let midnight = |at: Timestamp| {
        let local = at.as_second().saturating_add(i64::from(offset));
        Time::from_nanos(local.div_euclid(86_400).saturating_mul(86_400_000_000_000))
    };
    let day = if stamps == Stamps::Undated { written.map(midnight) } else { None };
    let note = match (stamps, zone) {
        (Stamps::Undated, _) => {
            Some("the day is taken from when the file was written; print with -tttt")
        }
        (_, None) => Some("stamps taken for UTC (set timezone in site.toml if they are not)"),
        _ => None,
    };
    (Clock { utc_offset_s: offset, day }, note)
}

/// The first line of a TCP packet, where nothing strange stands before it.
fn first_packet(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    for _ in 0..BEFORE {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
        let (line, after) = rest.split_at(end);
        // With -v the addresses stand on the second line.
        let second = memchr::memchr(b'\n', after).map_or(after.len(), |n| n + 1);
        if line.first().is_some_and(|b| b.is_ascii_digit() || *b == b'I' || *b == b'T')
            && (text::recognise(line)
                || line.windows(6).any(|w| w == b"(tos 0")
                    && text::recognise(rest.get(..end + second).unwrap_or_default()))
        {
            return Some(line);
        }
        let other_packet = line.first().is_some_and(u8::is_ascii_digit)
            && [&b" IP "[..], b" IP6 ", b" ARP, "]
                .iter()
                .any(|word| memchr::memmem::find(line, word).is_some());
        let passed = line.trim_ascii().is_empty()
            || line.trim_ascii().iter().all(|b| *b == b'#')
            || matches!(line.first(), Some(b'\t' | b' '))
            || other_packet
            || SAID.iter().any(|said| line.starts_with(said.as_bytes()));
        if !passed || after.is_empty() {
            return None;
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "IP 192.0.2.1.50112 > 198.51.100.7.25: Flags [S], seq 1, win 64240, length 0\n";

    /// 2026-11-24T12:00:00Z.
    const NOON: i64 = 1_795_521_600;

    #[test]
    fn outputs_and_texts_that_quote_them() {
        for (input, want) in [
            (format!("2026-11-24 14:31:07.123456 {LINE}"), Some(Stamps::Dated(NOON))),
            (format!("1795530667.123456 {LINE}"), Some(Stamps::Epoch)),
            (format!("14:31:07.123456 {LINE}"), Some(Stamps::Undated)),
            (
                format!("tcpdump: listening on eth0\n14:31:07.1 ARP, Request\n14:31:07.2 {LINE}"),
                Some(Stamps::Undated),
            ),
            (
                "interface: eth0\n####\nT 2026/11/24 14:31:07.1 192.0.2.1:5 -> 198.51.100.7:25 [AP]\n"
                    .to_owned(),
                Some(Stamps::Dated(NOON)),
            ),
            (format!("We saw this from you:\n\n14:31:07.123456 {LINE}"), None),
            (format!("From: a@example.org\nSubject: x\n\n14:31:07.1 {LINE}"), None),
            ("nothing\n".to_owned(), None),
        ] {
            let got = recognise(input.as_bytes()).then(|| stamps(input.as_bytes()));
            assert_eq!(got, want, "{input}");
        }
    }

    #[test]
    fn clocks() {
        let written = Some(1_795_530_667);
        let zone = TimeZone::get("America/New_York").ok();
        let (undated, _) = clock(Stamps::Undated, zone.as_ref(), written);
        assert_eq!(undated.utc_offset_s, -5 * 3600);
        assert_eq!(undated.day.map(|d| d.secs() % 86_400), Some(0));
        let (dated, note) = clock(Stamps::Dated(NOON), None, written);
        assert_eq!((dated.utc_offset_s, dated.day), (0, None));
        assert!(note.is_some_and(|n| n.contains("UTC")));
        assert_eq!(clock(Stamps::Epoch, None, None).1, None);
    }
}
