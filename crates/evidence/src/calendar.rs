//! Year and zone of logs whose stamps have none, from what else is there.
//!
//! The year: `site.toml`, else long Postfix queue ids (they encode the time), else the year that
//! lies nearest to other dated evidence (notices, captures, web logs, logs with years), else the
//! file's own modification. The zone: `site.toml`, else long queue ids and Docker's double
//! stamps, else the offset that the web logs write, else UTC with a note.

use crate::logline;
use crate::sample::Sample;
use crate::stamp::{self, Stamp, days};
use heloscope_maillog::queue_id;
use heloscope_model::Time;
use jiff::tz::{Offset, TimeZone};
use std::collections::BTreeMap;

/// Whence a zone comes that nothing speaks for.
const ASSUMED: &str = "UTC assumed (set timezone in site.toml if it is another)";

/// What a log's two ends say of its time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// First stamp.
    pub(crate) first: Option<Stamp>,
    /// Last stamp.
    pub(crate) last: Option<Stamp>,
    /// Offset and year proved by lines that hold both a local stamp and an absolute time.
    proofs: BTreeMap<(i16, i32), usize>,
    /// The file's modification, seconds since the epoch.
    modified: Option<i64>,
    /// The host most lines name.
    pub(crate) host: Vec<u8>,
}

/// How its stamps are to be read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Zone of stamps without one.
    pub(crate) zone: TimeZone,
    /// Year of the first stamp.
    pub(crate) first_year: i16,
    /// Year of the last.
    pub(crate) last_year: i16,
    /// The zone is only assumed: nothing spoke for it.
    pub(crate) assumed: bool,
    /// What had to be guessed, and from what.
    pub(crate) note: Option<String>,
}

/// What is known beside the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// `timezone` of `site.toml`.
    pub(crate) site_zone: Option<TimeZone>,
    /// `year` of `site.toml`.
    pub(crate) site_year: Option<i16>,
    /// The offset most web-log lines write.
    pub(crate) web_offset: Option<i32>,
    /// The offset proved by another log of the site.
    pub(crate) proved_offset: Option<i32>,
    /// From when to when other evidence is dated, in seconds.
    pub(crate) dated: Vec<(i64, i64)>,
}

impl Ends {
    /// Looks at both ends of a log.
    pub(crate) fn of(sample: &Sample, modified: Option<i64>) -> Self {
        let mut ends = Self { modified, ..Self::default() };
        let mut hosts: BTreeMap<&[u8], usize> = BTreeMap::new();
        for line in sample.lines() {
            let Some(parts) = logline::syslog(line) else { continue };
            ends.first.get_or_insert(parts.stamp);
            ends.last = Some(parts.stamp);
            *hosts.entry(parts.host).or_default() += 1;
            ends.prove(line, &parts);
        }
        let most = hosts.into_iter().max_by_key(|(host, n)| (*n, std::cmp::Reverse(*host)));
        ends.host = most.map(|(host, _)| host.to_vec()).unwrap_or_default();
        ends
    }

    /// Whether stamps have no year.
    pub(crate) fn yearless(&self) -> bool {
        self.first.is_some_and(|s| s.year.is_none()) || self.last.is_some_and(|s| s.year.is_none())
    }

    /// Whether stamps have no zone.
    pub(crate) fn zoneless(&self) -> bool {
        self.first.is_some_and(|s| s.offset.is_none())
            || self.last.is_some_and(|s| s.offset.is_none())
    }

    /// The offset most proofs name.
    pub(crate) fn proved_offset(&self) -> Option<i32> {
        self.best_proof().map(|(_, offset)| offset)
    }

    fn best_proof(&self) -> Option<(i16, i32)> {
        self.proofs.iter().max_by_key(|(proof, n)| (**n, **proof)).map(|(proof, _)| *proof)
    }

    /// A line may say the absolute time besides its stamp.
    fn prove(&mut self, line: &[u8], parts: &logline::Syslog<'_>) {
        // Docker: the outer stamp is absolute, the inner local.
        if parts.stamp.offset.is_some()
            && let Some(inner) = stamp::second(line, &parts.stamp).filter(|s| s.offset.is_none())
        {
            let outer = stamp::Clock::new(TimeZone::UTC, 1970).time(&parts.stamp);
            self.count(&inner, outer);
            return;
        }
        if parts.stamp.offset.is_some() {
            return;
        }
        // Postfix: a long queue id holds the second it was made; the lines below come then.
        let Some(colon) = memchr::memchr(b':', parts.message) else { return };
        let (id, rest) = parts.message.split_at_checked(colon).unwrap_or_default();
        let fresh: [&[u8]; 3] = [b": client=", b": uid=", b": message-id="];
        if fresh.iter().any(|f| rest.starts_with(f))
            && let Some(made) = queue_id::long_id_time(id)
        {
            self.count(&parts.stamp, made);
        }
    }

