//! Auth logs -> [`AuthEvent`]s: sshd and its SFTP server (`sshd`), `su`, `sudo`, cron and PAM
//! (`local`), FTP servers with their own transfer logs (`ftp`); from syslog files or journald
//! JSON, read as a stream.
//!
//! A tunnel or an upload stands under the process that did it, which is often not the process
//! that logged the login: sshd names the child, SFTP its user, and a session's end names both.
//! Until then such an event waits; it comes out with the account, or at the log's end without.
//!
//! What is refused: a line whose account is not told apart from what a stranger typed. The words
//! behind the last ` from ` are sshd's, those before it may be the stranger's.

mod ftp;
mod journal;
mod local;
mod sshd;

use crate::facts::{AuthEvent, AuthWhat};
use crate::lines::Lines;
use crate::logline;
use crate::stamp::Clock;
use heloscope_model::{Octets, Place, SourceId, Time};
use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;

pub(crate) use ftp::is_transfer;

/// Sessions remembered, events that wait for their account, and copies of a repeated line.
const SESSIONS: usize = 100_000;
const WAITING: usize = 10_000;
const REPEATS: u32 = 100;

/// Characters of one message that are looked at, and of one field that are kept.
const MESSAGE: usize = 8 << 10;
const FIELD: usize = 1_000;

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Events.
    pub records: u64,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Lines that were cut.
    pub cut: Option<String>,
}

/// What one line says.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    /// Something that happened.
    Event(Event),
    /// A process goes on in this child.
    Child(u32),
    /// This process serves that account.
    Named(String, Option<IpAddr>),
    /// A stranger's name was refused; mostly a line follows that says so again.
    Stranger(Event),
}

/// What happened, as far as the line alone says it.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    user: Option<String>,
    ip: Option<IpAddr>,
    what: AuthWhat,
}

impl Event {
    fn said(what: AuthWhat, user: Option<&str>, ip: Option<IpAddr>) -> Said {
        Said::Event(Self { user: user.filter(|u| !u.is_empty()).map(field), ip, what })
    }
}

/// One line taken apart: who wrote it, when, what.
struct Line<'a> {
    time: Time,
    service: &'a str,
    pid: Option<u32>,
    message: &'a str,
}

/// Reads a log; lines of other programs move the clock and are else passed over.
pub fn read(
    source: SourceId,
    input: impl Read,
    clock: &mut Clock,
    on: &mut dyn FnMut(AuthEvent),
) -> Report {
    let mut reading = Reading { report: Report::default(), sessions: Sessions::default(), on };
    let mut lines = Lines::new(input);
    while let Some((offset, bytes)) = lines.next_line() {
        reading.line(bytes, Place::byte(source, offset), clock);
    }
    for event in reading.sessions.rest() {
        reading.give(event);
    }
    let mut report = reading.report;
    report.cut = lines.cut_note();
    report
}

struct Reading<'a> {
    report: Report,
    sessions: Sessions,
    on: &'a mut dyn FnMut(AuthEvent),
}

impl Reading<'_> {
    fn line(&mut self, bytes: &[u8], place: Place, clock: &mut Clock) {
        if bytes.first() == Some(&b'{') {
            if let Some(entry) = journal::entry(bytes) {
                let said = Line {
                    time: entry.time,
                    service: &entry.program,
                    pid: entry.pid,
                    message: &entry.message,
                };
                self.said(&said, place);
            }
            return;
        }
        if let Some((time, pid, service, said)) = ftp::transfer(bytes, clock) {
            self.take(time, service, pid, said, place);
            return;
        }
        let Some(parts) = logline::syslog(bytes) else { return };
        // Years count on over every line.
        let time = clock.time(&parts.stamp);
        if !logline::is_auth(parts.program, parts.message) {
            return;
        }
        let message = parts.message.get(..parts.message.len().min(MESSAGE)).unwrap_or_default();
        let (program, _) = heloscope_model::octets::lossy_text(parts.program);
        let (message, _) = heloscope_model::octets::lossy_text(message);
        self.said(&Line { time, service: &program, pid: parts.pid, message: &message }, place);
    }

    fn said(&mut self, line: &Line<'_>, place: Place) {
        // rsyslog: "message repeated 5 times: [ Failed password for ...]".
        let (message, times) = match repeated(line.message) {
            Some((inner, times)) => (inner, times),
            None => (line.message, 1),
        };
        let Some((service, said)) = parse(line.service, message) else { return };
        for _ in 0..times {
            self.take(line.time, service, line.pid, said.clone(), place);
        }
    }

    /// Ties what was said to the process that said it.
    fn take(&mut self, time: Time, service: &str, pid: Option<u32>, said: Said, place: Place) {
        let stranger = matches!(said, Said::Stranger(_));
        match said {
            Said::Child(child) => self.sessions.child(pid, child),
            Said::Named(user, ip) => {
                for event in self.sessions.name(pid, user, ip) {
                    self.give(event);
                }
            }
            Said::Event(Event { user, ip, what }) | Said::Stranger(Event { user, ip, what }) => {
                let again = self.sessions.stranger.take();
                if stranger {
                    self.sessions.stranger = Some((pid, user.clone()));
                } else if what == AuthWhat::Failed && again == Some((pid, user.clone())) {
                    return;
                }
                let service = Octets::new(service.as_bytes());
                let event = AuthEvent { time, place, service, pid, user, ip, what };
                if let Some(event) = self.sessions.event(event) {
                    self.give(event);
                }
            }
        }
    }

    fn give(&mut self, event: AuthEvent) {
        let report = &mut self.report;
        report.records += 1;
        report.first = Some(report.first.map_or(event.time, |t| t.min(event.time)));
        report.last = Some(report.last.map_or(event.time, |t| t.max(event.time)));
        (self.on)(event);
    }
}

