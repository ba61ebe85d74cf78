//! One file: its content's kind or kinds, an input for each, the small kinds read.

use super::Opening;
use crate::kind::Kind;
use crate::logline::Line;
use crate::opened::{self, Body};
use crate::plan;
use crate::recognise::{self, Content, WHOLE};
use crate::sample::Sample;
use crate::sections;
use crate::{
    connections, crontab, dns_facts, firewall, leases, list_answers, mail_summary, notices,
    packets, processes, scanners, settings, site, vpn, walk, weblog, webroot,
};
use heloscope_model::{SourceId, Time};
use std::path::Path;

impl Opening {
    /// Recognises a file and takes it in.
    pub(super) fn file(
        &mut self,
        path: &Path,
        body: &Body,
        standing: Option<&str>,
        modified: Option<i64>,
        note: Option<String>,
    ) {
        let before = self.inputs.len();
        let sample = match Sample::of(body) {
            Ok(sample) => sample,
            Err(error) => {
                self.unrecognised(path, &walk::reason(&error));
                return;
            }
        };
        match recognise::content(&sample) {
            Content::Empty => {
                let why = sample.problem.clone().unwrap_or_else(|| "empty".to_owned());
                self.unrecognised(path, &why);
            }
            Content::Not(why) => {
                self.unrecognised(path, why);
            }
            Content::Capture => self.capture(path, body, &sample),
            Content::Record => self.record(path, body),
            Content::CaptureText => self.capture_text(path, body, &sample, modified),
            Content::Mbox => {
                let source = self.input(path, body, Kind::Messages);
                self.plan.mboxes.push(source);
            }
            Content::Log(mut lines) => {
                self.census(body, &sample, &mut lines);
                self.log(path, body, &sample, &lines, modified);
            }
            Content::Text if sample.size.is_none_or(|size| size > WHOLE as u64) => {
                self.unrecognised(path, "a large text of no kind that is read as a stream");
            }
            Content::Text => self.text(path, body, standing, modified),
        }
        // What is wrong with the file as a whole is said of each of its inputs.
        for index in before..self.inputs.len() {
            let problems = [note.as_deref(), sample.problem.as_deref()];
            if let Some(input) = self.inputs.get_mut(index) {
                for problem in problems.into_iter().flatten() {
                    crate::sources::note(input, problem);
                }
            }
        }
    }

    fn capture(&mut self, path: &Path, body: &Body, sample: &Sample) {
        let source = self.input(path, body, Kind::Capture);
        // The head alone tells when it begins.
        let options = heloscope_capture::Options { flows: 64, ..Default::default() };
        let report =
            heloscope_capture::read(source, &mut sample.head.as_slice(), &options, &mut |_| {});
        if let Some(first) = report.first {
            self.dated.push((first.secs(), report.last.unwrap_or(first).secs()));
        }
        if let Some(input) = self.input_of(source) {
            input.first = report.first;
        }
        self.plan.captures.push(plan::Capture { source, first: report.first, text: None });
    }

    /// Packets as text; what its stamps leave open is settled when all was seen.
    fn capture_text(&mut self, path: &Path, body: &Body, sample: &Sample, modified: Option<i64>) {
        let source = self.input(path, body, Kind::Capture);
        let stamps = packets::stamps(&sample.head);
        self.texts.push((source, stamps, modified));
    }

    /// A text that is read whole, section by section.
    fn text(&mut self, path: &Path, body: &Body, standing: Option<&str>, modified: Option<i64>) {
        let (bytes, problem) = match opened::whole(body, WHOLE) {
            Ok((bytes, _, problem)) => (bytes, problem),
            Err(error) => {
                self.unrecognised(path, &walk::reason(&error));
                return;
            }
        };
        let parts = sections::split(&bytes);
        let single = parts.len() == 1;
        let mut known: Vec<(Kind, SourceId)> = Vec::new();
        let mut strange = Vec::new();
        for part in parts {
            let Some(text) = bytes.get(part.start..part.end) else { continue };
            let mut kind = recognise::text(text, part.command.as_deref());
            // A site.toml with nothing right in it is to be told so.
            if kind == Kind::Unrecognised
                && single
                && path.file_name().is_some_and(|n| n == "site.toml")
            {
                kind = Kind::Site;
            }
            if kind == Kind::Unrecognised {
                if !text.trim_ascii().is_empty() {
                    strange.push(part);
                }
                continue;
            }
            if kind == Kind::Messages {
                let folder = path.parent().unwrap_or(path);
                // The files of a Maildir lie in its `cur` and `new`.
                let maildir = matches!(
                    folder.file_name().and_then(|n| n.to_str()),
                    Some("cur" | "new" | "tmp")
                );
                let folder = if maildir { folder.parent().unwrap_or(folder) } else { folder };
                self.mails
                    .entry(folder.to_path_buf())
                    .or_default()
                    .push((path.to_path_buf(), body.clone()));
                return;
            }
            // A section of log lines may hold several kinds, like a log of its own.
            let logs = match kind {
                Kind::Connections
                | Kind::MailLog
                | Kind::WebLog
                | Kind::ProxyLog
                | Kind::Vpn
                | Kind::Leases
                | Kind::AuthLog => recognise::log_kinds(text),
                _ => Vec::new(),
            };
            let kinds = if logs.contains(&kind) { logs } else { vec![kind] };
            for kind in kinds {
                let source = match known.iter().find(|(k, _)| *k == kind) {
                    Some((_, source)) => *source,
                    None => {
                        let source = self.input(path, body, kind);
                        known.push((kind, source));
                        source
                    }
                };
                let base = part.start as u64;
                self.section(source, kind, text, base, part.command.as_deref(), standing, modified);
            }
        }
        if known.is_empty() {
            self.unrecognised(path, "no kind of evidence recognised in its text");
        } else if !single && !strange.is_empty() {
            let names: Vec<&str> =
                strange.iter().filter_map(|p| p.command.as_deref()).take(5).collect();
            if let (Some((_, source)), false) = (known.first().copied(), names.is_empty()) {
                self.note(source, &format!("not recognised in this file: {}", names.join(", ")));
            }
        }
        if let Some(problem) = problem {
            for (_, source) in known {
                self.note(source, &problem);
            }
        }
    }

