//! nf_conntrack's messages (linux/netfilter/nfnetlink_conntrack.h) -> flows. Bytes that are cut short, nested wrongly
//! or speak of anything but TCP give none. Pure.

use crate::netlink::{attribute, messages};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The subsystem's "new" message: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW.
const CT_NEW: u16 = 1 << 8;
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const TUPLE_IP: u16 = 1;
const TUPLE_PROTO: u16 = 2;
const TCP: u8 = 6;

/// From where to where, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) original: (SocketAddr, SocketAddr),
    pub(super) reply: (SocketAddr, SocketAddr),
}

/// The flows of one datagram.
pub(super) fn flows(datagram: &[u8]) -> Vec<Flow> {
    let new = messages(datagram).filter(|(kind, _)| *kind == CT_NEW);
    new.filter_map(|(_, attributes)| flow(attributes)).collect()
}

fn flow(attributes: &[u8]) -> Option<Flow> {
    let tuple = |kind| attribute(attributes, kind).and_then(ends);
    Some(Flow { original: tuple(TUPLE_ORIG)?, reply: tuple(TUPLE_REPLY)? })
}

fn ends(tuple: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (ip, proto) = (attribute(tuple, TUPLE_IP)?, attribute(tuple, TUPLE_PROTO)?);
    let address = |four: u16, six: u16| -> Option<IpAddr> {
        if let Some(bytes) = attribute(ip, four) {
            return Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into());
        }
        Some(Ipv6Addr::from(<[u8; 16]>::try_from(attribute(ip, six)?).ok()?).into())
    };
    let port = |kind| {
        let bytes = attribute(proto, kind)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    };
    if attribute(proto, 1)? != [TCP] {
        return None;
    }
    Some((SocketAddr::new(address(1, 3)?, port(2)?), SocketAddr::new(address(2, 4)?, port(3)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::put;
    use proptest::prelude::*;

    fn tuple(kind: u16, from: ([u8; 4], u16), to: ([u8; 4], u16), proto: u8) -> Vec<u8> {
        let ip = [put(1, &from.0), put(2, &to.0)].concat();
        let ports = [put(1, &[proto]), put(2, &from.1.to_be_bytes()), put(3, &to.1.to_be_bytes())];
        let inner = [put(0x8001, &ip), put(0x8002, &ports.concat())].concat();
        put(0x8000 | kind, &inner)
    }

    fn message(proto: u8) -> Vec<u8> {
        let (inside, server, outside) =
            (([192, 168, 1, 23], 50_001), ([192, 0, 2, 25], 25), ([198, 51, 100, 7], 61_000));
        let body = [tuple(1, inside, server, proto), tuple(2, server, outside, proto)].concat();
        crate::netlink::message(CT_NEW, 0, 0, &body)
    }

    #[test]
    fn inside_and_outside_of_a_translated_flow() {
        let two = [message(6), message(17), message(6)].concat();
        let [one, _] = flows(&two)[..] else { panic!() };
        assert_eq!(one.original.0, "192.168.1.23:50001".parse().unwrap());
        assert_eq!(one.original.1, "192.0.2.25:25".parse().unwrap());
        assert_eq!(one.reply.1, "198.51.100.7:61000".parse().unwrap());
    }

    proptest! {
        #[test]
        fn never_panics(at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200) {
            let mut bytes = message(6);
            if let Some(b) = bytes.get_mut(at) { *b = byte; }
            bytes.truncate(cut.max(1));
            let _ = flows(&bytes);
        }
    }
}
