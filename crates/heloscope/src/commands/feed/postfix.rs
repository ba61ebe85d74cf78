//! Postfix's log lines to visits: one connection of a stranger at smtpd or postscreen, as far as a log
//! tells of it.
//!
//! In: lines of a mail log in order, each taken apart ([`Line`]). Out: [`Visit`]s, when a connection has
//! ended and its mails have left the queue. Only programs that take connections are read for visits, so
//! what this server sent itself is never among them; queue lines only add who was written to. What other lists say
//! (`DNSBL rank`) is no evidence of ours and passed over. Pure; open visits are bounded.
//!
//! A stranger's HELO may hold what looks like fields of the line. The client's address stands before
//! all he said, so whatever he forges speaks of himself.

use heloscope_model::session::Verb;
use heloscope_model::{Octets, Place, Time};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Connections followed at once.
const OPEN: usize = 20_000;
/// Mails in the queue that a visit waits for.
const QUEUED: usize = 50_000;
/// Recipients and strange words kept of a visit.
const KEPT: usize = 100;

/// A line of a system log, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) place: Place,
    pub(crate) time: Time,
    pub(crate) host: &'a [u8],
    /// `postfix/smtpd`, `postfix/submission/smtpd`.
    pub(crate) tag: &'a [u8],
    pub(crate) pid: u32,
    pub(crate) text: &'a [u8],
}

/// One connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Visit {
    pub(crate) place: Place,
    /// The tag without its program: `postfix`, `postfix/submission`.
    pub(crate) service: Octets,
    pub(crate) client: SocketAddr,
    /// The client's name, which Postfix confirmed by where it leads; none where it did not.
    pub(crate) name: Option<String>,
    /// Where postscreen was connected to.
    pub(crate) server: Option<SocketAddr>,
    pub(crate) start: Time,
    pub(crate) end: Time,
    pub(crate) helo: Option<(Verb, Octets)>,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) said: Vec<Said>,
    pub(crate) failed_logins: u32,
    pub(crate) logged_in: bool,
    pub(crate) quit: bool,
    /// Mails of it that are still in the queue.
    waits: u32,
    closed: bool,
}

/// One recipient that it named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipient {
    pub(crate) from: Octets,
    pub(crate) to: Octets,
    /// Code and text of a refusal; none was taken.
    pub(crate) refused: Option<(u16, Octets)>,
}

/// What a log quotes or tells of its manners.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// It spoke so many seconds after it connected, before the greeting.
    Early(f64, Octets),
    /// No command of SMTP.
    Strange(Octets),
    /// Sent before the answer to this command, which it had to wait for.
    Pipelined(Octets, Octets),
    /// A line that ended with LF alone.
    BareNewline,
}

/// Follows the lines of a log.
#[derive(Default)]
pub(crate) struct Visits {
    /// Connections under way.
    open: HashMap<Key, u64>,
    /// They, and those whose mails are still in the queue.
    visits: HashMap<u64, Visit>,
    /// Mails in the queue, by host and queue id.
    queued: HashMap<Vec<u8>, Mail>,
    serial: u64,
    done: Vec<Visit>,
}

/// A connection of smtpd is its process's, one of postscreen its client's.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Process(Vec<u8>, u32),
    Client(Vec<u8>, SocketAddr),
}

struct Mail {
    visit: u64,
    from: Octets,
}

