//! Connections that pass through this host (NAT, VPN, containers): no process of it opens them, so the kernel's
//! connection tracking is asked, as it makes each entry.
//!
//! In: events of nf_conntrack (netlink, group "new"). Out: [`Passing`], with the address inside, before translation,
//! and its MAC where the neighbour table has it. Only where connection tracking is used at all (a NAT or a stateful rule);
//! connections of the host itself are left out by their source. Needs CAP_NET_ADMIN.

mod message;

use message::{Flow, flows};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt,
    socket, sockopt,
};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// NFNLGRP_CONNTRACK_NEW, as a bit.
const NEW: u32 = 1;
/// Bytes of events the kernel may keep for us.
const ROOM: usize = 4 << 20;

/// A connection from behind this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passing {
    /// Where it comes from, inside.
    pub client: SocketAddr,
    /// Where it goes.
    pub server: SocketAddr,
    /// As which address it leaves, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<SocketAddr>,
    /// The machine's MAC, where the neighbour table knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// Events of connection tracking.
#[derive(Debug)]
pub struct Tracking {
    socket: OwnedFd,
    ports: BTreeSet<u16>,
    /// Whether the kernel had to throw events away since the last read.
    overrun: bool,
}

impl Tracking {
    /// Begins to listen for new connections to these ports.
    pub fn start(ports: &[u16]) -> nix::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkNetFilter,
        )?;
        // More than the default maximum wants CAP_NET_ADMIN, which we have or cannot listen at all.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &ROOM);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, NEW))?;
        Ok(Self { socket, ports: ports.iter().copied().collect(), overrun: false })
    }

    /// What has come since, without waiting; `own` are this host's addresses.
    pub fn read(&mut self, own: impl Fn(IpAddr) -> bool) -> nix::Result<Vec<Passing>> {
        let mut passing = Vec::new();
        let mut room = vec![0; 64 * 1024];
        loop {
            let length = match recv(self.socket.as_raw_fd(), &mut room, MsgFlags::empty()) {
                Ok(length) => length,
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => break,
                Err(nix::Error::ENOBUFS) => {
                    self.overrun = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for flow in flows(room.get(..length).unwrap_or_default()) {
                if self.ports.contains(&flow.original.1.port()) && !own(flow.original.0.ip()) {
                    passing.push(flow.into());
                }
            }
        }
        Ok(passing)
    }

    /// Whether events were lost since the last time this was asked.
    pub fn lost(&mut self) -> bool {
        std::mem::take(&mut self.overrun)
    }
}

impl AsFd for Tracking {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Flow> for Passing {
    fn from(flow: Flow) -> Self {
        let ((client, server), (_, back)) = (flow.original, flow.reply);
        Self { client, server, translated: (back != client).then_some(back), mac: None }
    }
}

/// Whether the kernel tracks connections at all, as far as it lets us know.
pub fn in_use() -> bool {
    std::path::Path::new("/proc/sys/net/netfilter/nf_conntrack_count").exists()
}

/// The MAC of an address, in the text of `/proc/net/arp`.
pub fn mac(arp: &str, address: IpAddr) -> Option<String> {
    arp.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let of: IpAddr = words.next()?.parse().ok()?;
        let mac = words.nth(2)?;
        (of == address && mac != "00:00:00:00:00:00").then(|| mac.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_that_did_not_answer_has_no_mac() {
        let arp = "IP address       HW type     Flags       HW address            Mask     Device\n\
                   192.168.1.23     0x1         0x2         52:54:00:12:34:56     *        lan\n\
                   192.168.1.24     0x1         0x0         00:00:00:00:00:00     *        lan\n";
        let of = |address: &str| mac(arp, address.parse().unwrap());
        assert_eq!(of("192.168.1.23").as_deref(), Some("52:54:00:12:34:56"));
        assert_eq!(of("192.168.1.24"), None);
        assert_eq!(of("192.168.1.2"), None);
    }
}
