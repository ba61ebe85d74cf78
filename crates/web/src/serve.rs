//! The rim: a listening socket, served until told to stop.
//!
//! Slow and greedy visitors hold nobody up: so many connections in all and from one address, each closed
//! when it has been silent for a while, or open for long, whatever it is doing.

use crate::rate::visitor;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use ipnet::IpNet;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// How many connections, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address (IPv6: /64). A front end is one address.
    pub per_address: usize,
    /// Silent so long, a connection is closed.
    pub idle: Duration,
    /// Open so long, a connection is closed.
    pub longest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_000,
            per_address: 64,
            idle: Duration::from_secs(15),
            longest: Duration::from_secs(120),
        }
    }
}

/// Serves the pages on a socket until `shutdown` is ready; requests that run are finished first.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let bounded = Bounded {
        listener,
        limits,
        room: Arc::new(Semaphore::new(limits.connections)),
        open: Arc::default(),
    };
    axum::serve(bounded, router.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(shutdown)
        .await
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

type Open = Arc<Mutex<HashMap<IpNet, usize>>>;

/// A listener that counts what it accepted.
pub struct Bounded {
    listener: TcpListener,
    limits: Limits,
    room: Arc<Semaphore>,
    open: Open,
}

impl Listener for Bounded {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Timed, SocketAddr) {
        loop {
            // Room first: what waits, waits in the kernel's queue.
            let Ok(permit) = self.room.clone().acquire_owned().await else {
                std::future::pending().await
            };
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files, as a rule: it passes.
                    tracing::warn!(%error, "no connection could be taken");
                    sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            if let Some(seat) = Seat::take(&self.open, visitor(peer.ip()), self.limits.per_address)
            {
                return (Timed::new(stream, self.limits, permit, seat), peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One of the connections that an address may have; given back when it is dropped.
struct Seat {
    open: Open,
    who: IpNet,
}

impl Seat {
    fn take(open: &Open, who: IpNet, most: usize) -> Option<Self> {
        let mut count = open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let held = count.entry(who).or_insert(0);
        if *held >= most {
            return None;
        }
        *held += 1;
        Some(Self { open: open.clone(), who })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut count = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(held) = count.get_mut(&self.who) {
            *held -= 1;
            if *held == 0 {
                count.remove(&self.who);
            }
        }
    }
}

/// A connection with an end.
pub struct Timed {
    stream: TcpStream,
    idle: Duration,
    end: Instant,
    timer: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
    _seat: Seat,
}

impl Timed {
    fn new(stream: TcpStream, limits: Limits, permit: OwnedSemaphorePermit, seat: Seat) -> Self {
        let end = Instant::now() + limits.longest;
        let timer = Box::pin(sleep(limits.idle.min(limits.longest)));
        Self { stream, idle: limits.idle, end, timer, _permit: permit, _seat: seat }
    }

    /// Passes a result on, and winds the clock up when something moved.
    fn timed<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match poll(Pin::new(&mut self.stream), cx) {
            Poll::Ready(done) => {
                let now = Instant::now();
                if now >= self.end {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                let next = (now + self.idle).min(self.end);
                self.timer.as_mut().reset(next);
                Poll::Ready(done)
            }
            Poll::Pending => match self.timer.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.timed(cx, |stream, cx| stream.poll_read(cx, into))
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.timed(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.timed(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timed(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timed(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}
