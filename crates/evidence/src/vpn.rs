//! Clients of VPN servers here -> [`VpnClient`]s: `wg show` in both forms and WireGuard's
//! settings (`wireguard`); OpenVPN's status file in its three versions and its server's log
//! (`openvpn`).
//!
//! A peer that may use every address is no client but the other end of a tunnel that this host
//! itself uses: it is left out. A handshake told as "2 minutes ago" has no time.

mod openvpn;
mod wireguard;

use crate::facts::VpnClient;
use crate::stamp::Clock;
use heloscope_model::SourceId;
use ipnet::IpNet;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

pub(crate) use openvpn::is_line;
pub use openvpn::read_log;

/// Clients taken from one file, addresses of one client, bytes of one name.
const MOST: usize = 100_000;
const ADDRESSES: usize = 1_000;
const NAME: usize = 255;

/// Whether a text is of either program.
pub(crate) fn recognise(text: &[u8]) -> bool {
    wireguard::recognise(text) || openvpn::recognise(text)
}

/// Reads a section that starts at `base` of its source; `command` stood above it. `clock` resolves
/// stamps without a zone.
pub fn read(
    text: &[u8],
    source: SourceId,
    base: u64,
    command: Option<&str>,
    clock: &mut Clock,
) -> Vec<VpnClient> {
    if openvpn::recognise(text) {
        openvpn::read(text, source, base, clock)
    } else {
        wireguard::read(text, source, base, command)
    }
}

/// Gives clients the times of their handshakes, which WireGuard tells apart from all else of them.
pub(crate) fn join(clients: Vec<VpnClient>) -> Vec<VpnClient> {
    let (whole, times): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .partition(|client| client.endpoint.is_some() || !client.inside.is_empty());
    let mut seen: HashMap<String, VpnClient> = HashMap::new();
    for client in times {
        if client.seen.is_some() || !seen.contains_key(&client.name) {
            seen.insert(client.name.clone(), client);
        }
    }
    let mut joined: Vec<VpnClient> = whole
        .into_iter()
        .map(|mut client| {
            if let Some(time) = seen.get(&client.name).filter(|_| client.seen.is_none()) {
                client.seen = time.seen;
            }
            client
        })
        .collect();
    // Of some the handshake is all that is known.
    let known: HashSet<String> = joined.iter().map(|client| client.name.clone()).collect();
    joined.extend(seen.into_values().filter(|client| !known.contains(&client.name)));
    joined.sort_by_key(|client| client.place);
    joined
}

/// A name, cut.
fn name(text: &str) -> String {
    text.chars().take(NAME).collect()
}

/// An address or network.
fn network(word: &str) -> Option<IpNet> {
    let word = word.trim();
    word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The address of `192.0.2.9:50666`, `[2001:db8::9]:50666`, `udp4:192.0.2.9:50666`.
fn endpoint(word: &str) -> Option<IpAddr> {
    let word = word.trim();
    let word = ["udp4:", "udp6:", "tcp4-server:", "tcp6-server:", "tcp4:", "tcp6:"]
        .iter()
        .find_map(|front| word.strip_prefix(front))
        .unwrap_or(word);
    let host = word.rsplit_once(':').map_or(word, |(host, _)| host);
    let parse = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    parse(host).or_else(|| parse(word)).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests;
