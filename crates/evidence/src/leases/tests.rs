//! Leases as the servers keep and log them.

use super::*;
use crate::stamp::Clock;
use proptest::prelude::*;

#[test]
fn dnsmasq_leases() {
    let text = b"1449248400 02:00:5E:00:53:01 192.168.1.23 laptop 01:02:00:5e:00:53:01\n0 02:00:5e:00:53:02 192.168.1.24 * *\nduid 00:01\n1449248400 1234 2001:db8::5 x 00:01\n";
    assert!(recognise(text));
    let found = read(text, SourceId(1), 10);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].mac, "02:00:5e:00:53:01");
    assert_eq!(found[0].name.as_deref(), Some("laptop"));
    assert_eq!(found[0].until.unwrap().rfc3339(), "2015-12-04T17:00:00Z");
    assert_eq!((found[1].name.as_deref(), found[1].until), (None, None));
    assert_eq!(found[1].place, Place::byte(SourceId(1), 10 + 70));
}

#[test]
fn isc_leases() {
    let text = b"# comment\nlease 192.168.1.23 {\n  starts 5 2015/12/04 13:00:00;\n  ends epoch 1449248400; # x\n  hardware ethernet 02:00:5e:00:53:01;\n  client-hostname \"laptop\";\n}\nlease 192.168.1.24 {\n  starts 5 2015/12/04 14:00:00;\n  ends never;\n  hardware ethernet 2:0:5e:0:53:2;\n";
    assert!(recognise(text));
    let found = read(text, SourceId(0), 0);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].from.unwrap().rfc3339(), "2015-12-04T13:00:00Z");
    assert_eq!(found[0].until.unwrap().rfc3339(), "2015-12-04T17:00:00Z");
    assert_eq!(found[0].name.as_deref(), Some("laptop"));
    assert_eq!((found[1].mac.as_str(), found[1].until), ("02:00:5e:00:53:02", None));
}

#[test]
fn acks() {
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    let place = Place::byte(SourceId(0), 0);
    let one = ack(
        b"Dec  4 14:30:00 gw dnsmasq-dhcp[5]: DHCPACK(eth1) 192.168.1.2 02:00:00:00:00:01 laptop",
        place,
        &mut clock,
    )
    .unwrap();
    let two = ack(b"Dec  4 14:30:00 gw dhcpd[5]: DHCPACK on 192.168.1.2 to 02:00:00:00:00:01 (laptop) via eth1", place, &mut clock).unwrap();
    assert_eq!(one, two);
    let kea = b"2015-12-04 14:30:00.000 INFO  [kea-dhcp4.leases/7.1] DHCP4_LEASE_ALLOC [hwtype=1 02:00:00:00:00:01], cid=[no info], tid=0x1: lease 192.168.1.2 has been allocated for 3600 seconds";
    assert!(is_ack(kea));
    let kea = ack(kea, place, &mut clock).unwrap();
    assert_eq!((kea.ip, &kea.mac, kea.from), (one.ip, &one.mac, one.from));
    assert_eq!(kea.until.unwrap().rfc3339(), "2015-12-04T15:30:00Z");
    assert_eq!(one.from.unwrap().rfc3339(), "2015-12-04T14:30:00Z");
}

