//! A mail log's bytes to [`Line`]s: opened where it is compressed, its stamps made times.
//!
//! Refused: a file that cannot be opened. A line that is no system log's is passed over. Stamps without a
//! year are taken to be of the year that ends now, or, where the first would lie ahead, of the one before.

use super::postfix::{Line, Visit, Visits};
use crate::serve::clock;
use anyhow::{Context, Result};
use heloscope_evidence::lines::Lines;
use heloscope_evidence::stamp::{self, Clock, Stamp};
use heloscope_model::{Place, SourceId};
use jiff::tz::TimeZone;
use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::Path;

const DAY_S: i64 = 86_400;

/// The zone of stamps that name none.
pub(super) fn zone(named: Option<&str>) -> Result<TimeZone> {
    match named {
        Some(name) => TimeZone::get(name).with_context(|| format!("--zone {name:?}")),
        #[allow(clippy::disallowed_methods)]
        // the rim: the reader's own clock, where nothing says the log's
        None => Ok(TimeZone::system()),
    }
}

/// Reads one log.
pub(super) fn read(path: &Path, zone: &TimeZone, on: &mut dyn FnMut(Visit)) -> Result<()> {
    let input = open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut lines = Lines::new(input);
    let mut clock: Option<Clock> = None;
    let mut visits = Visits::default();
    while let Some((offset, bytes)) = lines.next_line() {
        let Some(stamp) = stamp::of_line(bytes) else { continue };
        let clock = clock.get_or_insert_with(|| Clock::new(zone.clone(), first_year(&stamp, zone)));
        let time = clock.time(&stamp);
        let rest = bytes.get(stamp.end..).unwrap_or_default().trim_ascii_start();
        let Some(mut line) = taken_apart(rest) else { continue };
        line.place = Place::byte(SourceId(0), offset);
        line.time = time;
        visits.line(&line).for_each(&mut *on);
    }
    visits.end().into_iter().for_each(on);
    Ok(())
}

/// `host postfix/smtpd[123]: text`.
fn taken_apart(rest: &[u8]) -> Option<Line<'_>> {
    let at = rest.iter().position(|&b| b == b' ')?;
    let (host, rest) = rest.split_at(at);
    let rest = rest.trim_ascii_start();
    let colon = rest.windows(2).take(200).position(|w| w == b": ")?;
    let (tag, text) = rest.split_at(colon);
    let open = tag.iter().position(|&b| b == b'[')?;
    let pid = std::str::from_utf8(tag.get(open + 1..)?.strip_suffix(b"]")?).ok()?.parse().ok()?;
    let nowhere = Place::whole(SourceId(0));
    let never = heloscope_model::Time::from_secs(0);
    let (tag, text) = (tag.get(..open)?, text.get(2..)?);
    Some(Line { place: nowhere, time: never, host, tag, pid, text })
}

fn first_year(first: &Stamp, zone: &TimeZone) -> i16 {
    let now = clock::now();
    let year =
        jiff::Timestamp::from_second(now.secs()).map_or(1970, |t| zone.to_datetime(t).year());
    let ahead = Clock::new(zone.clone(), year).time(first).secs() > now.secs() + DAY_S;
    if ahead { year - 1 } else { year }
}

/// By its first bytes, whatever its name is.
fn open(path: &Path) -> std::io::Result<Box<dyn Read>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut head = Vec::new();
    file.by_ref().take(6).read_to_end(&mut head)?;
    let magic = head.clone();
    let whole: Chain<Cursor<Vec<u8>>, BufReader<File>> = Cursor::new(head).chain(file);
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(whole)?),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(liblzma::read::XzDecoder::new_multi_decoder(whole))
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
        _ => Box::new(whole),
    })
}