impl Visits {
    /// Takes a line; gives the visits that are whole.
    pub(crate) fn line(&mut self, line: &Line<'_>) -> std::vec::Drain<'_, Visit> {
        let (service, program) = match line.tag.iter().rposition(|&b| b == b'/') {
            Some(at) => line.tag.split_at(at),
            None => (&b""[..], line.tag),
        };
        match program.strip_prefix(b"/").unwrap_or_default() {
            b"smtpd" => self.smtpd(line, service),
            b"postscreen" => self.postscreen(line, service),
            b"" => {}
            _ => self.queue(line),
        }
        if self.open.len() > OPEN || self.visits.len() > QUEUED || self.queued.len() > QUEUED {
            self.let_go();
        }
        self.done.drain(..)
    }

    /// The log has ended: gives what is left.
    pub(crate) fn end(mut self) -> Vec<Visit> {
        self.let_go();
        self.done
    }

    /// Gives out everything that is followed, as far as it is known.
    fn let_go(&mut self) {
        self.open.clear();
        self.queued.clear();
        self.done.extend(self.visits.drain().map(|(_, visit)| visit));
        self.done.sort_by_key(|visit| (visit.start, visit.client));
    }

    fn begin(&mut self, key: Key, line: &Line<'_>, service: &[u8], client: Client) {
        let visit = Visit {
            place: line.place,
            service: Octets::new(service),
            client: client.address,
            name: client.name,
            server: None,
            start: line.time,
            end: line.time,
            helo: None,
            recipients: Vec::new(),
            said: Vec::new(),
            failed_logins: 0,
            logged_in: false,
            quit: false,
            waits: 0,
            closed: false,
        };
        self.close(&key);
        self.serial += 1;
        self.open.insert(key, self.serial);
        self.visits.insert(self.serial, visit);
    }

    /// A connection is over; it is given out once its mails have left the queue.
    fn close(&mut self, key: &Key) {
        let Some(serial) = self.open.remove(key) else { return };
        if let Some(visit) = self.visits.get_mut(&serial) {
            visit.closed = true;
        }
        self.give(serial);
    }

    fn give(&mut self, serial: u64) {
        if self.visits.get(&serial).is_some_and(|v| v.closed && v.waits == 0) {
            self.done.extend(self.visits.remove(&serial));
        }
    }

    /// The connection that is under way, and its number.
    fn under_way(&mut self, key: &Key) -> Option<(u64, &mut Visit)> {
        let serial = *self.open.get(key)?;
        Some((serial, self.visits.get_mut(&serial)?))
    }

    fn smtpd(&mut self, line: &Line<'_>, service: &[u8]) {
        let key = Key::Process(line.host.to_vec(), line.pid);
        let text = line.text;
        if let Some((client, _)) = text.strip_prefix(b"connect from ").and_then(client) {
            return self.begin(key, line, service, client);
        }
        let Some((serial, visit)) = self.under_way(&key) else { return };
        visit.end = visit.end.max(line.time);
        if let Some(rest) = text.strip_prefix(b"disconnect from ") {
            let told = |word: &[u8]| number_of(rest, word).is_some_and(|n| n > 0);
            visit.quit = told(b" quit=");
            visit.logged_in |= told(b" auth=");
            return self.close(&key);
        }
        if let Some(rest) = text.strip_prefix(b"warning: ") {
            if let Some(rest) = rest.strip_prefix(b"non-SMTP command from ") {
                visit.say(client(rest).map(|(_, rest)| Said::Strange(quoted(rest))));
            } else if find(rest, b" authentication failed").is_some() {
                visit.failed_logins = visit.failed_logins.saturating_add(1);
            }
            return;
        }
        if let Some(rest) = text.strip_prefix(b"improper command pipelining after ") {
            return visit.say(pipelined(rest));
        }
        let Some(at) = find(text, b": ") else { return };
        let (id, rest) =
            (text.get(..at).unwrap_or_default(), text.get(at + 2..).unwrap_or_default());
        if let Some(rest) = rest.strip_prefix(b"reject: ") {
            visit.refused(rest);
        } else if rest.starts_with(b"client=") {
            visit.logged_in |= find(rest, b", sasl_username=").is_some();
            if id != b"NOQUEUE" {
                visit.waits += 1;
                let mail = Mail { visit: serial, from: Octets::default() };
                // An id used again: of the mail before, no more will be said.
                if let Some(before) = self.queued.insert([line.host, b" ", id].concat(), mail) {
                    self.left(before.visit);
                }
            }
        }
    }

    /// A line about a mail in the queue.
    fn queue(&mut self, line: &Line<'_>) {
        let Some(at) = find(line.text, b": ") else { return };
        let (id, rest) = line.text.split_at(at);
        let rest = rest.get(2..).unwrap_or_default();
        let id = [line.host, b" ", id].concat();
        let Some(mail) = self.queued.get_mut(&id) else { return };
        if let Some(rest) = rest.strip_prefix(b"from=<") {
            mail.from = until(rest, b">, ");
            return;
        }
        let ended = rest == b"removed";
        let (serial, from) = (mail.visit, mail.from.clone());
        let Some(visit) = self.visits.get_mut(&serial) else { return };
        if let Some(rest) = rest.strip_prefix(b"to=<") {
            // As it was said, before aliases and the like.
            let said = find(rest, b">, orig_to=<").and_then(|at| rest.get(at + 12..));
            let to = until(said.unwrap_or(rest), b">, ");
            visit.recipient(Recipient { from, to, refused: None });
        }
        if ended {
            self.queued.remove(&id);
            self.left(serial);
        }
    }

    /// A mail of this visit has left the queue.
    fn left(&mut self, serial: u64) {
        if let Some(visit) = self.visits.get_mut(&serial) {
            visit.waits = visit.waits.saturating_sub(1);
        }
        self.give(serial);
    }

    fn postscreen(&mut self, line: &Line<'_>, service: &[u8]) {
        let text = line.text;
        let key = |client: &Client| Key::Client(line.host.to_vec(), client.address);
        if let Some(rest) = text.strip_prefix(b"CONNECT from ") {
            let Some((client, rest)) = client(rest) else { return };
            let server = rest.strip_prefix(b" to ").and_then(self::client);
            let key = key(&client);
            self.begin(key.clone(), line, service, client);
            if let (Some((_, visit)), Some((server, _))) = (self.under_way(&key), server) {
                visit.server = Some(server.address);
            }
            return;
        }
        let words: [&[u8]; 5] =
            [b"DISCONNECT ", b"PASS NEW ", b"PASS OLD ", b"WHITELISTED ", b"ALLOWLISTED "];
        for word in words {
            if let Some((client, _)) = text.strip_prefix(word).and_then(client) {
                // Who passed is smtpd's visitor from here on.
                let key = key(&client);
                let Some((serial, visit)) = self.under_way(&key) else { return };
                visit.end = visit.end.max(line.time);
                if word != b"DISCONNECT " && visit.said.is_empty() && visit.helo.is_none() {
                    self.open.remove(&key);
                    self.visits.remove(&serial);
                } else {
                    self.close(&key);
                }
                return;
            }
        }
        let Some(at) = find(text, b" from ") else { return };
        let (what, rest) = text.split_at(at);
        let Some((who, rest)) = rest.get(6..).and_then(client) else { return };
        let Some((_, visit)) = self.under_way(&key(&who)) else { return };
        visit.end = visit.end.max(line.time);
        let quote = || find(rest, b": ").and_then(|at| rest.get(at + 2..)).map(unescaped);
        if let Some(told) = what.strip_prefix(b"PREGREET ") {
            let after = find(told, b" after ").and_then(|at| told.get(at + 7..));
            let after = after.and_then(|t| std::str::from_utf8(t).ok()?.trim().parse().ok());
            let after = after.filter(|s: &f64| s.is_finite()).unwrap_or(0.0).clamp(0.0, 600.0);
            visit.say(quote().map(|said| Said::Early(after, said)));
        } else if what == b"NON-SMTP COMMAND" {
            visit.say(quote().map(Said::Strange));
        } else if what == b"COMMAND PIPELINING" {
            let after = rest.strip_prefix(b" after ").map(|r| until(r, b": ")).unwrap_or_default();
            visit.say(quote().map(|said| Said::Pipelined(after, said)));
        } else if what == b"BARE NEWLINE" {
            visit.say(Some(Said::BareNewline));
        } else if let Some(stage) = what.strip_prefix(b"NOQUEUE: reject: ") {
            let told = [stage, b" from ", text.get(at + 6..).unwrap_or_default()].concat();
            visit.refused(&told);
        }
    }
}

impl Visit {
    fn say(&mut self, said: Option<Said>) {
        if let Some(said) = said.filter(|_| self.said.len() < KEPT) {
            self.said.push(said);
        }
    }

