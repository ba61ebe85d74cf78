//! What `heloscope record` noted: one line of JSON an event. Connections of this host with the process that
//! opened them, and those that passed through with the machine inside.
//!
//! A connection that was said without outcome and again with it is one: the later line wins. When nobody watched, and what was
//! lost, becomes gaps of the input's cover. The lines come as text (`record --show`) or in the record's own files, which
//! are segments of a journal (`heloscope_journal::Scan`).

use crate::facts::{Connection, Lease, Opener};
use crate::{leases, lines};
use heloscope_model::{Place, SourceId, Time};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Connections taken from one record.
const MOST: usize = 1_000_000;
/// Connections behind which words are looked for.
const LATELY: usize = 5000;
/// Openers kept once for all their connections.
const OPENERS: usize = 10_000;
/// Parents told of an opener.
const PARENTS: usize = 8;
/// Stretches without a watcher that are told.
const GAPS: usize = 1000;

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    Connection(Box<Opened>),
    Passing(Passed),
    Lease(Leased),
    Ended {
        socket: u64,
        end: String,
        sent: Option<u64>,
    },
    Words {
        client: SocketAddr,
        server: SocketAddr,
        helo: Option<String>,
    },
    Began {
        time: String,
        means: String,
        #[serde(default)]
        ports: Vec<u16>,
    },
    Watching {
        time: String,
        means: String,
    },
    Stopped {
        time: String,
    },
    Lost {
        events: u64,
        since: Option<String>,
        time: Option<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Opened {
    socket: u64,
    start: String,
    client: Option<SocketAddr>,
    server: SocketAddr,
    outcome: Option<String>,
    #[serde(default)]
    late: bool,
    process: Process,
    script: Option<String>,
    #[serde(default)]
    ancestors: Vec<Process>,
    unit: Option<String>,
    container: Option<Container>,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    uid: u32,
    exe: Option<String>,
    #[serde(default)]
    deleted: bool,
    comm: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    began_as: Vec<String>,
    started: Option<String>,
}

#[derive(Deserialize)]
struct Container {
    id: String,
    name: Option<String>,
}

/// Whose an address was, as a router's recorder saw it.
#[derive(Deserialize)]
struct Leased {
    time: String,
    address: IpAddr,
    mac: String,
    name: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Deserialize)]
struct Passed {
    time: String,
    /// Only of one known by its headers.
    socket: Option<u64>,
    outcome: Option<String>,
    interface: Option<String>,
    client: SocketAddr,
    server: SocketAddr,
    translated: Option<SocketAddr>,
    mac: Option<String>,
}

/// Whether a text is a recorder's.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut filled = lines::of(text).map(|(_, l)| l.trim_ascii()).filter(|l| !l.is_empty());
    filled.next().is_some_and(|first| {
        first.starts_with(br#"{"event":"#) && serde_json::from_slice::<Line>(first).is_ok()
    })
}

/// A record being read, in as many files as it has: what was noted of connections, and when somebody watched.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Connections by the number of their socket, of those taken so far.
    known: HashMap<u64, usize>,
    found: Vec<Connection>,
    openers: HashSet<Arc<Opener>>,
    leases: Vec<Lease>,
    cover: Cover,
}

/// From when to when somebody watched.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    first: Option<Time>,
    last: Option<Time>,
    /// Whether the watching had not ended when the last line was written.
    watching: bool,
    gaps: Vec<(Time, Time)>,
    means: BTreeSet<String>,
    ports: BTreeSet<u16>,
    lost: u64,
    connections: u64,
    passing: u64,
    unanswered: u64,
}

