//! Which interfaces are inside, and whose addresses are on their links: read from the kernel ([`look`]), decided by [`choose`].
//!
//! Inside is, unless they are named, each that is up, has an address by which others reach it, and carries no route to everywhere; loopback is not.
//! Ports of a bridge have none: the bridge is heard.

use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Routes that are read.
const ROUTES: usize = 1 << 20;

/// An interface of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) number: u32,
    pub(super) up: bool,
    pub(super) loopback: bool,
    /// Its addresses, with the networks on its link.
    pub(super) networks: Vec<IpNet>,
}

/// The interfaces of this host by name, and those by which everywhere is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interfaces {
    pub(super) all: BTreeMap<String, Interface>,
    pub(super) outside: BTreeSet<String>,
}

/// Reads them.
pub(super) fn look() -> nix::Result<Interfaces> {
    let mut all: BTreeMap<String, Interface> = BTreeMap::new();
    for one in getifaddrs()? {
        let interface = all.entry(one.interface_name).or_default();
        interface.up |= one.flags.contains(InterfaceFlags::IFF_UP);
        interface.loopback |= one.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let Some(address) = one.address else { continue };
        if let Some(link) = address.as_link_addr() {
            interface.number = u32::try_from(link.ifindex()).unwrap_or_default();
        } else if let Some(address) = ip(&address) {
            let mask = one.netmask.as_ref().and_then(ip);
            let prefix = mask.and_then(|mask| ipnet::ip_mask_to_prefix(mask).ok());
            let whole = if address.is_ipv4() { 32 } else { 128 };
            interface.networks.extend(IpNet::new(address, prefix.unwrap_or(whole)));
        }
    }
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let outside = everywhere(&read("/proc/net/route"), &read("/proc/net/ipv6_route"));
    Ok(Interfaces { all, outside })
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let four = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
    four.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
}

/// The interfaces of default routes, in the kernel's tables of IPv4 and IPv6.
fn everywhere(four: &str, six: &str) -> BTreeSet<String> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // RTF_REJECT: a route to nowhere.
    let real = |flags: &str| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 0x200 == 0);
    let of_four = four.lines().skip(1).take(ROUTES).filter_map(|line| match &words(line)[..] {
        [name, to, _, flags, _, _, _, mask, ..] if to == "00000000" && mask == "00000000" => {
            real(flags).then(|| name.clone())
        }
        _ => None,
    });
    let of_six = six.lines().take(ROUTES).filter_map(|line| match &words(line)[..] {
        [to, length, _, _, _, _, _, _, flags, name]
            if to.bytes().all(|b| b == b'0') && length == "00" && name != "lo" =>
        {
            real(flags).then(|| name.clone())
        }
        _ => None,
    });
    of_four.chain(of_six).collect()
}

impl Interfaces {
    /// Those that are heard: the named ones that are there, else all inside.
    pub(super) fn choose(&self, named: &[String]) -> BTreeMap<u32, String> {
        let heard = self.all.iter().filter(|(name, one)| {
            let inside = one.up
                && !one.loopback
                && !self.outside.contains(*name)
                && one.networks.iter().any(|network| reaches(network.addr()));
            one.number != 0 && if named.is_empty() { inside } else { named.contains(name) }
        });
        heard.map(|(name, one)| (one.number, name.clone())).collect()
    }

    /// All addresses of this host.
    pub(super) fn own(&self) -> BTreeSet<IpAddr> {
        self.all.values().flat_map(|one| one.networks.iter().map(IpNet::addr)).collect()
    }

    /// Whether an address is on the link of this interface, so that its link header names its machine; of one without addresses (which only
    /// listens) nobody can tell, and it is taken for one.
    pub(super) fn on_link(&self, interface: &str, address: IpAddr) -> bool {
        self.all.get(interface).is_some_and(|one| {
            let mut networks = one.networks.iter().filter(|net| reaches(net.addr())).peekable();
            networks.peek().is_none() || networks.any(|network| network.contains(&address))
        })
    }
}

/// Whether it is more than the address that every link has by itself.
fn reaches(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => !four.is_link_local(),
        IpAddr::V6(six) => !six.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        wan0\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        lan0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        nowhere\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n";
    const SIX: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     pppoe0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    fn interface(number: u32, networks: &[&str]) -> Interface {
        let networks = networks.iter().map(|net| net.parse().unwrap()).collect();
        Interface { number, up: true, loopback: number == 1, networks }
    }

    fn router() -> Interfaces {
        let all = [
            ("lo", interface(1, &["127.0.0.1/8"])),
            ("wan0", interface(2, &["203.0.113.5/24"])),
            ("lan0", interface(3, &["192.168.1.1/24", "2001:db8:1::1/64"])),
            ("port1", interface(4, &["fe80::1/64"])),
            ("pppoe0", interface(5, &["198.51.100.7/32"])),
        ];
        let all = all.into_iter().map(|(name, one)| (name.to_owned(), one)).collect();
        Interfaces { all, outside: everywhere(FOUR, SIX) }
    }

    #[test]
    fn inside_is_what_leads_not_everywhere() {
        let heard = router().choose(&[]);
        assert_eq!(heard.into_values().collect::<Vec<_>>(), ["lan0"]);
        let named = router().choose(&["wan0".to_owned(), "wg9".to_owned()]);
        assert_eq!(named.into_keys().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_link_header_names_only_who_is_on_the_link() {
        let router = router();
        for (interface, address, on_link) in [
            ("lan0", "192.168.1.23", true),
            ("lan0", "192.168.2.23", false), // behind another router
            ("lan0", "2001:db8:1::99", true),
            ("lan0", "2001:db8:2::99", false),
            ("port1", "192.168.2.23", true), // it only listens
            ("gone", "192.168.1.23", false),
        ] {
            assert_eq!(
                router.on_link(interface, address.parse().unwrap()),
                on_link,
                "{interface} {address}"
            );
        }
    }
}
