//! Any bytes and any question: nothing panics, every response is one for its request, and small.

use crate::asking::Ask;
use crate::world::{listing, zones};
use domain::base::Message;
use domain::base::iana::{Class, Opcode, Rtype};
use domain::base::name::ToLabelIter;
use domain::rdata::AllRecordData;
use heloscope_dnsbl::{Outcome, Table, Transport, answer};
use proptest::prelude::*;

fn table() -> Table {
    let table = Table::new();
    let changes = [
        listing("192.0.2.0/24", &[(3, "A net."), (4, "{address} as a bot.")]),
        listing("10.1.2.3/32", &[(4, "One.")]),
        listing("2001:db8::/32", &[(4, "IPv6."), (3, "A longer sentence about {address}.")]),
    ];
    table.apply(1, &changes).unwrap();
    table
}

/// What must hold of every answer.
fn check(request: &[u8], transport: Transport) -> Outcome {
    let mut out = vec![1, 2, 3];
    let outcome = answer(&zones(), &table(), request, transport, &mut out);
    assert_eq!(outcome.responds(), !out.is_empty());
    if out.is_empty() {
        assert!(request.len() < 12 || request[2] & 0x80 != 0);
        return outcome;
    }
    assert!(request[2] & 0x80 == 0, "a response was answered");
    let response = Message::from_octets(&out[..]).unwrap();
    assert!(response.header().qr());
    assert_eq!(out[..2], request[..2], "the id");
    assert_eq!(out[2] & 0x79, request[2] & 0x79, "opcode and RD");
    let question = usize::from(response.header_counts().qdcount());
    assert!(question <= 1);
    if question == 1 {
        let name = usize::from(response.sole_question().unwrap().qname().compose_len());
        let length = 12 + name + 4;
        assert_eq!(out[12..length], request[12..length], "the question, byte for byte");
    }
    let mut end = 12;
    for section in [response.answer(), response.authority(), response.additional()] {
        let mut section = section.unwrap();
        for record in section.by_ref() {
            record.unwrap().to_record::<AllRecordData<_, _>>().unwrap().unwrap();
        }
        end = section.pos();
    }
    assert_eq!(end, out.len(), "nothing behind the last record");
    if transport == Transport::Udp {
        let opt = Message::from_octets(request).unwrap().opt();
        let limit = opt.map_or(512, |opt| usize::from(opt.udp_payload_size()).clamp(512, 1232));
        assert!(out.len() <= limit || outcome == Outcome::Truncated);
        assert!(out.len() <= 1232);
    }
    outcome
}

fn a_name() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        4 => "[0-9]{1,3}",
        4 => "[0-9a-fA-F]",
        1 => "[a-zA-Z0-9_-]{1,63}",
    ];
    let apex = prop_oneof![
        8 => Just("bl.example.org"),
        2 => Just("bots.BL.example.org"),
        1 => Just("dns.bl.example.org"),
        1 => Just("example.org"),
    ];
    (prop::collection::vec(label, 0..36), apex)
        .prop_map(|(labels, apex)| {
            labels.iter().map(String::as_str).chain([apex]).collect::<Vec<_>>().join(".")
        })
        .prop_filter("short enough", |name| name.len() < 250)
}

prop_compose! {
    fn an_ask()(
        name in a_name(),
        rtype in prop_oneof![Just(1u16), Just(16), Just(255), Just(6), Just(2), any::<u16>()],
        class in prop_oneof![9 => Just(1u16), 1 => any::<u16>()],
        opcode in prop_oneof![9 => Just(0u8), 1 => 0u8..16],
        recursion: bool,
        size in prop::option::of(any::<u16>()),
        version in prop_oneof![9 => Just(0u8), 1 => any::<u8>()],
        dnssec_ok: bool,
    ) -> Ask {
        Ask {
            recursion, size, version, dnssec_ok,
            class: Class::from_int(class),
            opcode: Opcode::from_int(opcode),
            ..Ask::new(&name, Rtype::from_int(rtype))
        }
    }
}

fn a_transport() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), transport in a_transport()) {
        check(&bytes, transport);
    }

    #[test]
    fn never_panics_behind_a_header(bytes in prop::collection::vec(any::<u8>(), 0..100), counts in any::<[bool; 4]>(), transport in a_transport()) {
        let mut request = vec![0x12, 0x34, 0, 0];
        for count in counts {
            request.extend([0, u8::from(count)]);
        }
        request.extend(bytes);
        check(&request, transport);
    }

    #[test]
    fn every_question_gets_an_answer_of_its_own(ask in an_ask(), id: u16, transport in a_transport()) {
        let request = ask.bytes(id);
        prop_assert!(check(&request, transport).responds());
        // A response sent back is never answered.
        let mut response = Vec::new();
        answer(&zones(), &table(), &request, transport, &mut response);
        prop_assert_eq!(check(&response, transport), Outcome::Response);
    }

    #[test]
    fn never_panics_on_a_question_bent(ask in an_ask(), bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(), transport in a_transport()) {
        let mut request = ask.bytes(7);
        for (place, byte) in bends {
            let place = place.index(request.len());
            request[place] = byte;
        }
        check(&request, transport);
        request.truncate(cut.index(request.len() + 1));
        check(&request, transport);
    }
}

#[test]
fn the_longest_name_is_answered() {
    let labels = vec!["a".repeat(62); 3].join(".");
    let name = format!("{labels}.{}.bl.example.org", "b".repeat(253 - 15 - labels.len() - 1));
    assert_eq!(name.len(), 253);
    let request = Ask::new(&name, Rtype::A).bytes(1);
    assert_eq!(check(&request, Transport::Udp), Outcome::NotListed);
}
