//! Dovecot's login lines, where they stand in the same log: `imap-login: Login: user=<…>, …` and
//! `auth: passwd-file(user,ip): Password mismatch`.

use super::{Event, SignIn};
use crate::field::{Endpoint, address, after, angle, cut, cut_byte};

/// What follows `dovecot: `.
pub(super) fn read(text: &[u8]) -> Event<'_> {
    let Some((process, rest)) = cut_byte(text, b':') else { return Event::Strange };
    let rest = rest.trim_ascii_start();
    let rest = after(rest, b"Info: ").unwrap_or(rest);
    let service = cut_byte(process, b'(').map_or(process, |(name, _)| name);
    let event = match service {
        b"auth" | b"auth-worker" => auth(rest),
        _ if service.ends_with(b"-login") => login(service, rest),
        _ => None,
    };
    event.unwrap_or(Event::Noted)
}

/// `Login: user=<x>, method=PLAIN, rip=…` or `Disconnected (auth failed, 1 attempts …): user=<x>, …`.
fn login<'a>(service: &'a [u8], text: &'a [u8]) -> Option<Event<'a>> {
    let success = text.starts_with(b"Login: ") || text.starts_with(b"proxy(");
    if !success && cut(text, b"auth failed").is_none() {
        return None;
    }
    let account = cut(text, b"user=<").and_then(|(_, rest)| angle(rest)).map(|(user, _)| user);
    let field = |name: &[u8]| {
        let (_, rest) = cut(text, name)?;
        let end = rest.iter().position(|b| matches!(b, b',' | b' '));
        rest.get(..end.unwrap_or(rest.len()))
    };
    let method = field(b"method=").unwrap_or_default();
    let ip = field(b"rip=").and_then(address);
    Some(Event::Login(SignIn {
        account: account.filter(|a| !a.is_empty()),
        client: Endpoint { name: b"", ip, port: None },
        method,
        success,
        service,
    }))
}

/// `conn unix:auth-worker (…): auth-worker<4>: sql(user,ip,<session>): reason`.
fn auth(text: &[u8]) -> Option<Event<'_>> {
    let reasons: [&[u8]; 7] = [
        b": unknown user",
        b": Password mismatch",
        b": password mismatch",
        b": pam_authenticate() failed",
        b": CRYPT(",
        b": Login with disabled account",
        b": User is disabled",
    ];
    let at = reasons.iter().filter_map(|r| memchr::memmem::find(text, r)).min()?;
    let head = text.get(..at)?.strip_suffix(b")")?;
    let open = memchr::memrchr(b'(', head)?;
    let inside = head.get(open + 1..)?;
    let inside = inside.strip_suffix(b">").and_then(|t| cut(t, b",<")).map_or(inside, |(t, _)| t);
    let (account, ip) = match memchr::memrchr(b',', inside) {
        Some(comma) => (inside.get(..comma)?, inside.get(comma + 1..).and_then(address)),
        None => (inside, None),
    };
    Some(Event::Login(SignIn {
        account: Some(account).filter(|a| !a.is_empty()),
        client: Endpoint { name: b"", ip, port: None },
        method: b"",
        success: false,
        service: b"auth",
    }))
}
