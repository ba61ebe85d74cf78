//! The sockets: UDP and TCP on one address. Bound first (privileges can be dropped then), run later.
//!
//! Every datagram and every frame goes through [`crate::answer`]; what came of it is counted. The
//! clock is read here alone, once a second, for the SOA serial. Bind one server for each address: a
//! socket on all addresses of a host with several could answer from another than was asked.

use crate::counters::Counters;
use crate::table::Table;
use crate::zones::Zones;
use crate::{tcp, udp};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often other ports are tried where port 0 was asked for and UDP's is taken on TCP.
const TRIES: usize = 32;
/// Room for bursts while the one task is busy.
const UDP_BUFFER: usize = 1 << 20;

/// What peers may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sockets that share the UDP port, each with a task of its own; one a core is right.
    pub udp_sockets: usize,
    /// TCP connections in all.
    pub connections: usize,
    /// TCP connections of one client: an IPv4 address, an IPv6 /64.
    pub connections_each: usize,
    /// A whole question must come in this time, also the first (RFC 7766 section 6.2.3). When half
    /// of all connections are taken, a tenth of it.
    pub idle: Duration,
    /// Answers must be taken in this time.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            udp_sockets: 1,
            connections: 512,
            connections_each: 16,
            idle: Duration::from_secs(10),
            write: Duration::from_secs(5),
        }
    }
}

/// Why an address cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "open {transport} {address} for DNS; is another server on it, or the right to low ports missing?"
)]
pub struct BindError {
    transport: &'static str,
    address: SocketAddr,
    source: io::Error,
}

/// A bound server.
pub struct Server {
    udp: Vec<UdpSocket>,
    tcp: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the tasks of a server share.
pub(crate) struct Shared {
    pub(crate) zones: Arc<Zones>,
    pub(crate) table: Arc<Table>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
}

impl Server {
    /// Opens both sockets; with port 0 the same free port for both.
    pub fn bind(
        address: SocketAddr,
        zones: Arc<Zones>,
        table: Arc<Table>,
        limits: Limits,
    ) -> Result<Server, BindError> {
        let mut tries = if address.port() == 0 { TRIES } else { 1 };
        let (tcp, udp, address) = loop {
            tries -= 1;
            match open(address, limits.udp_sockets.max(1)) {
                Err(error) if tries == 0 || error.source.kind() != io::ErrorKind::AddrInUse => {
                    return Err(error);
                }
                Err(_) => {}
                Ok(opened) => break opened,
            }
        };
        let counters = Arc::default();
        Ok(Server {
            udp,
            tcp,
            address,
            shared: Arc::new(Shared { zones, table, limits, counters }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its counts, to be kept for metrics.
    pub fn counters(&self) -> Arc<Counters> {
        self.shared.counters.clone()
    }

    /// Answers until `shutdown` is cancelled; then every connection is closed. Fails only where
    /// there is no runtime with input and output to run in.
    pub async fn run(self, shutdown: CancellationToken) -> io::Result<()> {
        // Not before: what the table is filled with after binding is no change.
        publish(&self.shared.table);
        let mut tasks = JoinSet::new();
        for socket in self.udp {
            tasks.spawn(udp::serve(tokio::net::UdpSocket::from_std(socket)?, self.shared.clone()));
        }
        let listener = tokio::net::TcpListener::from_std(self.tcp)?;
        tasks.spawn(tcp::serve(listener, self.shared.clone()));
        tasks.spawn(publish_each_second(self.shared.table.clone()));
        shutdown.cancelled().await;
        // The tasks end at their next wait; what they own is closed.
        tasks.shutdown().await;
        Ok(())
    }
}

async fn publish_each_second(table: Arc<Table>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        publish(&table);
    }
}

// The serial is told by the clock, which the pure parts are given.
#[allow(clippy::disallowed_methods)]
fn publish(table: &Table) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Serials wrap as RFC 1982 says.
    table.publish((now & u64::from(u32::MAX)) as u32);
}

/// TCP first: its port has one owner, so a second server on the address fails here though UDP's port
/// is shared among our own sockets.
fn open(
    address: SocketAddr,
    sockets: usize,
) -> Result<(TcpListener, Vec<UdpSocket>, SocketAddr), BindError> {
    let failed = |transport, address| move |source| BindError { transport, address, source };
    let tcp = open_tcp(address).map_err(failed("TCP", address))?;
    let address = tcp.local_addr().map_err(failed("TCP", address))?;
    let udp = (0..sockets).map(|_| open_udp(address, sockets > 1));
    let udp = udp.collect::<io::Result<_>>().map_err(failed("UDP", address))?;
    Ok((tcp, udp, address))
}

fn open_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    separate(&socket, address)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

fn open_udp(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(shared)?;
    // The kernel gives what it can of it.
    socket.set_recv_buffer_size(UDP_BUFFER)?;
    separate(&socket, address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// IPv6 sockets take IPv6 alone, so that both families can be bound; tokio wants them not to block.
fn separate(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)
}
