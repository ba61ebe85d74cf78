//! Logs: which inputs they make, and, when everything was seen, their year and zone.

use super::Opening;
use crate::calendar::{Context, Ends};
use crate::kind::Kind;
use crate::leases;
use crate::lines::Lines;
use crate::logline::Line;
use crate::opened::{Body, Stream};
use crate::plan;
use crate::processes;
use crate::proxylog;
use crate::recognise;
use crate::sample::Sample;
use crate::sources;
use crate::stamp::Clock;
use crate::vpn;
use heloscope_model::{Place, SourceId};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::Path;

impl Opening {
    /// A file of log lines: an input for each kind in it.
    pub(super) fn log(
        &mut self,
        path: &Path,
        body: &Body,
        sample: &Sample,
        lines: &BTreeMap<Line, usize>,
        modified: Option<i64>,
    ) {
        let kinds = recognise::kinds(lines);
        let mut log = plan::Log {
            mail: None,
            connections: None,
            leases: None,
            vpn: None,
            auth: None,
            proxy: None,
            body: body.clone(),
            ends: Ends::of(sample, modified),
            reading: None,
            span: None,
        };
        let mut read = 0;
        for kind in &kinds {
            match kind {
                Kind::WebLog => {
                    let source = self.input(path, body, Kind::WebLog);
                    let first = self.web_ends(source, sample.lines());
                    self.plan.webs.push(plan::Web { source, first });
                }
                Kind::MailLog => {
                    let source = self.input(path, body, Kind::MailLog);
                    if !lines.contains_key(&Line::Postfix) {
                        self.note(
                            source,
                            "a mail log of another program than Postfix: recognised, not yet read",
                        );
                    } else {
                        log.mail = Some(source);
                    }
                }
                Kind::Connections => {
                    log.connections = Some(self.input(path, body, Kind::Connections))
                }
                Kind::Leases => log.leases = Some(self.input(path, body, Kind::Leases)),
                // A login line in a log that is read for other kinds is no input of its own,
                // unless there are many.
                Kind::AuthLog if read > 0 && !considerable(lines) => continue,
                Kind::AuthLog => log.auth = Some(self.input(path, body, Kind::AuthLog)),
                Kind::Vpn => log.vpn = Some(self.input(path, body, Kind::Vpn)),
                Kind::ProxyLog => log.proxy = Some(self.input(path, body, Kind::ProxyLog)),
                _ => {
                    let source = self.input(path, body, *kind);
                    self.note(source, "recognised, not yet read");
                }
            }
            read += 1;
        }
        if kinds.is_empty() {
            self.unrecognised(
                path,
                "a log without lines of mail, firewall, DHCP, log-ins, proxies or web requests",
            );
            return;
        }
        if let Some(span) = dated_span(&log.ends) {
            self.dated.push(span);
        }
        if log.proxy.is_some() {
            let times = || sample.lines().filter_map(proxylog::absolute);
            let span = times().min().zip(times().max());
            self.dated.extend(span.map(|(first, last)| (first.secs(), last.secs())));
        }
        if log.sources().next().is_some() {
            self.plan.logs.push(log);
        }
    }

    /// A section of log lines in a collected text. The readers pass over what is none of theirs,
    /// so the file is read as a whole.
    pub(super) fn log_section(
        &mut self,
        source: SourceId,
        kind: Kind,
        text: &[u8],
        modified: Option<i64>,
    ) {
        let Some(body) = self.sources.get(source).map(|s| s.body.clone()) else { return };
        let sample = Sample {
            head: text.to_vec(),
            tail: Vec::new(),
            size: Some(text.len() as u64),
            problem: None,
        };
        if kind == Kind::WebLog {
            let first = self.web_ends(source, sample.lines());
            if !self.plan.webs.iter().any(|w| w.source == source) {
                self.plan.webs.push(plan::Web { source, first });
            }
            return;
        }
        if self.plan.logs.iter().any(|log| log.sources().any(|known| known == source)) {
            return;
        }
        let is = |k: Kind| (kind == k).then_some(source);
        self.plan.logs.push(plan::Log {
            mail: is(Kind::MailLog),
            connections: is(Kind::Connections),
            leases: is(Kind::Leases),
            vpn: is(Kind::Vpn),
            auth: is(Kind::AuthLog),
            proxy: is(Kind::ProxyLog),
            body,
            ends: Ends::of(&sample, modified),
            reading: None,
            span: None,
        });
    }

