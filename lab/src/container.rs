//! Containers on a host: a bridge with its gateway address, the firewall rules that dockerd writes for it, Docker's own
//! `docker-proxy` for published ports, and each container a host of its own on the bridge.
//!
//! dockerd itself is not here (it wants control groups and a registry); its rules are written by hand as version 20.10 writes them.

use crate::host::Host;
use crate::world::{DNS, World};
use anyhow::Result;
use std::rc::Rc;

/// A network of containers.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// The bridge on the machine.
    pub bridge: &'static str,
    /// The machine's own address in it, which is the containers' gateway.
    pub gateway: &'static str,
    /// The network, in CIDR form.
    pub cidr: &'static str,
}

/// Makes the network on a machine whose outside is `eth0`.
pub fn network(machine: &Host, net: Network) -> Result<()> {
    let Network { bridge, gateway, cidr } = net;
    let length = cidr.rsplit('/').next().unwrap_or("16");
    machine.sh(&format!(
        "ip link add {bridge} type bridge && ip addr add {gateway}/{length} dev {bridge} && ip link set {bridge} up
         sysctl -qw net.ipv4.ip_forward=1
         iptables -t nat -N DOCKER
         iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
         iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
         iptables -t nat -A POSTROUTING -s {cidr} ! -o {bridge} -j MASQUERADE
         iptables -t nat -A DOCKER -i {bridge} -j RETURN
         iptables -P FORWARD DROP
         for c in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do iptables -N $c; done
         iptables -A FORWARD -j DOCKER-USER
         iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
         iptables -A FORWARD -o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
         iptables -A FORWARD -o {bridge} -j DOCKER
         iptables -A FORWARD -i {bridge} ! -o {bridge} -j ACCEPT
         iptables -A FORWARD -i {bridge} -o {bridge} -j ACCEPT
         iptables -A DOCKER-ISOLATION-STAGE-1 -i {bridge} ! -o {bridge} -j DOCKER-ISOLATION-STAGE-2
         iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
         iptables -A DOCKER-ISOLATION-STAGE-2 -o {bridge} -j DROP
         iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
         iptables -A DOCKER-USER -j RETURN"
    ))?;
    Ok(())
}

/// A container with an address in the network.
pub fn container(
    world: &World,
    machine: &Host,
    net: Network,
    name: &str,
    address: &str,
) -> Result<Rc<Host>> {
    let inside = world.host(name, "UTC")?;
    let end = format!("veth{}", address.replace('.', "").split_at(3).1);
    world.cable((machine, &end), (&inside, "eth0"))?;
    machine.sh(&format!("ip link set {end} master {}", net.bridge))?;
    let length = net.cidr.rsplit('/').next().unwrap_or("16");
    inside.sh(&format!(
        "ip addr add {address}/{length} dev eth0 && ip route add default via {}",
        net.gateway
    ))?;
    inside.write("/etc/resolv.conf", format!("nameserver {DNS}\n"), 0o644)?;
    Ok(inside)
}

/// Gives a network and one container IPv6 addresses (a /64 of unique local ones).
pub fn six(machine: &Host, net: Network, gateway: &str, container: (&Host, &str)) -> Result<()> {
    let (inside, address) = container;
    for (host, interface, address) in [(machine, net.bridge, gateway), (inside, "eth0", address)] {
        host.sh(&format!(
            "sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 net.ipv6.conf.{interface}.disable_ipv6=0
             ip -6 addr add ::1/128 dev lo 2>/dev/null; ip -6 addr add {address}/64 dev {interface} nodad"
        ))?;
    }
    Ok(())
}

/// Publishes a port of a container as `-p PORT:PORT` does: a rule for IPv4, and a `docker-proxy` for each family, which
/// opens a connection of its own to the container for whatever the rule does not catch: IPv6 among it, which goes on by
/// IPv4 where the container has nothing else.
pub fn publish(
    machine: &Host,
    net: Network,
    container: &str,
    container_six: Option<&str>,
    port: u16,
) -> Result<()> {
    let bridge = net.bridge;
    machine.sh(&format!(
        "iptables -t nat -A POSTROUTING -s {container} -d {container} -p tcp --dport {port} -j MASQUERADE
         iptables -t nat -A DOCKER ! -i {bridge} -p tcp --dport {port} -j DNAT --to-destination {container}:{port}
         iptables -A DOCKER -d {container} ! -i {bridge} -o {bridge} -p tcp --dport {port} -j ACCEPT"
    ))?;
    for (outside, container) in [("0.0.0.0", container), ("::", container_six.unwrap_or(container))]
    {
        // The proxy tells the daemon on descriptor 3 that it is ready.
        machine.daemon(&[
            "bash",
            "-c",
            &format!(
                "exec 3>/dev/null; exec -a /usr/bin/docker-proxy docker-proxy -proto tcp -host-ip {outside} -host-port {port} -container-ip {container} -container-port {port}"
            ),
        ])?;
    }
    Ok(())
}
