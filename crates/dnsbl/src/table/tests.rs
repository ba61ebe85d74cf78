//! The table against a list searched from end to end, its order, its serial, and readers beside a
//! writer.

use super::*;
use crate::change::{Code, Reason};
use proptest::prelude::*;

fn value(octet: u8, reason: &str) -> Option<Value> {
    Value::new([(Code::new(octet).unwrap(), Reason::new(reason))])
}

fn change(prefix: &str, value: Option<Value>) -> Change {
    Change { prefix: prefix.parse().unwrap(), value }
}

fn ask(table: &Table, address: &str) -> Option<String> {
    let value = table.get(address.parse().unwrap())?;
    value.listed().next().map(|(_, reason)| reason.template().to_owned())
}

#[test]
fn the_longest_prefix_wins_and_comes_back_when_it_goes() {
    let table = Table::new();
    let lists = [
        change("192.0.2.0/24", value(4, "wide")),
        change("192.0.2.7/32", value(3, "one")),
        change("2001:db8::/64", value(4, "net")),
    ];
    table.apply(1, &lists).unwrap();
    assert_eq!(ask(&table, "192.0.2.7").as_deref(), Some("one"));
    assert_eq!(ask(&table, "192.0.2.8").as_deref(), Some("wide"));
    assert_eq!(ask(&table, "192.0.3.0"), None);
    assert_eq!(ask(&table, "2001:db8::1").as_deref(), Some("net"));
    assert_eq!(ask(&table, "2001:db8:0:1::1"), None);
    table.apply(2, &[change("192.0.2.7/32", None)]).unwrap();
    assert_eq!(ask(&table, "192.0.2.7").as_deref(), Some("wide"));
    assert_eq!(table.len(), 2);
}

#[test]
fn an_older_generation_is_refused_and_changes_nothing() {
    let table = Table::new();
    table.apply(5, &[change("192.0.2.1/32", value(4, "new"))]).unwrap();
    let refused = table.apply(4, &[change("192.0.2.1/32", None)]);
    assert_eq!(refused, Err(Stale { given: 4, applied: 5 }));
    assert!(ask(&table, "192.0.2.1").is_some());
    table.apply(5, &[change("192.0.2.1/32", None)]).unwrap();
    assert_eq!((ask(&table, "192.0.2.1"), table.generation()), (None, 5));
}

#[test]
fn bits_behind_the_length_do_not_count() {
    let table = Table::new();
    table.apply(1, &[change("192.0.2.77/24", value(4, "net"))]).unwrap();
    assert!(ask(&table, "192.0.2.1").is_some());
    table.apply(2, &[change("192.0.2.0/24", None)]).unwrap();
    assert!(table.is_empty());
}

#[test]
fn the_serial_moves_with_changes_at_most_once_a_second_and_never_back() {
    let table = Table::new();
    assert_eq!(table.publish(1000), 1000);
    assert_eq!(table.publish(1005), 1000, "nothing was applied");
    table.apply(1, &[]).unwrap();
    assert_eq!(table.publish(1006), 1006);
    table.apply(2, &[]).unwrap();
    assert_eq!(table.publish(1006), 1006, "the same second");
    assert_eq!(table.publish(1007), 1007, "what was held back");
    table.apply(3, &[]).unwrap();
    assert_eq!(table.publish(500), 1008, "the clock went back");
    assert_eq!(table.serial(), 1008);
}

#[test]
fn equal_values_are_held_once() {
    let table = Table::new();
    for i in 0..5000u32 {
        let prefix = IpNet::from(IpAddr::from(Ipv4Addr::from_bits(i)));
        table.apply(1, &[Change { prefix, value: value(4, "the same") }]).unwrap();
    }
    assert_eq!(table.known().values.len(), 1);
    // Values that are gone are forgotten.
    for i in 0..5000u32 {
        let unique = value(4, &format!("number {i}"));
        table.apply(1, &[change("192.0.2.1/32", unique)]).unwrap();
    }
    assert!(table.known().values.len() < 2000);
}

/// A reader beside the writer: it sees every state in order, never none and never an older one.
#[test]
fn a_reader_sees_the_states_of_an_address_in_their_order() {
    let table = Table::new();
    table.apply(0, &[change("192.0.2.1/32", value(4, "0"))]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 1..3000u32 {
                let rest = (0..70).map(|n| change(&format!("10.0.0.{n}/32"), value(3, "other")));
                let changes: Vec<_> =
                    rest.chain([change("192.0.2.1/32", value(4, &i.to_string()))]).collect();
                table.apply(i.into(), &changes).unwrap();
            }
        });
        let mut last = 0;
        while last < 2999 {
            let (generation, seen) = (table.generation(), ask(&table, "192.0.2.1").unwrap());
            let seen: u64 = seen.parse().unwrap();
            assert!(seen >= last, "{seen} after {last}");
            assert!(seen >= generation, "what is applied is answered");
            last = seen;
        }
    });
}

proptest! {
    /// Any changes: the table answers as a list searched from end to end does.
    #[test]
    fn as_a_list_searched_from_end_to_end(
        changes in prop::collection::vec((0u32..64, 24u8..=32, 0u8..3), 0..80),
    ) {
        let table = Table::new();
        let mut list: Vec<(Ipv4Net, u8)> = Vec::new();
        for (bits, length, octet) in changes {
            let net = Ipv4Net::new(Ipv4Addr::from_bits(0x0a00_0000 | bits << 3), length).unwrap().trunc();
            list.retain(|(other, _)| *other != net);
            if octet > 0 {
                list.push((net, octet + 2));
            }
            let change = Change { prefix: net.into(), value: (octet > 0).then(|| value(octet + 2, "")).flatten() };
            table.apply(1, &[change]).unwrap();
        }
        for bits in 0..600 {
            let address = Ipv4Addr::from_bits(0x0a00_0000 | bits);
            let longest = list.iter().filter(|(net, _)| net.contains(&address)).max_by_key(|(net, _)| net.prefix_len());
            let got = table.get(address.into()).map(|v| v.listed().map(|(c, _)| c.octet()).collect::<Vec<_>>());
            prop_assert_eq!(got, longest.map(|(_, octet)| vec![*octet]));
        }
        for length in [8, 16, 24, 28] {
            for octet in [3, 4] {
                let net = Ipv4Net::new(Ipv4Addr::from_bits(0x0a00_0000), length).unwrap();
                let codes: Codes = Code::new(octet).into_iter().collect();
                let around = list.iter().filter(|(n, _)| n.contains(&net)).max_by_key(|(n, _)| n.prefix_len());
                let any = around.is_some_and(|(_, o)| *o == octet)
                    || list.iter().any(|(n, o)| net.contains(n) && *o == octet);
                prop_assert_eq!(table.any_below(net.into(), codes), any);
            }
        }
    }
}