    /// Decides year and zone of every log, then reads the leases that logs tell of.
    pub(super) fn resolve_logs(&mut self) {
        let web_offset = self.web_offsets.iter().max_by_key(|(o, n)| (**n, **o)).map(|(o, _)| *o);
        let mut proved: BTreeMap<i32, usize> = BTreeMap::new();
        for log in &self.plan.logs {
            if let Some(offset) = log.ends.proved_offset() {
                *proved.entry(offset).or_default() += 1;
            }
        }
        let context = Context {
            site_zone: self.site_zone(),
            site_year: self.facts.site.year,
            web_offset,
            proved_offset: proved.iter().max_by_key(|(o, n)| (**n, **o)).map(|(o, _)| *o),
            dated: std::mem::take(&mut self.dated),
        };
        for log in &mut self.plan.logs {
            let reading = log.ends.read(&context);
            let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
            let first = log.ends.first.map(|s| clock.time(&s));
            let mut clock = Clock::new(reading.zone.clone(), reading.last_year);
            let last = log.ends.last.map(|s| clock.time(&s));
            log.span = first.zip(last);
            for source in log.sources() {
                let Some(index) = self.sources.get(source).map(|s| s.input) else { continue };
                let Some(input) = self.inputs.get_mut(index) else { continue };
                input.first = first;
                input.last = last;
                if let Some(note) = &reading.note {
                    sources::note(input, note);
                }
            }
            log.reading = Some(reading);
        }
        self.plan.logs.sort_by_key(|l| (l.span, l.mail, l.connections));
        self.leases_of_logs();
        self.clients_of_logs();
    }

    /// The zone `site.toml` names.
    pub(super) fn site_zone(&self) -> Option<TimeZone> {
        self.facts.site.timezone.as_deref().and_then(|name| TimeZone::get(name).ok())
    }

    /// The leases that DHCP servers log.
    fn leases_of_logs(&mut self) {
        for log in &self.plan.logs {
            let (Some(source), Some(reading)) = (log.leases, &log.reading) else { continue };
            let Ok(stream) = Stream::open(&log.body) else { continue };
            let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
            let mut lines = Lines::new(stream);
            let mut records = 0;
            while let Some((offset, line)) = lines.next_line() {
                if !leases::is_ack(line) {
                    continue;
                }
                if let Some(lease) = leases::ack(line, Place::byte(source, offset), &mut clock) {
                    records += 1;
                    self.facts.leases.push(lease);
                }
            }
            if let Some(index) = self.sources.get(source).map(|s| s.input)
                && let Some(input) = self.inputs.get_mut(index)
            {
                input.records += records;
            }
        }
    }

    /// The clients that VPN servers log.
    fn clients_of_logs(&mut self) {
        for log in &self.plan.logs {
            let (Some(source), Some(reading)) = (log.vpn, &log.reading) else { continue };
            let Ok(stream) = Stream::open(&log.body) else { continue };
            let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
            let (found, cut) = vpn::read_log(source, stream, &mut clock);
            if let Some(index) = self.sources.get(source).map(|s| s.input)
                && let Some(input) = self.inputs.get_mut(index)
            {
                input.records += found.len() as u64;
                if let Some(cut) = &cut {
                    sources::note(input, cut);
                }
            }
            self.facts.vpn_clients.extend(found);
        }
    }

    /// What VPN servers print, whose stamps are in the site's zone.
    pub(super) fn read_vpns(&mut self) {
        let zone = self.site_zone().unwrap_or(TimeZone::UTC);
        for (source, text, base, command) in std::mem::take(&mut self.vpns) {
            let mut clock = Clock::new(zone.clone(), 1970);
            let found = vpn::read(&text, source, base, command.as_deref(), &mut clock);
            for time in found.iter().filter_map(|client| client.seen) {
                self.stamp(source, time);
            }
            if let Some(input) = self.input_of(source) {
                input.records += found.len() as u64;
            }
            self.facts.vpn_clients.extend(found);
        }
        self.facts.vpn_clients = vpn::join(std::mem::take(&mut self.facts.vpn_clients));
    }

    /// The tables of `ps`, whose stamps are in the site's zone.
    pub(super) fn read_processes(&mut self) {
        let zone = self.site_zone().unwrap_or(TimeZone::UTC);
        for (source, text, base) in std::mem::take(&mut self.processes) {
            let mut clock = Clock::new(zone.clone(), 1970);
            let found = processes::read(&text, source, base, &mut clock);
            if let Some(input) = self.input_of(source) {
                input.records += found.len() as u64;
            }
            if let Some(width) = processes::cut_at(&text) {
                let note = format!("commands are cut at column {width}: run ps auxww");
                self.note(source, &note);
            }
            self.facts.processes.extend(found);
        }
    }
}

/// Whether lines of logins are a considerable share of a log that is read for other kinds, too:
/// a mail log holds none but a stray line, a journal of everything does.
fn considerable(lines: &BTreeMap<Line, usize>) -> bool {
    let count = |line| lines.get(&line).copied().unwrap_or_default();
    let all: usize = lines.values().sum();
    let logins = count(Line::Auth);
    logins * 50 >= all || (logins + count(Line::Cron)) * 10 >= all
}

/// From when to when a log with years is dated.
fn dated_span(ends: &Ends) -> Option<(i64, i64)> {
    if ends.yearless() {
        return None;
    }
    let mut clock = Clock::new(TimeZone::UTC, 1970);
    let first = clock.time(&ends.first?).secs();
    Some((first, clock.time(&ends.last?).secs()))
}
