//! What `heloscope record` noted: one line of JSON an event. Connections of this host with the process that
//! opened them, and those that passed through with the machine inside.
//!
//! A connection that was said without outcome and again with it is one: the later line wins.

use crate::facts::Connection;
use crate::lines;
use heloscope_model::{Place, SourceId, Time};
use serde::Deserialize;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Connections taken from one file.
const MOST: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    Connection(Opened),
    Passing(Passed),
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
    process: Process,
    script: Option<String>,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    uid: u32,
    exe: Option<String>,
    comm: String,
}

#[derive(Deserialize)]
struct Passed {
    time: String,
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

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for (offset, line) in lines::of(text) {
        let place = Place::byte(source, base + offset);
        match serde_json::from_slice(line) {
            Ok(Line::Connection(opened)) => {
                let socket = opened.socket;
                let connection = of_process(opened, place);
                let room = found.len() < MOST;
                match known.get(&socket).and_then(|index| found.get_mut(*index)) {
                    Some(before) if before.time == connection.time => *before = connection,
                    _ if room => {
                        known.insert(socket, found.len());
                        found.push(connection);
                    }
                    _ => {}
                }
            }
            Ok(Line::Passing(passed)) if found.len() < MOST => found.push(through(passed, place)),
            _ => {}
        }
    }
    found
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
    let program = opened.script.or(opened.process.exe).unwrap_or(opened.process.comm);
    let open = opened.outcome.as_deref() == Some("open");
    Connection {
        time: time(&opened.start),
        src_port: opened.client.map(|client| client.port()),
        pid: Some(opened.process.pid),
        program: Some(super::text(program.as_bytes())),
        uid: Some(opened.process.uid),
        state: if open { "ESTAB" } else { "SYN-SENT" }.to_owned(),
        ..super::bare(src, opened.server.ip(), opened.server.port(), place)
    }
}

fn through(passed: Passed, place: Place) -> Connection {
    Connection {
        time: time(&passed.time),
        src_port: Some(passed.client.port()),
        translated: passed.translated.map(|outside| outside.ip()),
        mac: passed.mac,
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
        let found = read(LINES.as_bytes(), SourceId(0), 0);
        let [own, passing] = &found[..] else { panic!("{found:?}") };
        assert_eq!(own.src, std::net::IpAddr::from([198, 51, 100, 7]));
        assert_eq!((own.src_port, own.pid, own.uid), (Some(40_001), Some(41), Some(33)));
        assert_eq!(own.program.as_deref(), Some("/tmp/.x/a.pl"));
        assert_eq!(own.time.unwrap().rfc3339(), "2026-11-24T14:30:01.500Z");
        assert_eq!(passing.translated, Some([198, 51, 100, 7].into()));
        assert_eq!(passing.mac.as_deref(), Some("52:54:00:12:34:56"));
    }

    #[test]
    fn never_panics() {
        for cut in 0..LINES.len() {
            let bytes = &LINES.as_bytes()[..cut];
            recognise(bytes);
            read(bytes, SourceId(0), 0);
        }
    }
}
