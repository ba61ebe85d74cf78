//! Events -> what is noted: the process of "is being opened" with the port of "is open". Pure.
//!
//! A connection is noted as soon as it is open or has failed; one that stays between the two (a server that does not
//! answer) after a few seconds, without outcome, and again when that is known. Bounded: when very many are between the two, the
//! oldest is noted as it stands.

use super::event::{Closed, Event, Kin, Opened, Opening, Reading, kin};
use crate::connection::text;
use crate::{Connection, Ended, Noted, Process, script};
use heloscope_model::Time;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// Connections between "is being opened" and "is open".
const UNDER_WAY: usize = 8192;
/// Nanoseconds after which one is noted as it stands.
const PATIENCE: u64 = 3_000_000_000;

/// Processes whose ancestors are kept; when they are more, it begins anew.
const FAMILIES: usize = 512;

/// What is under way.
#[derive(Debug, Default)]
pub(crate) struct Join {
    families: Families,
    opening: BTreeMap<u64, Connection>,
    /// Those that were not noted yet, the oldest first.
    order: VecDeque<(u64, u64)>,
}

/// The machine's start on the calendar: what the events' times are counted from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(pub(crate) Time);

impl Epoch {
    pub(crate) fn time(self, ns: u64) -> Time {
        self.0.plus_secs(ns as f64 / 1e9)
    }
}

impl Join {
    /// Takes an event; what is to be noted.
    pub(crate) fn take(&mut self, event: Event<'_>, epoch: Epoch) -> Vec<Noted> {
        match event {
            Event::Opening(opening) => self.begin(*opening, epoch),
            Event::Reading(reading) => {
                self.reads(&reading);
                Vec::new()
            }
            Event::Opened(opened) => self.settle(&opened).into_iter().collect(),
            Event::Closed(closed) => vec![Noted::Ended(ended(&closed, epoch))],
        }
    }

    fn begin(&mut self, opening: Opening<'_>, epoch: Epoch) -> Vec<Noted> {
        let (socket, at) = (opening.socket, opening.at);
        let ancestors = self.families.of(opening.pid, opening.kin);
        let Some(connection) = connection(opening, ancestors, epoch) else { return Vec::new() };
        self.opening.insert(socket, connection);
        self.order.push_back((at, socket));
        let mut noted = self.overdue(at);
        if self.opening.len() > UNDER_WAY
            && let Some((&oldest, _)) = self.opening.iter().min_by(|a, b| a.1.start.cmp(&b.1.start))
        {
            let connection = self.opening.remove(&oldest);
            noted.extend(connection.map(|c| Noted::Connection(Box::new(c))));
        }
        noted
    }

    /// What an interpreter has open follows its opening.
    fn reads(&mut self, reading: &Reading) {
        let Some(connection) = self.opening.get_mut(&reading.socket) else { return };
        let files: Vec<_> = reading.files.iter().map(|(fd, path)| (*fd, text(path))).collect();
        if connection.script.is_none() {
            connection.script = script::among(&connection.process, &files);
        }
        connection.files = files.into_iter().map(|(_, path)| path).collect();
    }

    fn settle(&mut self, opened: &Opened) -> Option<Noted> {
        let mut connection = self.opening.remove(&opened.socket)?;
        connection.client = opened.address.map(|ip| SocketAddr::new(ip, opened.port));
        connection.outcome = Some(outcome(opened.error));
        Some(Noted::Connection(Box::new(connection)))
    }

    /// Those that have waited long enough by `now`.
    pub(crate) fn overdue(&mut self, now: u64) -> Vec<Noted> {
        let mut noted = Vec::new();
        while let Some(&(at, socket)) = self.order.front() {
            if now.saturating_sub(at) < PATIENCE && self.order.len() <= UNDER_WAY {
                break;
            }
            self.order.pop_front();
            // Still between the two: said as it stands, and kept for its outcome.
            if let Some(connection) = self.opening.get(&socket) {
                noted.push(Noted::Connection(Box::new(connection.clone())));
            }
        }
        noted
    }
}

/// The ancestors of processes that connect again and again: by the process, with the bytes that they were read from.
#[derive(Debug, Default)]
struct Families(HashMap<u32, (Vec<u8>, Arc<[Process]>)>);