impl Reader {
    /// Takes a line that stands at this place.
    pub(crate) fn line(&mut self, line: &[u8], place: Place) {
        match serde_json::from_slice(line) {
            Ok(Line::Connection(opened)) => self.opened(*opened, place),
            Ok(Line::Passing(passed)) => {
                self.cover.seen(time(&passed.time));
                if passed.outcome.as_deref().is_some_and(|outcome| outcome != "open") {
                    // What nobody answered, no list has seen.
                    self.cover.unanswered += 1;
                } else if self.found.len() < MOST {
                    self.cover.passing += 1;
                    if let Some(socket) = passed.socket {
                        self.known.insert(socket, self.found.len());
                    }
                    self.found.push(through(passed, place));
                }
            }
            Ok(Line::Lease(leased)) => {
                self.cover.seen(time(&leased.time));
                let room = self.leases.len() < MOST;
                self.leases.extend(leases::mac(leased.mac.as_bytes()).filter(|_| room).map(
                    |mac| Lease {
                        ip: leased.address,
                        mac,
                        name: leased.name.map(|name| super::text(name.as_bytes())),
                        from: leased.from.and_then(|from| time(&from)),
                        until: leased.until.and_then(|until| time(&until)),
                        place,
                    },
                ));
            }
            Ok(Line::Ended { socket, end, sent }) => {
                self.cover.seen(time(&end));
                if let Some(connection) = self.of_socket(socket) {
                    connection.sent = sent;
                }
            }
            Ok(Line::Words { client, server, helo }) => self.words(client, server, helo),
            Ok(Line::Began { time: at, means, ports }) => {
                self.cover.began(time(&at));
                self.cover.means.insert(super::text(means.as_bytes()));
                self.cover.ports.extend(ports);
            }
            Ok(Line::Watching { time: at, means }) => {
                self.cover.seen(time(&at));
                self.cover.means.insert(super::text(means.as_bytes()));
            }
            Ok(Line::Stopped { time: at }) => {
                self.cover.seen(time(&at));
                self.cover.watching = false;
            }
            Ok(Line::Lost { events, since, time: at }) => {
                self.cover.lost = self.cover.lost.saturating_add(events);
                let span = (since.and_then(|t| time(&t)), at.and_then(|t| time(&t)));
                if let (Some(from), Some(to)) = span {
                    self.cover.gap(from, to);
                }
            }
            Ok(Line::Other) | Err(_) => {}
        }
    }

    fn opened(&mut self, opened: Opened, place: Place) {
        let socket = opened.socket;
        let mut connection = of_process(opened, place);
        connection.opener = connection.opener.map(|opener| self.once(opener));
        self.cover.seen(connection.time);
        let room = self.found.len() < MOST;
        match self.known.get(&socket).and_then(|index| self.found.get_mut(*index)) {
            Some(before) if before.time == connection.time => *before = connection,
            _ if room => {
                self.cover.connections += 1;
                self.known.insert(socket, self.found.len());
                self.found.push(connection);
            }
            _ => {}
        }
    }

    /// Most connections are of a few programs.
    fn once(&mut self, opener: Arc<Opener>) -> Arc<Opener> {
        if let Some(known) = self.openers.get(&opener) {
            return Arc::clone(known);
        }
        if self.openers.len() < OPENERS {
            self.openers.insert(Arc::clone(&opener));
        }
        opener
    }

    fn of_socket(&mut self, socket: u64) -> Option<&mut Connection> {
        self.found.get_mut(*self.known.get(&socket)?)
    }

    /// What was said on a connection belongs to the last one between the two.
    fn words(&mut self, client: SocketAddr, server: SocketAddr, helo: Option<String>) {
        let Some(name) = helo.as_deref().and_then(|said| Some(said.split_once(' ')?.1)) else {
            return;
        };
        let is_it = |c: &&mut Connection| {
            c.src == client.ip()
                && c.src_port == Some(client.port())
                && (c.dst, c.dst_port) == (server.ip(), server.port())
        };
        // Words follow their connection at once: those far behind are other ones.
        if let Some(connection) = self.found.iter_mut().rev().take(LATELY).find(is_it) {
            connection.helo = Some(name.as_bytes().into());
        }
    }

    /// The leases that were told, each until the next of its address.
    pub(crate) fn leases(&mut self) -> Vec<Lease> {
        leases::in_turn(std::mem::take(&mut self.leases))
    }

