//! What one line says: the borrowed layer between lines and mails.
//!
//! [`read`] takes a line's service and message and gives an [`Event`] of slices into it, without
//! allocating and without regular expressions: the service and the first bytes decide. Chain and
//! Summary both stand on this. A message of a known service with an unknown text is
//! [`Event::Strange`]; one that changes nothing is [`Event::Noted`].

mod deliver;
mod dovecot;
mod refuse;
mod smtpd;

pub(crate) use deliver::{Delivered, successor};
pub(crate) use refuse::refusal;

use crate::field::{
    Endpoint, after, angle, cut, cut_byte, endpoint, leading_endpoint, number, value, whole_number,
};
use crate::mail::LinkKind;
use crate::queue_id::is_queue_id;
use crate::service::{Service, Tag};

/// One line's meaning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// smtpd took a mail from a client; no id where a proxy filter stands before the queue.
    Client(Client<'a>),
    /// pickup took a mail from a program.
    Program { id: &'a [u8], uid: u32, from: &'a [u8], requeued: Option<&'a [u8]> },
    /// cleanup saw the Message-ID.
    MessageId { id: &'a [u8], message_id: &'a [u8] },
    /// qmgr made it active.
    Queued { id: &'a [u8], from: &'a [u8], size: u64, recipients: u32 },
    /// qmgr gave up.
    Expired { id: &'a [u8] },
    /// It left the queue.
    Removed { id: &'a [u8] },
    /// An attempt for one recipient.
    Delivered(Delivered<'a>),
    /// A report on it was made.
    Notified { id: &'a [u8], child: &'a [u8] },
    /// smtpd, postscreen or cleanup refused, held, discarded, redirected, warned.
    Action(Action<'a>),
    /// TLS with a server is up.
    Tls { relay: &'a [u8] },
    /// A connection that gave no delivery line.
    Attempt { id: Option<&'a [u8]>, relay: Endpoint<'a>, text: &'a [u8] },
    /// Somebody logged in or failed to.
    Login(SignIn<'a>),
    /// Understood, without consequence.
    Noted,
    /// Of a service we read, in words we do not know.
    Strange,
}

/// A client's mail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Client<'a> {
    pub(crate) id: Option<&'a [u8]>,
    /// `name[ip]:port` as logged.
    pub(crate) client: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) account: Option<&'a [u8]>,
    /// The mail a filter gives back (XFORWARD).
    pub(crate) original: Option<&'a [u8]>,
}

/// An action of an access rule, a header check or a milter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Action<'a> {
    pub(crate) id: Option<&'a [u8]>,
    /// `reject`, `milter-reject`, `hold`, ….
    pub(crate) word: &'a [u8],
    /// What follows the word and its colon.
    pub(crate) rest: &'a [u8],
}

/// A login or an attempt at one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SignIn<'a> {
    pub(crate) account: Option<&'a [u8]>,
    pub(crate) client: Endpoint<'a>,
    pub(crate) method: &'a [u8],
    pub(crate) success: bool,
    /// The service that says so; empty where it is the line's own.
    pub(crate) service: &'a [u8],
}

/// A line that ties two mails: parent, child, how.
pub(crate) type Tie<'a> = (&'a [u8], &'a [u8], LinkKind);

/// How an event bears on its mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// A new mail, whatever was known of the id.
    Starts,
    /// A line of a mail.
    Continues,
    /// The last line of a mail.
    Ends,
}

impl<'a> Event<'a> {
    /// The mail this is about, and how it bears on it. Depends on the line alone.
    #[inline]
    pub(crate) fn mail(&self) -> Option<(&'a [u8], Bearing)> {
        match self {
            Event::Client(Client { id: Some(id), .. }) | Event::Program { id, .. } => {
                Some((id, Bearing::Starts))
            }
            Event::Removed { id } => Some((id, Bearing::Ends)),
            Event::MessageId { id, .. } | Event::Queued { id, .. } | Event::Expired { id } => {
                Some((id, Bearing::Continues))
            }
            Event::Delivered(d) => Some((d.id, Bearing::Continues)),
            Event::Action(a @ Action { id: Some(id), .. }) => {
                Some((id, if a.ends_mail() { Bearing::Ends } else { Bearing::Continues }))
            }
            _ => None,
        }
    }

    /// The mail that this line says came of another.
    pub(crate) fn link(&self) -> Option<Tie<'a>> {
        match self {
            Event::Notified { id, child } => Some((id, child, LinkKind::Notified)),
            Event::Client(Client { id: Some(id), original: Some(parent), .. }) => {
                Some((parent, id, LinkKind::Reinjected))
            }
            Event::Program { id, requeued: Some(parent), .. } => {
                Some((parent, id, LinkKind::Requeued))
            }
            Event::Delivered(d) => successor(d).map(|(child, kind)| (d.id, child, kind)),
            _ => None,
        }
    }
}

impl Action<'_> {
    /// Whether cleanup drops the mail here, so that no `removed` will come: a reject, or a
    /// discard at the end of the message. (A header's DISCARD reads on; smtpd's concern one
    /// recipient and carry a reply code, which `header` and `body` do not.)
    pub(crate) fn ends_mail(&self) -> bool {
        let final_stage = self.rest.starts_with(b"END-OF-MESSAGE ");
        let checked = self.rest.starts_with(b"header ") || self.rest.starts_with(b"body ");
        match self.kind() {
            b"reject" => final_stage || checked,
            b"discard" => final_stage || self.rest.starts_with(b"body "),
            _ => false,
        }
    }

    /// The word without what stands before it: `milter-header-discard` is a `discard`.
    pub(crate) fn kind(&self) -> &[u8] {
        memchr::memrchr(b'-', self.word).and_then(|at| self.word.get(at + 1..)).unwrap_or(self.word)
    }
}

/// What a message of a service says.
#[inline]
pub(crate) fn read<'a>(tag: &Tag<'a>, text: &'a [u8]) -> Event<'a> {
    match tag.service {
        Service::Smtpd => smtpd::read(text),
        Service::Cleanup => cleanup(text),
        Service::Qmgr => qmgr(text),
        Service::Agent => agent(tag, text),
        Service::Pickup => pickup(text).unwrap_or_else(|| complaint(text)),
        Service::Postscreen => postscreen(text),
        Service::Bounce => bounce(text).unwrap_or_else(|| complaint(text)),
        Service::Postsuper => postsuper(text),
        Service::Dovecot => dovecot::read(text),
        Service::Other => Event::Noted,
        Service::Foreign => Event::Strange,
    }
}

/// Splits `ID: message`.
#[inline]
fn with_id(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (id, rest) = cut_byte(text.get(..26).unwrap_or(text), b':')
        .map(|(id, _)| (id, text.get(id.len() + 1..).unwrap_or_default()))?;
    is_queue_id(id).then_some(())?;
    Some((id, after(rest, b" ")?))
}

/// Warnings and errors any program may write.
fn complaint(text: &[u8]) -> Event<'_> {
    let known: [&[u8]; 6] =
        [b"warning: ", b"fatal: ", b"error: ", b"panic: ", b"statistics: ", b"table "];
    if known.iter().any(|word| text.starts_with(word)) { Event::Noted } else { Event::Strange }
}

