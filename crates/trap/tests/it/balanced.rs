//! The PROXY protocol: believed from the networks the operator named, and from nobody else.

use crate::trap::Trap;
use heloscope_trap::Refusal;

#[test]
fn versions_1_and_2_name_the_client() {
    let mut trap = Trap::start(|config| {
        config.proxy_protocol_from = vec!["127.0.0.0/8".parse().unwrap()];
        config.receiver.addresses = vec!["198.51.100.1".parse().unwrap()];
    });
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec();
    v2.extend("2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets());
    v2.extend("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    v2.extend([0x9c, 0x40, 0, 25]);
    for (header, client, server) in [
        (
            b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n".to_vec(),
            "192.0.2.7:40000",
            "198.51.100.1:25",
        ),
        (v2, "[2001:db8::7]:40000", "[2001:db8::1]:25"),
    ] {
        let mut client_side = trap.connect();
        client_side.send(&header);
        let reply = client_side.mail("mail.example.org", "joe@spam.example");
        assert!(reply.starts_with("250"));
        let seen = trap.sighting();
        assert_eq!(seen.session.client, client.parse().unwrap());
        assert_eq!(seen.session.server, server.parse().unwrap());
        assert_eq!(seen.session.syn, None, "the balancer's SYN is not the client's");
        assert_eq!(seen.session.messages(), 1);
        assert_eq!(seen.session.dialogue.commands[0].raw.to_string(), "EHLO mail.example.org\r\n");
        assert!(!seen.session.dialogue.commands[0].early);
    }
}

#[test]
fn a_client_named_counts_for_itself() {
    let trap = Trap::start(|config| {
        config.proxy_protocol_from = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.sessions_per_address = 1;
    });
    let named = |address: &str| {
        let mut client = trap.connect();
        client.send(format!("PROXY TCP4 {address} 198.51.100.1 40000 25\r\n"));
        let greeting = client.reply();
        (client, greeting)
    };
    let (_one, greeting) = named("192.0.2.1");
    assert!(greeting.starts_with("220"));
    assert!(named("192.0.2.2").1.starts_with("220"));
    assert!(named("192.0.2.1").1.starts_with("421 4.7.0"));
    assert_eq!(trap.refused(Refusal::SessionsOfAddress), 1);
}

#[test]
fn without_a_header_a_balancer_is_not_believed() {
    let trap = Trap::start(|config| {
        config.proxy_protocol_from = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let mut client = trap.connect();
    client.send("EHLO mail.example.org\r\n");
    assert_eq!(client.rest(), "");
    assert_eq!(trap.refused(Refusal::NoProxyHeader), 1);
}

#[test]
fn from_a_stranger_it_is_no_smtp() {
    let mut trap = Trap::start(|_| {});
    let mut client = trap.connect();
    client.reply();
    client.send("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n");
    assert_eq!(client.rest(), "500 5.5.2 Error: bad syntax\r\n");
    let seen = trap.sighting();
    assert_eq!(seen.session.client.ip().to_string(), "127.0.0.1");
    assert_eq!(trap.refused(Refusal::NotSmtp), 1);
}
