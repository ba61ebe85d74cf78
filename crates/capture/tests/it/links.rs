//! The same session on every link layer, in IPv4 and IPv6 with everything that may stand between
//! the link and TCP.

use crate::call::{Call, Pkt, mail, pcap, read_all, story};

/// The usual session in frames of a link type gives the usual story.
fn check(name: &str, link: u32, frames: impl Fn(&Pkt) -> Vec<Vec<u8>>) {
    for v6 in [false, true] {
        let mut call = match v6 {
            false => Call::new("192.168.1.23:50112", "198.51.100.7:25"),
            true => Call::new("[2001:db8::23]:50112", "[2001:db8:1::7]:25"),
        };
        call.mail();
        let packets = call.packets.iter().flat_map(|p| frames(p).into_iter().map(|f| (p.at, f)));
        let (sessions, report) = read_all(&pcap(link, packets));
        assert_eq!(report.problem, None, "{name}");
        assert_eq!(sessions.iter().map(story).collect::<Vec<_>>(), [usual()], "{name}, v6 {v6}");
        assert_eq!(sessions[0].client, call.client, "{name}");
        assert_eq!(sessions[0].syn.as_ref().map(|s| s.ttl), Some(63), "{name}");
    }
}

fn usual() -> String {
    story(&crate::call::one(&mail().packets))
}

fn tagged(head: &[&[u8]], packet: &Pkt) -> Vec<u8> {
    let mut frame = head.concat();
    frame.extend(packet.ip());
    frame
}

#[test]
fn ethernet_and_what_it_carries() {
    let macs = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1];
    check("plain", 1, |p| vec![p.ethernet()]);
    check("802.1Q", 1, |p| vec![tagged(&[&macs, &[0x81, 0, 0, 7], &p.ethertype()], p)]);
    check("QinQ", 1, |p| {
        vec![tagged(&[&macs, &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], &p.ethertype()], p)]
    });
    check("old QinQ, three tags", 1, |p| {
        vec![tagged(&[&macs, &[0x91, 0, 0, 7, 0x92, 0, 0, 7, 0x81, 0, 0, 8], &p.ethertype()], p)]
    });
    check("PPPoE", 1, |p| {
        let proto = if p.src.is_ipv4() { 0x21 } else { 0x57 };
        let len = (p.ip().len() as u16 + 2).to_be_bytes();
        vec![tagged(&[&macs, &[0x88, 0x64, 0x11, 0, 0, 1], &len, &[0, proto]], p)]
    });
    check("PPPoE in a VLAN", 1, |p| {
        let proto = if p.src.is_ipv4() { 0x21 } else { 0x57 };
        vec![tagged(&[&macs, &[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, proto]], p)]
    });
    check("MPLS", 1, |p| vec![tagged(&[&macs, &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]], p)]);
}

#[test]
fn other_links() {
    for link in [12, 14, 101] {
        check("raw", link, |p| vec![p.ip()]);
    }
    check("SLL", 113, |p| vec![tagged(&[&[0, 0, 0, 1, 0, 6], &p.mac, &[0, 0], &p.ethertype()], p)]);
    check("SLL without a hardware address", 113, |p| {
        vec![tagged(&[&[0, 4, 2, 0xfe, 0, 0], &[0; 8], &p.ethertype()], p)]
    });
    check("SLL2", 276, |p| {
        let head = [0, 0, 0, 0, 0, 2, 0, 1, 0, 6];
        vec![tagged(&[&p.ethertype(), &head, &p.mac, &[0, 0]], p)]
    });
    check("loopback, little endian", 0, |p| {
        vec![tagged(&[&[if p.src.is_ipv4() { 2 } else { 30 }, 0, 0, 0]], p)]
    });
    check("loopback, big endian", 108, |p| {
        vec![tagged(&[&[0, 0, 0, if p.src.is_ipv4() { 2 } else { 24 }]], p)]
    });
    let ppp = |p: &Pkt| if p.src.is_ipv4() { 0x21 } else { 0x57 };
    check("PPP", 9, |p| vec![tagged(&[&[0xff, 3, 0, ppp(p)]], p)]);
    check("PPP, compressed", 9, |p| vec![tagged(&[&[ppp(p)]], p)]);
    check("PPP with a direction", 204, |p| vec![tagged(&[&[1, 0xff, 3, 0, ppp(p)]], p)]);
    check("PPPoE alone", 51, |p| vec![tagged(&[&[0x11, 0, 0, 1, 0, 0, 0, ppp(p)]], p)]);
    for little in [true, false] {
        check("NFLOG", 239, |p| {
            let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
            let fields =
                [short(5), short(10), [b'x', 0], [0, 0], short(4 + p.ip().len() as u16), short(9)];
            vec![tagged(&[&[2, 0, 0, 0], &fields.concat()], p)]
        });
    }
}

#[test]
fn hardware_addresses_are_told_where_the_link_has_them() {
    let packets = mail().packets;
    let sll = |p: &Pkt| tagged(&[&[0, 0, 0, 1, 0, 6], &p.mac, &[0, 0], &p.ethertype()], p);
    let (sessions, _) = read_all(&pcap(113, packets.iter().map(|p| (p.at, sll(p)))));
    assert_eq!(sessions[0].client_mac, Some([2, 0, 0, 0, 0, 1]));
    let (sessions, _) = read_all(&pcap(101, packets.iter().map(|p| (p.at, p.ip()))));
    assert_eq!(sessions[0].client_mac, None);
}

