//! Connections seen by asking for the table of open sockets (sock_diag over netlink) again and again, and for their
//! processes in `/proc`. For kernels and users that may not load programs.
//!
//! Out: the same lines as the recorder's, marked as seen late: a connection shorter than `EVERY` is missed, unless this end closed it and
//! it still waits (TIME-WAIT), which says nothing of its process. Where the firewall may be asked to log ([`logged`]), the table is
//! asked for as soon as a connection begins, and one that is over by then is told all the same, with its user. Needs no rights for the sockets; the process
//! of another user's needs root. Only this network namespace is seen.

mod begun;
mod processes;
mod table;

use crate::logged::{self, Logged};
use crate::{Noted, clock};
use begun::Begun;
use heloscope_model::Time;
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use table::{Open, Table};

/// How often the table is asked for.
const EVERY: Duration = Duration::from_millis(200);
/// How often at most, where connections are announced: looking for the processes of sockets is dear.
const AT_MOST: Duration = Duration::from_millis(20);
/// Bytes of one answer; the kernel sends at most 32 KiB at a time.
const ROOM: usize = 64 << 10;

/// Why the table cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket for the question.
    #[error("asking the kernel for open sockets (sock_diag): {0}")]
    Ask(nix::Error),
    /// The kernel's refusal.
    #[error("the kernel does not tell its open sockets (sock_diag): {0}")]
    Refused(nix::Error),
    /// Its answer.
    #[error("the kernel's list of open sockets: {0}")]
    Answer(String),
    /// Waiting.
    #[error("waiting: {0}")]
    Wait(nix::Error),
    /// The firewall's log.
    #[error("reading the firewall's log: {0}")]
    Log(nix::Error),
}

/// The table, as it was last.
#[derive(Debug)]
pub struct Polling {
    socket: OwnedFd,
    ports: BTreeSet<u16>,
    table: Table,
    sequence: u32,
    asked: Option<Time>,
    log: Option<Logged>,
    begun: Begun,
}

/// What this way does not show.
pub(crate) fn unseen(announced: bool) -> Vec<String> {
    let short = if announced {
        format!(
            "of connections shorter than some {} ms the user is named, not the process, and those of other network \
             namespaces are missed",
            AT_MOST.as_millis()
        )
    } else {
        format!(
            "connections shorter than {} ms may be missed, and those of other network namespaces are",
            EVERY.as_millis()
        )
    };
    let mut unseen = vec![
        short,
        "a process is looked up after its connection began: who had ended or handed it on by then is not \
         named, or as whom it became"
            .to_owned(),
    ];
    if !nix::unistd::geteuid().is_root() {
        unseen.push(
            "without root the processes of other users are not named, their user ids are"
                .to_owned(),
        );
    }
    unseen
}

