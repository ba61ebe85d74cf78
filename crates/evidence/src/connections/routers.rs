//! Lines of the packet filters of routers and appliances: Sophos UTM's `packetfilter.log`
//! (ulogd's `srcip="..." dstip="..."`), pfSense's and OPNsense's `filterlog`, MikroTik's
//! `forward: in:bridge out:ether1, ... proto TCP (SYN), A:P->B:P, len 60`.

use crate::facts::Connection;
use crate::leases::mac;
use crate::stamp::number;
use crate::weblog::address;
use heloscope_model::{Place, SourceId, Time};
use memchr::memmem;

/// Whether a line is one of these.
pub(crate) fn is_line(line: &[u8]) -> bool {
    parse(line, None, Place::whole(SourceId(0))).is_some()
}

/// One line.
pub fn parse(line: &[u8], time: Option<Time>, place: Place) -> Option<Connection> {
    let mut found = if memmem::find(line, b" srcip=\"").is_some() {
        packetfilter(line, place)
    } else if let Some(at) = memmem::find(line, b"filterlog") {
        filterlog(line.get(at..)?, place)
    } else if memmem::find(line, b"proto TCP").is_some() {
        mikrotik(line, place)
    } else {
        None
    }?;
    found.time = time;
    Some(found)
}

fn port(word: &[u8]) -> Option<u16> {
    u16::try_from(number(word)?).ok()
}

fn some(word: &[u8]) -> Option<String> {
    (!word.is_empty()).then(|| super::text(word))
}

/// `action="drop" fwrule="60001" initf="eth1" outitf="eth0" srcmac="..." srcip="..." proto="6" dstport="25"`.
fn packetfilter(line: &[u8], place: Place) -> Option<Connection> {
    let value = |name: &[u8]| {
        let at = memmem::find(line, name)?;
        let rest = line.get(at + name.len()..)?;
        rest.get(..memchr::memchr(b'"', rest)?)
    };
    if value(b" proto=\"")? != b"6" {
        return None;
    }
    let src = address(value(b" srcip=\"")?)?;
    let dst = address(value(b" dstip=\"")?)?;
    let mut found = super::bare(src, dst, port(value(b" dstport=\"")?)?, place);
    found.src_port = value(b" srcport=\"").and_then(port);
    found.mac = value(b" srcmac=\"").and_then(mac);
    found.in_interface = value(b" initf=\"").and_then(some);
    found.out_interface = value(b" outitf=\"").and_then(some);
    let name = value(b" name=\"").or_else(|| value(b" action=\""));
    found.state = super::text(name.unwrap_or_default());
    Some(found)
}

/// `filterlog[123]: 5,,,1000000103,em1,match,block,in,4,0x0,,64,12345,0,DF,6,tcp,60,A,B,49152,25,...`.
fn filterlog(line: &[u8], place: Place) -> Option<Connection> {
    let at = memmem::find(line, b": ")?;
    let columns: Vec<&[u8]> = line.get(at + 2..)?.split(|&b| b == b',').take(40).collect();
    let [_, _, _, _, interface, _, action, direction, version, rest @ ..] = columns.as_slice()
    else {
        return None;
    };
    // Of IPv6 the number stands behind the protocol's name.
    let (protocol, rest) = match (*version, rest) {
        (b"4", [_, _, _, _, _, _, number, _, _, rest @ ..]) => (*number, rest),
        (b"6", [_, _, _, _, number, _, rest @ ..]) => (*number, rest),
        _ => return None,
    };
    let [src, dst, sport, dport, ..] = rest else { return None };
    if protocol != b"6" {
        return None;
    }
    let mut found = super::bare(address(src)?, address(dst)?, port(dport)?, place);
    found.src_port = port(sport);
    if *direction == b"out" {
        found.out_interface = some(interface);
    } else {
        found.in_interface = some(interface);
    }
    found.state = super::text(action);
    Some(found)
}

/// `SMTP forward: in:bridge out:ether1, connection-state:new src-mac 02:..:17, proto TCP (SYN),
/// 192.168.88.5:51234->198.51.100.1:25, NAT (192.168.88.5:51234->203.0.113.10:51234)->198.51.100.1:25, len 60`.
fn mikrotik(line: &[u8], place: Place) -> Option<Connection> {
    let at = memmem::find(line, b"proto TCP")?;
    let (front, rest) = line.split_at_checked(at)?;
    let arrow = memmem::find(rest, b"->")?;
    let start = memmem::rfind(rest.get(..arrow)?, b", ")? + 2;
    let (src, src_port) = endpoint(rest.get(start..arrow)?)?;
    let dst = rest.get(arrow + 2..)?;
    let end = memchr::memchr(b',', dst).unwrap_or(dst.len());
    let (dst, dst_port) = endpoint(dst.get(..end)?)?;
    let mut found = super::bare(src, dst, dst_port, place);
    found.src_port = Some(src_port);
    // Source translation: "NAT (inside->outside)->server".
    if let Some(nat) = memmem::find(rest, b"NAT (").and_then(|at| rest.get(at + 5..)) {
        let to = memmem::find(nat, b"->").and_then(|at| nat.get(at + 2..))?;
        let end = memchr::memchr(b')', to).unwrap_or(to.len());
        found.translated = endpoint(to.get(..end)?).map(|(ip, _)| ip).filter(|ip| *ip != src);
    }
    let word = |name: &[u8]| {
        let at = memmem::find(front, name)?;
        let rest = front.get(at + name.len()..)?;
        let end = rest.iter().position(|b| matches!(b, b' ' | b',')).unwrap_or(rest.len());
        rest.get(..end)
    };
    found.mac = word(b"src-mac ").and_then(mac);
    let known = |word: &&[u8]| *word != b"(unknown" && !word.starts_with(b"(unknown");
    found.in_interface = word(b"in:").filter(known).and_then(some);
    found.out_interface = word(b"out:").filter(known).and_then(some);
    // "firewall,info SMTP forward: in:...": the rule's prefix and its chain.
    let named = memmem::find(front, b" in:").and_then(|at| front.get(..at)).unwrap_or_default();
    let named = named.strip_suffix(b":").unwrap_or(named);
    let named = match memmem::find(named, b"firewall,info ") {
        Some(at) => named.get(at + b"firewall,info ".len()..).unwrap_or_default(),
        None => named.rsplit(|&b| b == b' ').next().unwrap_or_default(),
    };
    found.state = super::text(named);
    Some(found)
}

/// `192.168.88.5:51234`, `[2001:db8::5]:51234`.
fn endpoint(word: &[u8]) -> Option<(std::net::IpAddr, u16)> {
    let word = word.trim_ascii();
    let colon = memchr::memrchr(b':', word)?;
    let (host, rest) = word.split_at_checked(colon)?;
    let host = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host);
    Some((address(host)?, port(rest.get(1..)?)?))
}