impl Families {
    fn of(&mut self, pid: u32, bytes: &[u8]) -> Arc<[Process]> {
        if let Some((known, family)) = self.0.get(&pid)
            && known == bytes
        {
            return Arc::clone(family);
        }
        if self.0.len() >= FAMILIES {
            self.0.clear();
        }
        let family: Arc<[Process]> = kin(bytes).iter().map(ancestor).collect();
        self.0.insert(pid, (bytes.to_vec(), Arc::clone(&family)));
        family
    }
}

fn connection(opening: Opening<'_>, ancestors: Arc<[Process]>, epoch: Epoch) -> Option<Connection> {
    let server = SocketAddr::new(opening.address?, opening.port);
    let path = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(bytes));
    let args = |all: &[&[u8]]| all.iter().map(|arg| text(arg)).collect::<Vec<_>>();
    let process = Process {
        pid: opening.pid,
        thread: (opening.tid != opening.pid).then_some(opening.tid),
        uid: opening.uid,
        euid: (opening.euid != opening.uid).then_some(opening.euid),
        comm: text(opening.comm),
        exe: path(&opening.exe),
        deleted: opening.deleted,
        args: args(&opening.args),
        began_as: if opening.args.starts_with(&opening.began) {
            Vec::new()
        } else {
            args(&opening.began)
        },
        folder: path(&opening.folder),
        started: Some(epoch.time(opening.started)),
    };
    Some(Connection {
        socket: opening.socket,
        start: epoch.time(opening.at),
        late: false,
        client: None,
        server,
        outcome: None,
        script: script::of(&process),
        process,
        files: Vec::new(),
        cgroup: opening.cgroup,
        netns: opening.netns,
        ancestors,
        place: Default::default(),
    })
}

fn ancestor(kin: &Kin<'_>) -> Process {
    Process {
        pid: kin.pid,
        uid: kin.uid,
        comm: text(kin.comm),
        exe: (!kin.exe.is_empty()).then(|| text(&kin.exe)),
        args: kin.args.iter().map(|arg| text(arg)).collect(),
        ..Process::default()
    }
}

fn ended(closed: &Closed, epoch: Epoch) -> Ended {
    Ended {
        socket: closed.socket,
        end: epoch.time(closed.at),
        received: closed.received.saturating_sub(1),
        sent: closed.sent,
    }
}

fn outcome(error: u32) -> String {
    match i32::try_from(error) {
        Ok(0) => "open".to_owned(),
        Ok(errno) => format!("{:?}", nix::errno::Errno::from_raw(errno)),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(socket: u64, at: u64) -> Event<'static> {
        Event::Opening(Box::new(Opening {
            at,
            socket,
            port: 25,
            address: Some([192, 0, 2, 25].into()),
            comm: b"perl",
            ..Opening::default()
        }))
    }

    const EPOCH: Epoch = Epoch(Time::from_secs(1_700_000_000));

    #[test]
    fn process_and_port_meet() {
        let mut join = Join::default();
        assert_eq!(join.take(opening(7, 10), EPOCH), []);
        let opened =
            Opened { error: 111, socket: 7, port: 40001, address: Some([192, 0, 2, 1].into()) };
        let noted = join.take(Event::Opened(opened.clone()), EPOCH);
        let [Noted::Connection(connection)] = &noted[..] else { panic!("{noted:?}") };
        assert_eq!(connection.client, Some("192.0.2.1:40001".parse().unwrap()));
        assert_eq!(connection.outcome.as_deref(), Some("ECONNREFUSED"));
        assert_eq!(connection.process.comm, "perl");
        assert_eq!(join.take(Event::Opened(opened), EPOCH), [], "said once");
    }

    #[test]
    fn one_that_gets_no_answer_is_said_without() {
        let mut join = Join::default();
        join.take(opening(7, 10), EPOCH);
        assert_eq!(join.overdue(1_000_000_000).len(), 0);
        let noted = join.overdue(4_000_000_000);
        let [Noted::Connection(connection)] = &noted[..] else { panic!("{noted:?}") };
        assert_eq!(connection.outcome, None);
        assert_eq!(join.overdue(9_000_000_000).len(), 0);
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut join = Join::default();
        let said: usize = (0..20_000).map(|n| join.take(opening(n, n * 1000), EPOCH).len()).sum();
        assert!(join.opening.len() <= UNDER_WAY && join.order.len() <= UNDER_WAY);
        assert!(said >= 20_000 - UNDER_WAY, "{said}");
    }
}
