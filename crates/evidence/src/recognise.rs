//! What a content is, by what it says. Binary forms by their magic, logs by their lines, the rest
//! by the marks of each kind, the most particular first, so that a crontab with a mail address is
//! not a message and a log that quotes a refusal is no notice.

use crate::kind::Kind;
use crate::logline::{self, Line};
use crate::sample::Sample;
use crate::{
    authlog, connections, crontab, dns_facts, firewall, leases, lines, list_answers, mail_summary,
    messages, notices, packets, processes, scanners, sections, settings, site, vpn, weblog,
    webroot,
};
use std::collections::BTreeMap;

/// Text files up to this size are read whole.
pub(crate) const WHOLE: usize = 32 << 20;

/// What a file is as a whole.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// Packets.
    Capture,
    /// A segment of a journal, as `heloscope record` and the list's ledger keep theirs.
    Record,
    /// Packets as tcpdump or ngrep print them.
    CaptureText,
    /// Nothing that is read, and why.
    Not(&'static str),
    /// Log lines, and whose.
    Log(BTreeMap<Line, usize>),
    /// Mails one after the other.
    Mbox,
    /// Text to be read whole.
    Text,
}

/// Tells by head and tail.
pub(crate) fn content(sample: &Sample) -> Content {
    let head = sample.head.as_slice();
    if head.is_empty() {
        return Content::Empty;
    }
    if heloscope_capture::recognise(head) {
        return Content::Capture;
    }
    if heloscope_journal::is_segment(head) {
        return Content::Record;
    }
    if let Some(what) = foreign(head) {
        return Content::Not(what);
    }
    if !sample.is_text() {
        return Content::Not("binary data of no kind that is read here");
    }
    if messages::is_mbox(head) {
        return Content::Mbox;
    }
    if packets::recognise(head) {
        return Content::CaptureText;
    }
    // Output collected under its commands is read section by section, logs among it, too.
    if sample.size.is_some_and(|size| size <= WHOLE as u64) && sections::split(head).len() > 1 {
        return Content::Text;
    }
    let (mut seen, mut known) = (0, 0);
    let mut lines: BTreeMap<Line, usize> = BTreeMap::new();
    for line in sample.lines().take(4000) {
        // Remarks say nothing of the lines between them.
        seen += usize::from(line.first() != Some(&b'#'));
        let class = logline::classify(line).or_else(|| weblog::is_json(line).then_some(Line::Web));
        if let Some(class) = class {
            known += 1;
            *lines.entry(class).or_default() += 1;
        }
    }
    // Journald and Docker write a line as JSON; the chain reads these.
    if known == 0 {
        if sample.lines().next().is_some_and(is_journal) {
            lines.insert(Line::Postfix, 1);
        }
        for class in sample.lines().take(4000).filter_map(authlog::journal_class) {
            *lines.entry(class).or_default() += 1;
        }
        if !lines.is_empty() {
            return Content::Log(lines);
        }
    }
    if known * 2 > seen {
        return Content::Log(lines);
    }
    Content::Text
}

/// A journald export as JSON, or Docker's json-file, that an MTA wrote.
fn is_journal(line: &[u8]) -> bool {
    line.first() == Some(&b'{')
        && (memchr::memmem::find(line, b"\"__REALTIME_TIMESTAMP\"").is_some()
            || memchr::memmem::find(line, b"\"log\":").is_some())
        && memchr::memmem::find(line, b"postfix").is_some()
}

/// Binary forms that people hand over and that are not read, with what to do.
fn foreign(head: &[u8]) -> Option<&'static str> {
    // Archives are opened before; these are left: one in a web site, a document that is a zip.
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive that is not opened here");
    }
    Some(match head {
        [b'P', b'K', 3, 4, ..] => "a document, program or archive in zip form, not opened",
        [b'R', b'a', b'r', b'!', ..] => "a rar archive: unpack it and hand over the folder",
        [b'7', b'z', 0xbc, 0xaf, ..] => "a 7z archive: unpack it and hand over the folder",
        [0x7f, b'E', b'L', b'F', ..] => "a program (ELF)",
        [b'L', b'P', b'K', b'S', b'H', b'H', b'R', b'H', ..] => {
            "a journald file: export it with `journalctl --file FILE -o short-iso`"
        }
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => "a SQLite database",
        [b'%', b'P', b'D', b'F', ..] => "a PDF: save its text",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => {
            "a picture"
        }
        _ => return None,
    })
}

/// Whether a text is of one kind.
type Test = fn(&[u8]) -> bool;

