//! Who else leaves through this host's address: networks behind it (bridges of containers and machines, tunnels, NAT),
//! virtual machines, VPN servers, containers. Notes all of them: what is forwarded is no fault, but a listing may be
//! theirs. Networks are read from `/proc/net/route`, so nothing is asked of the kernel that changes it.

use super::Host;
use super::finding::{Grade, Rule, shown, visible};
use super::out::Out;
use super::processes::Process;
use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;

const BEHIND: Rule = Rule {
    id: "behind-this-host",
    why: "What these send leaves with this host's address, so a listing of it may be theirs.",
    todo: "Let none of them reach port 25 outside (heloscope guard), and record what passes (heloscope record).",
    against: "",
};

/// A network that an interface leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    pub(super) interface: String,
    pub(super) net: IpNet,
}

impl Network {
    /// Whether its interface leads to what is behind this host, and not to its own network.
    pub(super) fn is_behind(&self) -> bool {
        is_behind(&self.interface)
    }
}

fn is_behind(interface: &str) -> bool {
    const BEHIND: [&str; 17] = [
        "docker", "br-", "virbr", "lxcbr", "lxdbr", "incusbr", "cni", "podman", "tun", "tap", "wg",
        "veth", "vmnet", "vboxnet", "cali", "flannel", "vnet",
    ];
    BEHIND.iter().any(|b| interface.starts_with(b))
}

/// The networks of this host's interfaces.
pub(super) fn networks(host: &Host<'_>) -> Vec<Network> {
    let text = std::fs::read_to_string(host.proc.join("net/route")).unwrap_or_default();
    routes(&text)
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses in the machine's order of bytes.
fn routes(text: &str) -> Vec<Network> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| u32::from_str_radix(words.get(at)?, 16).ok();
        let mask = u32::from_be_bytes(number(7)?.to_ne_bytes());
        let net = Ipv4Net::new(
            Ipv4Addr::from(number(1)?.to_ne_bytes()),
            mask.leading_ones().try_into().ok()?,
        )
        .ok()?;
        // Through a gateway are others' networks.
        (number(2)? == 0 && mask != 0).then(|| Network {
            interface: visible(words.first().unwrap_or(&"")),
            net: IpNet::V4(net.trunc()),
        })
    };
    let mut found: Vec<Network> = text.lines().skip(1).take(10_000).filter_map(row).collect();
    found.sort();
    found.dedup();
    found
}

/// Notes what is behind this host.
pub(super) fn look(host: &Host<'_>, processes: &[Process], out: &mut Out) {
    let mut add = |what: String| out.add(BEHIND.found(Grade::Note, 0.8, what));
    let networks = networks(host);
    let behind: Vec<String> = networks
        .iter()
        .filter(|n| n.is_behind())
        .map(|n| format!("{} behind {}", n.net, n.interface))
        .collect();
    if !behind.is_empty() {
        add(format!("networks: {}", behind.join(", ")));
    }
    let forwards =
        std::fs::read(host.proc.join("sys/net/ipv4/ip_forward")).is_ok_and(|b| b.starts_with(b"1"));
    if forwards {
        add("packets of others are forwarded (net.ipv4.ip_forward = 1)".to_owned());
    }
    for path in [
        "/etc/nftables.conf",
        "/etc/iptables/rules.v4",
        "/etc/sysconfig/iptables",
        "/etc/ufw/before.rules",
    ] {
        let text = host.tree.read(path, 4 << 20).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let translates = |l: &str| {
            !l.trim_start().starts_with('#') && (l.contains("masquerade") || l.contains("snat"))
        };
        if let Some(index) = text.lines().position(translates) {
            add(format!("{path} (line {}) gives the addresses of others this host's", index + 1));
        }
    }
    let count = |folder: &str| {
        host.tree
            .folder(folder)
            .map_or(0, |e| e.iter().filter(|e| e.kind == super::tree::Kind::Folder).count())
    };
    for (folder, what) in [
        ("/var/lib/docker/containers", "containers of Docker"),
        ("/var/lib/containers/storage/overlay-containers", "containers of Podman"),
        ("/var/lib/lxc", "containers of LXC"),
        ("/var/lib/machines", "containers of systemd-nspawn"),
        ("/var/lib/lxd/containers", "containers of LXD"),
    ] {
        let many = count(folder);
        if many > 0 {
            add(format!("{many} {what} ({folder})"));
        }
    }
    let machines = host.tree.files("/etc/libvirt/qemu", ".xml").len();
    let running = processes.iter().filter(|p| p.name().starts_with("qemu-system")).count();
    if machines + running > 0 {
        add(format!("{machines} virtual machines are defined here, {running} run"));
    }
    for (folder, ending, what) in [
        ("/etc/wireguard", ".conf", "WireGuard"),
        ("/etc/openvpn", ".conf", "OpenVPN"),
        ("/etc/openvpn/server", ".conf", "OpenVPN"),
        ("/etc/ppp", "chap-secrets", "PPP"),
    ] {
        for path in host.tree.files(folder, ending) {
            let text = host.tree.read(&path, 1 << 20).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let clients = match what {
                "WireGuard" => text.matches("[Peer]").count(),
                "OpenVPN" if text.lines().any(|l| l.trim_start().starts_with("server ")) => 1,
                "PPP" => {
                    text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).count()
                }
                _ => 0,
            };
            if clients > 0 {
                add(format!("{what} lets clients in ({})", shown(&path)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn networks_of_interfaces() {
        let text = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        let found: Vec<String> = routes(text)
            .iter()
            .map(|n| format!("{} {} {}", n.interface, n.net, n.is_behind()))
            .collect();
        assert_eq!(found, ["docker0 172.17.0.0/16 true", "eth0 192.168.1.0/24 false"]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "h\n[0-9A-F\ta-z \n]{0,200}") {
            routes(&text);
        }
    }
}
