//! A mirror: the exported files in a real rbldnsd, whose answers must be ours; and what differs, which
//! must differ as documented.

use crate::asking::{Ask, code};
use crate::world::{APEX, Child, listing, own_address, program, zones};
use domain::base::Message;
use domain::base::iana::{Rcode, Rtype};
use domain::rdata::AllRecordData;
use heloscope_dnsbl::{Change, Table, Transport, answer, rbldnsd};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A small generator (xorshift): the same addresses each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Listings crowded into few nets, so that prefixes nest; with reasons that test quoting.
fn changes(dice: &mut Dice) -> Vec<Change> {
    let reasons =
        ["A bot.", "costs $5 at {address}", "it said \"hello\\\" #1; ok", "$= $1 %", ": !"];
    let mut changes = Vec::new();
    for _ in 0..600 {
        let reason = reasons[dice.throw(5) as usize];
        let codes: &[(u8, &str)] = match dice.throw(3) {
            0 => &[(3, reason)],
            1 => &[(4, reason)],
            _ => &[(3, "A trap."), (4, reason)],
        };
        let v4 = Ipv4Addr::from_bits(0x0a00_0000 | dice.throw(1 << 12) as u32);
        changes.push(listing(&format!("{v4}/{}", 20 + dice.throw(13)), codes));
        let v6 = (0x2001_0db8_u128 << 96) | u128::from(dice.throw(1 << 12)) << (4 * dice.throw(20));
        changes
            .push(listing(&format!("{}/{}", Ipv6Addr::from_bits(v6), 32 + dice.throw(97)), codes));
    }
    changes.push(listing("192.0.0.0/9", &[(4, "Wide.")]));
    changes.push(listing("192.0.2.0/24", &[(3, "Within.")]));
    changes.push(listing("126.255.255.255/32", &[(3, "An edge.")]));
    changes.push(listing("0.0.0.0/32", &[(3, "The first.")]));
    changes.push(listing("255.255.255.255/32", &[(4, "The last.")]));
    changes
}

fn reversed(address: IpAddr, zone: &str) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            format!("{:032x}", v6.to_bits()).chars().rev().map(String::from).collect()
        }
    };
    format!("{}.{zone}", labels.join("."))
}

/// Code, and the answer section without order.
fn reduced(response: &[u8]) -> (Rcode, Vec<String>) {
    let message = Message::from_octets(response).unwrap();
    let mut records: Vec<String> = message
        .answer()
        .unwrap()
        .map(|record| {
            let record = record.unwrap().to_record::<AllRecordData<_, _>>().unwrap().unwrap();
            format!("{} {} {}", record.ttl().as_secs(), record.rtype(), record.data())
        })
        .collect();
    records.sort();
    (message.header().rcode(), records)
}

fn start(folder: &Path, arguments: &[String]) -> Option<(Child, SocketAddr)> {
    let rbldnsd = program("rbldnsd")?;
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    let server = own_address();
    let mut command = Command::new(rbldnsd);
    command.arg("-n").args(["-b", &format!("{}/{}", server.ip(), server.port())]);
    command.arg("-w").arg(folder).args(arguments).stdout(Stdio::null());
    Some((Child(command.spawn().unwrap()), server))
}

