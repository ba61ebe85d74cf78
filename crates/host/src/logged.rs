//! Each first packet of this host to a mail port, as its own firewall logs it: with the user id, and at once. For kernels that take no programs,
//! where [`polling`](crate::polling) alone would miss what is shorter than its interval.
//!
//! A table of its own (`inet heloscope_record`) with one rule that logs and lets everything on. It belongs to an `nft` that runs as long as the
//! recorder does (the flag `owner`), so it is gone with it, however it ends, and needs no rights afterwards. In: packets of a log group
//! (linux/netfilter/nfnetlink_log.h). Out: `Syn`s. Needs CAP_NET_ADMIN and nft 1.0; IPv4 and IPv6, this network namespace.

use crate::netlink::{attribute, message, messages, put};
use crate::packets::segment;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};

/// The log group; the guard's is another.
const GROUP: u16 = 19_283;
/// NFNL_SUBSYS_ULOG << 8, and its two messages.
const PACKET: u16 = 4 << 8;
const CONFIG: u16 = 4 << 8 | 1;
/// Attributes of a packet.
const PAYLOAD: u16 = 9;
const UID: u16 = 11;
/// NLM_F_REQUEST and NLM_F_ACK.
const REQUEST: u16 = 1 | 4;
/// Bytes of a packet: both headers with options.
const HEADERS: u32 = 120;
/// Bytes of packets the kernel may keep for us.
const ROOM: usize = 4 << 20;
/// How long is waited until the rule stands, in milliseconds.
const PATIENCE: u16 = 5000;

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log group.
    #[error("listening to the firewall's log (nfnetlink_log, group {GROUP}): {0}")]
    Group(nix::Error),
    /// nft cannot be run.
    #[error("running nft (package nftables): {0}")]
    Nft(io::Error),
    /// It refused the rule.
    #[error("nft does not take the rule that logs: {0}")]
    Refused(String),
}

impl Error {
    /// Whether more rights would help.
    pub(crate) fn is_permission(&self) -> bool {
        matches!(self, Error::Group(nix::Error::EPERM | nix::Error::EACCES))
    }
}

/// The beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Syn {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) uid: Option<u32>,
}

/// The log, as long as it lives.
#[derive(Debug)]
pub(crate) struct Logged {
    socket: OwnedFd,
    /// Holds the table; ends when its standard input does.
    nft: Child,
    overrun: bool,
}

impl Logged {
    /// Begins to log connections to these ports.
    pub(crate) fn start(ports: &[u16]) -> Result<Self, Error> {
        let socket = listen().map_err(Error::Group)?;
        let mut nft = Command::new("nft")
            .arg("--interactive")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(Error::Nft)?;
        // From here on whatever fails ends nft, and with it the table.
        let stood = stands(&mut nft, ports);
        let logged = Self { socket, nft, overrun: false };
        stood.map(|()| logged)
    }

    /// What has begun since, without waiting.
    pub(crate) fn read(&mut self) -> nix::Result<Vec<Syn>> {
        let mut begun = Vec::new();
        let mut room = vec![0; 64 << 10];
        loop {
            match recv(self.socket.as_raw_fd(), &mut room, MsgFlags::empty()) {
                Ok(length) => begun.extend(syns(room.get(..length).unwrap_or_default())),
                Err(nix::Error::EINTR) => {}
                Err(nix::Error::EAGAIN) => return Ok(begun),
                Err(nix::Error::ENOBUFS) => self.overrun = true,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the rule still stands.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.nft.try_wait(), Ok(None))
    }

    /// Whether packets were lost since the last time this was asked.
    pub(crate) fn lost(&mut self) -> bool {
        std::mem::take(&mut self.overrun)
    }
}

impl AsFd for Logged {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        drop(self.nft.stdin.take());
        // It ends at once when nobody speaks to it; an error here leaves nothing to be done.
        let _ = self.nft.wait();
    }
}

/// The first packets of one datagram of the log.
fn syns(datagram: &[u8]) -> Vec<Syn> {
    let of = |attributes: &[u8]| {
        let segment = segment::tcp(attribute(attributes, PAYLOAD)?)?;
        let uid = attribute(attributes, UID)
            .and_then(|bytes| Some(u32::from_be_bytes(*bytes.first_chunk()?)));
        Some(Syn { client: segment.from, server: segment.to, uid })
    };
    messages(datagram).filter(|(kind, _)| *kind == PACKET).filter_map(|(_, a)| of(a)).collect()
}

