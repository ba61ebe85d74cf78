//! Addresses that can never be listed, whatever a detector says: those that are nobody's, everybody's
//! or only somebody's inside (RFC 6890's special-purpose registry, RFC 6471 on what a list
//! discloses as reserved). Documentation addresses may be listed in the lab, where they stand for the Internet.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether every address of the prefix is one that may be listed.
pub fn listable(prefix: IpNet, lab: bool) -> bool {
    let meets = |other: &IpNet| prefix.contains(other) || other.contains(&prefix);
    !RESERVED.iter().any(meets) && (lab || !DOCUMENTATION.iter().any(meets))
}

const fn v4(a: u8, b: u8, c: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length))
}

const fn v6(a: u16, b: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length))
}

/// Nobody's single address, ever.
pub const RESERVED: [IpNet; 24] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
    // Loopback, unspecified, and addresses of IPv4 written as IPv6: those are listed as IPv4.
    v6(0, 0, 8),
    // Translators between the two: many hosts behind one address.
    v6(0x64, 0xff9b, 32),
    v6(0x100, 0, 64),
    // Protocol assignments with Teredo, and 6to4: the address belongs to a tunnel.
    v6(0x2001, 0, 23),
    v6(0x2002, 0, 16),
    v6(0x5f00, 0, 16),
    v6(0xfc00, 0, 7),
    v6(0xfe80, 0, 10),
    v6(0xfec0, 0, 10),
    v6(0xff00, 0, 8),
    // The old test network of IPv6, given back.
    v6(0x3ffe, 0, 16),
    v6(0x200, 0, 7),
];

/// Kept for examples.
pub const DOCUMENTATION: [IpNet; 5] = [
    v4(192, 0, 2, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_listed_where() {
        // (prefix, outside the lab, in the lab)
        let rows = [
            ("127.0.0.1/32", false, false),
            ("127.0.0.2/32", false, false),
            ("10.1.2.3/32", false, false),
            ("100.100.1.1/32", false, false),
            ("172.31.255.255/32", false, false),
            ("172.32.0.1/32", true, true),
            ("192.168.0.1/32", false, false),
            ("203.0.113.9/32", false, true),
            ("198.51.100.0/24", false, true),
            ("224.0.0.1/32", false, false),
            ("255.255.255.255/32", false, false),
            ("8.8.8.8/32", true, true),
            // A range that holds a reserved one is as bad as it.
            ("0.0.0.0/0", false, false),
            ("192.0.0.0/16", false, false),
            ("::1/128", false, false),
            ("::ffff:8.8.8.8/128", false, false),
            ("2001:db8::5/128", false, true),
            ("2001:db8:0:1::/64", false, true),
            ("2001:0:1::1/128", false, false),
            ("2001:4860::8/128", true, true),
            ("2002:808:808::1/128", false, false),
            ("64:ff9b::808:808/128", false, false),
            ("fd00::1/128", false, false),
            ("fe80::1/128", false, false),
            ("2a00:1450::/64", true, true),
        ];
        for (prefix, outside, lab) in rows {
            let net: IpNet = prefix.parse().unwrap();
            assert_eq!((listable(net, false), listable(net, true)), (outside, lab), "{prefix}");
        }
    }
}