    /// Reads a section of a small kind.
    #[allow(clippy::too_many_arguments)] // one call, and each says where the text comes from
    fn section(
        &mut self,
        source: SourceId,
        kind: Kind,
        text: &[u8],
        base: u64,
        command: Option<&str>,
        standing: Option<&str>,
        modified: Option<i64>,
    ) {
        let mut records = 0;
        match kind {
            Kind::Notice => {
                let mut found = notices::read(text, source, base);
                records = found.len();
                for notice in &found {
                    let times = [notice.time.map(|(t, _)| t), notice.written_at, notice.removed_at];
                    for time in times.into_iter().flatten() {
                        self.dated.push((time.secs(), time.secs()));
                        self.stamp(source, time);
                    }
                }
                self.facts.notices.append(&mut found);
            }
            Kind::Site => {
                let (found, notes) = site::read(&String::from_utf8_lossy(text));
                records = 1;
                self.facts.site.join(found);
                for note in notes {
                    self.note(source, &note);
                }
            }
            Kind::Leases if leases::recognise(text) => {
                let found = leases::read(text, source, base);
                records = found.len();
                for lease in &found {
                    for time in [lease.from, lease.until].into_iter().flatten() {
                        self.stamp(source, time);
                    }
                }
                self.facts.leases.extend(found);
            }
            Kind::Connections if connections::recorder::recognise(text) => {
                let mut reader = connections::recorder::read(text, source, base);
                self.facts.leases.extend(reader.leases());
                let (found, cover) = reader.end();
                records = found.len();
                if let Some(input) = self.input_of(source) {
                    cover.tell(input);
                }
                self.plan.tables.extend(found);
            }
            Kind::Connections if connections::conntrack::recognise(text) => {
                let found = connections::conntrack::read(text, source, base);
                records = found.len();
                self.plan.tables.extend(found);
            }
            Kind::Connections if connections::lsof::recognise(text) => {
                let found = connections::lsof::read(text, source, base);
                records = found.len();
                self.plan.tables.extend(found);
            }
            Kind::Connections if connections::sockets::recognise(text) => {
                let found = connections::sockets::read(text, source, base);
                records = found.len();
                self.plan.tables.extend(found);
            }
            Kind::Firewall => {
                // A file's name may say what printed it.
                let name = self.sources.get(source).and_then(|s| s.path.file_name());
                let name = name.map(|n| n.to_string_lossy().into_owned());
                let found = firewall::read(text, source, base, command.or(name.as_deref()));
                records = found.iter().map(firewall::RuleSet::records).sum();
                for note in found.iter().flat_map(firewall::RuleSet::notes) {
                    self.note(source, note);
                }
                self.facts.firewalls.extend(found);
            }
            Kind::MtaConfig if settings::services::recognise(text) => {
                let found = settings::services::read(text, source, base);
                records = found.len();
                self.facts.settings.extend(found);
            }
            Kind::MtaConfig if settings::recognise(text) => {
                let found = settings::read(text, source, base);
                records = found.len();
                self.facts.settings.extend(found);
            }
            Kind::ScannerReport => {
                let found = scanners::read(text, source, base, command);
                records = found.len();
                if found.is_empty() {
                    self.note(source, "a scanner that found nothing");
                }
                self.facts.scans.extend(found);
            }
            Kind::MailSummary => {
                let found = mail_summary::read(text, source, base);
                records = found.len();
                self.facts.figures.extend(found);
            }
            Kind::ListAnswers => {
                let (answers, mut said) = list_answers::read(text, source, base);
                records = answers.len();
                if answers.is_empty() {
                    self.note(source, "a check of lists that holds no answer, or is cut off");
                }
                if let Some(time) = answers.first().and_then(|a| a.asked) {
                    self.stamp(source, time);
                }
                self.facts.list_answers.extend(answers);
                self.facts.notices.append(&mut said);
            }
            Kind::DnsFacts => {
                let found = dns_facts::read(text, source, base, command);
                records = found.len();
                self.facts.dns.extend(found);
            }
            Kind::Processes if processes::scan::recognise(text) => {
                let (facts, tables) = (&mut self.facts, &mut self.plan.tables);
                records = processes::scan::read(text, source, base, facts, tables);
            }
            // Numbers and names in columns: a table of processes may look like a crontab.
            Kind::Processes if !processes::recognise(text) && crontab::recognise(text) => {
                let path = standing.unwrap_or_default();
                let form = crontab::Form::of(path, command);
                let found = crontab::read(text, source, base, &form);
                records = found.len();
                self.facts.cron.extend(found);
            }
            Kind::Processes if processes::users::recognise(text) => {
                let found = processes::users::read(text, source, base);
                records = found.len();
                self.facts.users.extend(found);
            }
            Kind::Processes if processes::exe::recognise(text) => {
                let found = processes::exe::read(text, source, base);
                records = found.len();
                self.facts.running.extend(found);
            }
            Kind::Processes => {
                self.processes.push((source, text.to_vec(), base));
            }
            Kind::Vpn if vpn::recognise(text) => {
                self.vpns.push((source, text.to_vec(), base, command.map(str::to_owned)));
            }
            Kind::WebRoot => {
                let found = webroot::listing::read(text, command);
                records = found.len();
                self.note(source, "a listing of files and their times");
                self.trees.listed(found);
            }
            Kind::MailLog
            | Kind::WebLog
            | Kind::ProxyLog
            | Kind::AuthLog
            | Kind::Vpn
            | Kind::Leases => {
                // A section of a log: the streaming readers pass over the rest of the file.
                self.log_section(source, kind, text, modified);
            }
            Kind::Connections => self.log_section(source, kind, text, modified),
            _ => self.note(source, "recognised, not yet read"),
        }
        if let Some(input) = self.input_of(source) {
            input.records += records as u64;
        }
    }

