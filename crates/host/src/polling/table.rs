//! Two tables of open sockets, one after the other -> what began and what ended between them. Pure: the time and the
//! look-up of processes come in as arguments.
//!
//! A connection that is still being opened is said without outcome, and again when it is open. Bounded: of a table
//! with more sockets than [`MOST`] the rest is counted as lost.

use crate::{Connection, Ended, Noted, Process};
use heloscope_model::Time;
use netlink_packet_sock_diag::inet::InetResponse;
use netlink_packet_sock_diag::inet::nlas::Nla;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Sockets kept in mind.
const MOST: usize = 65_536;
/// States of linux/tcp_states.h.
const SYN_SENT: u8 = 2;
const FIN_WAIT2: u8 = 5;
const TIME_WAIT: u8 = 6;
/// Where two counters stand in struct tcp_info (linux/tcp.h).
const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;

/// One socket of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) cookie: u64,
    pub(crate) state: u8,
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) uid: u32,
    /// 0 where no process has it any more.
    pub(crate) inode: u32,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// The process behind a socket, and where it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Who {
    pub(crate) process: Process,
    pub(crate) script: Option<String>,
    pub(crate) ancestors: Vec<Process>,
    pub(crate) netns: u32,
}

/// The sockets of the last table.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<u64, Known>);

#[derive(Debug)]
struct Known {
    /// Kept until it is open.
    opening: Option<Box<Connection>>,
    received: u64,
    sent: u64,
    over: bool,
    seen: bool,
}

impl Open {
    /// Whether it is over for this host: its process has closed it, and only its number is kept for a while.
    pub(crate) fn waits(&self) -> bool {
        self.state == TIME_WAIT || self.state == FIN_WAIT2 && self.inode == 0
    }
}

impl From<&InetResponse> for Open {
    fn from(response: &InetResponse) -> Self {
        let (header, id) = (&response.header, &response.header.socket_id);
        let counter = |at: usize| {
            response.nlas.iter().find_map(|nla| match nla {
                Nla::TcpInfo(bytes) => {
                    let bytes = bytes.get(at..at.checked_add(8)?)?;
                    Some(u64::from_ne_bytes(bytes.try_into().ok()?))
                }
                _ => None,
            })
        };
        Self {
            cookie: u64::from_ne_bytes(id.cookie),
            state: header.state,
            client: SocketAddr::new(id.source_address, id.source_port),
            server: SocketAddr::new(id.destination_address, id.destination_port),
            uid: header.uid,
            inode: header.inode,
            // The handshake counts as one.
            sent: counter(BYTES_ACKED).unwrap_or_default().saturating_sub(1),
            received: counter(BYTES_RECEIVED).unwrap_or_default(),
        }
    }
}

impl Table {
    /// Those that were over before anybody watched.
    pub(crate) fn ignore(&mut self, sockets: impl Iterator<Item = Open>) {
        for socket in sockets.take(MOST) {
            self.0.insert(socket.cookie, Known::of(&socket, None));
        }
    }

    /// Whether it was not in the last table.
    pub(crate) fn is_new(&self, socket: &Open) -> bool {
        !self.0.contains_key(&socket.cookie)
    }

    /// Takes the next table; what is to be noted.
    pub(crate) fn take(
        &mut self,
        now: Time,
        sockets: &[Open],
        who: &mut dyn FnMut(&Open) -> Who,
    ) -> Vec<Noted> {
        let (mut noted, mut lost) = (Vec::new(), 0);
        for socket in sockets {
            let full = self.0.len() >= MOST;
            match self.0.get_mut(&socket.cookie) {
                Some(known) => noted.extend(known.go_on(socket, now)),
                None if full => lost += 1,
                None => {
                    let connection = Box::new(connection(socket, now, who(socket)));
                    let opening = (socket.state == SYN_SENT).then(|| connection.clone());
                    noted.push(Noted::Connection(connection));
                    self.0.insert(socket.cookie, Known::of(socket, opening));
                }
            }
        }
        self.0.retain(|&cookie, known| {
            if !known.seen && !known.over && known.opening.is_none() {
                noted.push(known.ended(cookie, now));
            }
            std::mem::take(&mut known.seen)
        });
        if lost > 0 {
            noted.push(Noted::Lost { events: lost, since: now, time: now });
        }
        noted
    }
}

