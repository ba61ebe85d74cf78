//! OpenVPN: the status file (`--status`, versions 1, 2 and 3) and the lines of a server's log
//! that say which inside address a client was given.

use super::{ADDRESSES, MOST, endpoint, network};
use crate::facts::VpnClient;
use crate::lines::{self, Lines};
use crate::stamp::{self, Clock};
use heloscope_model::{Place, SourceId, Time};
use ipnet::IpNet;
use std::collections::HashMap;
use std::io::Read;

/// Whether a text is a status file.
pub(super) fn recognise(text: &[u8]) -> bool {
    let front = lines::of(text).map(|(_, line)| line).find(|line| !line.trim_ascii().is_empty());
    front.is_some_and(|line| {
        line == b"OpenVPN CLIENT LIST"
            || line.starts_with(b"TITLE,OpenVPN")
            || line.starts_with(b"TITLE\tOpenVPN")
    })
}

/// Which part of a status file of version 1.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Front,
    Clients,
    Routes,
    Rest,
}

/// Reads a status file.
pub(super) fn read(text: &[u8], source: SourceId, base: u64, clock: &mut Clock) -> Vec<VpnClient> {
    let mut found = Found::default();
    let mut part = Part::Front;
    for (offset, line) in lines::of(text) {
        let (line, _) = heloscope_model::octets::lossy_text(line);
        let place = Place::byte(source, base + offset);
        let split = if line.contains('\t') { '\t' } else { ',' };
        let columns: Vec<&str> = line.split(split).take(20).collect();
        match columns.as_slice() {
            ["OpenVPN CLIENT LIST"] => part = Part::Clients,
            ["ROUTING TABLE"] => part = Part::Routes,
            ["GLOBAL STATS"] => part = Part::Rest,
            // "CLIENT_LIST,name,real,virtual,virtual 6,received,sent,since,since (time_t),..."
            ["CLIENT_LIST", name, real, virtual4, virtual6, _, _, since, epoch, ..] => {
                let seen = epoch.parse().ok().filter(|s| *s > 0).map(Time::from_secs);
                let seen = seen.or_else(|| local(since, clock));
                found.client(name, real, seen, place);
                for inside in [virtual4, virtual6] {
                    found.inside(name, real, inside);
                }
            }
            ["ROUTING_TABLE", inside, name, real, ..] => found.inside(name, real, inside),
            ["Common Name" | "Virtual Address" | "Updated" | "HEADER" | "TIME" | "TITLE", ..] => {}
            [name, real, _, _, since, ..] if part == Part::Clients => {
                let seen = local(since, clock);
                found.client(name, real, seen, place);
            }
            [inside, name, real, _, ..] if part == Part::Routes => found.inside(name, real, inside),
            _ => {}
        }
    }
    found.clients
}

fn local(stamp: &str, clock: &mut Clock) -> Option<Time> {
    stamp::of_line(stamp.as_bytes()).filter(|s| s.year.is_some()).map(|s| clock.time(&s))
}

/// Clients by name and outer address with port.
#[derive(Default)]
struct Found {
    clients: Vec<VpnClient>,
    by_name: HashMap<String, usize>,
}

impl Found {
    fn client(&mut self, name: &str, real: &str, seen: Option<Time>, place: Place) {
        // A handshake that is not done has no name.
        if name.is_empty() || name == "UNDEF" || self.clients.len() >= MOST {
            return;
        }
        self.by_name.insert(format!("{name}/{real}"), self.clients.len());
        self.clients.push(VpnClient {
            interface: None,
            name: super::name(name),
            endpoint: endpoint(real),
            inside: Vec::new(),
            seen,
            place,
        });
    }

    fn inside(&mut self, name: &str, real: &str, inside: &str) {
        let index = self.by_name.get(&format!("{name}/{real}"));
        let client = index.and_then(|index| self.clients.get_mut(*index));
        // A cached route has a C behind it.
        if let (Some(client), Some(net)) = (client, network(inside.trim_end_matches('C'))) {
            add(client, net);
        }
    }
}

