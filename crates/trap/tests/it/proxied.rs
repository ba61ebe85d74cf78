//! The proxy trap: it plays the mail server that was asked for, and opens no connection.

use crate::trap::{Client, Trap, run, said};
use heloscope_trap::Refusal;

#[test]
fn by_hand() {
    let mut trap = Trap::start(|_| {});
    let socks5: &[u8] = b"\x05\x01\x00\x05\x01\x00\x03\x0emx.example.org\x00\x19";
    for (asked, answer_len, protocol, target) in [
        (
            &b"CONNECT mx.example.org:25 HTTP/1.1\r\nHost: mx.example.org:25\r\n\r\n"[..],
            39,
            "CONNECT",
            "mx.example.org:25",
        ),
        (b"\x04\x01\x00\x19\xc0\x00\x02\x01me\0", 8, "SOCKS4", "192.0.2.1:25"),
        (b"\x04\x01\x00\x19\0\0\0\x01\0mx.example\0", 8, "SOCKS4", "mx.example:25"),
        (socks5, 12, "SOCKS5", "mx.example.org:25"),
    ] {
        let mut client = Client::to(trap.proxy);
        client.send(asked);
        let mut answer = vec![0; answer_len];
        std::io::Read::read_exact(&mut client.stream, &mut answer).unwrap();
        assert!(client.mail("mail.example.org", "joe@spam.example").starts_with("250"));
        let seen = trap.sighting();
        let proxy = seen.session.proxy.as_ref().unwrap();
        assert_eq!((proxy.protocol, proxy.target.to_string().as_str()), (protocol, target));
        assert_eq!((seen.session.messages(), seen.traps.len()), (1, 1));
        // Detectors leave this very host alone.
        let mut session = seen.session.clone();
        session.client.set_ip("192.0.2.7".parse().unwrap());
        let found = heloscope_detect::judge(&session);
        assert!(found.iter().any(|d| d.detector == "proxy-command" && d.class == 'A'), "{found:?}");
    }
    assert_eq!(trap.refused(Refusal::NotToMail), 0);
}

#[test]
fn curl_through_it() {
    let mut trap = Trap::start(|_| {});
    for (scheme, protocol) in [("http", "CONNECT"), ("socks5h", "SOCKS5"), ("socks4a", "SOCKS4")] {
        let proxy = format!("{scheme}://{}", trap.proxy);
        // Nothing listens at that address: who gets an answer was not connected to it.
        let words = [
            "-sS",
            "--proxy",
            &proxy,
            "--proxytunnel",
            "--url",
            "smtp://mx.nowhere.invalid:25/mail.example.org",
            "--mail-from",
            "a@example.org",
            "--mail-rcpt",
            "joe@spam.example",
            "-T",
            "-",
        ];
        let Some(output) = run("curl", &words, "Subject: x\r\n\r\nhello\r\n") else { return };
        said(scheme, &output);
        let seen = trap.sighting();
        let proxy = seen.session.proxy.unwrap();
        assert_eq!(proxy.protocol, protocol);
        assert_eq!(proxy.target.to_string(), "mx.nowhere.invalid:25");
        assert_eq!(seen.session.dialogue.messages.len(), 1);
    }
}

#[test]
fn anything_but_mail_is_refused() {
    let mut trap = Trap::start(|_| {});
    let bait = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let asked = format!("CONNECT {} HTTP/1.1\r\n\r\n", bait.local_addr().unwrap());
    let mut client = Client::to(trap.proxy);
    client.send(asked);
    assert!(client.rest().starts_with("HTTP/1.0 403"));
    let seen = trap.sighting();
    assert_eq!(seen.session.proxy, None);
    assert_eq!(trap.refused(Refusal::NotToMail), 1);
    assert!(bait.accept().is_err(), "it was connected to");
    // A client that speaks SMTP to it, or nothing.
    let mut client = Client::to(trap.proxy);
    client.send("EHLO x\r\n\r\n");
    assert!(client.rest().starts_with("HTTP/1.0 40"));
    drop(Client::to(trap.proxy));
    trap.until("all are seen", |trap| trap.counts.snapshot().sessions == 3);
}
