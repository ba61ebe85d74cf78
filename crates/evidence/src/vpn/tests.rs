//! What `wg` and OpenVPN print, and what their logs say.

use super::*;
use heloscope_model::Time;
use proptest::prelude::*;

fn clock() -> Clock {
    Clock::new(jiff::tz::TimeZone::UTC, 2026)
}

fn show(clients: &[VpnClient]) -> Vec<String> {
    let shown = |c: &VpnClient| {
        format!(
            "{} {} {} {:?} {}",
            c.interface.as_deref().unwrap_or("-"),
            c.name,
            c.endpoint.map_or("-".to_owned(), |ip| ip.to_string()),
            c.inside.iter().map(ToString::to_string).collect::<Vec<_>>(),
            c.seen.map_or("-".to_owned(), Time::rfc3339)
        )
    };
    clients.iter().map(shown).collect()
}

fn text(text: &str, command: Option<&str>) -> Vec<String> {
    assert!(recognise(text.as_bytes()), "{text}");
    show(&read(text.as_bytes(), SourceId(0), 0, command, &mut clock()))
}

#[test]
fn wg_show() {
    let shown = "interface: wg0
  public key: NnqduH6YfL7pCW5zWQ4PxEYK5mZdAWLzPJn/Tx7AnEs=
  private key: (hidden)
  listening port: 51820

peer: goNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc=
  endpoint: 192.0.2.9:5000
  allowed ips: 10.8.0.2/32, fd00::2/128
  latest handshake: 1 minute, 3 seconds ago
  transfer: 0 B received, 148 B sent

peer: tgCJjUP+qbpVxZBI7HH7vv0KMc8g1LLaDq3FXnIly3I=
  preshared key: (hidden)
  allowed ips: 10.8.0.3/32, 192.168.7.0/24

interface: wg1
  public key: NnqduH6YfL7pCW5zWQ4PxEYK5mZdAWLzPJn/Tx7AnEs=

peer: zzCJjUP+qbpVxZBI7HH7vv0KMc8g1LLaDq3FXnIly3I=
  endpoint: [2001:db8::9]:51820
  allowed ips: 0.0.0.0/0, ::/0
";
    assert_eq!(
        text(shown, None),
        [
            "wg0 goNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc= 192.0.2.9 [\"10.8.0.2/32\", \"fd00::2/128\"] -",
            "wg0 tgCJjUP+qbpVxZBI7HH7vv0KMc8g1LLaDq3FXnIly3I= - [\"10.8.0.3/32\", \"192.168.7.0/24\"] -",
        ],
        "the third is the tunnel this host itself uses"
    );
}

#[test]
fn wg_dump_and_settings() {
    let peer = "goNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc=\t(none)\t192.0.2.9:5000\t10.8.0.2/32,fd00::2/128\t1449239400\t0\t148\t25\n";
    let want = "wg0 goNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc= 192.0.2.9 [\"10.8.0.2/32\", \"fd00::2/128\"] 2015-12-04T14:30:00Z";
    let key = "+PYDOdZq80Lve9LG9nFgovEOOKWobo0g06fyahTtMn8=";
    assert_eq!(text(&format!("wg0\t{key}\t{key}\t51820\toff\nwg0\t{peer}"), None), [want]);
    assert_eq!(
        text(&format!("{key}\t{key}\t51820\toff\n{peer}"), Some("sudo wg show wg0 dump")),
        [want]
    );
    let conf = "[Interface]\nListenPort = 51820\nPrivateKey = x\n\n# anna\n[Peer]\nPublicKey = goNh=\nAllowedIPs = 10.8.0.2/32\nAllowedIPs = 10.8.0.9\n";
    assert_eq!(
        text(conf, Some("cat /etc/wireguard/wg0.conf")),
        ["wg0 goNh= - [\"10.8.0.2/32\", \"10.8.0.9/32\"] -"]
    );
}

#[test]
fn handshakes_told_apart() {
    let key = "goNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc=";
    let other = "tgCJjUP+qbpVxZBI7HH7vv0KMc8g1LLaDq3FXnIly3I=";
    let shown =
        format!("interface: wg0\n  public key: x=\n\npeer: {key}\n  allowed ips: 10.8.0.2/32\n");
    let times = format!("wg0\t{key}\t1449239400\nwg0\t{other}\t0\n");
    assert!(recognise(times.as_bytes()));
    let mut clients = read(shown.as_bytes(), SourceId(0), 0, None, &mut clock());
    clients.extend(read(times.as_bytes(), SourceId(1), 0, None, &mut clock()));
    assert_eq!(
        show(&join(clients)),
        [
            format!("wg0 {key} - [\"10.8.0.2/32\"] 2015-12-04T14:30:00Z"),
            format!("wg0 {other} - [] -"),
        ]
    );
}