/// `word: rest` where the word is an action's.
fn action<'a>(id: Option<&'a [u8]>, text: &'a [u8]) -> Option<Event<'a>> {
    let (word, rest) = cut(text.get(..40).unwrap_or(text), b": ")
        .map(|(word, _)| (word, text.get(word.len() + 2..).unwrap_or_default()))?;
    let last = memchr::memrchr(b'-', word).and_then(|at| word.get(at + 1..)).unwrap_or(word);
    let known = matches!(
        last,
        b"reject"
            | b"reject_warning"
            | b"hold"
            | b"discard"
            | b"redirect"
            | b"filter"
            | b"warning"
            | b"warn"
            | b"info"
            | b"prepend"
            | b"replace"
            | b"strip"
            | b"bcc"
            | b"accept"
            | b"permit"
            | b"delay"
            | b"dunno"
            | b"quarantine"
            | b"tempfail"
            | b"client"
            | b"trace"
            | b"add"
            | b"change"
            | b"delete"
            | b"insert"
    ) || word == b"proxy-accept";
    known.then_some(Event::Action(Action { id, word, rest }))
}

fn cleanup(text: &[u8]) -> Event<'_> {
    let Some((id, rest)) = with_id(text) else { return complaint(text) };
    if let Some(message_id) = after(rest, b"message-id=") {
        return Event::MessageId { id, message_id };
    }
    if rest.starts_with(b"resent-message-id=") {
        return Event::Noted;
    }
    action(Some(id), rest).unwrap_or(Event::Strange)
}

fn qmgr(text: &[u8]) -> Event<'_> {
    let Some((id, rest)) = with_id(text) else { return complaint(text) };
    if rest == b"removed" {
        return Event::Removed { id };
    }
    queued(id, rest).unwrap_or_else(|| {
        if rest.starts_with(b"skipped, still being delivered") {
            Event::Noted
        } else {
            Event::Strange
        }
    })
}

/// `from=<…>, size=…, nrcpt=… (queue active)` or `from=<…>, status=expired, …`.
fn queued<'a>(id: &'a [u8], text: &'a [u8]) -> Option<Event<'a>> {
    let (from, rest) = angle(after(text, b"from=<")?)?;
    if let Some(rest) = after(rest, b", size=") {
        let (size, rest) = number(rest)?;
        let recipients = after(rest, b", nrcpt=")
            .and_then(number)
            .map_or(0, |(n, _)| u32::try_from(n).unwrap_or(u32::MAX));
        return Some(Event::Queued { id, from, size, recipients });
    }
    let status = after(rest, b", status=")?;
    (status.starts_with(b"expired") || status.starts_with(b"force-expired"))
        .then_some(Event::Expired { id })
}