/// A socket that hears the group, each packet at once.
fn listen() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let protocol = SockProtocol::NetlinkNetFilter;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &ROOM);
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    const BIND: u8 = 1;
    const COPY_PACKET: u8 = 2;
    let mode = [&HEADERS.to_be_bytes()[..], &[COPY_PACKET, 0]].concat();
    let at_once = 1_u32.to_be_bytes();
    for attributes in [put(1, &[BIND]), put(2, &mode), put(5, &at_once)] {
        send(socket.as_raw_fd(), &message(CONFIG, REQUEST, GROUP, &attributes), MsgFlags::empty())?;
        answer(&socket)?;
    }
    Ok(socket)
}

/// The kernel's answer to a question that asked for one (NLMSG_ERROR, 0 for yes).
fn answer(socket: &OwnedFd) -> nix::Result<()> {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    if poll(&mut fds, PollTimeout::from(PATIENCE))? == 0 {
        return Err(nix::Error::ETIMEDOUT);
    }
    let mut room = [0; 1024];
    let length = recv(socket.as_raw_fd(), &mut room, MsgFlags::empty())?;
    let code = room.get(16..length).and_then(|rest| rest.first_chunk::<4>());
    match code.map_or(0, |bytes| i32::from_ne_bytes(*bytes)) {
        0 => Ok(()),
        code => Err(nix::Error::from_raw(code.saturating_neg())),
    }
}

/// Writes the rule, and waits until nft shows it.
fn stands(nft: &mut Child, ports: &[u16]) -> Result<(), Error> {
    let (Some(input), Some(output)) = (&mut nft.stdin, &mut nft.stdout) else {
        return Err(Error::Nft(io::ErrorKind::BrokenPipe.into()));
    };
    let rule = format!("{}\nlist table inet heloscope_record\n", rule(ports));
    input.write_all(rule.as_bytes()).and_then(|()| input.flush()).map_err(Error::Nft)?;
    let mut said = Vec::new();
    loop {
        let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(PATIENCE)) {
            Ok(0) => break,
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(Error::Nft(error.into())),
        }
        let mut room = [0; 4096];
        let length = output.read(&mut room).map_err(Error::Nft)?;
        said.extend(room.iter().take(length));
        if said.windows(9).any(|w| w == b"log group") {
            return Ok(());
        }
        if length == 0 || said.len() > 64 << 10 {
            break;
        }
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(Error::Refused(if said.is_empty() { "see above".to_owned() } else { said }))
}

/// What logs: first packets alone, before anything else can turn them away.
fn rule(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    format!(
        "table inet heloscope_record {{ flags owner; chain out {{ type filter hook output priority -300; policy \
         accept; tcp dport {{ {} }} tcp flags & (syn|ack) == syn log group {GROUP} snaplen {HEADERS}; }}; }}",
        ports.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets::segment::{SYN, Segment, tests::packet};
    use proptest::prelude::*;

    fn logged(uid: Option<u32>) -> Vec<u8> {
        let bytes = packet(&Segment {
            from: "198.51.100.7:40001".parse().unwrap(),
            to: "192.0.2.25:25".parse().unwrap(),
            sequence: 1,
            acknowledged: 0,
            flags: SYN,
            length: 0,
            payload: &[],
        });
        let uid = uid.map(|uid| put(UID, &uid.to_be_bytes())).unwrap_or_default();
        message(PACKET, 0, GROUP, &[put(PAYLOAD, &bytes), uid].concat())
    }

    #[test]
    fn who_begins_and_under_which_user() {
        let two = [logged(Some(33)), logged(None)].concat();
        let [one, other] = syns(&two)[..] else { panic!("{:?}", syns(&two)) };
        assert_eq!(one.server, "192.0.2.25:25".parse().unwrap());
        assert_eq!((one.uid, other.uid), (Some(33), None));
    }

    #[test]
    fn the_rule_lets_everything_on() {
        let rule = rule(&[25, 465]);
        assert!(rule.contains("tcp dport { 25, 465 }"), "{rule}");
        assert!(!rule.contains("drop") && !rule.contains("reject"), "{rule}");
    }

    proptest! {
        #[test]
        fn never_panics(at in 0_usize..160, byte in any::<u8>(), cut in 0_usize..160) {
            let mut bytes = logged(Some(33));
            if let Some(b) = bytes.get_mut(at) { *b = byte; }
            bytes.truncate(cut.max(1));
            let _ = syns(&bytes);
        }
    }
}
