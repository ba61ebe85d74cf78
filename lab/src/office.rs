//! Machines on an inside network, with a lease from the gateway by a real DHCP client.

use crate::host::Host;
use crate::world::World;
use anyhow::{Context, Result};
use std::rc::Rc;

/// The system a machine shows on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Linux as it is.
    Linux,
    /// The TTL, port range, window scale and missing timestamps of a recent Windows; the order of options stays Linux's.
    Windows,
}

/// A machine that asks for its address and says its name.
pub fn machine(
    world: &World,
    bridge: &str,
    name: &str,
    mac: &str,
    stack: Stack,
) -> Result<Rc<Host>> {
    let host = world.host(name, "UTC")?;
    if stack == Stack::Windows {
        host.sh("sysctl -qw net.ipv4.ip_default_ttl=128 net.ipv4.tcp_timestamps=0 net.ipv4.ip_local_port_range='49152 65535' net.ipv4.tcp_rmem='4096 131072 16777216'")?;
    }
    world.plug(&host, "eth0", bridge, mac)?;
    host.write("/etc/resolv.conf", "", 0o644)?;
    host.sh(&format!("udhcpc -i eth0 -x hostname:{name} -t 6 -T 2 -n -q -S || udhcpc -i eth0 -x hostname:{name} -t 6 -T 2 -n -q"))?;
    Ok(host)
}

/// The address a machine got.
pub fn address(host: &Host) -> Result<String> {
    let text = String::from_utf8_lossy(&host.sh("ip -4 -o addr show dev eth0")?).into_owned();
    let cidr = text.split_whitespace().nth(3).context("no address")?;
    Ok(cidr.split('/').next().unwrap_or_default().to_owned())
}