    fn count(&mut self, local: &Stamp, absolute: Time) {
        let absolute = absolute.secs();
        let about = year_of(absolute);
        for year in [about - 1, about, about + 1] {
            let diff = seconds(local, local.year.unwrap_or(year)) - absolute;
            // Zones reach from -12 to +14 hours, in quarters.
            if (-50_000..=55_000).contains(&diff) {
                let offset = i32::try_from((diff + 450).div_euclid(900) * 900).unwrap_or(0);
                *self.proofs.entry((local.year.unwrap_or(year), offset)).or_default() += 1;
                return;
            }
        }
    }

    /// Whether the log goes over a New Year (once; logs of more than a year have years).
    fn wraps(&self) -> bool {
        match (self.first, self.last) {
            (Some(first), Some(last)) => (first.month, first.day) > (last.month, last.day),
            _ => false,
        }
    }

    /// First and last second if the last stamp lies in a year.
    fn span(&self, last_year: i16) -> (i64, i64) {
        let first_year = if self.wraps() { last_year - 1 } else { last_year };
        let of =
            |stamp: Option<Stamp>, year| stamp.map_or(0, |s| seconds(&s, s.year.unwrap_or(year)));
        (of(self.first, first_year), of(self.last, last_year))
    }

    /// Decides.
    pub(crate) fn read(&self, context: &Context) -> Reading {
        let mut notes = Vec::new();
        let proof = self.best_proof();
        let last_year = if !self.yearless() {
            self.last.and_then(|s| s.year).unwrap_or(1970)
        } else {
            let (year, why) = self.year(context, proof.map(|(year, _)| year));
            if let Some(why) = why {
                notes.push(format!("stamps have no year: {year} taken from {why}"));
            }
            year
        };
        let first_year = if self.wraps() { last_year - 1 } else { last_year };
        let (zone, why) = if !self.zoneless() {
            (TimeZone::UTC, None)
        } else if let Some(zone) = &context.site_zone {
            (zone.clone(), None)
        } else if let Some((_, offset)) = proof {
            (fixed(offset), Some("the log itself (queue ids or double stamps)"))
        } else if let Some(offset) = context.proved_offset {
            (fixed(offset), Some("another log of the site"))
        } else if let Some(offset) = context.web_offset {
            (fixed(offset), Some("the web log"))
        } else {
            (TimeZone::UTC, Some(ASSUMED))
        };
        let assumed = why == Some(ASSUMED);
        if let Some(why) = why {
            let zone = if assumed { String::new() } else { format!("{} taken from ", name(&zone)) };
            notes.push(format!("stamps have no zone: {zone}{why}"));
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Reading { zone, first_year, last_year, assumed, note }
    }

    /// The year of the last stamp, and whence where that is not `site.toml`.
    fn year(&self, context: &Context, proved: Option<i16>) -> (i16, Option<&'static str>) {
        if let Some(year) = context.site_year {
            // The year said may be that of either end of a log that goes over New Year.
            let next =
                self.wraps() && self.distance(context, year + 1) < self.distance(context, year);
            return (if next { year + 1 } else { year }, None);
        }
        if let Some(year) = proved {
            // Proofs may stand at either end, too.
            let near = if self.wraps() {
                [year, year + 1]
                    .into_iter()
                    .min_by_key(|y| self.distance_to_proof(*y))
                    .unwrap_or(year)
            } else {
                year
            };
            return (near, Some("its queue ids or double stamps"));
        }
        if let (Some(from), Some(to)) =
            (context.dated.iter().map(|d| d.0).min(), context.dated.iter().map(|d| d.1).max())
        {
            let years = year_of(from) - 1..=year_of(to) + 1;
            if let Some(year) = years.min_by_key(|y| self.distance(context, *y)) {
                return (year, Some("the other evidence"));
            }
        }
        if let Some(modified) = self.modified {
            // The last line was written before the file was last touched.
            let about = year_of(modified);
            let fits = |year: i16| self.span(year).1 <= modified + 2 * 86_400;
            let year = if fits(about) { about } else { about - 1 };
            return (year, Some("the file's modification"));
        }
        (1970, Some("no evidence (set year in site.toml)"))
    }

    /// How far the log would lie from the dated evidence, in seconds.
    fn distance(&self, context: &Context, last_year: i16) -> (i64, i64) {
        let (first, last) = self.span(last_year);
        let gap = |(from, to): &(i64, i64)| (from - last).max(first - to).max(0);
        let nearest = context.dated.iter().map(gap).min().unwrap_or(0);
        (nearest, context.dated.iter().map(|d| gap(d) / 86_400).sum())
    }

    fn distance_to_proof(&self, last_year: i16) -> i64 {
        let (first, last) = self.span(last_year);
        let proofs = self.proofs.keys().map(|(year, _)| i64::from(*year));
        let middle = i64::from(year_of(first.midpoint(last)));
        proofs.map(|year| (year - middle).abs()).sum()
    }
}

/// A stamp as seconds, its zone taken for UTC.
fn seconds(stamp: &Stamp, year: i16) -> i64 {
    days(i64::from(year), stamp.month, stamp.day) * 86_400 + i64::from(stamp.second)
        - i64::from(stamp.offset.unwrap_or(0))
}

/// The year of a second since the epoch.
fn year_of(second: i64) -> i16 {
    jiff::Timestamp::from_second(second).map_or(1970, |s| Offset::UTC.to_datetime(s).year())
}

/// A zone's name for a note.
pub(crate) fn name(zone: &TimeZone) -> String {
    match zone.to_fixed_offset() {
        Ok(offset) if offset.seconds() == 0 => "UTC".to_owned(),
        Ok(offset) => format!("UTC{offset}"),
        Err(_) => "the site's".to_owned(),
    }
}

/// A zone of one offset.
pub(crate) fn fixed(offset: i32) -> TimeZone {
    Offset::from_seconds(offset).map_or(TimeZone::UTC, TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str, modified: Option<i64>) -> Ends {
        let sample = Sample {
            head: text.as_bytes().to_vec(),
            tail: Vec::new(),
            size: Some(text.len() as u64),
            problem: None,
        };
        Ends::of(&sample, modified)
    }

    const BSD: &str = "Dec  4 06:25:01 mail postfix/qmgr[1]: A1B2C3D4: removed\nDec  7 10:00:00 mail postfix/qmgr[1]: A1B2C3D5: removed\n";

    fn dated(text: &str) -> (i64, i64) {
        let at = text.parse::<jiff::Timestamp>().unwrap().as_second();
        (at, at)
    }

    #[test]
    fn the_site_knows_best() {
        let context = Context {
            site_year: Some(2015),
            site_zone: TimeZone::get("America/New_York").ok(),
            ..Context::default()
        };
        let reading = ends(BSD, Some(1_700_000_000)).read(&context);
        assert_eq!((reading.first_year, reading.last_year, reading.note), (2015, 2015, None));
    }

    #[test]
    fn other_evidence_dates_a_log() {
        let context = Context { dated: vec![dated("2015-12-04T14:30:00Z")], ..Context::default() };
        assert_eq!(ends(BSD, None).read(&context).last_year, 2015);
        let january = BSD.replace("Dec  4", "Jan  2").replace("Dec  7", "Jan  5");
        assert_eq!(ends(&january, None).read(&context).last_year, 2016);
        let over = BSD.replace("Dec  7", "Jan  5");
        let reading = ends(&over, None).read(&context);
        assert_eq!((reading.first_year, reading.last_year), (2015, 2016));
    }

    #[test]
    fn long_queue_ids_and_docker_prove_both() {
        // The id was made at 2015-12-04T13:30:00Z: base 52 of 1449235800.
        let id = "3pH50r2JlXz1";
        let made = queue_id::long_id_time(id.as_bytes()).unwrap().secs();
        let at = jiff::Timestamp::from_second(made + 3600).unwrap();
        let line = format!(
            "{} mail postfix/smtpd[1]: {id}: client=unknown[192.0.2.1]\n",
            at.strftime("%b %e %H:%M:%S")
        );
        let reading = ends(&line, None).read(&Context::default());
        assert_eq!(reading.last_year, Offset::UTC.to_datetime(at).year());
        assert!(reading.note.unwrap().contains("UTC+01"), "offset");
        let docker = "2024-03-01T10:00:00.5Z Mar  1 11:00:00 mail postfix/smtp[1]: x\n";
        assert_eq!(ends(docker, None).proved_offset(), Some(3600));
    }

    #[test]
    fn else_the_modification_and_utc_with_a_note() {
        let reading = ends(BSD, Some(1_449_500_000)).read(&Context::default());
        assert_eq!(reading.last_year, 2015);
        let note = reading.note.unwrap();
        assert!(note.contains("modification") && note.contains("UTC assumed"), "{note}");
        assert_eq!(ends(BSD, Some(1_449_000_000)).read(&Context::default()).last_year, 2014);
    }
}
