//! An office gateway: address translation, DHCP and DNS for the inside (dnsmasq), and logging of what leaves where wanted.

use crate::host::Host;
use crate::world::World;
use anyhow::Result;
use std::rc::Rc;

/// What to set up.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Host name.
    pub name: &'static str,
    /// Public address.
    pub public: &'static str,
    /// Zone of its clock.
    pub zone: &'static str,
    /// Inside networks: interface, switch, the gateway's address there, first and last address to lease.
    pub inside: &'static [(&'static str, &'static str, &'static str, &'static str, &'static str)],
    /// More dnsmasq lines (fixed leases, names).
    pub dnsmasq: &'static str,
    /// More iptables commands.
    pub rules: &'static str,
}

impl Gateway {
    /// Starts it. Its outside interface is `wan0`; switches must exist.
    pub fn start(&self, world: &World) -> Result<Rc<Host>> {
        let host = world.host(self.name, self.zone)?;
        world.plug(&host, "wan0", "br-inet", "")?;
        world.public_address(&host, "wan0", self.public)?;
        let mut dnsmasq = format!(
            "user=root\ndhcp-leasefile=/var/lib/misc/dnsmasq.leases\nresolv-file=/etc/resolv.conf\nno-hosts\nexcept-interface=wan0\nbind-interfaces\ndhcp-authoritative\n{}",
            self.dnsmasq
        );
        for (interface, bridge, address, first, last) in self.inside {
            world.plug(&host, interface, bridge, "")?;
            host.sh(&format!("ip addr add {address}/24 dev {interface}"))?;
            dnsmasq.push_str(&format!("interface={interface}\ndhcp-range=set:{interface},{first},{last},255.255.255.0,12h\n"));
        }
        host.write("/etc/dnsmasq.conf", dnsmasq, 0o644)?;
        host.sh(&format!(
            "sysctl -qw net.ipv4.ip_forward=1\niptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE\nmkdir -p /var/lib/misc\n{}",
            self.rules
        ))?;
        host.sh("dnsmasq --conf-file=/etc/dnsmasq.conf --pid-file=/run/dnsmasq.pid")?;
        Ok(host)
    }
}