fn add(client: &mut VpnClient, net: IpNet) {
    if client.inside.len() < ADDRESSES && !client.inside.contains(&net) {
        client.inside.push(net);
    }
}

/// What gives a client its inside address.
const LEARN: &[u8] = b"MULTI: Learn: ";
const PRIMARY: &[u8] = b"MULTI: primary virtual ";
const ROUTE: &[u8] = b"MULTI: internal route ";

/// Whether a log's line is an OpenVPN server's about a client.
pub(crate) fn is_line(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"MULTI: ").is_some() && learnt(line).is_some()
}

/// Reads a server's log; a client that connects anew is told of anew.
pub fn read_log(
    source: SourceId,
    input: impl Read,
    clock: &mut Clock,
) -> (Vec<VpnClient>, Option<String>) {
    let mut found: Vec<VpnClient> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    // By program: several servers may write one log.
    let mut interfaces: HashMap<Vec<u8>, String> = HashMap::new();
    let mut lines = Lines::new(input);
    while let Some((offset, line)) = lines.next_line() {
        let Some(stamp) = stamp::of_line(line) else { continue };
        // Years count on over every line.
        let time = clock.time(&stamp);
        let program = program(line, &stamp);
        if let Some(name) = opened(line) {
            if interfaces.len() < 100 {
                interfaces.insert(program.to_vec(), name);
            }
            continue;
        }
        let Some((net, client)) = learnt(line) else { continue };
        let full = found.len() >= MOST;
        match by_name.get(&client).and_then(|index| found.get_mut(*index)) {
            Some(known) => add(known, net),
            None if !full => {
                let (name, real) = client.rsplit_once('/').unwrap_or((&client, ""));
                found.push(VpnClient {
                    interface: interfaces.get(program).cloned(),
                    name: super::name(name),
                    endpoint: endpoint(real),
                    inside: vec![net],
                    seen: Some(time),
                    place: Place::byte(source, offset),
                });
                by_name.insert(client, found.len() - 1);
            }
            None => {}
        }
    }
    (found, lines.cut_note())
}

/// The program of a system log's line; nothing in OpenVPN's own log.
fn program<'a>(line: &'a [u8], stamp: &stamp::Stamp) -> &'a [u8] {
    let rest = line.get(stamp.end..).unwrap_or_default().trim_ascii_start();
    let word = rest.split(|&b| b == b' ').nth(1).unwrap_or_default();
    if word.ends_with(b"]:") { word } else { b"" }
}

/// `TUN/TAP device tun7 opened`.
fn opened(line: &[u8]) -> Option<String> {
    let front = b"TUN/TAP device ";
    let at = memchr::memmem::find(line, front)?;
    let word = line.get(at + front.len()..)?.split(|&b| b == b' ').next()?;
    Some(super::name(&heloscope_model::octets::lossy_text(word).0))
}

/// Inside address and client (`name/192.0.2.9:50666`) of a line that ties them together.
fn learnt(line: &[u8]) -> Option<(IpNet, String)> {
    let behind = |front: &[u8]| {
        let at = memchr::memmem::find(line, front)?;
        let rest = line.get(at + front.len()..)?;
        Some(heloscope_model::octets::lossy_text(rest.get(..rest.len().min(1000))?).0)
    };
    let (inside, client) = if let Some(rest) = behind(LEARN).or_else(|| behind(ROUTE)) {
        let (inside, client) = rest.split_once(" -> ")?;
        (inside.to_owned(), client.to_owned())
    } else {
        // "MULTI: primary virtual IP for name/192.0.2.9:50666: 10.8.0.6"
        let rest = behind(PRIMARY)?;
        let (client, inside) = rest.split_once(" for ")?.1.rsplit_once(": ")?;
        (inside.to_owned(), client.to_owned())
    };
    Some((network(&inside)?, client.trim().to_owned()))
}
