//! Where is tried: namespaces made for it, gone when dropped.
//!
//! ```text
//!  behind ──(veth)── host ──(veth)── sink, which listens on the ports
//! ```
//!
//! `host` is this host as it is, or a namespace of its own with the planned rules. Addresses are those for measurements
//! and documentation, so no real network is hidden while it lasts.

use super::super::loading::{Place, ToolError};
use super::super::policy::Policy;
use super::{ProveError, asks_forwarded};
use ipnet::IpNet;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc;

/// The namespaces.
#[derive(Debug)]
pub struct Ground {
    /// The host that is tried.
    pub host: Place,
    /// Where the sink listens.
    pub sinks: Vec<IpAddr>,
    /// Where it also listens, because the mail server may go there.
    pub relays: Vec<IpAddr>,
    /// Addresses of the machine behind.
    pub behind: Vec<IpAddr>,
    /// Its namespace's file.
    pub behind_namespace: Option<String>,
    /// What is not tried, and why.
    pub untried: Vec<String>,
    names: Vec<String>,
    links: Vec<String>,
}

impl Ground {
    /// A sink that the operator named, on another machine.
    pub fn named(sink: IpAddr) -> Result<Self, ProveError> {
        // An address that can be bound is this host's.
        if TcpListener::bind((sink, 0)).is_ok() {
            return Err(ProveError::Own(sink));
        }
        let other = if sink.is_ipv4() { "IPv6" } else { "IPv4" };
        let mut ground = Self::empty();
        ground.sinks.push(sink);
        ground.untried.push(format!("{other}: the sink that was named has no such address"));
        ground.untried.push("machines behind this host: not with a sink that was named".to_owned());
        Ok(ground)
    }

    /// This host as it is, to a namespace of its own.
    pub fn live(policy: &Policy) -> Result<Self, ProveError> {
        let mut ground = Self::empty();
        ground.wire(policy, false)?;
        Ok(ground)
    }

    /// A host of its own, without rules.
    pub fn apart(policy: &Policy) -> Result<Self, ProveError> {
        let mut ground = Self::empty();
        let host = ground.namespace("host")?;
        ground.host = Place { namespace: Some(host) };
        ground.wire(policy, true)?;
        Ok(ground)
    }

    fn empty() -> Self {
        Self {
            host: Place::default(),
            sinks: Vec::new(),
            relays: Vec::new(),
            behind: Vec::new(),
            behind_namespace: None,
            untried: Vec::new(),
            names: Vec::new(),
            links: Vec::new(),
        }
    }

    fn namespace(&mut self, what: &str) -> Result<String, ToolError> {
        let name = format!("hsg-{}-{what}", std::process::id());
        Place::default().run(&["ip", "netns", "add", &name], "")?;
        self.names.push(name.clone());
        Ok(format!("/run/netns/{name}"))
    }

    /// A cable from the near end, by this name, to `up0` in a namespace.
    fn cable(&self, link: &str, namespace: &str) -> Result<(), ToolError> {
        let far = ["peer", "name", "up0", "netns", name_of(namespace)];
        let line: Vec<&str> =
            ["ip", "link", "add", link, "type", "veth"].into_iter().chain(far).collect();
        self.host.run(&line, "").map(drop)
    }

    fn wire(&mut self, policy: &Policy, apart: bool) -> Result<(), ProveError> {
        let id = std::process::id();
        let [.., a, b] = id.to_be_bytes();
        let near4 = Ipv4Addr::new(198, 18, a, (b & 0x3f) << 2 | 1);
        let far4 = Ipv4Addr::new(198, 18, a, (b & 0x3f) << 2 | 2);
        let six = |last| {
            Ipv6Addr::new(0x2001, 0xdb8, 0x6865, u16::from(a) << 8 | u16::from(b), 0, 0, 0, last)
        };
        let (near6, far6) = (six(1), six(2));
        let sink = self.namespace("sink")?;
        let link = format!("hsgs{id}");
        self.cable(&link, &sink)?;
        self.links.push(link.clone());
        let has6 = std::path::Path::new("/proc/net/if_inet6").exists();
        let mut near =
            format!("link set lo up\nlink set {link} up\naddr add {near4}/30 dev {link}\n");
        let mut far = format!(
            "link set lo up\nlink set up0 up\naddr add {far4}/30 dev up0\nroute add default via {near4}\n"
        );
        self.sinks.push(far4.into());
        if has6 {
            near += &format!("addr add {near6}/64 dev {link} nodad\n");
            far += &format!("addr add {far6}/64 dev up0 nodad\nroute add ::/0 via {near6}\n");
            self.sinks.push(far6.into());
        } else {
            self.untried.push("IPv6: this host has none".to_owned());
        }
        for net in policy.relays.iter().filter(|_| apart) {
            let Some(ip) = host_in(net).filter(|ip| has6 || ip.is_ipv4()) else { continue };
            near += &match ip {
                IpAddr::V4(_) => format!("route replace {ip} via {far4}\n"),
                IpAddr::V6(_) => format!("route replace {ip} via {far6}\n"),
            };
            let length = if ip.is_ipv4() { 32 } else { 128 };
            let nodad = if ip.is_ipv4() { "" } else { " nodad" };
            far += &format!("addr add {ip}/{length} dev lo{nodad}\n");
            self.relays.push(ip);
        }
        if !policy.relays.is_empty() && !apart {
            self.untried.push("the relays: nothing is sent to real machines".to_owned());
        }
        let far_place = Place { namespace: Some(sink.clone()) };
        self.host.run(&["ip", "-b", "-"], &near)?;
        far_place.run(&["ip", "-b", "-"], &far)?;
        self.machine_behind(policy, apart, has6)?;
        for port in &policy.ports {
            let port = *port;
            listen_in(&sink, port, has6).map_err(ProveError::Ground)?;
        }
        Ok(())
    }