/// Which process serves which account.
#[derive(Default)]
struct Sessions {
    by_pid: HashMap<u32, (String, Option<IpAddr>)>,
    /// Events without an account, by process, and how many.
    waiting: HashMap<u32, Vec<AuthEvent>>,
    waits: usize,
    /// Process and name of the stranger refused last.
    stranger: Option<(Option<u32>, Option<String>)>,
}

impl Sessions {
    fn child(&mut self, pid: Option<u32>, child: u32) {
        if let Some(who) = pid.and_then(|pid| self.by_pid.get(&pid)).cloned() {
            self.keep(child, who);
        }
    }

    fn keep(&mut self, pid: u32, who: (String, Option<IpAddr>)) {
        if self.by_pid.len() >= SESSIONS {
            self.by_pid.clear();
        }
        self.by_pid.insert(pid, who);
    }

    /// The account of a process; gives the events that waited for it.
    fn name(&mut self, pid: Option<u32>, user: String, ip: Option<IpAddr>) -> Vec<AuthEvent> {
        let Some(pid) = pid else { return Vec::new() };
        let mut mine = self.waiting.remove(&pid).unwrap_or_default();
        self.waits -= mine.len();
        for event in &mut mine {
            event.user = Some(user.clone());
            event.ip = ip;
        }
        self.keep(pid, (user, ip));
        mine
    }

    /// What waits in vain, in the order of the lines.
    fn rest(&mut self) -> Vec<AuthEvent> {
        let mut rest: Vec<AuthEvent> =
            std::mem::take(&mut self.waiting).into_values().flatten().collect();
        rest.sort_by_key(|event| event.place);
        rest
    }

    /// An event with its account, or none where it waits.
    fn event(&mut self, mut event: AuthEvent) -> Option<AuthEvent> {
        match &event.what {
            AuthWhat::Accepted(_) => {
                if let (Some(pid), Some(user)) = (event.pid, event.user.clone()) {
                    self.keep(pid, (user, event.ip));
                }
            }
            AuthWhat::Closed => {
                let who = event.pid.and_then(|pid| self.by_pid.remove(&pid));
                event.ip = event.ip.or(who.and_then(|(_, ip)| ip));
            }
            AuthWhat::Opened => {
                let who = event.pid.and_then(|pid| self.by_pid.get(&pid));
                event.ip = event.ip.or(who.and_then(|(_, ip)| *ip));
            }
            AuthWhat::Tunnel(..) | AuthWhat::Uploaded(_) if event.user.is_none() => {
                let Some(pid) = event.pid else { return Some(event) };
                if let Some((user, ip)) = self.by_pid.get(&pid) {
                    event.user = Some(user.clone());
                    event.ip = event.ip.or(*ip);
                } else if self.waits < WAITING {
                    self.waits += 1;
                    self.waiting.entry(pid).or_default().push(event);
                    return None;
                }
            }
            _ => {}
        }
        Some(event)
    }
}

/// Whose entry a line of journald's JSON is, where it tells of a login or of cron.
pub(crate) fn journal_class(line: &[u8]) -> Option<logline::Line> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let entry = journal::entry(line)?;
    let auth = logline::is_auth(entry.program.as_bytes(), entry.message.as_bytes());
    auth.then_some(if entry.program.to_ascii_lowercase().starts_with("cron") {
        logline::Line::Cron
    } else {
        logline::Line::Auth
    })
}

/// The inner message, and how many times it came.
fn repeated(message: &str) -> Option<(&str, u32)> {
    let rest = message.strip_prefix("message repeated ")?;
    let (times, rest) = rest.split_once(" times: [")?;
    let inner = rest.strip_suffix(']').unwrap_or(rest);
    Some((inner.trim(), times.parse::<u32>().ok()?.clamp(1, REPEATS)))
}

/// What a program's message says, and the service it stands for.
fn parse(program: &str, message: &str) -> Option<(&'static str, Said)> {
    // Solaris puts an id in front.
    let message = match message.strip_prefix("[ID ") {
        Some(rest) => rest.split_once("] ").map_or(message, |(_, rest)| rest),
        None => message,
    };
    let lower = program.to_ascii_lowercase();
    if let Some(said) = local::pam(&lower, message) {
        return said;
    }
    let is = |names: &[&str]| names.iter().any(|n| lower.starts_with(n));
    if is(&["sshd", "dropbear", "sftp-server", "internal-sftp"]) {
        let service = if lower.starts_with("dropbear") { "dropbear" } else { "sshd" };
        return Some((service, sshd::parse(message)?));
    }
    if is(&["vsftpd", "proftpd", "pure-ftpd"]) {
        return ftp::parse(&lower, message);
    }
    local::parse(&lower, message)
}

/// A field, cut.
fn field(text: &str) -> String {
    match text.char_indices().nth(FIELD) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}

/// An address as these programs write it: bare, in brackets, IPv4 mapped into IPv6, with a zone.
fn address(word: &str) -> Option<IpAddr> {
    let word = word.trim_matches(['[', ']', '(', ')', '"', ',']);
    let word = word.split('%').next().unwrap_or_default();
    crate::weblog::address(word.as_bytes()).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests;
