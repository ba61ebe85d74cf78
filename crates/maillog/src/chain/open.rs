//! One open mail: what each of its lines adds.

use crate::event::{self, Delivered, Event};
use crate::field::endpoint;
use crate::mail::{Delivery, LinkKind, Mail, Origin};
use crate::scan::Line;
use crate::tls::Mark;
use heloscope_model::{Octets, Place, SourceId};

/// Attempts kept of one mail.
const MOST_DELIVERIES: usize = 1_000;

/// A mail that has not left the queue.
pub(super) struct Open {
    pub(super) mail: Mail,
    /// Its number within the part of the log it was opened in.
    pub(super) serial: u32,
    /// Its first line was the Message-ID: the MTA made it, or the log starts behind its origin.
    headless: bool,
}

/// The origin an opening line names.
pub(super) fn origin(event: &Event<'_>, line: &Line<'_>) -> Origin {
    match event {
        Event::Client(client) => {
            let end = event::client_endpoint(client.client);
            Origin::Client {
                name: end.name.into(),
                ip: end.ip,
                port: end.port,
                account: client.account.map(Octets::from),
                service: line.tag.name.into(),
            }
        }
        Event::Program { uid, from, .. } => Origin::Local { uid: *uid, from: (*from).into() },
        _ => Origin::Unknown,
    }
}

impl Open {
    pub(super) fn new(
        line: &Line<'_>,
        id: &[u8],
        origin: Origin,
        place: Place,
        serial: u32,
    ) -> Self {
        let mail = Mail {
            queue_id: id.into(),
            host: line.host.into(),
            instance: line.tag.instance.into(),
            origin,
            first: line.time,
            place,
            last: line.time,
            message_id: None,
            from: None,
            size: None,
            recipients: None,
            deliveries: Vec::new(),
            more_deliveries: 0,
            parent: None,
            complete: false,
            cleanup_action: None,
            expired: false,
        };
        Self { mail, serial, headless: false }
    }

    /// What the opening line says besides the origin.
    pub(super) fn began(&mut self, event: &Event<'_>) {
        if let Some((parent, _, _)) = event.link() {
            self.mail.parent = Some(parent.into());
        }
    }

    /// Whether the line speaks of another mail of the same id, begun without an origin line:
    /// cleanup names a Message-ID once, and qmgr never changes sender or size.
    pub(super) fn is_another(&self, event: &Event<'_>) -> bool {
        let mail = &self.mail;
        match event {
            Event::MessageId { message_id, .. } => {
                mail.message_id.as_ref().is_some_and(|known| known.as_bytes() != *message_id)
            }
            Event::Queued { from, size, .. } => {
                mail.size.is_some_and(|known| known != *size)
                    || mail.from.as_ref().is_some_and(|known| known.as_bytes() != *from)
            }
            _ => false,
        }
    }

    /// Whether the line's delivery will be kept.
    pub(super) fn takes(&self, event: &Event<'_>) -> bool {
        matches!(event, Event::Delivered(_)) && self.mail.deliveries.len() < MOST_DELIVERIES
    }

    /// Adds a line; the index of the delivery, if it added one.
    pub(super) fn add(
        &mut self,
        line: &Line<'_>,
        event: &Event<'_>,
        mark: Option<Mark>,
        source: SourceId,
    ) -> Option<usize> {
        let mail = &mut self.mail;
        mail.last = line.time;
        match event {
            Event::MessageId { message_id, .. } => {
                self.headless |= mail.origin == Origin::Unknown && mail.from.is_none();
                mail.message_id = Some((*message_id).into());
            }
            Event::Queued { from, size, recipients, .. } => {
                if mail.from.is_none() {
                    mail.from = Some((*from).into());
                }
                mail.size = Some(*size);
                mail.recipients = Some(mail.recipients.unwrap_or(0).max(*recipients));
                let made_here = from.is_empty() || from.starts_with(b"double-bounce@");
                if self.headless && made_here && mail.origin == Origin::Unknown {
                    mail.origin = Origin::Internal;
                }
            }
            Event::Expired { .. } => mail.expired = true,
            Event::Action(action) => {
                let lasting = match action.kind() {
                    b"info" | b"warning" | b"warn" | b"reject_warning" => false,
                    b"reject" => action.ends_mail(), // otherwise one recipient's
                    _ => true,
                };
                if lasting {
                    mail.cleanup_action = Some(action.word.into());
                }
            }
            Event::Delivered(_) if mail.deliveries.len() >= MOST_DELIVERIES => {
                mail.more_deliveries = mail.more_deliveries.saturating_add(1);
            }
            Event::Delivered(d) => {
                let place = Place::byte(source, line.at);
                let tls = mark == Some(Mark::Known(true));
                if mail.deliveries.is_empty() {
                    mail.deliveries.reserve_exact(1); // most mails have one
                }
                mail.deliveries.push(delivery(d, line, place, tls));
                return Some(mail.deliveries.len() - 1);
            }
            _ => {}
        }
        None
    }

    /// Another mail's line says that this one came of it.
    pub(super) fn came_of(&mut self, parent: &[u8], kind: LinkKind) {
        if self.mail.parent.is_none() {
            self.mail.parent = Some(parent.into());
        }
        let made_here = matches!(kind, LinkKind::Notified | LinkKind::Forwarded);
        if made_here && self.mail.origin == Origin::Unknown {
            self.mail.origin = Origin::Internal;
        }
    }
}

fn delivery(d: &Delivered<'_>, line: &Line<'_>, place: Place, tls: bool) -> Delivery {
    let relay = endpoint(d.relay);
    Delivery {
        time: line.time,
        place,
        agent: d.agent.into(),
        pid: line.pid,
        to: d.to.into(),
        orig_to: d.orig_to.map(Octets::from),
        relay_name: relay.name.into(),
        relay_ip: relay.ip,
        relay_port: relay.port,
        conn_use: d.conn_use(),
        delays: d.delays(),
        dsn: d.dsn.into(),
        status: d.status(),
        reply: d.reply.into(),
        tls,
    }
}