fn ask(socket: &UdpSocket, server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut response = [0; 4096];
    for _ in 0..200 {
        socket.send_to(request, server).unwrap();
        if let Ok((length, _)) = socket.recv_from(&mut response)
            && response[..2] == request[..2]
        {
            return response[..length].to_vec();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("rbldnsd does not answer");
}

#[test]
fn rbldnsd_answers_from_our_files_as_we_do() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (zones, table) = (zones(), Table::new());
    let changes = changes(&mut dice);
    table.apply(1, &changes).unwrap();
    table.publish(1_700_000_000);
    let folder = tempfile::tempdir().unwrap();
    let exported = rbldnsd(folder.path(), &zones, &table).unwrap();
    assert_eq!(exported.serial, 1_700_000_000);
    let Some((_child, server)) = start(folder.path(), &exported.arguments) else { return };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();

    let mut addresses: Vec<IpAddr> = Vec::new();
    for change in &changes {
        // Both ends of each prefix and their neighbours.
        let (first, last) = (change.prefix.network(), change.prefix.broadcast());
        addresses.extend([first, last]);
        if let (IpAddr::V4(first), IpAddr::V4(last)) = (first, last) {
            addresses.push(Ipv4Addr::from_bits(first.to_bits().wrapping_sub(1)).into());
            addresses.push(Ipv4Addr::from_bits(last.to_bits().wrapping_add(1)).into());
        }
    }
    for _ in 0..4000 {
        addresses.push(Ipv4Addr::from_bits(0x0a00_0000 | dice.throw(1 << 13) as u32).into());
        addresses.push(Ipv4Addr::from_bits(dice.throw(1 << 32) as u32).into());
        let low = u128::from(dice.throw(1 << 12)) << (4 * dice.throw(20));
        addresses.push(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | low).into());
    }
    addresses.extend((0..8).map(|n| IpAddr::from([127, 0, 0, n])));
    addresses.extend((0..8).map(|n| IpAddr::V6(Ipv4Addr::new(127, 0, 0, n).to_ipv6_mapped())));

    let mut listed = 0;
    let mut out = Vec::new();
    for (id, address) in addresses.iter().enumerate() {
        let zone = [APEX, "bots.bl.example.org", "traps.bl.example.org"][dice.throw(3) as usize];
        let name = reversed(*address, zone);
        for rtype in [Rtype::A, Rtype::TXT] {
            let request = Ask::new(&name, rtype).bytes(id as u16);
            answer(&zones, &table, &request, Transport::Tcp, &mut out);
            let (ours, theirs) = (reduced(&out), reduced(&ask(&socket, server, &request)));
            // The first nibbles of an IPv6 address may be an IPv4 address: between, for us.
            if ours == (Rcode::NOERROR, vec![]) {
                assert_eq!(theirs, (Rcode::NXDOMAIN, vec![]), "{name}");
                continue;
            }
            let plain = |(code, lines): (Rcode, Vec<String>)| {
                (code, lines.iter().map(|line| plain(line)).collect::<Vec<_>>())
            };
            let (ours, theirs): (_, (Rcode, Vec<String>)) = (plain(ours), plain(theirs));
            if address.to_string().starts_with("::ffff:") {
                // It writes the IPv4 address alone.
                let short =
                    |lines: Vec<String>| lines.iter().map(|l| l.replace("::ffff:", "")).collect();
                assert_eq!((ours.0, short(ours.1)), theirs);
                continue;
            }
            assert_eq!(ours, theirs, "{name} {rtype}");
            listed += usize::from(theirs.0 == Rcode::NOERROR);
        }
    }
    assert!(listed > 4000 && listed < addresses.len(), "{listed} of {} listed", addresses.len());
    let own = "ns1.dns.bl.example.org";
    for (name, rtype) in [(APEX, Rtype::SOA), (APEX, Rtype::NS), (own, Rtype::A)] {
        let request = Ask::new(name, rtype).bytes(1);
        answer(&zones, &table, &request, Transport::Udp, &mut out);
        assert_eq!(reduced(&out), reduced(&ask(&socket, server, &request)));
    }
}

/// IPv6 addresses may be written in several ways: in the link, as the standard library does.
fn plain(line: &str) -> String {
    let Some((before, address)) = line.trim_end_matches('"').rsplit_once("/lookup/") else {
        return line.to_owned();
    };
    format!("{before}/lookup/{}", address.parse::<IpAddr>().unwrap())
}

