//! An office behind one public address: a gateway that translates, and hosts with fixed addresses inside.

use crate::host::Host;
use crate::world::{DNS, World};
use anyhow::Result;
use std::rc::Rc;

/// A gateway and its switch.
pub(super) struct Office {
    bridge: String,
    _gateway: Rc<Host>,
}

impl Office {
    /// Builds it; `number` keeps its switch apart from others'.
    pub(super) fn build(world: &World, number: usize, address: &str) -> Result<Self> {
        let bridge = format!("br-k{number}");
        world.switch(&bridge)?;
        let gateway = world.public("gateway", address, "UTC")?;
        world.plug(&gateway, "lan0", &bridge, "")?;
        gateway.sh("ip addr add 192.168.9.1/24 dev lan0; sysctl -qw net.ipv4.ip_forward=1
             iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE")?;
        Ok(Self { bridge, _gateway: gateway })
    }

    /// A host inside.
    pub(super) fn host(&self, world: &World, name: &str, address: &str) -> Result<Rc<Host>> {
        let host = world.host(name, "UTC")?;
        world.plug(&host, "eth0", &self.bridge, "")?;
        host.sh(&format!(
            "ip addr add {address}/24 dev eth0 && ip route add default via 192.168.9.1"
        ))?;
        host.write(
            "/etc/resolv.conf",
            format!("nameserver {DNS}\noptions single-request-reopen timeout:1 attempts:5\n"),
            0o644,
        )?;
        Ok(host)
    }
}