#[test]
fn openvpn_status() {
    let one = "OpenVPN CLIENT LIST
Updated,2026-11-24 07:16:18
Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since
anna,192.0.2.9:50666,4469,4578,2026-11-24 07:16:15
UNDEF,192.0.2.66:1,4469,4578,2026-11-24 07:16:15
ROUTING TABLE
Virtual Address,Common Name,Real Address,Last Ref
10.8.0.6,anna,192.0.2.9:50666,2026-11-24 07:16:15
192.168.7.0/24,anna,192.0.2.9:50666,2026-11-24 07:16:15
GLOBAL STATS
Max bcast/mcast queue length,0
END
";
    assert_eq!(
        text(one, None),
        ["- anna 192.0.2.9 [\"10.8.0.6/32\", \"192.168.7.0/24\"] 2026-11-24T07:16:15Z"]
    );
    let old = one.replace("2026-11-24 07:16:15", "Tue Nov 24 07:16:15 2026");
    assert_eq!(text(&old, None), text(one, None));
    let two = "TITLE,OpenVPN 2.6.14 x86_64-pc-linux-gnu
TIME,2026-11-24 07:16:24,1795504584
HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher
CLIENT_LIST,anna,192.0.2.9:50082,10.8.0.6,fd00::6,4469,4578,2026-11-24 08:16:22,1795504582,UNDEF,0,0,AES-256-GCM
HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)
ROUTING_TABLE,10.8.0.6C,anna,192.0.2.9:50082,2026-11-24 07:16:22,1795504582
GLOBAL_STATS,Max bcast/mcast queue length,0
END
";
    let want = ["- anna 192.0.2.9 [\"10.8.0.6/32\", \"fd00::6/128\"] 2026-11-24T07:16:22Z"];
    assert_eq!(text(two, None), want);
    assert_eq!(text(&two.replace(',', "\t"), None), want);
}

#[test]
fn openvpn_logs() {
    let own = "2026-11-24 07:16:13 TUN/TAP device tun7 opened
2026-11-24 07:16:15 192.0.2.9:50666 [anna] Peer Connection Initiated with [AF_INET]192.0.2.9:50666
2026-11-24 07:16:15 anna/192.0.2.9:50666 MULTI_sva: pool returned IPv4=10.8.0.6, IPv6=(Not enabled)
2026-11-24 07:16:15 anna/192.0.2.9:50666 MULTI: Learn: 10.8.0.6 -> anna/192.0.2.9:50666
2026-11-24 07:16:15 anna/192.0.2.9:50666 MULTI: primary virtual IP for anna/192.0.2.9:50666: 10.8.0.6
2026-11-24 07:16:15 anna/192.0.2.9:50666 MULTI: internal route 192.168.7.0/24 -> anna/192.0.2.9:50666
";
    let clients = |log: &str| show(&read_log(SourceId(0), log.as_bytes(), &mut clock()).0);
    let want = ["tun7 anna 192.0.2.9 [\"10.8.0.6/32\", \"192.168.7.0/24\"] 2026-11-24T07:16:15Z"];
    assert_eq!(clients(own), want);
    assert_eq!(
        clients(
            &own.replace("2026-11-24 07:16:1", "Nov 24 07:16:1")
                .replace("Nov 24 07:16:13 ", "Nov 24 07:16:13 gw ovpn-server[5]: ")
                .replace("Nov 24 07:16:15 ", "Nov 24 07:16:15 gw ovpn-server[5]: ")
        ),
        want
    );
    assert!(is_line(own.lines().nth(3).unwrap().as_bytes()));
    // This host as a client of another's server.
    assert!(!is_line(
        b"2026-11-24 07:16:15 [server] Peer Connection Initiated with [AF_INET]192.0.2.1:1194"
    ));
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), pieces in prop::collection::vec(prop_oneof![
        Just("interface: wg0\n"), Just("peer: x\n"), Just("allowed ips: 10.8.0.2/32, x/99\n"), Just("endpoint: [::1]:"), Just("[Peer]\nPublicKey="), Just("OpenVPN CLIENT LIST\n"), Just("TITLE,OpenVPN\n"),
        Just("CLIENT_LIST,a,b,c,d,e,f,g,99999999999999999999,h\n"), Just("ROUTING_TABLE,a,b,c\n"), Just("ROUTING TABLE\n"), Just("a,b,c,d,e\n"), Just("\t"), Just("2026-11-24 07:16:15 MULTI: Learn: 10.8.0.6 -> "),
        Just("2026-11-24 07:16:15 MULTI: primary virtual IP for "), Just(": "), Just("\n")
    ], 0..12)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            recognise(&text);
            read(&text, SourceId(0), 0, Some("wg show wg0"), &mut clock());
            wireguard::read(&text, SourceId(0), 0, None);
            openvpn::read(&text, SourceId(0), 0, &mut clock());
            read_log(SourceId(0), &text[..], &mut clock());
            is_line(&text);
            join(read(&text, SourceId(0), 0, Some("wg show wg0"), &mut clock()));
        }
    }
}