/// The kind of a text, or of a section of one; `command` stood above it.
pub(crate) fn text(text: &[u8], command: Option<&str>) -> Kind {
    if text.trim_ascii().is_empty() {
        return Kind::Unrecognised;
    }
    // A scan quotes what it found, other scanners' words among it.
    if processes::scan::recognise(text) {
        return Kind::Processes;
    }
    let particular: [(Test, Kind); 14] = [
        (connections::recorder::recognise, Kind::Connections),
        (processes::recognise, Kind::Processes),
        (connections::sockets::recognise, Kind::Connections),
        (connections::conntrack::recognise, Kind::Connections),
        (connections::lsof::recognise, Kind::Connections),
        (leases::recognise, Kind::Leases),
        (firewall::recognise, Kind::Firewall),
        (vpn::recognise, Kind::Vpn),
        (mail_summary::recognise, Kind::MailSummary),
        (list_answers::recognise, Kind::ListAnswers),
        (flows, Kind::Flows),
        (webroot::listing::recognise, Kind::WebRoot),
        (utf8_site, Kind::Site),
        (settings::recognise, Kind::MtaConfig),
    ];
    // Of some commands only the name above says what the output is.
    if scanners::recognise(text, command).is_some() {
        return Kind::ScannerReport;
    }
    let is_notice = || !notices::read(text, heloscope_model::SourceId(0), 0).is_empty();
    // A list's own words, asked for with dig, are a notice.
    if command.is_some() && dns_facts::recognise(text, command) && !is_notice() {
        return Kind::DnsFacts;
    }
    for (is, kind) in particular {
        if is(text) {
            return kind;
        }
    }
    if messages::is_postcat(text) {
        return Kind::Messages;
    }
    if messages::is_message(text) {
        return if notices::is_notice_mail(text) { Kind::Notice } else { Kind::Messages };
    }
    if crontab::recognise(text) {
        return Kind::Processes;
    }
    if let Some(kind) = log_kinds(text).first() {
        return *kind;
    }
    if is_notice() {
        return Kind::Notice;
    }
    if dns_facts::recognise(text, command) {
        return Kind::DnsFacts;
    }
    if settings::services::recognise(text) || command.is_some_and(|c| c.starts_with("postconf")) {
        return Kind::MtaConfig;
    }
    Kind::Unrecognised
}

/// The kinds of a section of log lines; none where it is something else.
pub(crate) fn log_kinds(text: &[u8]) -> Vec<Kind> {
    let (mut seen, mut counts) = (0, BTreeMap::<Line, usize>::new());
    for (_, line) in lines::of(text).take(4000).filter(|(_, l)| !l.is_empty()) {
        seen += 1;
        if let Some(class) = logline::classify(line) {
            *counts.entry(class).or_default() += 1;
        }
    }
    let known: usize = counts.values().sum();
    if known * 2 > seen { kinds(&counts) } else { Vec::new() }
}

/// The kinds that lines of these classes make.
pub(crate) fn kinds(lines: &BTreeMap<Line, usize>) -> Vec<Kind> {
    let has = |l: Line| lines.contains_key(&l);
    let mut kinds = Vec::new();
    if has(Line::Netfilter) {
        kinds.push(Kind::Connections);
    }
    if has(Line::Postfix) || has(Line::OtherMail) {
        kinds.push(Kind::MailLog);
    }
    if has(Line::Web) {
        kinds.push(Kind::WebLog);
    }
    if has(Line::Dhcp) {
        kinds.push(Kind::Leases);
    }
    if has(Line::Vpn) {
        kinds.push(Kind::Vpn);
    }
    if has(Line::Proxy) {
        kinds.push(Kind::ProxyLog);
    }
    if has(Line::Auth) || has(Line::Cron) {
        kinds.push(Kind::AuthLog);
    }
    kinds
}

fn contains(text: &[u8], needle: &str) -> bool {
    let head = text.get(..text.len().min(16 << 10)).unwrap_or_default();
    memchr::memmem::find(head, needle.as_bytes()).is_some()
}

fn utf8_site(text: &[u8]) -> bool {
    text.len() < 1 << 20 && std::str::from_utf8(text).is_ok_and(site::recognise)
}

fn flows(text: &[u8]) -> bool {
    contains(text, "Date first seen") && contains(text, "Src IP Addr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_between_the_lines_of_a_log() {
        let line = "Nov 24 04:00:00 mail postfix/qmgr[1]: 4jYTcQ47NMz4m: removed";
        let text = format!("# one\n# two\n# three\n{line}\n").into_bytes();
        let size = Some(text.len() as u64);
        let sample = Sample { head: text, tail: Vec::new(), size, problem: None };
        assert!(matches!(content(&sample), Content::Log(_)));
    }

    #[test]
    fn texts() {
        for (input, want) in [
            (
                "*filter\n:INPUT ACCEPT [0:0]\n-A OUTPUT -p tcp --dport 25 -j DROP\nCOMMIT\n",
                Kind::Firewall,
            ),
            ("Chain INPUT (policy ACCEPT)\ntarget prot opt source destination\n", Kind::Firewall),
            ("table inet filter {\n\tchain output {\n", Kind::Firewall),
            ("#!/usr/sbin/nft -f\ntable inet filter {\n\tchain output {\n", Kind::Firewall),
            (
                "#!/bin/sh\nnft -f - <<E\ntable inet filter {\n\tchain output {\nE\n",
                Kind::Unrecognised,
            ),
            ("interface: wg0\n  public key: x=\n  listening port: 51820\n", Kind::Vpn),
            (
                "/var/www/x.php: Php.Trojan.Mailer FOUND\n\n----------- SCAN SUMMARY -----------\n",
                Kind::ScannerReport,
            ),
            ("Postfix log summaries for Dec  4\n\nGrand Totals\n", Kind::MailSummary),
            (
                "1449239400.123    456 192.168.1.5 TCP_MISS/200 1234 GET http://example.org/ - DIRECT/192.0.2.1 text/html\n",
                Kind::ProxyLog,
            ),
            ("10.113.0.203.in-addr.arpa domain name pointer mail.example.org.\n", Kind::DnsFacts),
            (
                "smtp      inet  n       -       y       -       -       smtpd\npickup    unix  n       -       y       60      1       pickup\n",
                Kind::MtaConfig,
            ),
            ("Dear Bob,\nall is well.\n", Kind::Unrecognised),
            ("", Kind::Unrecognised),
        ] {
            assert_eq!(text(input.as_bytes(), None), want, "{input}");
        }
    }
}