fn agent<'a>(tag: &Tag<'a>, text: &'a [u8]) -> Event<'a> {
    if let Some((id, rest)) = with_id(text) {
        if let Some(delivered) = deliver::read(id, tag, rest) {
            return Event::Delivered(delivered);
        }
        return trouble(rest)
            .map(|relay| Event::Attempt { id: Some(id), relay, text: rest })
            .unwrap_or(Event::Noted);
    }
    if let Some(rest) =
        after(text, b"connect to ").or_else(|| after(text, b"SSL_connect error to "))
        && let Some((relay, _)) = leading_endpoint(rest)
    {
        return Event::Attempt { id: None, relay, text };
    }
    if let Some((trust, rest)) = cut(text, b" TLS connection ")
        && trust.len() < 12
        && let Some(rest) = after(rest, b"established to ").or_else(|| after(rest, b"reused to "))
        && let Some((_, tail)) = leading_endpoint(rest)
        && let Some(relay) = rest.get(..rest.len() - tail.len())
    {
        return Event::Tls { relay };
    }
    let known: [&[u8]; 3] = [
        b"certificate verification failed for ",
        b"server certificate verification ",
        b"enabling ",
    ];
    if known.iter().any(|start| text.starts_with(start)) { Event::Noted } else { complaint(text) }
}

/// The server that an attempt without a delivery line was with.
fn trouble(text: &[u8]) -> Option<Endpoint<'_>> {
    let starts: [&[u8]; 4] = [
        b"host ",
        b"lost connection with ",
        b"conversation with ",
        b"SASL authentication failed; server ",
    ];
    let rest = starts.iter().find_map(|start| after(text, start))?;
    leading_endpoint(rest).map(|(relay, _)| relay)
}

/// `uid=… from=<…>`, with `orig_id=…` after `postsuper -r`; `sender=…` of old.
fn pickup(text: &[u8]) -> Option<Event<'_>> {
    let (id, rest) = with_id(text)?;
    let (uid, rest) = match after(rest, b"uid=") {
        Some(rest) => number(rest)?,
        None => (u64::from(u32::MAX), after(rest, b"sender=").map(|_| rest)?),
    };
    let (from, rest) = cut(rest, b"from=").and_then(|(_, rest)| value(rest)).unwrap_or((b"", rest));
    let requeued = cut(rest, b"orig_id=").map(|(_, id)| id).filter(|id| is_queue_id(id));
    Some(Event::Program { id, uid: u32::try_from(uid).unwrap_or(u32::MAX), from, requeued })
}

fn postscreen(text: &[u8]) -> Event<'_> {
    if let Some(rest) = after(text, b"NOQUEUE: ") {
        return action(None, rest).unwrap_or(Event::Strange);
    }
    let word = text.iter().take_while(|b| b.is_ascii_uppercase() || **b == b'-').count();
    let known = word >= 4 || text.starts_with(b"cache ");
    if known { Event::Noted } else { complaint(text) }
}

/// `sender non-delivery notification: ID2` and its like.
fn bounce(text: &[u8]) -> Option<Event<'_>> {
    let (id, rest) = with_id(text)?;
    match cut(rest, b" notification: ") {
        Some((_, child)) if is_queue_id(child) => Some(Event::Notified { id, child }),
        _ => Some(Event::Noted),
    }
}

fn postsuper(text: &[u8]) -> Event<'_> {
    match with_id(text) {
        Some((id, b"removed" | b"requeued")) => Event::Removed { id },
        Some(_) => Event::Noted,
        None if cut(text, b": ").is_some_and(|(_, n)| number(n).is_some()) => Event::Noted,
        None => complaint(text),
    }
}

/// A client as a summary names it: `name[ip]`, the port dropped.
pub(crate) fn without_port(client: &[u8]) -> &[u8] {
    match memchr::memrchr(b']', client) {
        Some(at) => client.get(..=at).unwrap_or(client),
        None => client,
    }
}

/// The client of a `client=` line.
pub(crate) fn client_endpoint(client: &[u8]) -> Endpoint<'_> {
    endpoint(client)
}

/// The number of a repetition: `3 times…`.
pub(crate) fn times(text: &[u8]) -> Option<(u64, &[u8])> {
    let (n, rest) = number(text)?;
    Some((n, after(rest, b" times").or_else(|| after(rest, b" time"))?))
}

/// A process id in brackets.
pub(crate) fn pid(text: &[u8]) -> Option<u32> {
    u32::try_from(whole_number(text)?).ok()
}

#[cfg(test)]
mod tests;
