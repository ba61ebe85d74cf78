//! The recorder's core as its lines show it: a lease, a connection, its end.

use super::*;
use crate::packets::segment::{ACK, FIN, SYN, Segment, tests::packet};
use interfaces::Interface;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0x17];

fn core() -> Core {
    let lan = Interface {
        number: 3,
        up: true,
        loopback: false,
        networks: ["192.168.1.1/24", "2001:db8:1::1/64"].map(|net| net.parse().unwrap()).into(),
    };
    let interfaces = Interfaces { all: [("lan0".to_owned(), lan)].into(), ..Interfaces::default() };
    let heard = interfaces.choose(&[]);
    let own = interfaces.own();
    Core { interfaces, heard, own, flows: Flows::new(&[25]), leases: Leases::default() }
}

fn at(seconds: i64) -> Time {
    Time::from_secs(1_764_000_000 + seconds)
}

fn segment(from: &str, to: &str, flags: u8, sequence: u32, acknowledged: u32) -> Vec<u8> {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    packet(&Segment { from, to, sequence, acknowledged, flags, length: 0, payload: b"" })
}

/// A DHCP datagram in its packet.
fn dhcp(ports: (u16, u16), message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + message.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 17, 0, 0];
    bytes.extend([0; 8]);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(message);
    bytes
}

/// One connection from an address; its lines.
fn connection(
    core: &mut Core,
    client: &str,
    server: &str,
    mac: [u8; 6],
    second: i64,
) -> Vec<String> {
    let inside = Origin { interface: 3, leaving: false, mac: Some(mac) };
    let back = Origin { interface: 3, leaving: true, mac: None };
    let mut noted = core.packet(&segment(client, server, SYN, 99, 0), inside, at(second));
    noted.extend(core.packet(&segment(server, client, SYN | ACK, 7, 100), back, at(second)));
    noted.extend(core.packet(
        &segment(client, server, FIN | ACK, 500, 308),
        inside,
        at(second + 2),
    ));
    noted.extend(core.packet(&segment(server, client, FIN | ACK, 308, 501), back, at(second + 2)));
    noted.iter().map(|noted| serde_json::to_string(noted).unwrap()).collect()
}

fn leased(core: &mut Core) {
    let inside = Origin { interface: 3, leaving: false, mac: Some(MAC) };
    let back = Origin { interface: 3, leaving: true, mac: None };
    let asks = dhcp::tests::message(1, [0; 4], &[(53, &[3]), (12, b"laptop")]);
    assert_eq!(core.packet(&dhcp((68, 67), &asks), inside, at(0)), []);
    let gives = dhcp::tests::message(2, [192, 168, 1, 23], &[(53, &[5]), (51, &[0, 0, 14, 16])]);
    let lease = core.packet(&dhcp((67, 68), &gives), back, at(0));
    assert_eq!(
        serde_json::to_string(&lease[0]).unwrap(),
        r#"{"event":"lease","time":"2025-11-24T16:00:00Z","address":"192.168.1.23","mac":"52:54:00:00:00:17","name":"laptop","from":"2025-11-24T16:00:00Z","until":"2025-11-24T17:00:00Z","by":"dhcp"}"#
    );
}

#[test]
fn a_lease_a_connection_and_its_end() {
    let mut core = core();
    leased(&mut core);
    assert_eq!(
        connection(&mut core, "192.168.1.23:50001", "192.0.2.25:25", MAC, 60),
        [
            r#"{"event":"passing","time":"2025-11-24T16:01:00Z","socket":1764000060000000,"client":"192.168.1.23:50001","server":"192.0.2.25:25","outcome":"open","mac":"52:54:00:00:00:17","interface":"lan0","name":"laptop"}"#,
            r#"{"event":"ended","socket":1764000060000000,"end":"2025-11-24T16:01:02Z","received":300,"sent":400}"#,
        ]
    );
}

#[test]
fn by_ipv6_the_same_machine_has_the_same_name() {
    let mut core = core();
    leased(&mut core);
    let lines = connection(&mut core, "[2001:db8:1::17]:50001", "[2001:db8:9::25]:25", MAC, 60);
    assert!(
        lines[0].contains(r#""event":"lease""#) && lines[0].contains(r#""by":"link""#),
        "{lines:?}"
    );
    assert!(lines[1].contains(r#""name":"laptop""#), "{lines:?}");
}

#[test]
fn behind_another_router_the_link_names_that_router_alone() {
    let mut core = core();
    leased(&mut core);
    let lines = connection(&mut core, "192.168.7.7:50001", "192.0.2.25:25", MAC, 60);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(r#""via":"52:54:00:00:00:17""#), "{lines:?}");
    assert!(!lines[0].contains(r#""mac""#) && !lines[0].contains("laptop"), "{lines:?}");
}
