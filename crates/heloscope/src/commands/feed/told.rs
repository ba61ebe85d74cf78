//! A visit that a log tells of to a [`Session`]: what is known and not more.
//!
//! Words that the log only reports (HELO, senders, recipients) become commands whose length is 0: they
//! were said, how they were written is not known, so no dialect is made of them. Bytes that
//! the log quotes are the client's. The session counts as begun before the recording (`midstream`), so
//! that nothing which is missing is taken as not said.

use super::postfix::{Recipient, Said, Visit};
use heloscope_model::session::{Auth, Command, Dialogue, EndState, Reply, Session, Verb};
use heloscope_model::{Octets, Time};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The session of a visit; `receiver` is where it was, if the log does not say.
pub(crate) fn session(visit: &Visit, receiver: Option<IpAddr>) -> Session {
    let mut dialogue = Dialogue { midstream: true, ..Dialogue::default() };
    let mut to_do: Vec<&Said> = visit.said.iter().collect();
    if let Some(at) = to_do.iter().position(|said| matches!(said, Said::Early(..)))
        && let Said::Early(after, said) = to_do.remove(at)
    {
        early(&mut dialogue, visit, *after, said);
    }
    if let Some((verb, name)) = &visit.helo
        && dialogue.helo().is_none()
    {
        let word = verb.helo().unwrap_or("EHLO").as_bytes();
        let raw = [word, b" ", name.as_bytes()].concat();
        dialogue.commands.push(reported(visit.start, *verb, &raw));
    }
    for said in to_do {
        strange(&mut dialogue, visit.start, said);
    }
    envelope(&mut dialogue, visit.start, &visit.recipients);
    for _ in 0..visit.failed_logins.min(20) {
        let reply = Some(count(dialogue.replies.len()));
        dialogue.replies.push(Reply { at: visit.end, code: 535, text: Octets::default() });
        dialogue.auth.push(Auth { at: visit.end, reply, ..Auth::default() });
    }
    let server = visit.server.unwrap_or_else(|| {
        SocketAddr::new(receiver.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), 25)
    });
    Session {
        place: visit.place,
        start: visit.start,
        end: visit.end,
        client: visit.client,
        server,
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy: None,
        dialogue,
        bytes: (0, 0),
        end_state: if visit.quit { EndState::Quit } else { EndState::Truncated },
    }
}

/// What it said before the greeting, which came at that moment or later.
fn early(dialogue: &mut Dialogue, visit: &Visit, after: f64, said: &Octets) {
    let at = visit.start.plus_secs(after);
    dialogue.greeting = Some(Reply { at, code: 220, text: Octets::default() });
    let lines = said.as_bytes().split_inclusive(|&b| b == b'\n');
    for line in lines.take(20) {
        let mut command = quoted(at, line);
        command.early = true;
        dialogue.commands.push(command);
    }
}

fn strange(dialogue: &mut Dialogue, at: Time, said: &Said) {
    match said {
        Said::Early(..) => {}
        Said::Strange(said) => dialogue.commands.push(quoted(at, said.as_bytes())),
        Said::Pipelined(after, said) => {
            let before = verb(after.as_bytes());
            if dialogue.commands.last().is_none_or(|last| last.verb != before) {
                dialogue.commands.push(reported(at, before, after.as_bytes()));
            }
            let first = said.as_bytes().split_inclusive(|&b| b == b'\n').next().unwrap_or_default();
            let mut command = quoted(at, first);
            command.early = true;
            dialogue.commands.push(command);
        }
        Said::BareNewline => dialogue.commands.push(quoted(at, b"\n")),
    }
}

fn envelope(dialogue: &mut Dialogue, at: Time, recipients: &[Recipient]) {
    let mut from = None;
    for recipient in recipients {
        if from != Some(&recipient.from) {
            from = Some(&recipient.from);
            let raw = [b"MAIL FROM:<", recipient.from.as_bytes(), b">"].concat();
            dialogue.commands.push(reported(at, Verb::Mail, &raw));
        }
        let raw = [b"RCPT TO:<", recipient.to.as_bytes(), b">"].concat();
        let mut command = reported(at, Verb::Rcpt, &raw);
        command.reply = Some(count(dialogue.replies.len()));
        let (code, text) = recipient.refused.clone().unwrap_or((250, Octets::default()));
        dialogue.replies.push(Reply { at, code, text });
        dialogue.commands.push(command);
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A command whose words are known and whose bytes are not.
fn reported(at: Time, verb: Verb, raw: &[u8]) -> Command {
    Command { at, verb, raw: Octets::new(raw), len: 0, early: false, reply: None }
}

/// A command as the client sent it.
fn quoted(at: Time, raw: &[u8]) -> Command {
    Command {
        at,
        verb: verb(raw),
        raw: Octets::new(raw),
        len: count(raw.len()),
        early: false,
        reply: None,
    }
}

/// What a line is, by its first word.
fn verb(line: &[u8]) -> Verb {
    if matches!(line.first(), Some(4 | 5)) {
        return Verb::Proxy;
    }
    let end = line.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len());
    let word = line.get(..end).unwrap_or_default().to_ascii_uppercase();
    match word.as_slice() {
        b"HELO" => Verb::Helo,
        b"EHLO" => Verb::Ehlo,
        b"MAIL" => Verb::Mail,
        b"RCPT" => Verb::Rcpt,
        b"DATA" => Verb::Data,
        b"BDAT" => Verb::Bdat,
        b"RSET" => Verb::Rset,
        b"NOOP" => Verb::Noop,
        b"QUIT" => Verb::Quit,
        b"VRFY" => Verb::Vrfy,
        b"STARTTLS" => Verb::StartTls,
        b"AUTH" => Verb::Auth,
        b"GET" | b"POST" | b"PUT" | b"HEAD" | b"OPTIONS" | b"CONNECT" => Verb::Proxy,
        word if word.ends_with(b":") => Verb::Header,
        _ => Verb::Other,
    }
}