impl Polling {
    /// Begins with what is open now.
    pub fn start(ports: &[u16]) -> Result<Self, Error> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let protocol = SockProtocol::NetlinkSockDiag;
        let socket = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol);
        let socket = socket.map_err(Error::Ask)?;
        let ports = ports.iter().copied().collect();
        let mut polling = Self {
            socket,
            ports,
            table: Table::default(),
            sequence: 0,
            asked: None,
            log: None,
            begun: Begun::default(),
        };
        // Whether the kernel answers at all is known before anybody relies on it.
        let waiting = polling.ask()?.into_iter().filter(Open::waits);
        polling.table.ignore(waiting);
        Ok(polling)
    }

    /// Lets the firewall announce connections from now on.
    pub fn announce(&mut self, ports: &[u16]) -> Result<(), logged::Error> {
        self.log = Some(Logged::start(ports)?);
        Ok(())
    }

    /// Whether it does.
    pub fn is_announced(&self) -> bool {
        self.log.is_some()
    }

    /// Asks now, or when it is time; what is new.
    pub fn next(&mut self, wait: Duration) -> Result<Vec<Noted>, Error> {
        let since = self.asked.map_or(EVERY.as_secs_f64(), |asked| clock::now().since(asked));
        let due = EVERY.as_secs_f64() - since.max(0.0);
        let pause = Duration::try_from_secs_f64(due).unwrap_or_default().min(wait);
        self.pause(pause)?;
        let now = clock::now();
        if self.log.as_mut().is_some_and(|log| !log.is_alive()) {
            self.log = None;
        }
        let lost = self.log.as_mut().is_some_and(Logged::lost);
        let syns = self.log.as_mut().map(Logged::read).transpose().map_err(Error::Log)?;
        let sockets = self.ask()?;
        self.asked = Some(now);
        let fresh: BTreeSet<u32> = sockets
            .iter()
            .filter(|s| self.table.is_new(s) && s.inode != 0)
            .map(|s| s.inode)
            .collect();
        let owners = processes::owners(&fresh);
        let netns = processes::netns();
        let mut noted =
            self.table.take(now, &sockets, &mut |open| processes::who(open, &owners, netns));
        let open = |syn: &logged::Syn| {
            sockets.iter().any(|s| (s.client, s.server) == (syn.client, syn.server))
        };
        noted.extend(self.begun.take(now, syns.unwrap_or_default(), open, netns));
        if lost {
            noted.push(Noted::Lost { events: 1, since: now.plus_secs(-since.max(0.0)), time: now });
        }
        Ok(noted)
    }

    /// Waits, where connections are announced until one is.
    fn pause(&self, pause: Duration) -> Result<(), Error> {
        if pause.is_zero() {
            return Ok(());
        }
        let wait = |fds: &mut [PollFd<'_>], pause: Duration| {
            let timeout = PollTimeout::try_from(pause.max(Duration::from_millis(1)));
            match poll(fds, timeout.unwrap_or(PollTimeout::MAX)) {
                Ok(_) | Err(nix::Error::EINTR) => Ok(()),
                Err(error) => Err(Error::Wait(error)),
            }
        };
        let Some(log) = &self.log else { return wait(&mut [], pause) };
        wait(&mut [], pause.min(AT_MOST))?;
        wait(&mut [PollFd::new(log.as_fd(), PollFlags::POLLIN)], pause.saturating_sub(AT_MOST))
    }

    /// Both families' sockets to our ports.
    fn ask(&mut self) -> Result<Vec<Open>, Error> {
        let mut found = Vec::new();
        for family in [AF_INET, AF_INET6] {
            self.family(family, &mut found)?;
        }
        Ok(found)
    }

    fn family(&mut self, family: u8, found: &mut Vec<Open>) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        send(self.socket.as_raw_fd(), &question(family, self.sequence), MsgFlags::empty())
            .map_err(Error::Ask)?;
        let mut room = vec![0; ROOM];
        loop {
            let length = match recv(self.socket.as_raw_fd(), &mut room, MsgFlags::empty()) {
                Ok(length) => length,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(Error::Ask(error)),
            };
            let mut rest = room.get(..length).unwrap_or_default();
            while !rest.is_empty() {
                let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                    .map_err(|error| Error::Answer(error.to_string()))?;
                let whole = usize::try_from(message.header.length).unwrap_or(usize::MAX);
                rest = rest.get(whole.max(16).next_multiple_of(4)..).unwrap_or_default();
                if message.header.sequence_number != self.sequence {
                    continue; // of a question that failed half-way
                }
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => {
                        let errno = error.code.map_or(0, |code| code.get().saturating_neg());
                        return Err(Error::Refused(nix::Error::from_raw(errno)));
                    }
                    NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                        let open = Open::from(&*response);
                        if self.ports.contains(&open.server.port()) {
                            found.push(open);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// "All TCP sockets of this family that are not listening, with their counters."
fn question(family: u8, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.sequence_number = sequence;
    let mut states = StateFlags::all();
    states.remove(StateFlags::LISTEN | StateFlags::CLOSE | StateFlags::SYN_RECV);
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO,
        states,
        socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
