//! Delivery lines: `to=<…>, relay=…, delay=…, delays=…, dsn=…, status=sent (…)`.
//!
//! Only what finds the fields is done here; addresses and numbers are parsed when asked for,
//! because counting needs few of them. A field we do not know is passed over, so a newer
//! Postfix's lines (`tls=`) are read too.

use crate::field::{after, angle, cut, cut_byte, decimal, endpoint, value, whole_number};
use crate::mail::{LinkKind, Status};
use crate::queue_id::is_queue_id;
use crate::service::Tag;
use std::net::IpAddr;

/// One attempt for one recipient, as slices of its line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Delivered<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) agent: &'a [u8],
    pub(crate) to: &'a [u8],
    pub(crate) orig_to: Option<&'a [u8]>,
    pub(crate) relay: &'a [u8],
    pub(crate) conn_use: &'a [u8],
    pub(crate) delays: &'a [u8],
    pub(crate) dsn: &'a [u8],
    /// The status word as logged.
    pub(crate) word: &'a [u8],
    /// The text in parentheses.
    pub(crate) reply: &'a [u8],
    /// Whether pflogsumm's pattern takes the line: fields it does not know, or recipients
    /// without `<>`, make it pass a delivery over.
    pub(crate) plain: bool,
}

/// Reads what follows the queue id; `None` where it is no delivery line.
#[inline]
pub(crate) fn read<'a>(id: &'a [u8], tag: &Tag<'a>, text: &'a [u8]) -> Option<Delivered<'a>> {
    let rest = after(text, b"to=")?;
    let mut plain = rest.first() == Some(&b'<');
    let (to, mut rest) = value(rest)?;
    let mut it = Delivered {
        id,
        agent: tag.program(),
        to,
        orig_to: None,
        relay: b"",
        conn_use: b"",
        delays: b"",
        dsn: b"",
        word: b"",
        reply: b"",
        plain: true,
    };
    loop {
        rest = after(rest, b", ")?;
        let (key, tail) = cut_byte(rest, b'=')?;
        match key {
            b"status" => {
                let end = memchr::memchr(b' ', tail).unwrap_or(tail.len());
                let (word, reply) = tail.split_at_checked(end)?;
                it.word = word;
                it.reply =
                    after(reply, b" (").map(|r| r.strip_suffix(b")").unwrap_or(r)).unwrap_or(reply);
                it.plain = plain && !it.relay.is_empty();
                return Some(it);
            }
            b"orig_to" => {
                plain &= tail.first() == Some(&b'<');
                let (orig_to, after_it) = after(tail, b"<").map_or_else(|| value(tail), angle)?;
                it.orig_to = Some(orig_to);
                rest = after_it;
            }
            _ => {
                let end = memchr::memchr(b',', tail)?;
                let (value, after_it) = tail.split_at_checked(end)?;
                match key {
                    b"relay" => it.relay = value,
                    b"conn_use" => it.conn_use = value,
                    b"delays" => it.delays = value,
                    b"dsn" => it.dsn = value,
                    b"delay" => {}
                    _ => plain = false,
                }
                rest = after_it;
            }
        }
    }
}

impl Delivered<'_> {
    /// What became of it.
    pub(crate) fn status(&self) -> Status {
        match self.word {
            b"sent" => Status::Sent,
            b"deferred" => Status::Deferred,
            b"bounced" => Status::Bounced,
            b"expired" => Status::Expired,
            _ => Status::Other,
        }
    }

    /// Mails this connection has carried.
    pub(crate) fn conn_use(&self) -> u32 {
        whole_number(self.conn_use).and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
    }

    /// The four parts of `delays=`.
    pub(crate) fn delays(&self) -> Option<[f32; 4]> {
        let mut parts = self.delays.split(|&b| b == b'/');
        let mut next = || decimal(parts.next()?);
        Some([next()?, next()?, next()?, next()?])
    }

    /// Whether `local` sent it on instead of delivering it.
    pub(crate) fn forwarded(&self) -> bool {
        self.reply.starts_with(b"forwarded as ") || cut(self.reply, b"forwarded as ").is_some()
    }
}

/// The mail that a delivery made: `forwarded as ID`, or `queued as ID` from a filter on this
/// host (a loopback or unix-domain relay; other servers' ids are theirs).
pub(crate) fn successor<'a>(d: &Delivered<'a>) -> Option<(&'a [u8], LinkKind)> {
    if d.word != b"sent" {
        return None;
    }
    if let Some(child) = after(d.reply, b"forwarded as ") {
        return is_queue_id(child).then_some((child, LinkKind::Forwarded));
    }
    let here = match endpoint(d.relay).ip {
        Some(IpAddr::V4(ip)) => ip.is_loopback(),
        Some(IpAddr::V6(ip)) => ip.is_loopback(),
        None => cut(d.relay, b"[private/").is_some() || cut(d.relay, b"[/").is_some(),
    };
    if !here {
        return None;
    }
    let (_, child) = cut(d.reply, b"queued as ")?;
    let end = child.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let child = child.get(..end).filter(|id| is_queue_id(id) && *id != d.id)?;
    Some((child, LinkKind::Reinjected))
}
