//! Requests of any bytes: a response is one for its request, reads back, is small over UDP, and is
//! never answered itself. The first byte chooses the transport.

#![no_main]

use domain::base::Message;
use domain::rdata::AllRecordData;
use heloscope_dnsbl::{
    Change, Code, NameServer, Outcome, Reason, Table, Transport, Value, ZoneConfig, Zones, answer,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static LIST: LazyLock<(Zones, Table)> = LazyLock::new(|| {
    let server = NameServer {
        name: "ns1.dns.bl.example".into(),
        addresses: vec!["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()],
    };
    let link = "https://example.org/lookup/{address}";
    let zones = Zones::new(&ZoneConfig::new("bl.example", vec![server], "dns@example.org", link)).unwrap();
    let table = Table::new();
    let long = Reason::new(&"seen from {address} ".repeat(20));
    let listed = |prefix: &str| Change {
        prefix: prefix.parse().unwrap(),
        value: Value::new([(Code::BOTS, long.clone()), (Code::TRAPS, Reason::new("A trap."))]),
    };
    table.apply(1, &[listed("192.0.2.0/24"), listed("1.2.3.4/32"), listed("2001:db8::/32")]).unwrap();
    (zones, table)
});

fuzz_target!(|input: &[u8]| {
    let (zones, table) = &*LIST;
    let Some((first, request)) = input.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Udp } else { Transport::Tcp };
    let mut out = Vec::new();
    let outcome = answer(zones, table, request, transport, &mut out);
    assert_eq!(outcome.responds(), !out.is_empty());
    if out.is_empty() {
        return;
    }
    let response = Message::from_octets(&out[..]).unwrap();
    assert_eq!(out[..2], request[..2]);
    assert!(response.header().qr() && request[2] & 0x80 == 0);
    if response.header_counts().qdcount() == 1 {
        response.sole_question().unwrap();
        let length = out[12..].iter().position(|byte| *byte == 0).unwrap() + 12 + 5;
        // Lengths and letters are never 0 before the end of a name, but labels may hold zeros.
        assert!(request.len() < length || out[12..length] == request[12..length]);
    }
    let mut end = 12;
    for section in [response.answer(), response.authority(), response.additional()] {
        let mut section = section.unwrap();
        for record in section.by_ref() {
            record.unwrap().to_record::<AllRecordData<_, _>>().unwrap().unwrap();
        }
        end = section.pos();
    }
    assert_eq!(end, out.len());
    assert!(transport == Transport::Tcp || out.len() <= 1232);
    let mut again = Vec::new();
    assert_eq!(answer(zones, table, &out, transport, &mut again), Outcome::Response);
});
