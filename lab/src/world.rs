//! A world: the fabric (a namespace with bridges: the Internet, which also routes, and office LANs) and the hosts on it.
//!
//! The Internet bridge owns the first address of each documentation network, so hosts of different
//! networks reach each other through one router. LAN bridges have no address of their own: plain switches.

use crate::dns::Zone;
use crate::host::Host;
use anyhow::{Context, Result};
use std::cell::Cell;
use std::rc::Rc;
use tempfile::TempDir;

/// The address of the name server that every world has.
pub const DNS: &str = "192.0.2.53";

/// Hosts and links; dropping it ends everything.
#[derive(Debug)]
pub struct World {
    fabric: Rc<Host>,
    scratch: TempDir,
    count: Cell<u32>,
}

impl World {
    /// An Internet without hosts.
    pub fn new() -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("heloscope-lab-").tempdir()?;
        let folder = scratch.path().join("fabric");
        std::fs::create_dir_all(&folder)?;
        let fabric = Rc::new(Host::start("fabric", "UTC", &folder)?);
        let world = Self { fabric, scratch, count: Cell::new(0) };
        world.fabric.sh(
            "ip link add br-inet type bridge && ip link set br-inet up
             for n in 203.0.113.1/24 198.51.100.1/24 192.0.2.1/24; do ip addr add $n dev br-inet; done
             sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.br-inet.send_redirects=0",
        )?;
        Ok(world)
    }

    /// A host without links.
    pub fn host(&self, name: &str, zone: &str) -> Result<Rc<Host>> {
        let number = self.count.get() + 1;
        self.count.set(number);
        let folder = self.scratch.path().join(format!("h{number}"));
        std::fs::create_dir_all(&folder)?;
        Ok(Rc::new(Host::start(name, zone, &folder)?))
    }

    /// A switch.
    pub fn switch(&self, bridge: &str) -> Result<()> {
        self.fabric.sh(&format!("ip link add {bridge} type bridge && ip link set {bridge} up"))?;
        Ok(())
    }

    /// A cable from a host's interface to a bridge.
    pub fn plug(&self, host: &Host, interface: &str, bridge: &str, mac: &str) -> Result<()> {
        let number = self.count.get() + 1;
        self.count.set(number);
        let mac = if mac.is_empty() { String::new() } else { format!("address {mac}") };
        // The peer is made here and moved there: the far namespace is named by a process, which this
        // namespace's /proc does not show, so the move is made from outside.
        let fabric = self.fabric.pid();
        let outer = format!("hl{fabric}p{number}");
        run(&["ip", "link", "add", &outer, "type", "veth", "peer", "name", &format!("{outer}x")])?;
        run(&["ip", "link", "set", &outer, "netns", &fabric.to_string()])?;
        run(&["ip", "link", "set", &format!("{outer}x"), "netns", &host.pid().to_string()])?;
        self.fabric.sh(&format!(
            "ip link set {outer} name p{number} && ip link set p{number} master {bridge} up"
        ))?;
        host.sh(&format!(
            "ip link set {outer}x name {interface} {mac} && ip link set {interface} up"
        ))?;
        Ok(())
    }

    /// A cable between two hosts: a container and its machine, a router and the one machine behind it.
    pub fn cable(&self, near: (&Host, &str), far: (&Host, &str)) -> Result<()> {
        let number = self.count.get() + 1;
        self.count.set(number);
        let name = format!("hl{}c{number}", self.fabric.pid());
        run(&["ip", "link", "add", &name, "type", "veth", "peer", "name", &format!("{name}x")])?;
        for ((host, interface), end) in [(near, name.clone()), (far, format!("{name}x"))] {
            run(&["ip", "link", "set", &end, "netns", &host.pid().to_string()])?;
            host.sh(&format!("ip link set {end} name {interface} && ip link set {interface} up"))?;
        }
        Ok(())
    }

    /// Gives an interface a public IPv6 address. All of them are on the one link 2001:db8::/32.
    pub fn public_six(&self, host: &Host, interface: &str, address: &str) -> Result<()> {
        host.sh(&format!(
            "sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 net.ipv6.conf.{interface}.disable_ipv6=0
             ip -6 addr add ::1/128 dev lo 2>/dev/null; ip -6 addr add {address}/32 dev {interface} nodad"
        ))?;
        Ok(())
    }

    /// A host with one public address.
    pub fn public(&self, name: &str, address: &str, zone: &str) -> Result<Rc<Host>> {
        let host = self.host(name, zone)?;
        self.plug(&host, "eth0", "br-inet", "")?;
        self.public_address(&host, "eth0", address)?;
        Ok(host)
    }

    /// Gives an interface a public address, the route and the resolver.
    pub fn public_address(&self, host: &Host, interface: &str, address: &str) -> Result<()> {
        let (network, _) = address.rsplit_once('.').context("an IPv4 address is needed")?;
        host.sh(&format!(
            "ip addr add {address}/24 dev {interface} && ip route add default via {network}.1"
        ))?;
        host.write("/etc/resolv.conf", format!("nameserver {DNS}\n"), 0o644)
    }

    /// The name server of this world, serving `zone`.
    pub fn names(&self, zone: &Zone) -> Result<Rc<Host>> {
        let host = self.public("ns", DNS, "UTC")?;
        host.write("/etc/zone.conf", zone.text(), 0o644)?;
        host.daemon(&[
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/etc/zone.conf",
            "--pid-file=",
        ])?;
        Ok(host)
    }
}

fn run(argv: &[&str]) -> Result<()> {
    let (program, rest) = argv.split_first().context("no program")?;
    let output = std::process::Command::new(program).args(rest).output()?;
    anyhow::ensure!(
        output.status.success(),
        "{argv:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
