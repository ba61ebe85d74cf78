//! WireGuard: `wg show`, `wg show all latest-handshakes`, `wg show all dump`, `wg showconf` and
//! `/etc/wireguard/*.conf`. The keys that these hold are not kept.

use super::{ADDRESSES, MOST, endpoint, network};
use crate::facts::VpnClient;
use crate::lines;
use heloscope_model::{Place, SourceId, Time};

/// Whether a text is WireGuard's.
pub(super) fn recognise(text: &[u8]) -> bool {
    let (mut interface, mut peer) = (false, false);
    for (_, line) in lines::of(text).take(400) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let trimmed = line.trim();
        interface |= trimmed.starts_with("interface: ") || trimmed == "[Interface]";
        peer |= trimmed.starts_with("public key: ")
            || trimmed.starts_with("peer: ")
            || trimmed.split_once('=').is_some_and(|(name, _)| {
                ["PublicKey", "PrivateKey"].iter().any(|n| n.eq_ignore_ascii_case(name.trim()))
            });
        if interface && peer || dumped(line, None).or_else(|| shaken(line, None)).is_some() {
            return true;
        }
    }
    false
}

/// Reads a section.
pub(super) fn read(
    text: &[u8],
    source: SourceId,
    base: u64,
    command: Option<&str>,
) -> Vec<VpnClient> {
    // "wg show wg0 dump", "cat /etc/wireguard/wg0.conf": the interface stands in the command.
    let mut interface = command.and_then(of_command);
    let mut found: Vec<VpnClient> = Vec::new();
    for (offset, bytes) in lines::of(text) {
        let Ok(line) = std::str::from_utf8(bytes) else { continue };
        let place = Place::byte(source, base + offset);
        if found.len() >= MOST {
            break;
        }
        let of = interface.as_deref();
        if let Some((client, of)) = dumped(line, of).or_else(|| shaken(line, of)) {
            found.push(VpnClient { place, interface: of, ..client });
            continue;
        }
        let line = line.trim();
        if let Some(name) = line.strip_prefix("interface: ") {
            interface = Some(super::name(name));
        } else if let Some(key) = line.strip_prefix("peer: ") {
            found.push(client(super::name(key), interface.clone(), place));
        } else if line == "[Peer]" {
            found.push(client(String::new(), interface.clone(), place));
        } else if let Some((name, value)) = line.split_once(": ").or_else(|| line.split_once('='))
            && let Some(client) = found.last_mut()
        {
            set(client, name.trim(), value.trim(), place);
        }
    }
    found.retain(|c| !c.name.is_empty() && !c.inside.iter().any(|net| net.prefix_len() == 0));
    found
}

fn client(name: String, interface: Option<String>, place: Place) -> VpnClient {
    VpnClient { interface, name, endpoint: None, inside: Vec::new(), seen: None, place }
}

/// One value of a peer, of `wg show` or of a file of settings.
fn set(client: &mut VpnClient, name: &str, value: &str, place: Place) {
    match name.to_ascii_lowercase().as_str() {
        "endpoint" => client.endpoint = endpoint(value),
        "allowed ips" | "allowedips" => {
            let free = ADDRESSES.saturating_sub(client.inside.len());
            client.inside.extend(value.split(',').filter_map(network).take(free));
        }
        "publickey" if client.name.is_empty() => {
            client.name = super::name(value);
            client.place = place;
        }
        _ => {}
    }
}

/// A peer's line of a dump: `[interface] key psk endpoint allowed handshake received sent keepalive`.
fn dumped(line: &str, interface: Option<&str>) -> Option<(VpnClient, Option<String>)> {
    let parts: Vec<&str> = line.split('\t').take(10).collect();
    let (of, parts) = match parts.as_slice() {
        [of, rest @ ..] if rest.len() == 8 => (Some(super::name(of)), rest),
        all if all.len() == 8 => (interface.map(str::to_owned), all),
        _ => return None,
    };
    let [key, _, at, allowed, handshake, received, ..] = parts else { return None };
    if !is_key(key) || received.parse::<u64>().is_err() {
        return None;
    }
    let mut found = client(super::name(key), None, Place::whole(SourceId(0)));
    found.endpoint = endpoint(at);
    found.inside = allowed.split(',').filter_map(network).take(ADDRESSES).collect();
    // 0: never.
    let seconds = handshake.parse::<i64>().ok().filter(|s| (1..=1 << 40).contains(s));
    found.seen = seconds.map(Time::from_secs);
    Some((found, of))
}

/// A line of `latest-handshakes`: `[interface] key seconds`. It says nothing else of the peer.
fn shaken(line: &str, interface: Option<&str>) -> Option<(VpnClient, Option<String>)> {
    let parts: Vec<&str> = line.split('\t').take(4).collect();
    let (of, key, seconds) = match parts.as_slice() {
        [of, key, seconds] => (Some(super::name(of)), key, seconds),
        [key, seconds] => (interface.map(str::to_owned), key, seconds),
        _ => return None,
    };
    if !is_key(key) {
        return None;
    }
    let seconds = seconds.trim().parse::<i64>().ok()?;
    let mut found = client(super::name(key), None, Place::whole(SourceId(0)));
    found.seen = (1..=1 << 40).contains(&seconds).then(|| Time::from_secs(seconds));
    Some((found, of))
}

/// 32 bytes in base 64.
fn is_key(word: &str) -> bool {
    word.len() == 44
        && word.ends_with('=')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// The interface that a command names.
fn of_command(command: &str) -> Option<String> {
    let mut words = command.split_whitespace().skip_while(|w| *w != "wg" && !w.ends_with("/wg"));
    if words.next().is_some() {
        let name = words.nth(1)?;
        return (!matches!(name, "all" | "interfaces" | "dump")).then(|| super::name(name));
    }
    let file = command.split_whitespace().find(|w| w.contains("/wireguard/"))?;
    Some(super::name(file.rsplit('/').next()?.strip_suffix(".conf")?))
}