#[test]
fn names_between_exist_for_us_alone() {
    let (zones, table) = (zones(), Table::new());
    table.apply(1, &[listing("192.0.2.99/32", &[(4, "A bot.")])]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let exported = rbldnsd(folder.path(), &zones, &table).unwrap();
    let Some((_child, server)) = start(folder.path(), &exported.arguments) else { return };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut out = Vec::new();
    for name in ["2.0.192.bl.example.org", "192.bl.example.org", "127.bl.example.org"] {
        let request = Ask::new(name, Rtype::A).bytes(1);
        answer(&zones, &table, &request, Transport::Udp, &mut out);
        assert_eq!(code(&out), Rcode::NOERROR);
        assert_eq!(code(&ask(&socket, server, &request)), Rcode::NXDOMAIN);
    }
}

/// A table gone mad: neither of us lists 127.0.0.1 nor its IPv6 form (RFC 5782 section 5).
#[test]
fn loopback_is_listed_nowhere_though_everything_is() {
    let (zones, table) = (zones(), Table::new());
    let all = ["0.0.0.0/0", "127.0.0.1/32", "::/0", "::ffff:127.0.0.1/128"];
    table.apply(1, &all.map(|prefix| listing(prefix, &[(4, "Everything.")]))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let exported = rbldnsd(folder.path(), &zones, &table).unwrap();
    let Some((_child, server)) = start(folder.path(), &exported.arguments) else { return };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut out = Vec::new();
    let cases = [
        ("127.0.0.1", Rcode::NXDOMAIN),
        ("127.255.255.255", Rcode::NXDOMAIN),
        ("::ffff:127.0.0.1", Rcode::NXDOMAIN),
        ("127.0.0.4", Rcode::NOERROR),
        ("::ffff:127.0.0.2", Rcode::NOERROR),
        ("126.255.255.255", Rcode::NOERROR),
        ("128.0.0.0", Rcode::NOERROR),
        ("::ffff:126.1.1.1", Rcode::NOERROR),
        ("2001:db8::1", Rcode::NOERROR),
    ];
    for (address, expected) in cases {
        let request = Ask::new(&reversed(address.parse().unwrap(), APEX), Rtype::A).bytes(1);
        answer(&zones, &table, &request, Transport::Udp, &mut out);
        assert_eq!(code(&out), expected, "{address}");
        assert_eq!(code(&ask(&socket, server, &request)), expected, "{address} at rbldnsd");
    }
}

#[test]
fn files_are_replaced_whole_and_a_failure_leaves_the_old_ones() {
    let (zones, table) = (zones(), Table::new());
    table.apply(1, &[listing("192.0.2.99/32", &[(4, "A bot.")])]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let exported = rbldnsd(folder.path(), &zones, &table).unwrap();
    let names: Vec<_> =
        exported.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["bots.ip4", "bots.ip6", "traps.ip4", "traps.ip6", "hosts"]);
    assert_eq!(exported.listings, 1);
    let before = std::fs::read_to_string(folder.path().join("bots.ip4")).unwrap();
    assert!(
        before.contains("192.0.2.99 :127.0.0.4:A bot. https://example.org/lookup/$\n"),
        "{before}"
    );
    // A folder in the way of the new file: it cannot be written.
    std::fs::create_dir(folder.path().join("bots.ip4.new")).unwrap();
    table.apply(2, &[Change { prefix: "192.0.2.99/32".parse().unwrap(), value: None }]).unwrap();
    let error = rbldnsd(folder.path(), &zones, &table).unwrap_err().to_string();
    assert!(error.contains("bots.ip4"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("bots.ip4")).unwrap(), before);
    std::fs::remove_dir(folder.path().join("bots.ip4.new")).unwrap();
    rbldnsd(folder.path(), &zones, &table).unwrap();
    let after = std::fs::read_to_string(folder.path().join("bots.ip4")).unwrap();
    assert!(!after.contains("192.0.2.99"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5, "nothing else is left");
}
