//! One line at a time, for whoever follows a log while it is written: what [`crate::Chain`] says only when a mail has
//! left the queue is said here by each line. Bytes of whole lines in, [`Entry`]s out; nothing is joined, so nothing is kept.

use crate::Calendar;
use crate::event::{self, Event};
use crate::field::endpoint;
use crate::mail::{LinkKind, Status};
use crate::scan::{Follow, Line, Scanner};
use crate::stamp::{Clock, Years};
use heloscope_model::{Octets, Time};
use std::net::IpAddr;

/// One line of an MTA.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its stamp.
    pub time: Time,
    /// The instance (`postfix`, `postfix-out`).
    pub instance: Octets,
    /// The service (`smtp`, `submission/smtpd`).
    pub service: Octets,
    /// The process.
    pub pid: Option<u32>,
    /// What it says.
    pub said: Said,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A mail came in over SMTP.
    Taken {
        /// Its queue id; none before a proxy filter.
        id: Option<Octets>,
        /// From where.
        ip: Option<IpAddr>,
        /// With whose password.
        account: Option<Octets>,
        /// The mail of which a filter gives it back.
        of: Option<Octets>,
    },
    /// A mail came in from a program of this host.
    Submitted {
        /// Its queue id.
        id: Octets,
        /// Whose program.
        uid: u32,
    },
    /// One attempt for one recipient is over.
    Delivered(Box<Delivered>),
    /// A connection that gave no delivery line.
    Attempt {
        /// The mail it was for, where it is said.
        id: Option<Octets>,
        /// The server.
        relay: Option<IpAddr>,
        /// Its port, where it is said.
        port: Option<u16>,
        /// The line's text without the queue id.
        text: Octets,
    },
    /// One mail came of another.
    Tied {
        /// The first.
        parent: Octets,
        /// The second.
        child: Octets,
        /// How.
        kind: LinkKind,
    },
    /// A log-in, or an attempt.
    Login {
        /// Whose, where it is said.
        account: Option<Octets>,
        /// From where.
        ip: Option<IpAddr>,
        /// Whether it succeeded.
        success: bool,
    },
    /// A mail has left the queue.
    Removed {
        /// Which.
        id: Octets,
    },
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The mail.
    pub id: Octets,
    /// The agent (`smtp`, `lmtp`, `local`, …).
    pub agent: Octets,
    /// The recipient.
    pub to: Octets,
    /// Whether an alias of this host turned it into that (`orig_to=`).
    pub forwarded: bool,
    /// The server's name; `none` where there was none.
    pub relay: Octets,
    /// Its address.
    pub relay_ip: Option<IpAddr>,
    /// Its port.
    pub relay_port: Option<u16>,
    /// What became of it.
    pub status: Status,
    /// What the server said.
    pub reply: Octets,
}

/// Reads the lines of one log as they come.
pub struct Live {
    scanner: Scanner,
    previous: Vec<u8>,
}

impl Live {
    /// A log whose next stamp, where it names no year, is of the calendar's.
    pub fn new(calendar: &Calendar) -> Self {
        let clock = Clock::new(&calendar.zone, Years::starting(calendar.last_year));
        Self { scanner: Scanner::new(clock), previous: Vec::new() }
    }

    /// The next line, without its end.
    pub fn line(&mut self, line: &[u8], give: &mut dyn FnMut(Entry)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        self.scanner.line(line, 0, &self.previous, &mut Giver(give));
        self.previous.clear();
        self.previous.extend_from_slice(line.get(..1024).unwrap_or(line));
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

struct Giver<'a>(&'a mut dyn FnMut(Entry));

impl Follow for Giver<'_> {
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        let tie = event.link().map(|(parent, child, kind)| Said::Tied {
            parent: parent.into(),
            child: child.into(),
            kind,
        });
        for said in said(event).into_iter().chain(tie) {
            (self.0)(Entry {
                time: line.time,
                instance: line.tag.instance.into(),
                service: line.tag.name.into(),
                pid: line.pid,
                said,
            });
        }
    }
}

fn said(event: &Event<'_>) -> Option<Said> {
    Some(match event {
        Event::Client(client) => Said::Taken {
            id: client.id.map(Octets::from),
            ip: event::client_endpoint(client.client).ip,
            account: client.account.map(Octets::from),
            of: client.original.map(Octets::from),
        },
        Event::Program { id, uid, .. } => Said::Submitted { id: (*id).into(), uid: *uid },
        Event::Delivered(d) => {
            let relay = endpoint(d.relay);
            Said::Delivered(Box::new(Delivered {
                id: d.id.into(),
                agent: d.agent.into(),
                to: d.to.into(),
                forwarded: d.orig_to.is_some(),
                relay: relay.name.into(),
                relay_ip: relay.ip,
                relay_port: relay.port,
                status: d.status(),
                reply: d.reply.into(),
            }))
        }
        Event::Attempt { id, relay, text } => Said::Attempt {
            id: id.map(Octets::from),
            relay: relay.ip,
            port: relay.port,
            text: (*text).into(),
        },
        Event::Login(login) => Said::Login {
            account: login.account.map(Octets::from),
            ip: login.client.ip,
            success: login.success,
        },
        Event::Removed { id } => Said::Removed { id: (*id).into() },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Vec<Entry> {
        let mut live = Live::new(&Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 2026 });
        let mut entries = Vec::new();
        for line in lines {
            live.line(line.as_bytes(), &mut |entry| entries.push(entry));
        }
        entries
    }

    #[test]
    fn each_line_says_its_own() {
        let entries = read(&[
            "Nov 24 14:30:00 mx postfix/submission/smtpd[1]: ABCDEF1234: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username=anna",
            "Nov 24 14:30:01 mx postfix/smtp[77]: ABCDEF1234: to=<b@example.net>, relay=mx.example.net[198.51.100.7]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)",
            "Nov 24 14:30:01 mx postfix/qmgr[9]: ABCDEF1234: removed",
            "Nov 24 14:30:02 mx kernel: something else",
        ]);
        let [taken, delivered, removed] = &entries[..] else { panic!("{entries:?}") };
        assert!(
            matches!(&taken.said, Said::Taken { account: Some(a), .. } if a.as_bytes() == b"anna")
        );
        assert_eq!(delivered.pid, Some(77));
        assert_eq!(delivered.time.rfc3339(), "2026-11-24T14:30:01Z");
        let Said::Delivered(d) = &delivered.said else { panic!("{delivered:?}") };
        assert_eq!((d.relay_port, d.status), (Some(25), Status::Sent));
        assert!(matches!(removed.said, Said::Removed { .. }));
    }

    #[test]
    fn a_mail_that_a_filter_gives_back_is_tied() {
        let entries = read(&[
            "2026-11-24T14:30:01+00:00 mx postfix/smtp[77]: ABCDEF1: to=<b@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as ABCDEF2)",
        ]);
        assert!(entries.iter().any(|e| matches!(&e.said, Said::Tied { child, kind: LinkKind::Reinjected, .. } if child.as_bytes() == b"ABCDEF2")), "{entries:?}");
    }

    proptest! {
        #[test]
        fn never_panics(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
            let mut live = Live::new(&Calendar { zone: jiff::tz::TimeZone::UTC, last_year: 2026 });
            for line in lines {
                live.line(&line, &mut |_| {});
            }
        }
    }
}