    /// What was found, and what it covers.
    pub(crate) fn end(self) -> (Vec<Connection>, Cover) {
        (self.found, self.cover)
    }
}

impl Cover {
    fn seen(&mut self, at: Option<Time>) {
        let Some(at) = at else { return };
        // A record whose oldest files are gone begins in the middle.
        self.watching |= self.first.is_none();
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    fn began(&mut self, at: Option<Time>) {
        let Some(at) = at else { return };
        // From the last sign of life: whoever was killed could not say when.
        if let Some(last) = self.last {
            self.gap(last, at);
        }
        self.seen(Some(at));
        self.watching = true;
    }

    fn gap(&mut self, from: Time, to: Time) {
        if to.since(from) >= 1.0 && self.gaps.len() < GAPS {
            self.gaps.push((from, to));
        }
    }

    /// Tells an input what it covers.
    pub(crate) fn tell(self, input: &mut crate::Input) {
        let mut what = vec![format!("recorder: {} connections of the host", self.connections)];
        if self.passing > 0 {
            what.push(format!("{} that passed through", self.passing));
        }
        if self.unanswered > 0 {
            what.push(format!("{} attempts that failed", self.unanswered));
        }
        if !self.ports.is_empty() {
            let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
            what.push(format!("ports {}", ports.join(", ")));
        }
        if !self.means.is_empty() {
            what.push(format!("seen by {}", self.means.into_iter().collect::<Vec<_>>().join(", ")));
        }
        if self.lost > 0 {
            what.push(format!("{} events lost", self.lost));
        }
        input.first = [input.first, self.first].into_iter().flatten().min();
        input.last = [input.last, self.last].into_iter().flatten().max();
        input.what = Some(what.join("; "));
        input.gaps = self.gaps;
        if self.watching {
            crate::sources::note(
                input,
                "still recording when it was read, or it was ended by force",
            );
        }
    }
}

/// Reads a section that starts at `base` of its source.
pub(crate) fn read(text: &[u8], source: SourceId, base: u64) -> Reader {
    let mut reader = Reader::default();
    for (offset, line) in lines::of(text) {
        reader.line(line, Place::byte(source, base + offset));
    }
    reader
}

fn of_process(opened: Opened, place: Place) -> Connection {
    // Before it has a port nobody knows from which address it goes either.
    let src = opened.client.map_or(
        match opened.server {
            SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        },
        |client| client.ip(),
    );
    let open = opened.outcome.as_deref() == Some("open");
    let (pid, uid) = (opened.process.pid, opened.process.uid);
    let comm = super::text(opened.process.comm.as_bytes());
    let process_started = opened.process.started.as_deref().and_then(time);
    let opener = opener(opened.process, opened.script, opened.ancestors).map(|mut opener| {
        opener.late = opened.late;
        opener.unit = opened.unit.map(|unit| super::text(unit.as_bytes()));
        opener.container = opened.container.map(|c| super::text(c.name.unwrap_or(c.id).as_bytes()));
        Arc::new(opener)
    });
    let named = opener.as_ref().map(|o| o.script.as_ref().unwrap_or(&o.exe));
    let program = Some(named.cloned().unwrap_or(comm)).filter(|name| !name.is_empty());
    Connection {
        time: time(&opened.start),
        src_port: opened.client.map(|client| client.port()),
        // 0: nobody could tell, by the means in use.
        pid: Some(pid).filter(|pid| *pid != 0),
        program,
        opener,
        process_started,
        // What failed, no list has seen. Without an outcome it is not known: only its beginning was announced.
        sent: opened.outcome.filter(|_| !open).map(|_| 0),
        uid: Some(uid),
        state: if open { "ESTAB" } else { "SYN-SENT" }.to_owned(),
        ..super::bare(src, opened.server.ip(), opened.server.port(), place)
    }
}

/// Who opened it, where the file that it runs is known.
fn opener(process: Process, script: Option<String>, ancestors: Vec<Process>) -> Option<Opener> {
    let line = |words: &[String]| super::text(words.join(" ").as_bytes());
    let parents = ancestors.into_iter().take(PARENTS).map(|parent| {
        if parent.args.is_empty() {
            super::text(parent.comm.as_bytes())
        } else {
            line(&parent.args)
        }
    });
    Some(Opener {
        exe: super::text(process.exe?.as_bytes()),
        deleted: process.deleted,
        late: false,
        script: script.map(|script| super::text(script.as_bytes())),
        command: line(&process.args),
        began_as: Some(line(&process.began_as)).filter(|line| !line.is_empty()),
        parents: parents.collect(),
        unit: None,
        container: None,
    })
}

fn through(passed: Passed, place: Place) -> Connection {
    Connection {
        time: time(&passed.time),
        src_port: Some(passed.client.port()),
        translated: passed.translated.map(|outside| outside.ip()),
        mac: passed.mac,
        in_interface: passed.interface,
        state: "NEW".to_owned(),
        ..super::bare(passed.client.ip(), passed.server.ip(), passed.server.port(), place)
    }
}

fn time(text: &str) -> Option<Time> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    Some(Time::from_micros(stamp.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"event":"connection","socket":7,"start":"2026-11-24T14:30:01.5Z","client":null,"server":"192.0.2.25:25","outcome":null,"process":{"pid":41,"uid":33,"comm":"perl","exe":"/usr/bin/perl","args":["perl","/tmp/.x/a.pl"]},"cgroup":1,"netns":1,"script":"/tmp/.x/a.pl","ancestors":[]}
{"event":"connection","socket":7,"start":"2026-11-24T14:30:01.5Z","client":"198.51.100.7:40001","server":"192.0.2.25:25","outcome":"open","process":{"pid":41,"uid":33,"comm":"perl","exe":"/usr/bin/perl","args":[]},"cgroup":1,"netns":1,"script":"/tmp/.x/a.pl","ancestors":[]}
{"event":"passing","time":"2026-11-24T14:31:00Z","client":"192.168.1.23:50001","server":"192.0.2.25:25","translated":"198.51.100.7:61000","mac":"52:54:00:12:34:56"}
{"event":"ended","socket":7,"end":"2026-11-24T14:30:02Z","received":1,"sent":2}
{"event":"lost","events":3}
"#;

    #[test]
    fn who_opened_it_and_who_passed() {
        assert!(recognise(LINES.as_bytes()));
        assert!(!recognise(br#"{"event":"block","src":"192.0.2.1"}{"#));
        let (found, _) = read(LINES.as_bytes(), SourceId(0), 0).end();
        let [own, passing] = &found[..] else { panic!("{found:?}") };
        assert_eq!(own.src, std::net::IpAddr::from([198, 51, 100, 7]));
        assert_eq!((own.src_port, own.pid, own.uid), (Some(40_001), Some(41), Some(33)));
        assert_eq!(own.program.as_deref(), Some("/tmp/.x/a.pl"));
        assert_eq!(own.time.unwrap().rfc3339(), "2026-11-24T14:30:01.500Z");
        assert_eq!(passing.translated, Some([198, 51, 100, 7].into()));
        assert_eq!(passing.mac.as_deref(), Some("52:54:00:12:34:56"));
    }

    #[test]
    fn what_failed_sent_nothing_and_what_was_only_announced_may_have() {
        for (outcome, sent) in [(r#""ECONNREFUSED""#, Some(0)), ("null", None), (r#""open""#, None)]
        {
            let line = format!(
                r#"{{"event":"connection","socket":7,"start":"2026-11-24T14:30:01.5Z","client":"198.51.100.7:40001","server":"192.0.2.25:25","outcome":{outcome},"process":{{"pid":0,"uid":33,"comm":"","exe":null}}}}"#
            );
            let (found, _) = read(line.as_bytes(), SourceId(0), 0).end();
            assert_eq!((found[0].sent, found[0].uid), (sent, Some(33)), "{outcome}");
        }
    }

    #[test]
    fn when_nobody_watched() {
        let lines = r#"{"event":"began","time":"2026-11-24T10:00:00Z","means":"tp-btf","ports":[25],"unseen":[]}
{"event":"watching","time":"2026-11-24T10:05:00Z","means":"tp-btf"}
{"event":"began","time":"2026-11-24T11:00:00Z","means":"polling","ports":[25,465],"unseen":[]}
{"event":"lost","events":3,"since":"2026-11-24T11:10:00Z","time":"2026-11-24T11:10:02Z"}
{"event":"stopped","time":"2026-11-24T12:00:00Z"}
{"event":"began","time":"2026-11-24T12:30:00Z","means":"polling","ports":[25],"unseen":[]}
"#;
        assert!(recognise(lines.as_bytes()));
        let (found, cover) = read(lines.as_bytes(), SourceId(0), 0).end();
        assert!(found.is_empty());
        let shown: Vec<_> =
            cover.gaps.iter().map(|(a, b)| format!("{} {}", a.rfc3339(), b.rfc3339())).collect();
        assert_eq!(
            shown,
            [
                "2026-11-24T10:05:00Z 2026-11-24T11:00:00Z",
                "2026-11-24T11:10:00Z 2026-11-24T11:10:02Z",
                "2026-11-24T12:00:00Z 2026-11-24T12:30:00Z"
            ]
        );
        assert!(cover.watching);
        assert_eq!(cover.lost, 3);
        assert_eq!(cover.last.unwrap().rfc3339(), "2026-11-24T12:30:00Z");
    }

    const ROUTER: &str = r#"{"event":"lease","time":"2026-11-24T14:00:00Z","address":"192.168.1.23","mac":"52:54:00:00:00:17","name":"laptop","from":"2026-11-24T14:00:00Z","until":"2026-11-24T15:00:00Z","by":"dhcp"}
{"event":"passing","time":"2026-11-24T14:31:00Z","socket":9,"client":"192.168.1.23:50001","server":"192.0.2.25:25","outcome":"open","mac":"52:54:00:00:00:17","interface":"lan0","name":"laptop"}
{"event":"passing","time":"2026-11-24T14:32:00Z","socket":10,"client":"192.168.1.23:50002","server":"192.0.2.26:25","outcome":"ETIMEDOUT","mac":"52:54:00:00:00:17","interface":"lan0"}
{"event":"lease","time":"2026-11-24T14:40:00Z","address":"192.168.1.23","mac":"52:54:00:00:00:99","from":"2026-11-24T14:40:00Z","until":"2026-11-24T15:00:00Z","by":"link"}
{"event":"ended","socket":9,"end":"2026-11-24T14:31:02Z","received":300,"sent":400}
"#;

    #[test]
    fn a_router_s_leases_are_leases_and_only_answered_connections_count() {
        assert!(recognise(ROUTER.as_bytes()));
        let mut reader = read(ROUTER.as_bytes(), SourceId(0), 0);
        let leases = reader.leases();
        let [laptop, other] = &leases[..] else { panic!("{leases:?}") };
        assert_eq!(laptop.name.as_deref(), Some("laptop"));
        assert_eq!(laptop.until, time("2026-11-24T14:40:00Z"), "until another had it");
        assert_eq!((other.mac.as_str(), &other.name), ("52:54:00:00:00:99", &None));
        let (found, cover) = reader.end();
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((one.src_port, one.in_interface.as_deref()), (Some(50_001), Some("lan0")));
        assert_eq!((cover.passing, cover.unanswered), (1, 1));
    }

    #[test]
    fn never_panics() {
        for cut in 0..ROUTER.len() {
            let _ = read(&ROUTER.as_bytes()[..cut], SourceId(0), 0).leases();
        }
        for cut in 0..LINES.len() {
            let bytes = &LINES.as_bytes()[..cut];
            recognise(bytes);
            let _ = read(bytes, SourceId(0), 0).end();
        }
    }
}