    /// Widens an input's span.
    pub(super) fn stamp(&mut self, source: SourceId, time: Time) {
        if let Some(input) = self.input_of(source) {
            input.first = Some(input.first.map_or(time, |t| t.min(time)));
            input.last = Some(input.last.map_or(time, |t| t.max(time)));
        }
    }

    /// The stamps and offsets of a web log's ends.
    pub(super) fn web_ends<'a>(
        &mut self,
        source: SourceId,
        lines: impl Iterator<Item = &'a [u8]>,
    ) -> Option<Time> {
        let mut span: Option<(Time, Time)> = None;
        for line in lines {
            let Some((time, offset)) = weblog::stamp_of(line) else { continue };
            span = Some(span.map_or((time, time), |(a, b)| (a.min(time), b.max(time))));
            if let Some(offset) = offset {
                *self.web_offsets.entry(offset).or_default() += 1;
            }
        }
        let (first, last) = span?;
        self.dated.push((first.secs(), last.secs()));
        self.stamp(source, first);
        self.stamp(source, last);
        Some(first)
    }

    /// Whether lines of a kind stand between head and tail, in a log whose ends do not say so.
    fn census(
        &mut self,
        body: &Body,
        sample: &Sample,
        lines: &mut std::collections::BTreeMap<Line, usize>,
    ) {
        let syslog = lines.keys().any(|l| *l != Line::Web);
        let only_mail = lines.keys().all(|l| matches!(l, Line::Postfix | Line::OtherMail));
        if sample.complete() || !syslog || only_mail {
            return;
        }
        let needles: [(&[u8], Line); 5] = [
            (b" PROTO=TCP ", Line::Netfilter),
            (b" proto=\"6\" ", Line::Netfilter),
            (b" proto TCP (", Line::Netfilter),
            (b" postfix/", Line::Postfix),
            (b"DHCPACK", Line::Dhcp),
        ];
        let Ok(mut stream) = opened::Stream::open(body) else { return };
        let mut block = vec![0; 1 << 20];
        let mut kept = 0;
        loop {
            let free = block.get_mut(kept..).unwrap_or_default();
            let Ok(read) = std::io::Read::read(&mut stream, free) else { return };
            if read == 0 {
                return;
            }
            let filled = block.get(..kept + read).unwrap_or_default();
            for (needle, line) in &needles {
                if !lines.contains_key(line) && memchr::memmem::find(filled, needle).is_some() {
                    lines.insert(*line, 1);
                }
            }
            if needles.iter().all(|(_, line)| lines.contains_key(line)) {
                return;
            }
            // A needle may lie across two blocks.
            let total = kept + read;
            let keep = total.min(32);
            block.copy_within(total - keep..total, 0);
            kept = keep;
        }
    }
}