    fn recipient(&mut self, recipient: Recipient) {
        let known =
            self.recipients.iter().any(|r| r.from == recipient.from && r.to == recipient.to);
        if self.recipients.len() < KEPT && !known {
            self.recipients.push(recipient);
        }
    }

    /// `RCPT from name[ip]: 550 5.1.1 …; from=<…> to=<…> proto=ESMTP helo=<…>`.
    fn refused(&mut self, told: &[u8]) {
        let Some(at) = rfind(told, b"; from=<").or_else(|| rfind(told, b"; proto=")) else {
            return;
        };
        let (head, fields) = told.split_at(at);
        if let Some(helo) = rfind(fields, b"helo=<").and_then(|at| fields.get(at + 6..)) {
            let helo = match rfind(helo, b"> sasl_username=") {
                Some(at) => helo.get(..at).unwrap_or_default(),
                None => helo.strip_suffix(b">").unwrap_or(helo),
            };
            let extended = find(fields, b"proto=ESMTP").is_some();
            let verb = if extended { Verb::Ehlo } else { Verb::Helo };
            self.helo.get_or_insert((verb, Octets::new(helo)));
        }
        self.logged_in |= find(fields, b"sasl_username=").is_some();
        let field = |name: &[u8], next: [&[u8]; 2]| {
            let value = find(fields, name).and_then(|at| fields.get(at + name.len()..))?;
            let end = next.iter().filter_map(|next| find(value, next)).min()?;
            Some(Octets::new(value.get(..end).unwrap_or_default()))
        };
        let from = field(b"; from=<", [b"> ", b">, "]);
        let to = field(b" to=<", [b"> proto=", b">, proto="]);
        if let (Some(from), Some(to)) = (from, to) {
            let text =
                client(head.get(find(head, b"from ").map_or(0, |at| at + 5)..).unwrap_or_default());
            let text =
                text.map(|(_, rest)| rest.strip_prefix(b": ").unwrap_or(rest)).unwrap_or_default();
            let code = text.get(..3).and_then(|c| std::str::from_utf8(c).ok()?.parse().ok());
            let reply = Octets::new(text.get(4..).unwrap_or_default());
            self.recipient(Recipient { from, to, refused: Some((code.unwrap_or(0), reply)) });
        }
    }
}

/// Who is named: `name[ip]`, `name[ip]:port`, `[ip]:port`.
struct Client {
    name: Option<String>,
    address: SocketAddr,
}

/// The client that a text begins with, and what follows.
fn client(text: &[u8]) -> Option<(Client, &[u8])> {
    let open = text.iter().take(300).position(|&b| b == b'[')?;
    let close = text.iter().take(400).position(|&b| b == b']')?;
    let name = std::str::from_utf8(text.get(..open)?).ok()?;
    if name.contains(' ') {
        return None;
    }
    let ip: IpAddr = std::str::from_utf8(text.get(open + 1..close)?).ok()?.parse().ok()?;
    let mut rest = text.get(close + 1..)?;
    let mut port = 0;
    if let Some(after) = rest.strip_prefix(b":") {
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, behind) = after.split_at(digits);
        if let Some(n) = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()) {
            (port, rest) = (n, behind);
        }
    }
    let name = Some(name).filter(|n| !n.is_empty() && *n != "unknown").map(str::to_owned);
    Some((Client { name, address: SocketAddr::new(ip.to_canonical(), port) }, rest))
}

