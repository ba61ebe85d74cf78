//! Addresses that are nobody's, everybody's or only somebody's inside (RFC 6890's special-purpose registry), each with what it
//! is in words. A list lists none of them, and no list need be asked about one.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, if it is nobody's on the Internet. Documentation addresses are apart.
pub fn what(address: IpAddr) -> Option<&'static str> {
    RESERVED.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what)
}

const fn v4(a: u8, b: u8, c: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length))
}

const fn v6(a: u16, b: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length))
}

/// Nobody's single address, ever.
pub const RESERVED: [(IpNet, &str); 24] = [
    (v4(0, 0, 0, 8), "an address of this network only"),
    (v4(10, 0, 0, 8), "a private address (RFC 1918)"),
    (v4(100, 64, 0, 10), "an address inside a provider's translation (RFC 6598)"),
    (v4(127, 0, 0, 8), "this host itself"),
    (v4(169, 254, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 12), "a private address (RFC 1918)"),
    (v4(192, 0, 0, 24), "a reserved address (RFC 6890)"),
    (v4(192, 88, 99, 24), "an address of 6to4 relays (RFC 7526)"),
    (v4(192, 168, 0, 16), "a private address (RFC 1918)"),
    (v4(198, 18, 0, 15), "an address for measurements (RFC 2544)"),
    (v4(224, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 4), "a reserved address (RFC 6890)"),
    // Loopback, unspecified, and addresses of IPv4 written as IPv6: those are listed as IPv4.
    (v6(0, 0, 8), "a reserved address (RFC 6890)"),
    // Many hosts behind one address.
    (v6(0x64, 0xff9b, 32), "an address of a translator (RFC 6052): the IPv4 address in it counts"),
    (v6(0x100, 0, 64), "an address where packets are thrown away (RFC 6666)"),
    (v6(0x2001, 0, 23), "an address of protocols and tunnels (RFC 2928, Teredo)"),
    (v6(0x2002, 0, 16), "an address of a 6to4 tunnel (RFC 3056)"),
    (v6(0x5f00, 0, 16), "an address inside a provider (RFC 9602)"),
    (v6(0xfc00, 0, 7), "a private address (RFC 4193)"),
    (v6(0xfe80, 0, 10), "a link-local address"),
    (v6(0xfec0, 0, 10), "a site-local address"),
    (v6(0xff00, 0, 8), "a multicast address"),
    (v6(0x3ffe, 0, 16), "an address of the old test network (RFC 3701)"),
    (v6(0x200, 0, 7), "an address that was given back (RFC 4048)"),
];

/// Kept for examples (RFC 5737, RFC 3849, RFC 9637); in the lab they stand for the Internet.
pub const DOCUMENTATION: [IpNet; 5] = [
    v4(192, 0, 2, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
];
