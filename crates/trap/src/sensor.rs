//! The sensor: its sockets, who comes in, and where what was seen goes.
//!
//! [`Sensor::bind`] takes the sockets without a runtime, so that privileges can be dropped between
//! binding and running. [`Sensor::run`] accepts until it is told to stop, and gives each session to
//! the sink when it is over. While the sink takes nothing (a full disk behind it) new connections
//! are refused with 421 and new mail with 452; sessions that are over wait and are not lost.
//! Whoever is refused at the door costs one write that never waits: nobody blocks another.

use crate::certificate::{self, CertificateError};
use crate::conversation::{Rules, farewell};
use crate::counts::Counts;
use crate::limits::{Gate, Limits, Refusal};
use crate::personality::{BadPersonality, Personality};
use crate::record::Seen;
use crate::saved_syn;
use crate::spool::Bodies;
use crate::traps::Traps;
use crate::visit::{Door, Place, Visit};
use crate::wire::Wire;
use heloscope_model::Sighting;
use heloscope_model::sighting::Receiver;
use ipnet::IpNet;
use rustls::ServerConfig;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a sensor is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name in sightings.
    pub sensor: String,
    /// Where it listens for mail; port 0 is taken.
    pub listen: Vec<SocketAddr>,
    /// Where it plays an open proxy.
    pub proxy: Vec<SocketAddr>,
    /// Networks of load balancers: their connections begin with a PROXY header.
    pub proxy_protocol_from: Vec<IpNet>,
    /// Who it seems to be.
    pub personality: Personality,
    /// The domains it takes mail for, and its addresses in front of a load balancer.
    pub receiver: Receiver,
    /// Which recipients are traps.
    pub traps: Traps,
    /// Addresses that answer with the HELO that was said.
    pub helocheck: Vec<String>,
    /// What is taken.
    pub limits: Limits,
    /// The folder where its certificate is kept.
    pub state: PathBuf,
    /// The operator's secret for body hashes: sixteen random bytes, the same as long as sketches are
    /// to be compared. The default of zeros hides nothing.
    pub shingle_key: [u8; 16],
    /// Whether bodies are kept, and how.
    pub bodies: Option<Bodies>,
}

impl Config {
    /// A sensor of this name on one address, with everything else as it comes.
    pub fn new(name: &str, listen: SocketAddr, state: PathBuf) -> Self {
        Self {
            sensor: name.to_owned(),
            listen: vec![listen],
            proxy: Vec::new(),
            proxy_protocol_from: Vec::new(),
            personality: Personality::new(name),
            receiver: Receiver::default(),
            traps: Traps::default(),
            helocheck: Vec::new(),
            limits: Limits::default(),
            state,
            shingle_key: [0; 16],
            bodies: None,
        }
    }
}

/// Why a sensor cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// An address cannot be listened on.
    #[error("listening on {address}: is another server running there, or is the port privileged?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// No certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The personality cannot be spoken.
    #[error(transparent)]
    Personality(#[from] BadPersonality),
    /// The folder for bodies cannot be made.
    #[error("making the folder for bodies {folder}")]
    Bodies {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The runtime does not take the sockets.
    #[error("handing the sockets to the runtime")]
    Runtime(#[source] io::Error),
}

/// A sensor with its sockets, not running yet.
pub struct Sensor {
    config: Config,
    sockets: Vec<(Door, std::net::TcpListener)>,
    tls: Option<Arc<ServerConfig>>,
    counts: Arc<Counts>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) rules: Arc<Rules>,
    pub(crate) sensor: String,
    pub(crate) receiver: Receiver,
    pub(crate) traps: Traps,
    pub(crate) bodies: Option<Bodies>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) sink: Sender<Sighting>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) next_id: AtomicU64,
    /// Sessions that are over and wait for the sink.
    pub(crate) waiting: AtomicUsize,
    /// Bytes that the records of all sessions hold.
    pub(crate) records: AtomicUsize,
    trusted: Vec<IpNet>,
    gate: Mutex<Gate>,
}

impl Shared {
    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        // The gate is two counters: there is nothing half done to be afraid of.
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is seen cannot be kept now.
    pub(crate) fn sink_is_full(&self) -> bool {
        self.waiting.load(Relaxed) > 0 || self.sink.capacity() == 0 || self.sink.is_closed()
    }
}

impl Sensor {
    /// Takes the sockets and makes sure of the certificate.
    pub fn bind(mut config: Config) -> Result<Self, SensorError> {
        config.personality.check()?;
        config.helocheck.iter_mut().for_each(|address| address.make_ascii_lowercase());
        if !config.receiver.names.contains(&config.personality.name) {
            config.receiver.names.insert(0, config.personality.name.clone());
        }
        if let Some(bodies) = &config.bodies {
            let folder = bodies.folder.clone();
            bodies.prepare().map_err(|source| SensorError::Bodies { folder, source })?;
        }
        let tls = match config.personality.extensions.starttls {
            true => Some(certificate::tls(&config.state, &config.personality.name)?),
            false => None,
        };
        let doors = config.listen.iter().map(|&at| (Door::Mail, at));
        let doors = doors.chain(config.proxy.iter().map(|&at| (Door::Proxy, at)));
        let mut sockets = Vec::new();
        for (door, address) in doors {
            let socket =
                listen(address).map_err(|source| SensorError::Listen { address, source })?;
            if !saved_syn::save(socket.as_fd()) {
                tracing::warn!(%address, "the system does not save SYNs: TCP stacks are not seen");
            }
            sockets.push((door, socket));
        }
        Ok(Self { config, sockets, tls, counts: Arc::default() })
    }

