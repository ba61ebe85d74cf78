//! What is said in clear on connections to mail ports, heard beside them: greeting, HELO, envelope, the server's answer to each
//! mail with the queue id in it, whether STARTTLS hid the rest.
//!
//! In: copies of packets (AF_PACKET; a filter in the kernel lets only these ports through, and of what goes to a server
//! nothing large, so bodies cost nothing). Out: [`Spoken`], once when the client has said who it is and again when the
//! connection is over. Addresses of the envelope are hashed unless allowed. Needs CAP_NET_RAW at the start; hears its own
//! network namespace alone, forwarded connections too.

mod filter;
mod flows;

pub use flows::Spoken;

use flows::Flows;
use heloscope_model::Time;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::os::fd::AsRawFd;

/// ETH_P_ALL: other protocols' sockets do not hear what this host itself sends.
const ALL: u16 = 3;
/// Bytes of packets that the kernel may keep for us, and of one that are read.
const WAITING: usize = 4 << 20;
const PACKET: usize = 2048;
/// Packets taken at once; what is behind them is taken the next time.
const AT_ONCE: usize = 20_000;

/// An ear on the wire.
#[derive(Debug)]
pub struct Words {
    socket: Socket,
    flows: Flows,
}

impl Words {
    /// Begins to listen; with `addresses` the envelope is kept in clear.
    pub fn start(ports: &[u16], addresses: bool) -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(ALL.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.cloexec(), Some(protocol))?;
        socket.attach_filter(&filter::mail(ports))?;
        socket.set_nonblocking(true)?;
        // More than the default maximum wants CAP_NET_ADMIN; less is heard without.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &WAITING);
        Ok(Self { socket, flows: Flows::new(ports, addresses) })
    }

    /// What was said since, without waiting.
    pub fn read(&mut self, now: Time) -> io::Result<Vec<Spoken>> {
        let mut spoken = Vec::new();
        let mut room = [0; PACKET];
        for _ in 0..AT_ONCE {
            match recv(self.socket.as_raw_fd(), &mut room, MsgFlags::empty()) {
                Ok(length) => {
                    let packet = room.get(..length).unwrap_or_default();
                    spoken.extend(self.flows.packet(packet, now));
                }
                Err(nix::Error::EAGAIN) => break,
                // An interface went down; the others are still heard.
                Err(nix::Error::EINTR | nix::Error::ENETDOWN | nix::Error::ENOBUFS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        spoken.extend(self.flows.idle(now));
        Ok(spoken)
    }
}
