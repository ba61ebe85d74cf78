//! A name server on loopback that answers what a closure says, by UDP and TCP on one port.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What it says to a question.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These addresses, or texts.
    A(Vec<Ipv4Addr>),
    Txt(Vec<String>),
    /// No such name; no such record.
    Nx,
    NoData,
    /// An error code.
    Rcode(u8),
    /// Nothing.
    Silence,
    /// Later.
    After(u64, Box<Reply>),
    /// By UDP only that it does not fit; by TCP this.
    Truncated(Box<Reply>),
    /// These bytes after the identifier.
    Raw(Vec<u8>),
}

/// Addresses.
pub(crate) fn a(addresses: &str) -> Reply {
    Reply::A(addresses.split(' ').map(|a| a.parse().unwrap()).collect())
}

type Says = dyn Fn(&str, u16) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Questions by UDP and by TCP.
    pub(crate) udp: Arc<AtomicUsize>,
    pub(crate) tcp: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// `says` is told the name in lower case and the type (1 A, 16 TXT).
    pub(crate) fn start(says: impl Fn(&str, u16) -> Reply + Send + Sync + 'static) -> Self {
        let says: Arc<Says> = Arc::new(says);
        // One port for both; another may have the TCP one.
        let (socket, listener) = (0..50)
            .find_map(|_| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let socket = UdpSocket::bind(listener.local_addr().unwrap()).ok()?;
                Some((socket, listener))
            })
            .unwrap();
        let address = socket.local_addr().unwrap();
        let (udp, tcp) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (stopped, counted, told) = (stop.clone(), udp.clone(), says.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((n, from)) = socket.recv_from(&mut buffer) else { continue };
                counted.fetch_add(1, Ordering::Relaxed);
                let (question, told, socket) =
                    (buffer[..n].to_vec(), told.clone(), socket.try_clone().unwrap());
                std::thread::spawn(move || {
                    if let Some(reply) = answer(&question, &*told, false) {
                        let _ = socket.send_to(&reply, from);
                    }
                });
            }
        });
        listener.set_nonblocking(true).unwrap();
        let (stopped, counted) = (stop.clone(), tcp.clone());
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                let (says, counted) = (says.clone(), counted.clone());
                std::thread::spawn(move || {
                    stream.set_nonblocking(false).unwrap();
                    let mut length = [0; 2];
                    while stream.read_exact(&mut length).is_ok() {
                        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                        if stream.read_exact(&mut question).is_err() {
                            return;
                        }
                        counted.fetch_add(1, Ordering::Relaxed);
                        let Some(reply) = answer(&question, &*says, true) else { return };
                        let length = u16::try_from(reply.len()).unwrap_or(u16::MAX).to_be_bytes();
                        if stream.write_all(&[&length[..], &reply].concat()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, udp, tcp, stop }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn answer(question: &[u8], says: &Says, tcp: bool) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*question.get(at)?, *question.get(at + 1)?]);
    let asked = question.get(12..at + 4)?;
    let mut reply = says(&labels.join("."), kind);
    while let Reply::After(ms, then) = reply {
        std::thread::sleep(Duration::from_millis(ms));
        reply = *then;
    }
    let mut cut = false;
    if let Reply::Truncated(then) = reply {
        cut = !tcp;
        reply = if tcp { *then } else { Reply::NoData };
    }
    let records: Vec<(u16, Vec<u8>)> = match &reply {
        Reply::A(addresses) => addresses.iter().map(|a| (1, a.octets().to_vec())).collect(),
        Reply::Txt(texts) => texts
            .iter()
            .map(|text| {
                let parts = text.as_bytes().chunks(255);
                (16, parts.flat_map(|p| [&[p.len() as u8], p].concat()).collect())
            })
            .collect(),
        Reply::Silence => return None,
        Reply::Raw(bytes) => return Some([&question[..2], bytes].concat()),
        _ => Vec::new(),
    };
    let rcode = match reply {
        Reply::Nx => 3,
        Reply::Rcode(code) => code,
        _ => 0,
    };
    let mut out = question[..2].to_vec();
    out.extend([0x85 | if cut { 2 } else { 0 }, 0x80 | rcode, 0, 1]);
    out.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(asked);
    for (kind, data) in records {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(data);
    }
    Some(out)
}
