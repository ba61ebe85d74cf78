//! Sessions that come in to the mail server, reduced to what tells who stands behind an address: the
//! HELOs said under it, and the senders, so that a log line can be joined with the stranger whose
//! session a translation hides.

use crate::seen::key;
use heloscope_model::session::{Session, Verb};
use heloscope_model::{Place, Time};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Sessions kept.
const KEPT: usize = 100_000;
/// Addresses whose HELOs are kept, and HELOs kept of one.
const ADDRESSES: usize = 20_000;
const HELOS: usize = 64;
/// Senders kept of one session.
const SENDERS: usize = 8;
/// Joins kept of one address.
const JOINS: usize = 200;
/// Seconds between a session and the log line of its mail, each way.
const NEAR_S: f64 = 20.0;

/// All sessions from others to the mail server.
#[derive(Default)]
pub(crate) struct Inbound {
    sessions: Vec<(Time, Time, IpAddr, Place)>,
    /// By hash of the sender.
    by_sender: HashMap<u64, Vec<usize>>,
    /// The HELOs said under an address, lower case, each with the first session that said it.
    pub(crate) helos: BTreeMap<IpAddr, BTreeMap<Vec<u8>, (Place, Time)>>,
    /// Behind an address of the log: who really spoke, and where that shows.
    pub(crate) hidden: BTreeMap<IpAddr, Vec<Hidden>>,
}

/// A session of a stranger whose mail the log books under another address.
#[derive(Clone, Debug)]
pub(crate) struct Hidden {
    pub(crate) stranger: IpAddr,
    pub(crate) session: (Place, Time),
    pub(crate) line: (Place, Time),
    /// Its mail was for others' servers.
    pub(crate) relayed: bool,
}

impl Inbound {
    pub(crate) fn session(&mut self, session: &Session) {
        let speaker = session.inside.unwrap_or(session.client).ip();
        if let Some((_, helo)) = session.dialogue.helo()
            && (self.helos.len() < ADDRESSES || self.helos.contains_key(&speaker))
        {
            let helos = self.helos.entry(speaker).or_default();
            if helos.len() < HELOS {
                let helo = helo.as_bytes().to_ascii_lowercase();
                helos.entry(helo).or_insert((session.place, session.start));
            }
        }
        if self.sessions.len() >= KEPT {
            return;
        }
        let index = self.sessions.len();
        let mails = session.dialogue.commands.iter().filter(|c| c.verb == Verb::Mail);
        for mail in mails.take(SENDERS) {
            let sender = mail.path().as_bytes().to_ascii_lowercase();
            if !sender.is_empty() {
                self.by_sender.entry(key(&sender)).or_default().push(index);
            }
        }
        self.sessions.push((session.start, session.end, speaker, session.place));
    }

    /// Joins a mail that the log books under an address with a session of the same sender that
    /// came from another, outside.
    pub(crate) fn mail(
        &mut self,
        booked: IpAddr,
        sender: &[u8],
        line: (Place, Time),
        relayed: bool,
        is_outside: impl Fn(IpAddr) -> bool,
    ) {
        let Some(indexes) = self.by_sender.get(&key(&sender.to_ascii_lowercase())) else { return };
        let (place, at) = line;
        let found =
            indexes.iter().filter_map(|i| self.sessions.get(*i)).find(|(from, to, who, _)| {
                *who != booked
                    && is_outside(*who)
                    && from.plus_secs(-NEAR_S) <= at
                    && at <= to.plus_secs(NEAR_S)
            });
        if let Some((from, _, stranger, session)) = found {
            let hidden = self.hidden.entry(booked).or_default();
            if hidden.len() < JOINS {
                hidden.push(Hidden {
                    stranger: *stranger,
                    session: (*session, *from),
                    line: (place, at),
                    relayed,
                });
            }
        }
    }
}
