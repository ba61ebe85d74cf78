//! What is said on a real connection of loopback, heard through the filter in the kernel: a body is kept back, both
//! sides' words and the server's answer are not.
#![cfg(test)]

use heloscope_host::words::{Spoken, Words};
use heloscope_model::Time;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};

/// Speaks lines in turn with the other side; an answer is awaited where one is due.
fn converse(address: &str) -> Option<(Vec<Spoken>, String)> {
    let listener = TcpListener::bind(address).ok()?;
    let server = listener.local_addr().unwrap();
    let mut words = match Words::start(&[server.port()], false) {
        Ok(words) => words,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            println!("skipped: needs root for a packet socket");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let speaking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        stream.write_all(b"220 mx.example.net ESMTP\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            let reply: &[u8] = match line.as_str() {
                "DATA" => b"354 go on\r\n",
                "." => b"250 2.0.0 Ok: queued as 4Xy7Zk1qz3z9\r\n",
                "QUIT" => return stream.write_all(b"221 bye\r\n").unwrap(),
                l if l.starts_with("EHLO") || l.starts_with("MAIL") || l.starts_with("RCPT") => {
                    b"250 ok\r\n"
                }
                _ => continue,
            };
            stream.write_all(reply).unwrap();
        }
    });
    let mut client = TcpStream::connect(server).unwrap();
    let own = client.local_addr().unwrap().to_string();
    let mut replies = BufReader::new(client.try_clone().unwrap()).lines();
    replies.next();
    for said in ["EHLO [127.0.0.1]", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]
    {
        client.write_all(format!("{said}\r\n").as_bytes()).unwrap();
        replies.next();
    }
    // A body of many large segments, then its end in one of its own.
    let body =
        "Subject: hidden from whoever listens\r\n\r\n".to_owned() + &"text\r\n".repeat(20_000);
    client.write_all(body.as_bytes()).unwrap();
    client.write_all(b".\r\n").unwrap();
    replies.next();
    client.write_all(b"QUIT\r\n").unwrap();
    replies.next();
    drop((client, replies));
    speaking.join().unwrap();
    let mut spoken = Vec::new();
    for second in 0..100 {
        spoken.extend(words.read(Time::from_secs(1_700_000_000 + second)).unwrap());
        if spoken.iter().any(|s| s.over) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Some((spoken, own))
}

#[test]
fn both_families_are_heard_and_bodies_are_not() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Some((spoken, own)) = converse(address) else { continue };
        let last = spoken.iter().find(|s| s.over).unwrap_or_else(|| panic!("{spoken:#?}"));
        assert_eq!(last.client.to_string(), own);
        assert_eq!(last.helo.as_deref(), Some("EHLO [127.0.0.1]"));
        assert_eq!(last.banner.as_deref(), Some("mx.example.net ESMTP"));
        assert_eq!(last.answers, ["250 2.0.0 Ok: queued as 4Xy7Zk1qz3z9"], "{last:#?}");
        assert_eq!((last.mail.len(), last.rcpt.len()), (1, 1));
        assert!(!serde_json::to_string(&spoken).unwrap().contains("hidden"));
        assert!(spoken.iter().any(|s| !s.over && s.helo == last.helo), "said at once, too");
    }
}
