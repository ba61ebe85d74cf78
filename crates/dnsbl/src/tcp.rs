//! Connections (RFC 7766): questions in frames with a length before them, as many as the peer likes,
//! answered in their order, several frames in one writing.
//!
//! A peer must send a whole question within the idle limit, however it drips, and take its answers
//! within the write limit. So many connections in all, so many a client; when half of all are
//! taken, idle ones are given a tenth of the time. What is over is closed and counted.

use crate::answer::{Transport, answer};
use crate::counters::Event;
use crate::server::Shared;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest question taken, and what is read ahead of a pipelining peer.
const REQUEST: usize = 4096;
/// So often it is asked, while one waits, whether places became scarce.
const TENTHS: u32 = 10;
/// Answers are written when so much has gathered.
const GATHERED: usize = 16 * 1024;

pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let clients = Arc::new(Clients::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    match Clients::enter(&clients, peer.ip(), &shared) {
                        Ok(place) => {
                            shared.counters.event(Event::TcpAccepted);
                            connections.spawn(connection(stream, place, shared.clone()));
                        }
                        Err(event) => shared.counters.event(event),
                    }
                }
                Err(_) => {
                    shared.counters.event(Event::TcpNotAccepted);
                    // Without descriptors left, trying again at once would only burn the core.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut stream: TcpStream, place: Place, shared: Arc<Shared>) {
    // Answers are small and whole: waiting to gather more would only delay them.
    let _ = stream.set_nodelay(true);
    let mut read = Vec::with_capacity(2 + REQUEST);
    let mut answers = Vec::new();
    let ended = loop {
        if let Err(event) = question_in_time(&mut stream, &mut read, &place, &shared).await {
            break event;
        }
        answer_all(&shared, &mut read, &mut answers);
        match timeout(shared.limits.write, stream.write_all(&answers)).await {
            Err(_) => break Event::TcpStuck,
            Ok(Err(_)) => break Event::TcpClosed,
            Ok(Ok(())) => answers.clear(),
        }
    };
    shared.counters.event(ended);
}

/// Waits for a whole question: the idle limit, or a tenth of it while places are scarce. The time does
/// not begin again with each byte, so dripping wins nothing.
async fn question_in_time(
    stream: &mut TcpStream,
    read: &mut Vec<u8>,
    place: &Place,
    shared: &Shared,
) -> Result<(), Event> {
    let question = question(stream, read);
    tokio::pin!(question);
    for _ in 0..TENTHS {
        match timeout(shared.limits.idle / TENTHS, &mut question).await {
            Ok(read) => return read,
            Err(_) if place.is_scarce(shared) => break,
            Err(_) => {}
        }
    }
    Err(Event::TcpIdle)
}

/// Reads until one whole question is there.
async fn question(stream: &mut TcpStream, read: &mut Vec<u8>) -> Result<(), Event> {
    loop {
        match frame(read) {
            Frame::Whole(..) => return Ok(()),
            Frame::TooLong => return Err(Event::TcpTooLong),
            Frame::Partial => {}
        }
        // There is room: a partial frame is shorter than what is kept for the longest.
        read.reserve_exact((2 + REQUEST).saturating_sub(read.len()));
        match stream.read_buf(read).await {
            Ok(0) | Err(_) => return Err(Event::TcpClosed),
            Ok(_) => {}
        }
    }
}

/// Answers the whole questions that were read, or as many as make one writing, and keeps the rest.
fn answer_all(shared: &Shared, read: &mut Vec<u8>, answers: &mut Vec<u8>) {
    let mut out = Vec::new();
    let mut rest: &[u8] = read;
    while let Frame::Whole(request, behind) = frame(rest) {
        let outcome = answer(&shared.zones, &shared.table, request, Transport::Tcp, &mut out);
        shared.counters.answer(Transport::Tcp, outcome);
        rest = behind;
        if let Ok(length) = u16::try_from(out.len()).map(u16::to_be_bytes)
            && outcome.responds()
        {
            answers.extend_from_slice(&length);
            answers.extend_from_slice(&out);
        }
        if answers.len() >= GATHERED {
            break;
        }
    }
    let used = read.len() - rest.len();
    read.drain(..used);
}

enum Frame<'a> {
    Whole(&'a [u8], &'a [u8]),
    Partial,
    TooLong,
}

fn frame(read: &[u8]) -> Frame<'_> {
    let Some((length, rest)) = read.split_first_chunk() else { return Frame::Partial };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > REQUEST {
        return Frame::TooLong;
    }
    rest.split_at_checked(length).map_or(Frame::Partial, |(frame, rest)| Frame::Whole(frame, rest))
}

/// How many connections each client has, and all together.
#[derive(Default)]
struct Clients(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// A connection's place, given back when it is dropped.
struct Place {
    clients: Arc<Clients>,
    client: IpAddr,
}

impl Clients {
    fn enter(clients: &Arc<Clients>, address: IpAddr, shared: &Shared) -> Result<Place, Event> {
        let client = client(address);
        let mut taken = clients.taken();
        if taken.all >= shared.limits.connections {
            return Err(Event::TcpFull);
        }
        let own = taken.each.entry(client).or_default();
        if *own >= shared.limits.connections_each {
            return Err(Event::TcpClientFull);
        }
        *own += 1;
        taken.all += 1;
        Ok(Place { clients: clients.clone(), client })
    }

    // Poisoned by a panic only, of which there is none in here; the counts are right anyway.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn is_scarce(&self, shared: &Shared) -> bool {
        self.clients.taken().all * 2 > shared.limits.connections
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.clients.taken();
        taken.all -= 1;
        if let Some(own) = taken.each.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.each.remove(&self.client);
            }
        }
    }
}

/// An IPv6 client has its whole /64 to choose from.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}
