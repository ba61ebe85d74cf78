//! One connection seen at several points made one session.
//!
//! Before and after address translation, on every interface of a router, in the captures of two
//! machines: the TCP sequence numbers stay, the addresses do not. Two sessions are one when both
//! initial sequence numbers agree (64 bits that no two connections share by chance) and the
//! times do not speak against it; where only the client's number is known, the server, its port
//! and the time must agree as well.
//!
//! The fuller recording's dialogue is kept, the outermost client address as `client`, the
//! innermost as `inside`, hardware address and SYN facts from the innermost point.

use heloscope_model::Session;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Seconds that clocks of two capturing machines may differ where both numbers agree.
const CLOCKS: f64 = 86_400.0;
/// Seconds for the same where only the client's number is known.
const NEAR: f64 = 10.0;
/// Connections with one client number that are compared; beyond that the number says nothing
/// (some mailers give every connection the same).
const COMPARED: usize = 32;
/// Times that joined sessions are compared again.
const TURNS: usize = 4;

/// Joins sessions that are one connection seen at several points, in one or several captures.
/// The order of first appearance stays.
pub fn merge(sessions: Vec<Session>) -> Vec<Session> {
    let mut merged = once(sessions);
    // Joining two may tell what makes a third one of them; each turn leaves fewer.
    for _ in 0..TURNS {
        let before = merged.len();
        merged = once(merged);
        if merged.len() == before {
            break;
        }
    }
    merged
}

fn once(sessions: Vec<Session>) -> Vec<Session> {
    let mut merged: Vec<Option<Session>> = Vec::with_capacity(sessions.len());
    let mut by_number: HashMap<u32, Vec<usize>> = HashMap::new();
    for session in sessions {
        let Some(number) = session.sequence.0 else {
            merged.push(Some(session));
            continue;
        };
        let alike = by_number.entry(number).or_default();
        let recent = alike.iter().rev().take(COMPARED);
        let twin = recent.copied().find(|&index| {
            merged.get(index).and_then(Option::as_ref).is_some_and(|other| same(other, &session))
        });
        match twin.and_then(|index| merged.get_mut(index)) {
            Some(place) => *place = place.take().map(|other| join(other, session)),
            None => {
                alike.push(merged.len());
                merged.push(Some(session));
            }
        }
    }
    merged.into_iter().flatten().collect()
}

/// Whether two sessions are one connection.
fn same(a: &Session, b: &Session) -> bool {
    let apart = a.start.since(b.start).abs();
    if a.sequence.0 != b.sequence.0 {
        return false;
    }
    match (a.sequence.1, b.sequence.1) {
        // Translation changes at most one end in any way that leaves both ports different.
        (Some(x), Some(y)) => {
            x == y
                && apart <= CLOCKS
                && (a.server.port() == b.server.port() || a.client.port() == b.client.port())
        }
        _ => apart <= NEAR && a.server == b.server,
    }
}

fn join(a: Session, b: Session) -> Session {
    let (outer, inner) = if is_inside(&a, &b) { (&b, &a) } else { (&a, &b) };
    let client = outer.client;
    let inside = inner.inside.unwrap_or(inner.client);
    let inside = (inside != client).then_some(inside);
    let server = outer.server;
    let client_mac = inner.client_mac.or(outer.client_mac);
    let syn = inner.syn.clone().or_else(|| outer.syn.clone());
    let sequence = (a.sequence.0, a.sequence.1.or(b.sequence.1));
    let (fuller, other) = if fullness(&b) > fullness(&a) { (b, a) } else { (a, b) };
    let proxy = fuller.proxy.or(other.proxy);
    Session { client, inside, server, client_mac, syn, sequence, proxy, ..fuller }
}

/// Whether `a` was recorded nearer to the client than `b`.
fn is_inside(a: &Session, b: &Session) -> bool {
    // What was itself merged has its innermost point within.
    let at = |s: &Session| s.inside.unwrap_or(s.client);
    let hops = |s: &Session| s.syn.as_ref().map(|syn| syn.ttl);
    let private = |s: &Session| is_private(at(s));
    match (private(a), private(b)) {
        (true, false) => return true,
        (false, true) => return false,
        _ => {}
    }
    match (hops(a), hops(b)) {
        (Some(x), Some(y)) if x != y => x > y,
        // The same clock saw the inner packet first; otherwise the order they came in decides.
        _ => a.start <= b.start,
    }
}

/// Addresses of inside networks: RFC 1918, RFC 6598 (carrier NAT), RFC 4193, link-local, loopback.
fn is_private(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || a == 100 && b & 0xc0 == 64
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// How much a recording holds: fewer gaps, its beginning, more payload.
fn fullness(session: &Session) -> (bool, std::cmp::Reverse<u32>, u64, usize) {
    let dialogue = &session.dialogue;
    let (client, server) = session.bytes;
    (
        !dialogue.midstream,
        std::cmp::Reverse(dialogue.gaps),
        client.saturating_add(server),
        dialogue.commands.len() + dialogue.replies.len(),
    )
}