    /// Where it listens for mail.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.addresses(Door::Mail)
    }

    /// Where it plays an open proxy.
    pub fn proxy_addrs(&self) -> Vec<SocketAddr> {
        self.addresses(Door::Proxy)
    }

    fn addresses(&self, door: Door) -> Vec<SocketAddr> {
        let of_door = self.sockets.iter().filter(|(of, _)| *of == door);
        of_door.filter_map(|(_, socket)| socket.local_addr().ok()).collect()
    }

    /// What is counted, for metrics.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Takes sessions until `shutdown`; then ends those under way with 421 and waits until the
    /// sink has taken the last.
    pub async fn run(
        self,
        sink: Sender<Sighting>,
        shutdown: CancellationToken,
    ) -> Result<(), SensorError> {
        let Self { config, sockets, tls, counts } = self;
        let rules = Rules {
            personality: config.personality,
            helocheck: config.helocheck,
            shingle_key: config.shingle_key,
            body_bytes: config.bodies.as_ref().map_or(0, |bodies| bodies.session_bytes),
            limits: config.limits,
        };
        let shared = Arc::new(Shared {
            gate: Mutex::new(Gate::new(&rules.limits)),
            rules: Arc::new(rules),
            sensor: config.sensor,
            receiver: config.receiver,
            traps: config.traps,
            bodies: config.bodies,
            tls,
            counts,
            sink,
            shutdown: shutdown.clone(),
            next_id: AtomicU64::new(crate::clock::Clock::begin().now().secs().unsigned_abs() << 8),
            waiting: AtomicUsize::new(0),
            records: AtomicUsize::new(0),
            trusted: config.proxy_protocol_from,
        });
        let visits = TaskTracker::new();
        let rim = TaskTracker::new();
        for (door, socket) in sockets {
            let listener = TcpListener::from_std(socket).map_err(SensorError::Runtime)?;
            rim.spawn(accept(listener, door, shared.clone(), visits.clone()));
        }
        if shared.bodies.is_some() {
            rim.spawn(sweep(shared.clone()));
        }
        rim.close();
        shutdown.cancelled().await;
        rim.wait().await;
        visits.close();
        visits.wait().await;
        Ok(())
    }
}

/// A listening socket as servers want it.
fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Inherited by each connection: replies are written whole and must not wait for an answer.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

async fn accept(listener: TcpListener, door: Door, shared: Arc<Shared>, visits: TaskTracker) {
    let mut out_of_descriptors = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                out_of_descriptors = false;
                shared.counts.connections.fetch_add(1, Relaxed);
                if let Some(visit) = admit(stream, peer, door, &shared) {
                    visits.spawn(visit.run());
                }
            }
            // The connection was gone before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !std::mem::replace(&mut out_of_descriptors, true) {
                    shared.counts.refused(Refusal::Descriptors);
                    tracing::error!(%error, "accepting a connection: raise the limit of open files");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Lets a connection in, or tells it why not and closes it.
fn admit(stream: TcpStream, peer: SocketAddr, door: Door, shared: &Arc<Shared>) -> Option<Visit> {
    let client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let balanced = shared.trusted.iter().any(|network| network.contains(&client.ip()));
    let entered = if shared.sink_is_full() {
        Err(Refusal::SinkFull)
    } else if shared.records.load(Relaxed) > shared.rules.limits.record_bytes {
        Err(Refusal::Records)
    } else {
        let counted: Option<IpAddr> = (!balanced).then_some(client.ip());
        shared.gate().enter(counted)
    };
    match entered {
        Ok(pass) => {
            let server = stream.local_addr().ok()?;
            let server = SocketAddr::new(server.ip().to_canonical(), server.port());
            let syn = saved_syn::of(stream.as_fd());
            let shared = shared.clone();
            Some(Visit {
                wire: Wire::Plain(stream),
                door,
                seen: Seen { client, server, syn },
                balanced,
                lingers: false,
                place: Place { pass: Some(pass), held: 0, shared: shared.clone() },
                shared,
            })
        }
        Err(refusal) => {
            shared.counts.refused(refusal);
            if door == Door::Mail {
                let line = farewell(&shared.rules.personality.name, Some(refusal));
                // One try: who cannot take a line at once does without.
                let _ = stream.try_write(format!("{line}\r\n").as_bytes());
            }
            None
        }
    }
}

/// Removes old bodies once a minute.
async fn sweep(shared: Arc<Shared>) {
    let Some(bodies) = shared.bodies.clone() else { return };
    loop {
        let of_now = bodies.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || of_now.sweep()).await {
            tracing::warn!(%error, "sweeping the folder of bodies");
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}
