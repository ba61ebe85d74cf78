//! Names that iptables and nft print for numbers: services, protocols, networks, as Debian's
//! `/etc/services` and `/etc/protocols` have them.

use super::rules::Value;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Services by name; of a name that is not here only that it is none of these ports is known.
const SERVICES: [(&str, u16); 80] = [
    ("smtp", 25),
    ("mail", 25),
    ("submission", 587),
    ("submissions", 465),
    ("smtps", 465),
    ("ssmtp", 465),
    ("urd", 465),
    ("tcpmux", 1),
    ("echo", 7),
    ("discard", 9),
    ("systat", 11),
    ("daytime", 13),
    ("netstat", 15),
    ("qotd", 17),
    ("chargen", 19),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("time", 37),
    ("whois", 43),
    ("nicname", 43),
    ("tacacs", 49),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("www", 80),
    ("kerberos", 88),
    ("pop2", 109),
    ("pop3", 110),
    ("pop-3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("ident", 113),
    ("nntp", 119),
    ("ntp", 123),
    ("epmap", 135),
    ("loc-srv", 135),
    ("netbios-ns", 137),
    ("netbios-dgm", 138),
    ("netbios-ssn", 139),
    ("imap2", 143),
    ("imap", 143),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("bgp", 179),
    ("irc", 194),
    ("imap3", 220),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("isakmp", 500),
    ("login", 513),
    ("shell", 514),
    ("syslog", 514),
    ("printer", 515),
    ("rtsp", 554),
    ("nntps", 563),
    ("ipp", 631),
    ("ldaps", 636),
    ("rsync", 873),
    ("domain-s", 853),
    ("ftps-data", 989),
    ("ftps", 990),
    ("telnets", 992),
    ("imaps", 993),
    ("ircs", 994),
    ("pop3s", 995),
    ("socks", 1080),
    ("openvpn", 1194),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("sieve", 4190),
    ("postgresql", 5432),
    ("http-alt", 8080),
    ("webcache", 8080),
];

/// A port by number or name.
pub(crate) fn port(word: &str) -> Option<u16> {
    word.parse().ok().or_else(|| SERVICES.iter().find(|(n, _)| *n == word).map(|(_, p)| *p))
}

/// Whether a port has a name here.
pub(crate) fn has_name(port: u16) -> bool {
    SERVICES.iter().any(|(_, p)| *p == port)
}

/// `25`, `smtp`, `25:587`, `:1023`, `1024:`, also with a dash.
pub(crate) fn ports(word: &str) -> Value {
    if let Some(port) = port(word) {
        return Value::number(port.into());
    }
    // Names may hold dashes, so the colon comes first.
    for mark in [':', '-'] {
        if let Some((low, high)) = word.split_once(mark) {
            let low = if low.is_empty() { Some(0) } else { port(low) };
            let high = if high.is_empty() { Some(u16::MAX) } else { port(high) };
            if let (Some(low), Some(high)) = (low, high) {
                return Value::Numbers(low.into(), high.into());
            }
        }
    }
    let name = word.bytes().any(|b| b.is_ascii_alphabetic())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'));
    if name { Value::Word(word.to_owned()) } else { Value::Unclear }
}

/// A transport protocol by number or name; None of "all".
pub(crate) fn protocol(word: &str) -> Option<Value> {
    let number = match word.to_ascii_lowercase().as_str() {
        "all" | "0" => return None,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "ipv6-route" => 43,
        "ipv6-frag" => 44,
        "gre" => 47,
        "esp" | "ipv6-crypt" => 50,
        "ah" | "ipv6-auth" => 51,
        "ipv6-icmp" | "icmpv6" | "icmp6" => 58,
        "ospf" => 89,
        "pim" => 103,
        "ipcomp" | "comp" => 108,
        "vrrp" => 112,
        "l2tp" => 115,
        "sctp" => 132,
        "udplite" => 136,
        other => match other.parse::<u8>() {
            Ok(number) => number,
            // A protocol's name that is not here is not TCP's.
            Err(_) => return Some(Value::Word(other.to_owned())),
        },
    };
    Some(Value::number(number.into()))
}

/// An address, network or range, or `anywhere`; a name that nobody resolves here is unclear.
pub(crate) fn address(word: &str) -> Value {
    match word {
        "anywhere" | "default" | "any" => return Value::Any,
        "localhost" => return net(IpAddr::V4(Ipv4Addr::LOCALHOST), 32),
        "localhost/8" | "loopback/8" => return net(IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
        "ip6-localhost" => return net(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        "link-local/16" => return net(IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
        "base-address.mcast.net/4" => return net(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
        _ => {}
    }
    if let Ok(ip) = word.parse::<IpAddr>() {
        return net(ip, if ip.is_ipv4() { 32 } else { 128 });
    }
    if let Ok(found) = word.parse::<IpNet>() {
        return Value::Net(found.trunc());
    }
    if let Some((ip, mask)) = word.split_once('/')
        && let (Ok(ip), Ok(mask)) = (ip.parse::<IpAddr>(), mask.parse::<IpAddr>())
        && let Ok(found) = IpNet::with_netmask(ip, mask)
    {
        return Value::Net(found.trunc());
    }
    if let Some((low, high)) = word.split_once('-')
        && let (Ok(low), Ok(high)) = (low.parse::<IpAddr>(), high.parse::<IpAddr>())
        && low.is_ipv4() == high.is_ipv4()
    {
        return Value::Span(low, high);
    }
    Value::Unclear
}

fn net(ip: IpAddr, length: u8) -> Value {
    IpNet::new(ip, length).map_or(Value::Unclear, |net| Value::Net(net.trunc()))
}

/// An interface, `eth+` and `eth*` for all that begin so.
pub(crate) fn interface(word: &str) -> Value {
    match word {
        "any" | "*" | "+" => Value::Any,
        _ => match word.strip_suffix(['+', '*']) {
            // nft writes a star that is part of the name as `\*`.
            Some(begin) if !begin.ends_with('\\') => Value::Begins(begin.to_owned()),
            _ => Value::Word(word.to_owned()),
        },
    }
}

/// `33`, `0-33`, `www-data`.
pub(crate) fn user(word: &str) -> Value {
    if let Ok(id) = word.parse::<u32>() {
        return Value::number(id.into());
    }
    if let Some((low, high)) = word.split_once('-')
        && let (Ok(low), Ok(high)) = (low.parse::<u32>(), high.parse::<u32>())
    {
        return Value::Numbers(low.into(), high.into());
    }
    if word.is_empty() { Value::Unclear } else { Value::Word(word.to_owned()) }
}

/// `5`, `0x5`.
pub(crate) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// `0x1/0xff` -> value and mask.
pub(crate) fn masked(word: &str) -> Option<(u32, u32)> {
    match word.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(word)?, u32::MAX)),
    }
}

/// TCP flags by name or number: `FIN,SYN,RST,ACK`, `NONE`, `ALL`, `0x17`.
pub(crate) fn tcp_flags(word: &str) -> Option<u8> {
    if let Some(bits) = number(word) {
        return u8::try_from(bits).ok();
    }
    word.split([',', '|']).try_fold(0, |bits, name| {
        Some(
            bits | match name.trim().to_ascii_uppercase().as_str() {
                "FIN" => 0x01,
                "SYN" => 0x02,
                "RST" => 0x04,
                "PSH" => 0x08,
                "ACK" => 0x10,
                "URG" => 0x20,
                "ECN" | "ECE" => 0x40,
                "CWR" => 0x80,
                "ALL" => 0x3f,
                "NONE" => 0,
                _ => return None,
            },
        )
    })
}
