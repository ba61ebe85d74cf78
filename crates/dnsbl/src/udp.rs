//! Datagrams: each is answered at once or not at all. Nothing is kept between two of them, so no
//! peer can make another wait; a response that the socket does not take is dropped and counted, as
//! the network might have done.

use crate::answer::{Transport, answer};
use crate::counters::Event;
use crate::server::Shared;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;

/// Longer than any question with its options; what is cut here is malformed.
const REQUEST: usize = 4096;
/// Datagrams taken before the runtime is asked whether there is other work.
const BURST: usize = 32;

pub(crate) async fn serve(socket: UdpSocket, shared: Arc<Shared>) {
    let mut request = vec![0; REQUEST];
    let mut out = Vec::with_capacity(REQUEST);
    loop {
        match socket.recv_from(&mut request).await {
            Ok((length, peer)) => {
                respond(&socket, &shared, request.get(..length), peer, &mut out);
            }
            Err(_) => {
                shared.counters.event(Event::UdpUnread);
                // An error that stays must not become a busy loop.
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
        }
        for _ in 0..BURST {
            let Ok((length, peer)) = socket.try_recv_from(&mut request) else { break };
            respond(&socket, &shared, request.get(..length), peer, &mut out);
        }
    }
}

fn respond(
    socket: &UdpSocket,
    shared: &Shared,
    request: Option<&[u8]>,
    peer: SocketAddr,
    out: &mut Vec<u8>,
) {
    let request = request.unwrap_or_default();
    let outcome = answer(&shared.zones, &shared.table, request, Transport::Udp, out);
    shared.counters.answer(Transport::Udp, outcome);
    if outcome.responds() && socket.try_send_to(out, peer).is_err() {
        shared.counters.event(Event::UdpUnsent);
    }
}