impl Known {
    fn of(socket: &Open, opening: Option<Box<Connection>>) -> Self {
        let (received, sent, over) = (socket.received, socket.sent, socket.waits());
        Self { opening, received, sent, over, seen: true }
    }

    /// A socket that was there before.
    fn go_on(&mut self, socket: &Open, now: Time) -> Vec<Noted> {
        let mut noted = Vec::new();
        self.seen = true;
        if socket.state != SYN_SENT
            && let Some(mut connection) = self.opening.take()
        {
            connection.client = Some(socket.client);
            connection.outcome = Some("open".to_owned());
            noted.push(Noted::Connection(connection));
        }
        if socket.waits() {
            if !std::mem::replace(&mut self.over, true) {
                noted.push(self.ended(socket.cookie, now));
            }
        } else {
            (self.received, self.sent) = (socket.received, socket.sent);
        }
        noted
    }

    fn ended(&self, socket: u64, end: Time) -> Noted {
        Noted::Ended(Ended { socket, end, received: self.received, sent: self.sent })
    }
}

fn connection(socket: &Open, now: Time, who: Who) -> Connection {
    Connection {
        socket: socket.cookie,
        start: now,
        late: true,
        client: Some(socket.client).filter(|client| client.port() != 0),
        server: socket.server,
        outcome: (socket.state != SYN_SENT).then(|| "open".to_owned()),
        process: who.process,
        files: Vec::new(),
        cgroup: 0,
        netns: who.netns,
        script: who.script,
        ancestors: who.ancestors.into(),
        place: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(cookie: u64, state: u8) -> Open {
        Open {
            cookie,
            state,
            client: "192.0.2.1:40001".parse().unwrap(),
            server: "192.0.2.25:25".parse().unwrap(),
            uid: 33,
            inode: 7,
            received: 0,
            sent: 0,
        }
    }

    fn take(table: &mut Table, sockets: &[Open]) -> Vec<&'static str> {
        let noted = table.take(Time::from_secs(7), sockets, &mut |_| Who::default());
        let word = |n: &Noted| match n {
            Noted::Connection(c) if c.outcome.is_some() => "open",
            Noted::Connection(_) => "opening",
            Noted::Ended(_) => "ended",
            _ => "other",
        };
        noted.iter().map(word).collect()
    }

    #[test]
    fn from_the_first_attempt_to_the_end() {
        let mut table = Table::default();
        assert_eq!(take(&mut table, &[socket(1, SYN_SENT)]), ["opening"]);
        assert!(take(&mut table, &[socket(1, SYN_SENT)]).is_empty());
        assert_eq!(take(&mut table, &[socket(1, 1), socket(2, 1)]), ["open", "open"]);
        assert_eq!(take(&mut table, &[socket(1, TIME_WAIT)]), ["ended", "ended"]);
        assert!(take(&mut table, &[socket(1, TIME_WAIT)]).is_empty(), "said once");
        assert!(take(&mut table, &[]).is_empty());
    }

    #[test]
    fn one_whose_other_end_stays_open_is_over_when_its_process_closed_it() {
        let mut table = Table::default();
        assert_eq!(take(&mut table, &[socket(1, 1)]), ["open"]);
        assert!(take(&mut table, &[socket(1, FIN_WAIT2)]).is_empty(), "half closed");
        assert_eq!(take(&mut table, &[Open { inode: 0, ..socket(1, FIN_WAIT2) }]), ["ended"]);
    }

    #[test]
    fn one_that_nobody_answered_has_no_end() {
        let mut table = Table::default();
        assert_eq!(take(&mut table, &[socket(1, SYN_SENT)]), ["opening"]);
        assert!(take(&mut table, &[]).is_empty());
    }

    #[test]
    fn what_was_over_before_is_not_said_and_what_was_missed_is() {
        let mut table = Table::default();
        table.ignore([socket(1, TIME_WAIT)].into_iter());
        let both = [socket(1, TIME_WAIT), socket(2, TIME_WAIT)];
        assert_eq!(take(&mut table, &both), ["open"], "too short to be seen alive");
        assert!(take(&mut table, &both).is_empty());
    }

    #[test]
    fn the_table_is_bounded() {
        let many: Vec<_> = (0..MOST as u64 + 10).map(|n| socket(n, 1)).collect();
        let noted = Table::default().take(Time::from_secs(7), &many, &mut |_| Who::default());
        assert!(matches!(noted.last(), Some(Noted::Lost { events: 10, .. })));
    }
}
