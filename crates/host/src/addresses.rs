//! This host's own addresses, as its interfaces have them now.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// All of them, of IPv4 and IPv6.
pub fn own() -> nix::Result<BTreeSet<IpAddr>> {
    let own = nix::ifaddrs::getifaddrs()?.filter_map(|interface| {
        let address = interface.address?;
        let four = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
        four.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
    });
    Ok(own.collect())
}
