//! A session as one line of `heloscope sessions`: format `heloscope.session/1`.
//!
//! In: a [`Session`] and what detectors say of it (any serialisable thing, so that this crate
//! need not know detectors). Out: the object of the public contract, key for key. Bytes that are
//! not UTF-8 become U+00XX each, and `"lossy": true` stands in the object whose text that
//! happened to. `inside` and `proxy` appear only where there is something to say.

use super::{EndState, Reply, Session};
use crate::{Octets, Time};
use serde::Serialize;
use std::net::IpAddr;

/// The name and number of the format.
pub const FORMAT: &str = "heloscope.session/1";

/// The line for one session; serialise it with any JSON writer.
pub fn line<'a, D: Serialize>(session: &Session, detections: &'a [D]) -> Line<'a, D> {
    let mut lossy = false;
    let mut text = |octets: &Octets| {
        let (text, replaced) = octets.text();
        lossy |= replaced;
        text.into_owned()
    };
    let helo = session.helo();
    let greeting = session.dialogue.greeting.iter();
    Line {
        format: FORMAT,
        start: session.start,
        end: session.end,
        client: session.client.ip(),
        client_port: session.client.port(),
        inside: session.inside.map(|inside| inside.ip()),
        inside_port: session.inside.map(|inside| inside.port()),
        server: session.server.ip(),
        server_port: session.server.port(),
        proxy: session.proxy.as_ref().map(|proxy| {
            let (target, replaced) = proxy.target.text();
            Proxy { protocol: proxy.protocol, target: target.into_owned(), lossy: replaced }
        }),
        helo_verb: helo.as_ref().map(|(verb, _)| *verb),
        helo: helo.as_ref().map(|(_, name)| text(name)),
        mail_from: session.mail_from().iter().map(&mut text).collect(),
        rcpt_to: session.rcpt_to().iter().map(&mut text).collect(),
        messages: session.messages(),
        bytes: session.message_bytes(),
        starttls: session.starttls(),
        replies: greeting.chain(&session.dialogue.replies).map(ReplyLine::of).collect(),
        end_state: session.end_state,
        detections,
        lossy,
    }
}

/// See [`line()`].
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a, D> {
    format: &'static str,
    start: Time,
    end: Time,
    client: IpAddr,
    client_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside_port: Option<u16>,
    server: IpAddr,
    server_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Proxy>,
    helo_verb: Option<&'static str>,
    helo: Option<String>,
    mail_from: Vec<String>,
    rcpt_to: Vec<String>,
    messages: usize,
    bytes: u64,
    starttls: bool,
    replies: Vec<ReplyLine>,
    end_state: EndState,
    detections: &'a [D],
    #[serde(skip_serializing_if = "is_false")]
    lossy: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Proxy {
    protocol: &'static str,
    target: String,
    #[serde(skip_serializing_if = "is_false")]
    lossy: bool,
}

#[derive(Clone, Debug, Serialize)]
struct ReplyLine {
    code: u16,
    text: String,
    #[serde(skip_serializing_if = "is_false")]
    lossy: bool,
}

impl ReplyLine {
    fn of(reply: &Reply) -> Self {
        let (text, lossy) = reply.text.text();
        Self { code: reply.code, text: text.into_owned(), lossy }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's skip_serializing_if wants a reference
fn is_false(flag: &bool) -> bool {
    !flag
}
