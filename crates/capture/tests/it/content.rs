//! SMTP on ports where nobody expects it, and other protocols that only look like it.

use crate::call::{Call, ethernet, mail, one, read_all, story};

fn usual() -> String {
    story(&one(&mail().packets))
}

fn on_port(port: u16) -> Call {
    let mut call = Call::new("192.168.1.23:50112", &format!("198.51.100.7:{port}"));
    call.mail();
    call
}

#[test]
fn a_session_on_any_port_with_the_facts_of_its_syn() {
    for port in [26, 1025, 8025, 60_000] {
        let session = one(&on_port(port).packets);
        assert_eq!(story(&session), usual(), "{port}");
        assert_eq!(session.syn.unwrap().ttl, 63);
        assert_eq!(session.sequence, (Some(1000), Some(500_000)));
        assert_eq!(session.start.rfc3339(), "2026-11-24T14:31:07Z");
    }
}

#[test]
fn a_session_on_any_port_whose_beginning_was_not_recorded() {
    let packets = on_port(8025).packets;
    for from in [3, 4] {
        let session = one(&packets[from..]);
        assert_eq!(session.client.port(), 50112, "from {from}");
        assert_eq!(session.dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
        assert_eq!(session.dialogue.messages.len(), 1);
    }
}

#[test]
fn other_protocols_are_none() {
    let talks: [(u16, &[(bool, &str)]); 5] = [
        (
            21,
            &[
                (false, "220 (vsFTPd 3.0.3)\r\n"),
                (true, "USER anna\r\n"),
                (false, "331 password\r\n"),
            ],
        ),
        (
            2121,
            &[
                (false, "220 Service ready\r\n"),
                (true, "USER anna\r\n"),
                (false, "331 password\r\n"),
            ],
        ),
        (
            80,
            &[
                (true, "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
                (false, "HTTP/1.1 200 OK\r\n\r\n220 lines follow\r\n"),
            ],
        ),
        (
            3128,
            &[
                (true, "CONNECT www.example.org:443 HTTP/1.1\r\n\r\n"),
                (false, "HTTP/1.1 200 OK\r\n\r\n"),
            ],
        ),
        (119, &[(false, "200 news ready\r\n"), (true, "MODE READER\r\n")]),
    ];
    for (port, talk) in talks {
        let mut call = Call::new("192.168.1.23:50112", &format!("198.51.100.7:{port}"));
        call.open();
        for (client, text) in talk {
            call.say(*client, text.as_bytes());
        }
        call.close();
        assert!(read_all(&ethernet(&call.packets)).0.is_empty(), "port {port}");
    }
}

#[test]
fn text_like_smtp_within_a_download_is_none() {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:80");
    call.open();
    call.say(true, b"GET /rfc5321.txt HTTP/1.1\r\n\r\n");
    for text in
        ["HTTP/1.1 200 OK\r\n\r\n", "220 foo.example.com ESMTP\r\n", "EHLO bar.example.com\r\n"]
    {
        call.say(false, text.as_bytes());
    }
    call.close();
    assert!(read_all(&ethernet(&call.packets)).0.is_empty());
}

/// The usual session behind what a proxy is asked and answers.
fn through(port: u16, talk: &[(bool, &[u8])]) -> Call {
    let mut call = Call::new("192.168.1.23:50112", &format!("203.0.113.80:{port}"));
    call.open();
    for (client, bytes) in talk {
        call.say(*client, bytes);
    }
    let mut mail = Call::new("192.168.1.23:50112", &format!("203.0.113.80:{port}"));
    mail.mail();
    for packet in &mail.packets[3..16] {
        call.say(packet.dst.port() == port, &packet.data);
    }
    call.close();
    call
}

#[test]
fn through_proxies() {
    let http: [(bool, &[u8]); 2] = [
        (true, b"CONNECT 198.51.100.7:25 HTTP/1.0\r\n\r\n"),
        (false, b"HTTP/1.0 200 Connection established\r\n\r\n"),
    ];
    let socks4: [(bool, &[u8]); 2] =
        [(true, &[4, 1, 0, 25, 198, 51, 100, 7, 0]), (false, &[0, 90, 0, 0, 0, 0, 0, 0])];
    let socks5: [(bool, &[u8]); 4] = [
        (true, &[5, 1, 0]),
        (false, &[5, 0]),
        (true, &[5, 1, 0, 1, 198, 51, 100, 7, 0, 25]),
        (false, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ];
    let cases = [
        (3128, &http[..], "CONNECT"),
        (1080, &socks4[..], "SOCKS4"),
        (1080, &socks5[..], "SOCKS5"),
    ];
    for (port, talk, protocol) in cases {
        let session = one(&through(port, talk).packets);
        let proxy = session.proxy.as_ref().expect(protocol);
        assert_eq!(
            (proxy.protocol, proxy.target.to_string().as_str()),
            (protocol, "198.51.100.7:25")
        );
        assert_eq!(session.dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())), "{protocol}");
        assert_eq!(session.dialogue.messages.len(), 1, "{protocol}");
        assert_eq!(session.server.port(), port);
    }
}