#[test]
fn options_and_extension_headers() {
    check("IPv4 options", 101, |p| {
        let mut ip = p.ip();
        if p.src.is_ipv4() {
            // Record route, 8 bytes.
            ip.splice(20..20, [7, 7, 4, 0, 0, 0, 0, 0]);
            ip[0] = 0x47;
            let total = ip.len() as u16;
            ip[2..4].copy_from_slice(&total.to_be_bytes());
        }
        vec![ip]
    });
    check("IPv6 extension headers", 101, |p| {
        let mut ip = p.ip();
        if p.src.is_ipv6() {
            let hop = [60, 0, 1, 4, 0, 0, 0, 0];
            let destination = [51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let authentication = [6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            ip.splice(40..40, [&hop[..], &destination, &authentication].concat());
            ip[6] = 0;
            let len = (ip.len() - 40) as u16;
            ip[4..6].copy_from_slice(&len.to_be_bytes());
        }
        vec![ip]
    });
    check("a length of zero, as segmentation offload leaves it", 101, |p| {
        let mut ip = p.ip();
        let at = if p.src.is_ipv4() { 2 } else { 4 };
        ip[at..at + 2].fill(0);
        vec![ip]
    });
}

#[test]
fn tunnels() {
    let outer = |p: &Pkt, v6: bool| {
        let (src, dst) = match v6 {
            false => ("203.0.113.1:0", "203.0.113.2:0"),
            true => ("[2001:db8:ff::1]:0", "[2001:db8:ff::2]:0"),
        };
        Pkt { src: src.parse().unwrap(), dst: dst.parse().unwrap(), ..p.clone() }
    };
    for v6 in [false, true] {
        check("IP in IP", 101, |p| {
            let protocol = if p.src.is_ipv4() { 4 } else { 41 };
            vec![outer(p, v6).ip_around(protocol, &p.ip())]
        });
        check("GRE with a key", 101, |p| {
            let gre = [&[0x20, 0][..], &p.ethertype(), &[0, 0, 0, 9], &p.ip()].concat();
            vec![outer(p, v6).ip_around(47, &gre)]
        });
    }
}

/// The packet's TCP segment in pieces of `size` bytes, in an order of its own.
fn fragments(p: &Pkt, size: usize, order: impl Fn(usize) -> usize) -> Vec<Vec<u8>> {
    let tcp = p.tcp();
    let id = p.seq.wrapping_mul(31) ^ p.ack.unwrap_or(0) ^ u32::from(p.src.port());
    let mut pieces: Vec<(usize, Vec<u8>)> = tcp
        .chunks(size)
        .enumerate()
        .map(|(index, chunk)| {
            let at = index * size;
            let more = at + chunk.len() < tcp.len();
            let ip = if p.src.is_ipv4() {
                let mut ip = p.ip_around(6, chunk);
                ip[4..6].copy_from_slice(&(id as u16).to_be_bytes());
                let place = (at / 8) as u16 | if more { 0x2000 } else { 0 };
                ip[6..8].copy_from_slice(&place.to_be_bytes());
                ip
            } else {
                let place = at as u16 | u16::from(more);
                let head = [&[6, 0][..], &place.to_be_bytes(), &id.to_be_bytes()].concat();
                p.ip_around(44, &[&head[..], chunk].concat())
            };
            (order(index), ip)
        })
        .collect();
    pieces.sort_by_key(|(place, _)| *place);
    pieces.into_iter().map(|(_, ip)| ip).collect()
}

#[test]
fn fragments_in_any_order() {
    check("forwards", 101, |p| fragments(p, 24, |i| i));
    check("backwards", 101, |p| fragments(p, 16, |i| 1000 - i));
    check("mixed", 101, |p| fragments(p, 8, |i| i * 7 % 5));
    check("each twice", 101, |p| {
        fragments(p, 24, |i| i).into_iter().flat_map(|f| [f.clone(), f]).collect()
    });
}

#[test]
fn a_missing_fragment_is_a_gap_and_nothing_worse() {
    let packets = mail().packets;
    let frames = packets.iter().flat_map(|p| {
        let mut pieces = fragments(p, 64, |i| i);
        if p.data.starts_with(b"From:") {
            pieces.remove(1);
        }
        pieces.into_iter().map(|f| (p.at, f))
    });
    let (sessions, _) = read_all(&pcap(101, frames));
    assert_eq!(sessions[0].dialogue.gaps, 1);
    assert_eq!(sessions[0].bytes, (195, 141));
}

#[test]
fn frames_of_an_unknown_link_are_told() {
    let (sessions, report) = read_all(&pcap(147, mail().packets.iter().map(|p| (p.at, p.ip()))));
    assert!(sessions.is_empty());
    assert_eq!(report.notes, ["19 frames of link type 147 were not looked into"]);
    assert_eq!(report.interfaces, ["link type 147"]);
}
