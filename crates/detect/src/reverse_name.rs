//! Whether a host name looks handed out by a provider: the address's digits stand in it, or words
//! that providers use for pools. A rule on the name's shape alone; `static` names and those of
//! mail servers are spared.

use std::net::IpAddr;

/// Words of pools, as whole words between dots, hyphens and digits.
const POOLS: [&str; 16] = [
    "dyn",
    "dynamic",
    "dynamicip",
    "dhcp",
    "pool",
    "pools",
    "ppp",
    "pppoe",
    "dsl",
    "adsl",
    "vdsl",
    "dialup",
    "dial",
    "cable",
    "broadband",
    "dip",
];

/// Words that say that a name was chosen for a server.
const CHOSEN: [&str; 13] = [
    "static", "mail", "mx", "smtp", "mta", "relay", "out", "outbound", "mailout", "server", "srv",
    "send", "sender",
];

/// Whether a name looks handed out by a provider for this address.
pub fn is_dynamic(name: &str, address: IpAddr) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = words(&name);
    let pool = words.iter().any(|word| POOLS.contains(word));
    words.retain(|word| CHOSEN.contains(word));
    if !words.is_empty() {
        return false;
    }
    // A word of a pool alone may be a street's name: digits must follow.
    holds_address(&name, address) || (pool && name.bytes().any(|b| b.is_ascii_digit()))
}

/// Whether a name says that it was chosen for a server.
pub(crate) fn is_chosen(name: &str) -> bool {
    words(&name.to_ascii_lowercase()).iter().any(|word| CHOSEN.contains(word))
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty()).collect()
}

/// Whether the address's digits stand in the name: forwards or backwards, apart or padded with
/// zeros, in hexadecimal; of IPv6 its last half.
pub fn holds_address(name: &str, address: IpAddr) -> bool {
    let name = name.to_ascii_lowercase();
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let octets = address.octets().map(u32::from);
            let hex: String = octets.iter().map(|o| format!("{o:02x}")).collect();
            let padded: String = octets.iter().map(|o| format!("{o:03}")).collect();
            let runs: Vec<u32> = name
                .split(|c: char| !c.is_ascii_digit())
                .filter(|run| (1..=3).contains(&run.len()))
                .filter_map(|run| run.parse().ok())
                .collect();
            let backwards = {
                let mut b = octets;
                b.reverse();
                b
            };
            let apart = runs.windows(4).any(|w| w == octets || w == backwards);
            apart || name.contains(&hex) || name.contains(&padded)
        }
        IpAddr::V6(address) => {
            let all: String = address.octets().iter().map(|o| format!("{o:02x}")).collect();
            let plain: String = name.chars().filter(|c| !matches!(c, '-' | '.' | ':')).collect();
            all.get(16..)
                .is_some_and(|half| plain.contains(half) && half.trim_start_matches('0').len() > 8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pools_are_told_from_names_of_servers() {
        let v4: IpAddr = [192, 0, 2, 7].into();
        for (name, dynamic) in [
            ("192-0-2-7.pool.example.net", true),
            ("7.2.0.192.dyn.example.net", true),
            ("host-192-0-2-7.example.net", true),
            ("c0000207.example.net", true),
            ("p192000002007.example.net", true),
            ("dsl-4711.example.net", true),
            ("ppp12.example.net", true),
            ("static-192-0-2-7.example.net", false),
            ("mail-192-0-2-7.example.net", false),
            ("mail.example.org", false),
            ("192-0-2-8.example.net", false),
            ("pool.example.org", false),
            ("cable-street.example.org", false),
            ("", false),
        ] {
            assert_eq!(is_dynamic(name, v4), dynamic, "{name}");
        }
        let v6: IpAddr = "2001:db8::a1b2:c3d4:e5f6:1".parse().unwrap();
        assert!(is_dynamic("a1b2-c3d4-e5f6-0001.example.net", v6));
        assert!(!is_dynamic("mx1.example.net", "2001:db8::1".parse().unwrap()));
    }
}
