//! The rim: UDP and TCP on one port, pipelined frames, peers that hang, drip, flood and never read;
//! what others get meanwhile.

use crate::asking::{Ask, code};
use crate::world::{World, listing, wait_for};
use domain::base::iana::{Rcode, Rtype};
use heloscope_dnsbl::{Change, Event, Limits, Outcome, Transport};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

const LISTED: &str = "99.2.0.192.bl.example.org";
const CLEAN: &str = "98.2.0.192.bl.example.org";

fn world(limits: Limits) -> World {
    World::start(&[listing("192.0.2.99/32", &[(4, "A bot.")])], limits)
}

fn by_udp(server: SocketAddr, name: &str) -> Vec<u8> {
    let local: SocketAddr =
        if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }.parse().unwrap();
    let socket = UdpSocket::bind(local).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(&Ask::new(name, Rtype::A).bytes(77), server).unwrap();
    let mut response = [0; 1500];
    let (length, peer) = socket.recv_from(&mut response).unwrap();
    assert_eq!((peer, &response[..2]), (server, &[0, 77][..]));
    response[..length].to_vec()
}

fn framed(name: &str, id: u16) -> Vec<u8> {
    let request = Ask::new(name, Rtype::A).bytes(id);
    [&(request.len() as u16).to_be_bytes()[..], &request].concat()
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// Whether the peer ended the connection (and did not only keep silent).
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn both_transports_on_one_free_port_and_each_counted_once() {
    let world = world(Limits { udp_sockets: 2, ..Limits::default() });
    assert_ne!(world.address.port(), 0);
    assert_eq!(code(&by_udp(world.address, LISTED)), Rcode::NOERROR);
    assert_eq!(code(&by_udp(world.address, CLEAN)), Rcode::NXDOMAIN);
    let mut stream = connect(world.address);
    stream.write_all(&framed(LISTED, 1)).unwrap();
    assert_eq!(code(&frame(&mut stream).unwrap()), Rcode::NOERROR);
    let counts: Vec<_> = world.counters.answers().filter(|(.., n)| *n > 0).collect();
    let expected = [
        (Transport::Udp, Outcome::Listed, 1),
        (Transport::Udp, Outcome::NotListed, 1),
        (Transport::Tcp, Outcome::Listed, 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(world.counters.happened(Event::TcpAccepted), 1);
}

#[test]
fn ipv6_has_a_socket_of_its_own() {
    let listed = listing("192.0.2.99/32", &[(4, "A bot.")]);
    let v6 = World::start_at("[::1]:0".parse().unwrap(), &[listed], Limits::default());
    assert_eq!(code(&by_udp(v6.address, LISTED)), Rcode::NOERROR);
    assert!(frame_over(v6.address).is_some());
    // The same port of all IPv4 addresses is still free.
    let v4: SocketAddr = ([127, 0, 0, 1], v6.address.port()).into();
    let _v4 = World::start_at(v4, &[], Limits::default());
}

fn frame_over(server: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = connect(server);
    stream.write_all(&framed(LISTED, 5)).unwrap();
    frame(&mut stream)
}

#[test]
fn a_second_server_on_the_port_is_refused() {
    for udp_sockets in [1, 2] {
        let limits = Limits { udp_sockets, ..Limits::default() };
        let world = world(limits);
        let zones = std::sync::Arc::new(crate::world::zones());
        let second =
            heloscope_dnsbl::Server::bind(world.address, zones, world.table.clone(), limits);
        let error = second.err().unwrap().to_string();
        assert!(error.contains(&world.address.to_string()), "{error}");
    }
}

#[test]
fn a_change_is_answered_at_once() {
    let world = world(Limits::default());
    let change = Change { prefix: "192.0.2.99/32".parse().unwrap(), value: None };
    world.table.apply(2, &[change]).unwrap();
    assert_eq!(code(&by_udp(world.address, LISTED)), Rcode::NXDOMAIN);
    world.table.apply(3, &[listing("192.0.2.98/32", &[(3, "A trap.")])]).unwrap();
    assert_eq!(code(&by_udp(world.address, CLEAN)), Rcode::NOERROR);
}

#[test]
fn the_serial_follows_changes_within_seconds() {
    let world = world(Limits::default());
    wait_for("the clock's", || world.table.serial() > 1_700_000_000);
    let serial = world.table.serial();
    world.table.apply(2, &[]).unwrap();
    wait_for("the serial", || world.table.serial() > serial);
}

#[test]
fn pipelined_questions_are_answered_in_their_order_however_they_are_cut() {
    let world = world(Limits::default());
    let all: Vec<u8> =
        (0..500).flat_map(|i| framed(if i % 2 == 0 { LISTED } else { CLEAN }, i)).collect();
    for size in [1usize, 7, 1000, all.len()] {
        let mut stream = connect(world.address);
        let mut writer = stream.try_clone().unwrap();
        // One byte at a time is slow: a part of it shows the same.
        let (all, count) = if size == 1 {
            (all[..framed(LISTED, 0).len() * 20].to_vec(), 20)
        } else {
            (all.clone(), 500)
        };
        let sender = std::thread::spawn(move || {
            for chunk in all.chunks(size) {
                writer.write_all(chunk).unwrap();
            }
        });
        for id in 0u16..count {
            let response = frame(&mut stream).unwrap();
            assert_eq!(response[..2], id.to_be_bytes());
            let expected = if id % 2 == 0 { Rcode::NOERROR } else { Rcode::NXDOMAIN };
            assert_eq!(code(&response), expected);
        }
        sender.join().unwrap();
    }
}

#[test]
fn a_question_in_frames_never_whole_is_closed_in_time_though_it_drips() {
    let limits = Limits { idle: Duration::from_millis(400), ..Limits::default() };
    let world = world(limits);
    let mut silent = connect(world.address);
    let mut dripping = connect(world.address);
    let mut writer = dripping.try_clone().unwrap();
    std::thread::spawn(move || {
        for byte in framed(LISTED, 1) {
            std::thread::sleep(Duration::from_millis(50));
            if writer.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    assert!(is_closed(&mut dripping) && is_closed(&mut silent));
    wait_for("both counted", || world.counters.happened(Event::TcpIdle) == 2);
    // The benign twin: a whole question now and then stays.
    let mut stream = connect(world.address);
    for id in 0..4 {
        stream.write_all(&framed(LISTED, id)).unwrap();
        assert!(frame(&mut stream).is_some());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn so_many_connections_a_client_and_in_all() {
    let limits = Limits { connections: 6, connections_each: 4, ..Limits::default() };
    let world = world(limits);
    let mut own: Vec<_> = (0..4).map(|_| connect(world.address)).collect();
    for (id, stream) in own.iter_mut().enumerate() {
        stream.write_all(&framed(LISTED, id as u16)).unwrap();
        assert!(frame(stream).is_some());
    }
    assert!(is_closed(&mut connect(world.address)));
    assert_eq!(world.counters.happened(Event::TcpClientFull), 1);
    // Another client is served, until all places are taken.
    let other = |last: u8| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).unwrap();
        socket.connect(&world.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    let mut others = [other(2), other(3)];
    for stream in &mut others {
        stream.write_all(&framed(LISTED, 9)).unwrap();
        assert!(frame(stream).is_some());
    }
    assert!(is_closed(&mut other(4)));
    assert_eq!(world.counters.happened(Event::TcpFull), 1);
    // A place given back is taken again, and UDP never waited for any of it.
    drop(own.pop());
    wait_for("a place", || {
        let mut stream = connect(world.address);
        stream.write_all(&framed(LISTED, 3)).is_ok() && frame(&mut stream).is_some()
    });
    assert_eq!(code(&by_udp(world.address, LISTED)), Rcode::NOERROR);
}

#[test]
fn when_places_are_scarce_idle_ones_are_given_up_early() {
    // Waiting for a count ends after 20 seconds, long before the idle limit.
    let limits = Limits { connections: 4, idle: Duration::from_secs(40), ..Limits::default() };
    let world = world(limits);
    let _idle: Vec<_> = (0..3).map(|_| connect(world.address)).collect();
    wait_for("one given up", || world.counters.happened(Event::TcpIdle) >= 1);
}

#[test]
fn one_who_never_reads_is_closed_and_blocks_nobody() {
    let limits = Limits { write: Duration::from_millis(500), ..Limits::default() };
    let world = world(limits);
    let mut greedy = connect(world.address);
    greedy.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let batch: Vec<u8> = (0..2000).flat_map(|id| framed(LISTED, id)).collect();
    let flood = std::thread::spawn(move || while greedy.write_all(&batch).is_ok() {});
    while world.counters.happened(Event::TcpStuck) == 0 {
        assert_eq!(code(&by_udp(world.address, LISTED)), Rcode::NOERROR);
        assert!(frame_over(world.address).is_some());
        assert!(!flood.is_finished() || world.counters.happened(Event::TcpStuck) == 1);
    }
    flood.join().unwrap();
}

#[test]
fn garbage_over_tcp_is_answered_or_closed() {
    let world = world(Limits::default());
    let mut long = connect(world.address);
    long.write_all(&[0xff, 0xff, 0, 0]).unwrap();
    assert!(is_closed(&mut long));
    assert_eq!(world.counters.happened(Event::TcpTooLong), 1);
    let mut http = connect(world.address);
    http.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(is_closed(&mut http), "0x4745 is too long a frame");
    let mut empty = connect(world.address);
    empty.write_all(&[0, 0]).unwrap();
    empty.write_all(&framed(LISTED, 4)).unwrap();
    assert_eq!(frame(&mut empty).unwrap()[..2], [0, 4], "an empty frame gets silence");
}

#[test]
fn a_flood_of_rubbish_over_udp_does_not_keep_others_waiting() {
    let world = world(Limits::default());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stopped, server) = (stop.clone(), world.address);
    let flood = std::thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut byte = 0u8;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            byte = byte.wrapping_add(1);
            for length in [0, 5, 11, 40] {
                let _ = socket.send_to(&vec![byte; length], server);
            }
            std::thread::yield_now();
        }
    });
    wait_for("the flood", || world.counters.answered(Transport::Udp, Outcome::Short) > 100);
    for _ in 0..50 {
        assert_eq!(code(&by_udp(world.address, LISTED)), Rcode::NOERROR);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    flood.join().unwrap();
}

#[test]
fn shutting_down_frees_the_port_though_peers_hang_on() {
    let world = world(Limits::default());
    let (address, mut stream) = (world.address, connect(world.address));
    drop(world);
    assert!(is_closed(&mut stream));
    let again = World::start_at(address, &[], Limits::default());
    assert_eq!(again.address, address);
}