    fn machine_behind(
        &mut self,
        policy: &Policy,
        apart: bool,
        has6: bool,
    ) -> Result<(), ProveError> {
        if !asks_forwarded(policy) {
            self.untried.push(
                "machines behind this host: forwarded traffic is left as it is (--forward)"
                    .to_owned(),
            );
            return Ok(());
        }
        let switch = |name: &str| std::fs::read_to_string(name).is_ok_and(|t| t.trim() == "1");
        if apart {
            let on = "echo 1 >/proc/sys/net/ipv4/ip_forward; [ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding";
            self.host.run(&["sh", "-c", on], "")?;
        }
        let forwards4 = apart || switch("/proc/sys/net/ipv4/ip_forward");
        let forwards6 = has6 && (apart || switch("/proc/sys/net/ipv6/conf/all/forwarding"));
        let address = |v4: bool| {
            let net = policy.inside.iter().find(|n| matches!(n, IpNet::V4(_)) == v4)?;
            // Beside real machines only an address that none of them has: of a network that is wide.
            let wide = apart || net.prefix_len() <= if v4 { 16 } else { 32 };
            last_in(net).filter(|_| wide)
        };
        let four = address(true).filter(|_| forwards4);
        let six = address(false).filter(|_| forwards6);
        for (name, is) in [("IPv4", four.is_some()), ("IPv6", six.is_some())] {
            if !is {
                self.untried.push(format!(
                    "machines behind this host over {name}: it forwards none, or no address inside is free for the trial"
                ));
            }
        }
        if four.is_none() && six.is_none() {
            return Ok(());
        }
        let behind = self.namespace("behind")?;
        let link = format!("hsgb{}", std::process::id());
        self.cable(&link, &behind)?;
        self.links.push(link.clone());
        let mut near = format!("link set {link} up\n");
        let mut far = "link set lo up\nlink set up0 up\n".to_owned();
        if let Some(ip) = four {
            near += &format!("addr add 169.254.77.1/32 dev {link}\nroute add {ip}/32 dev {link}\n");
            far += &format!(
                "addr add {ip}/32 dev up0\nroute add 169.254.77.1 dev up0\nroute add default via 169.254.77.1\n"
            );
            self.behind.push(ip);
        }
        if let Some(ip) = six {
            near +=
                &format!("addr add fe80::1/64 dev {link} nodad\nroute add {ip}/128 dev {link}\n");
            far +=
                &format!("addr add {ip}/128 dev up0 nodad\nroute add ::/0 via fe80::1 dev up0\n");
            self.behind.push(ip);
        }
        self.host.run(&["ip", "-b", "-"], &near)?;
        Place { namespace: Some(behind.clone()) }.run(&["ip", "-b", "-"], &far)?;
        self.behind_namespace = Some(behind);
        Ok(())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for link in &self.links {
            let _ = self.host.run(&["ip", "link", "del", link], "");
        }
        for name in &self.names {
            let _ = Place::default().run(&["ip", "netns", "del", name], "");
        }
    }
}

/// Listens on a port in a namespace from now on; both families by one socket where there are both.
fn listen_in(namespace: &str, port: u16, has6: bool) -> io::Result<()> {
    let file = File::open(namespace)?;
    let any: IpAddr =
        if has6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let entered = nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET);
        let listener =
            entered.map_err(io::Error::from).and_then(|()| TcpListener::bind((any, port)));
        match listener {
            Ok(listener) => {
                let _ = tell.send(Ok(()));
                take(&listener);
            }
            Err(error) => drop(tell.send(Err(error))),
        }
    });
    told.recv().unwrap_or_else(|_| Err(io::Error::other("the sink ended")))
}

/// The sink for another machine's trial: listens until the process ends.
pub fn listen(at: IpAddr, ports: &[u16]) -> io::Result<Vec<SocketAddr>> {
    let listeners: Vec<TcpListener> =
        ports.iter().map(|port| TcpListener::bind((at, *port))).collect::<io::Result<_>>()?;
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
    for listener in listeners {
        std::thread::spawn(move || take(&listener));
    }
    Ok(addresses)
}

/// Takes connections and closes them.
fn take(listener: &TcpListener) {
    for stream in listener.incoming() {
        drop(stream);
    }
}

/// `/run/netns/NAME` -> NAME.
fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or_default()
}

/// An address of a network that is a host's.
fn host_in(net: &IpNet) -> Option<IpAddr> {
    net.hosts().next().filter(|ip| !ip.is_loopback() && !ip.is_multicast() && !ip.is_unspecified())
}

/// The last one, so as to be nobody's gateway.
fn last_in(net: &IpNet) -> Option<IpAddr> {
    let last = match net {
        IpNet::V4(net) if net.prefix_len() < 31 => {
            IpAddr::V4(Ipv4Addr::from_bits(net.broadcast().to_bits().saturating_sub(1)))
        }
        IpNet::V6(net) if net.prefix_len() < 127 => {
            IpAddr::V6(Ipv6Addr::from_bits(net.broadcast().to_bits().saturating_sub(1)))
        }
        single => single.addr(),
    };
    (!last.is_loopback() && !last.is_multicast()).then_some(last)
}