/// `EHLO from name[ip]: text`.
fn pipelined(rest: &[u8]) -> Option<Said> {
    let at = find(rest, b" from ")?;
    let after = Octets::new(rest.get(..at)?);
    let (_, said) = client(rest.get(at + 6..)?)?;
    Some(Said::Pipelined(after, quoted(said)))
}

/// What stands behind a colon, as smtpd writes it.
fn quoted(rest: &[u8]) -> Octets {
    unescaped(rest.strip_prefix(b": ").unwrap_or(rest))
}

/// Postfix writes what is not printable as C does: `\r\n`, `\t`, `\\`, `\001`.
fn unescaped(text: &[u8]) -> Octets {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let octal = after.get(..3).filter(|d| d.iter().all(|b| (b'0'..=b'7').contains(b)));
        let octal = octal.map(|d| d.iter().fold(0_u32, |n, b| n * 8 + u32::from(b - b'0')));
        if let Some(byte) = octal.and_then(|n| u8::try_from(n).ok()) {
            bytes.push(byte);
            rest = after.get(3..).unwrap_or_default();
            continue;
        }
        let meant = match after.first() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'\\') => b'\\',
            _ => {
                bytes.push(byte);
                continue;
            }
        };
        bytes.push(meant);
        rest = after.get(1..).unwrap_or_default();
    }
    Octets::new(&bytes)
}

/// The number behind a word: the first of `rcpt=1/2`, which is how often it was taken.
fn number_of(text: &[u8], word: &[u8]) -> Option<u32> {
    let rest = text.get(find(text, word)? + word.len()..)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

fn until(text: &[u8], end: &[u8]) -> Octets {
    Octets::new(find(text, end).and_then(|at| text.get(..at)).unwrap_or(text))
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|w| w == word)
}

fn rfind(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).rposition(|w| w == word)
}

#[cfg(test)]
mod tests;
