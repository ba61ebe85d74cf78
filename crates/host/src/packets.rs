//! Copies of packets, from the network header on, as the kernel hands them to a packet socket (AF_PACKET): what `words` and
//! `headers` hear. A classic BPF program ([`filter`]) decides in the kernel which, and how much of each.
//!
//! In: a program. Out: bytes with the interface, the direction and the link header's source ([`Origin`]). VLAN tags are taken off by the
//! kernel before. Nothing reaches a reader that the program did not let through: until it is in place another lets nothing in, and
//! what came before that is thrown away unread. Needs CAP_NET_RAW to open, nothing afterwards, a change of the program included.

pub(crate) mod filter;
pub(crate) mod segment;
mod statistics;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, recvfrom, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// ETH_P_ALL: other protocols' sockets do not hear what this host itself sends.
const ALL: u16 = 3;
/// PACKET_OUTGOING.
const OUTGOING: u8 = 4;
/// Bytes of packets that the kernel may keep for us.
const WAITING: usize = 4 << 20;
/// Packets taken at once; what is behind them is taken the next time.
const AT_ONCE: usize = 20_000;

/// An ear on the wire of its network namespace.
#[derive(Debug)]
pub(crate) struct Ear(Socket);

/// Where a packet was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The interface's number.
    pub(crate) interface: u32,
    /// It leaves this host by it.
    pub(crate) leaving: bool,
    /// Who sent it over this link, where links have such addresses.
    pub(crate) mac: Option<[u8; 6]>,
}

impl Ear {
    /// Begins to listen.
    pub(crate) fn open(program: &[SockFilter]) -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(ALL.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.cloexec(), Some(protocol))?;
        socket.attach_filter(&filter::nothing())?;
        socket.set_nonblocking(true)?;
        // More than the default maximum wants CAP_NET_ADMIN; less is heard without.
        if setsockopt(&socket, sockopt::RcvBufForce, &WAITING).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &WAITING);
        }
        let ear = Self(socket);
        ear.read(&mut [], &mut |_, _| {})?;
        ear.change(program)?;
        Ok(ear)
    }

    /// Lets another program decide from now on.
    pub(crate) fn change(&self, program: &[SockFilter]) -> io::Result<()> {
        self.0.attach_filter(program)
    }

    /// What came since, without waiting; of a packet as much as there is room for.
    pub(crate) fn read(
        &self,
        room: &mut [u8],
        take: &mut dyn FnMut(&[u8], Origin),
    ) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            match recvfrom::<LinkAddr>(self.0.as_raw_fd(), room) {
                Ok((length, Some(from))) => {
                    take(room.get(..length).unwrap_or_default(), Origin::of(&from));
                }
                Err(nix::Error::EAGAIN) => break,
                // An interface went down; the others are still heard.
                Ok((_, None))
                | Err(nix::Error::EINTR | nix::Error::ENETDOWN | nix::Error::ENOBUFS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until something came, or the time is over.
    pub(crate) fn wait(&self, wait: Duration) -> nix::Result<bool> {
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, wait) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Packets that found no room since this was last asked.
    pub(crate) fn dropped(&self) -> u64 {
        statistics::dropped(self.0.as_fd())
    }
}

impl Origin {
    fn of(from: &LinkAddr) -> Self {
        Self {
            interface: u32::try_from(from.ifindex()).unwrap_or_default(),
            leaving: from.pkttype() == OUTGOING,
            mac: from.addr().filter(|mac| from.halen() == 6 && *mac != [0; 6]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// Loopback's number in every network namespace.
    const LOOPBACK: u32 = 1;

    /// Both sides say something on a connection to this address; what an ear with this program hears of it. None without the right.
    fn heard(listen: &str, program: impl Fn(u16) -> Vec<SockFilter>) -> Option<Vec<Vec<u8>>> {
        let Ok(listener) = TcpListener::bind(listen) else { return None };
        let at = listener.local_addr().unwrap();
        let ear = match Ear::open(&program(at.port())) {
            Ok(ear) => ear,
            Err(error) => {
                println!("skipped: needs the right to hear packets: {error}");
                return None;
            }
        };
        let mut client = TcpStream::connect(at).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"MAIL FROM:<a@example.org>").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        server.write_all(b"250 ok").unwrap();
        drop(server);
        client.read_to_end(&mut all).unwrap();
        let mut packets = Vec::new();
        ear.read(&mut [0; 2048], &mut |packet, _| packets.push(packet.to_vec())).unwrap();
        assert_eq!(ear.dropped(), 0);
        Some(packets)
    }

    #[test]
    fn of_headers_nothing_that_is_said_comes_through() {
        for (listen, header) in [("127.0.0.1:0", 40), ("[::1]:0", 60)] {
            let program = |port| filter::headers(&[25, port], &[7, LOOPBACK]);
            let Some(packets) = heard(listen, program) else { continue };
            // SYN, SYN-ACK and two FINs, each going out and coming in.
            assert_eq!(packets.len(), 8, "{packets:?}");
            for packet in packets {
                assert_eq!(packet.len(), header, "to the end of the fixed header");
                let flags = segment::tcp(&packet).unwrap().flags;
                assert_ne!(flags & (segment::SYN | segment::FIN | segment::RST), 0);
            }
            let elsewhere = heard(listen, |port| filter::headers(&[port], &[7])).unwrap();
            assert!(elsewhere.is_empty(), "another interface: {elsewhere:?}");
            let others = heard(listen, |_| filter::headers(&[25], &[LOOPBACK])).unwrap();
            assert!(others.is_empty(), "another port: {others:?}");
        }
    }

    #[test]
    fn where_words_are_heard_they_come_through() {
        let Some(packets) = heard("127.0.0.1:0", |port| filter::mail(&[port])) else { return };
        assert!(packets.iter().any(|packet| packet.ends_with(b"MAIL FROM:<a@example.org>")));
        assert!(packets.iter().any(|packet| packet.ends_with(b"250 ok")));
    }
}
