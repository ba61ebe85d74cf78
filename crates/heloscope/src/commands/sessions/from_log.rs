//! Sessions as a mail log tells of them: mails that clients handed in, and refusals.
//!
//! A log keeps no bytes of the dialogue, so commands are written as the log names their
//! arguments, the server's address is unspecified, a port that is not logged is 0, and detectors,
//! which judge bytes, are not asked.

use heloscope_maillog::{Mail, Origin, Reject};
use heloscope_model::session::{Command, Dialogue, EndState, Message, Reply, Session, Verb};
use heloscope_model::{Octets, Place, Time};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The mail's session, where a client with an address handed it in.
pub(super) fn of_mail(mail: &Mail) -> Option<Session> {
    let Origin::Client { ip: Some(ip), port, .. } = &mail.origin else { return None };
    let mut dialogue = Dialogue::default();
    let from = mail.from.clone().unwrap_or_default();
    dialogue.commands.push(command(mail.first, Verb::Mail, "MAIL FROM:", &from));
    let mut to: Vec<Octets> = Vec::new();
    for delivery in &mail.deliveries {
        let recipient = delivery.orig_to.as_ref().unwrap_or(&delivery.to);
        if !to.contains(recipient) {
            dialogue.commands.push(command(mail.first, Verb::Rcpt, "RCPT TO:", recipient));
            to.push(recipient.clone());
        }
    }
    // It has a queue id: it was taken, unless cleanup refused or dropped it afterwards.
    let taken = mail.cleanup_action.is_none();
    dialogue.replies.push(Reply {
        at: mail.first,
        code: if taken { 250 } else { 550 },
        text: Octets::from(format!("queued as {}", mail.queue_id).as_str()),
    });
    dialogue.messages.push(Message {
        at: mail.first,
        from,
        recipients: u32::try_from(to.len()).unwrap_or(u32::MAX),
        to,
        bytes: mail.size.unwrap_or(0),
        complete: true,
        reply: Some(0),
        ..Message::default()
    });
    Some(session(mail.place, mail.first, *ip, port.unwrap_or(0), dialogue))
}

/// The refused client's session.
pub(super) fn of_reject(reject: &Reject) -> Option<Session> {
    let mut dialogue = Dialogue::default();
    if let Some(helo) = &reject.helo {
        let mut greeting = command(reject.time, Verb::Ehlo, "EHLO ", &Octets::default());
        greeting.raw = Octets::new(&[b"EHLO ", helo.as_bytes(), b"\r\n"].concat());
        dialogue.commands.push(greeting);
    }
    for (verb, words, path) in
        [(Verb::Mail, "MAIL FROM:", &reject.from), (Verb::Rcpt, "RCPT TO:", &reject.to)]
    {
        if let Some(path) = path {
            dialogue.commands.push(command(reject.time, verb, words, path));
        }
    }
    let text = reject.text.as_bytes();
    let code = text.get(..3).and_then(|c| std::str::from_utf8(c).ok()?.parse().ok()).unwrap_or(0);
    let text = if code == 0 { text } else { text.get(4..).unwrap_or_default() };
    dialogue.replies.push(Reply { at: reject.time, code, text: Octets::new(text) });
    Some(session(reject.place, reject.time, reject.ip?, 0, dialogue))
}

fn session(place: Place, at: Time, client: IpAddr, port: u16, dialogue: Dialogue) -> Session {
    Session {
        place,
        start: at,
        end: at,
        client: SocketAddr::new(client, port),
        server: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 25),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (None, None),
        proxy: None,
        dialogue,
        bytes: (0, 0),
        end_state: EndState::Close,
    }
}

fn command(at: Time, verb: Verb, words: &str, path: &Octets) -> Command {
    let raw = [words.as_bytes(), b"<", path.as_bytes(), b">\r\n"].concat();
    Command {
        at,
        verb,
        len: u32::try_from(raw.len()).unwrap_or(u32::MAX),
        raw: Octets::new(&raw),
        early: false,
        reply: None,
    }
}
