//! Which proxy was asked for and granted, and names in TLS hellos.

use heloscope_smtp::script::{Turn, parse};
use heloscope_smtp::{Limits, Machine};

fn machine(script: &str) -> Machine {
    let mut machine = Machine::new(&Limits::default());
    for turn in parse(script).unwrap() {
        match turn {
            Turn::Says(side, bytes) => machine.feed(side, Default::default(), &bytes),
            other => panic!("{other:?}"),
        }
    }
    machine
}

fn proxied(script: &str) -> Option<(&'static str, String)> {
    machine(script).proxied().map(|proxy| (proxy.protocol, proxy.target.to_string()))
}

#[test]
fn granted_requests_are_told() {
    let connect = "C: CONNECT mx.example.net:25 HTTP/1.0\nC:\nS: HTTP/1.0 200 OK\nS:\nS: 220 mx\n";
    assert_eq!(proxied(connect), Some(("CONNECT", "mx.example.net:25".into())));
    let socks4 = "C:raw \\x04\\x01\\0\\x19\\xc0\\0\\x02\\x01\\0\nS:raw \\0\\x5a\\0\\0\\0\\0\\0\\0\nS: 220 mx\n";
    assert_eq!(proxied(socks4), Some(("SOCKS4", "192.0.2.1:25".into())));
    let socks5 = "C:raw \\x05\\x01\\0\nS:raw \\x05\\0\nC:raw \\x05\\x01\\0\\x03\\x02mx\\0\\x19\nS:raw \\x05\\0\\0\\x01\\0\\0\\0\\0\\0\\0\nS: 220 mx\n";
    assert_eq!(proxied(socks5), Some(("SOCKS5", "mx:25".into())));
}

#[test]
fn refused_requests_and_requests_to_mail_servers_are_not() {
    for script in [
        "C: CONNECT mx.example.net:25 HTTP/1.0\nC:\nS: HTTP/1.0 403 No\nS:\n",
        "S: 220 mx\nC: CONNECT mx.example.net:25 HTTP/1.0\nS: 500 what\nC: HELO a\nS: 250 a\n",
        "C:raw \\x05\\x01\\0\nS:raw \\x05\\xff\n",
        "S: 220 mx\nC: HELO a\n",
    ] {
        assert_eq!(proxied(script), None, "{script}");
    }
}

#[test]
fn the_client_alone_went_on_so_it_was_granted() {
    let script = "C: CONNECT mx.example.net:25 HTTP/1.0\nC:\nC: EHLO a\n";
    assert_eq!(proxied(script), Some(("CONNECT", "mx.example.net:25".into())));
}

#[test]
fn quit_is_told_as_soon_as_it_is_said() {
    assert!(machine("S: 220 mx\nC: quit\n").quit_said());
    assert!(!machine("S: 220 mx\nC: DATA\nS: 354 go\nC: QUIT\n").quit_said());
}