#[test]
fn isc_blocks_of_one_address() {
    let block = |mac: &str, starts: &str, ends: &str, state: &str| {
        format!(
            "lease 192.168.1.23 {{\n  starts 5 2015/12/04 {starts};\n  ends 5 2015/12/04 {ends};\n  cltt 5 2015/12/04 {starts};\n  binding state {state};\n  next binding state free;\n  hardware ethernet {mac};\n  uid \"\\001\\002\";\n  set vendor-class-identifier = \"MSFT 5.0\";\n  on expiry or release {{\n    set x = \"}}\";\n  }}\n  client-hostname \"pc\";\n}}\n"
        )
    };
    let (one, two) = ("02:00:5e:00:53:01", "02:00:5e:00:53:02");
    let text = [
        "# This lease file was written by isc-dhcp-4.4.3-P1\nauthoring-byte-order little-endian;\nserver-duid \"\\000\\001\";\n".to_owned(),
        block(one, "13:00:00", "15:00:00", "active"),
        // Released early, then given to another, who renews.
        block(one, "13:00:00", "13:30:00", "free"),
        block(two, "13:40:00", "15:40:00", "active"),
        block(two, "14:40:00", "16:40:00", "active"),
        block("02:00:5e:00:53:03", "17:00:00", "18:00:00", "abandoned"),
    ]
    .concat();
    assert!(recognise(text.as_bytes()));
    let shown: Vec<String> = read(text.as_bytes(), SourceId(0), 0)
        .iter()
        .map(|l| {
            format!(
                "{} {} {} {}",
                l.mac,
                l.name.as_deref().unwrap(),
                l.from.unwrap(),
                l.until.unwrap()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "02:00:5e:00:53:01 pc 2015-12-04T13:00:00Z 2015-12-04T13:30:00Z",
            "02:00:5e:00:53:02 pc 2015-12-04T13:40:00Z 2015-12-04T14:40:00Z",
            "02:00:5e:00:53:02 pc 2015-12-04T14:40:00Z 2015-12-04T16:40:00Z",
        ]
    );
}

#[test]
fn isc_leases_of_ipv6() {
    let text = b"ia-na \"\\001\\002\\003\\004\\000\\001\\000\\001\\036\\000\\000\\000\\002\\000^\\000S\\027\" {\n  cltt 5 2015/12/04 13:00:00;\n  iaaddr 2001:db8::23 {\n    binding state active;\n    preferred-life 375;\n    max-life 600;\n    ends 5 2015/12/04 14:00:00;\n  }\n}\n";
    assert!(recognise(text));
    let found = read(text, SourceId(0), 0);
    assert_eq!(
        (found[0].ip.to_string(), found[0].mac.as_str()),
        ("2001:db8::23".into(), "02:00:5e:00:53:17")
    );
}

#[test]
fn kea_leases() {
    let text = b"address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n\
192.168.1.23,02:00:5e:00:53:01,01:02:00:5e:00:53:01,3600,1449239400,1,0,0,laptop.example.org.,0,,0\n\
192.168.1.24,,,86400,1449239400,1,0,0,,1,,0\n\
192.168.1.23,02:00:5e:00:53:02,,3600,1449241200,1,0,0,,0,,0\n";
    assert!(recognise(text));
    let found = read(text, SourceId(0), 0);
    let shown: Vec<String> = found
        .iter()
        .map(|l| format!("{} {:?} {} {}", l.mac, l.name, l.from.unwrap(), l.until.unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            "02:00:5e:00:53:01 Some(\"laptop.example.org\") 2015-12-04T13:30:00Z 2015-12-04T14:00:00Z",
            "02:00:5e:00:53:02 None 2015-12-04T14:00:00Z 2015-12-04T15:00:00Z",
        ]
    );
    let six = b"address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n\
2001:db8::23,00:01,3600,1449239400,1,3000,0,7,128,0,0,,02:00:5e:00:53:01,0,,1,0,0\n";
    assert_eq!(read(six, SourceId(0), 0)[0].mac, "02:00:5e:00:53:01");
}

#[test]
fn a_router_without_a_clock() {
    let found = read(b"43200 02:00:5e:00:53:01 192.168.1.23 laptop *\n", SourceId(0), 0);
    assert_eq!((found.len(), found[0].until), (1, None));
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut all = b"lease 192.168.1.23 {\n".to_vec();
        all.extend(text.bytes());
        all.extend(bytes);
        read(&all, SourceId(0), 0);
        recognise(&all);
        let mut csv = b"address,hwaddr,client_id,valid_lifetime,expire,hostname,state\n192.168.1.23,02:00:00:00:00:01,,".to_vec();
        csv.extend(text.bytes());
        read(&csv, SourceId(0), 0);
        ack(&all, Place::whole(SourceId(0)), &mut Clock::new(jiff::tz::TimeZone::UTC, 2015));
    }
}
