//! smtpd's messages: clients' mails, refusals, failed logins, and what it says of connections.

use super::{Client, Event, SignIn, action, complaint, with_id};
use crate::field::{after, cut, cut_byte, leading_endpoint};
use crate::queue_id::is_queue_id;

/// What a message of smtpd says.
pub(super) fn read(text: &[u8]) -> Event<'_> {
    match text.first() {
        Some(b'c') if text.starts_with(b"connect from ") => return Event::Noted,
        Some(b'd') if text.starts_with(b"disconnect from ") => return Event::Noted,
        Some(b'w') => {
            if let Some(rest) = after(text, b"warning: ") {
                return sasl_failure(rest).unwrap_or(Event::Noted);
            }
        }
        Some(b'N') => {
            if let Some(rest) = after(text, b"NOQUEUE: ") {
                let event = taken(None, rest).or_else(|| action(None, rest));
                return event.unwrap_or_else(|| smtpd_noise(rest));
            }
        }
        _ => {}
    }
    if let Some((id, rest)) = with_id(text) {
        return taken(Some(id), rest).or_else(|| action(Some(id), rest)).unwrap_or(Event::Strange);
    }
    // Postfix before 2.0 left the id out where there was none.
    action(None, text).unwrap_or_else(|| smtpd_noise(text))
}

/// What smtpd says of connections.
fn smtpd_noise(text: &[u8]) -> Event<'_> {
    let known: [&[u8]; 8] = [
        b"lost connection after ",
        b"timeout after ",
        b"SSL_accept error from ",
        b"improper command pipelining after ",
        b"bare <LF> received after ",
        b"too many errors after ",
        b"discarding EHLO keywords: ",
        b"proxy-",
    ];
    if known.iter().any(|start| text.starts_with(start))
        || cut(text, b"TLS connection established").is_some()
    {
        return Event::Noted;
    }
    complaint(text)
}

/// `client=name[ip]:port, sasl_method=…, sasl_username=…, orig_queue_id=…, orig_client=…`.
fn taken<'a>(id: Option<&'a [u8]>, text: &'a [u8]) -> Option<Event<'a>> {
    let rest = after(text, b"client=")?;
    let (client, mut rest) = cut(rest, b", ").unwrap_or((rest, b""));
    let mut event = Client { id, client, method: b"", account: None, original: None };
    while !rest.is_empty() {
        let (field, tail) = cut(rest, b", ").unwrap_or((rest, b""));
        if let Some(method) = after(field, b"sasl_method=") {
            event.method = method;
        } else if let Some(account) = after(field, b"sasl_username=") {
            event.account = Some(account);
        } else if let Some(parent) = after(field, b"orig_queue_id=") {
            event.original = Some(parent).filter(|id| is_queue_id(id));
        }
        rest = tail;
    }
    Some(Event::Client(event))
}

/// `name[ip]: SASL LOGIN authentication failed: reason, sasl_username=…`.
fn sasl_failure(text: &[u8]) -> Option<Event<'_>> {
    let (client, rest) = leading_endpoint(text)?;
    let (method, rest) = cut_byte(after(rest, b": SASL ")?, b' ')?;
    let rest = after(rest, b"authentication ")?;
    let account = cut(rest, b"sasl_username=").map(|(_, account)| account);
    let failed = rest.starts_with(b"failed") || rest.starts_with(b"aborted");
    failed.then_some(Event::Login(SignIn { account, client, method, success: false, service: b"" }))
}
