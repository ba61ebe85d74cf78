//! The way by mail: who owns the reverse name's domain is sent a link, which opens the owner's view. The
//! relay is Postfix's own `smtp-sink`, the name server a few lines here.

use crate::serve::List;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ADDRESS: &str = "198.51.100.7";
const HOST: &str = "mail.example.org";
const MAILBOX: &str = "postmaster@mail.example.org";

/// Answers for one address and its name, and nothing else; ends with the test's process.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let labels = |name: &str| {
        let label = |l: &str| [&[l.len() as u8], l.as_bytes()].concat();
        [name.split('.').flat_map(label).collect(), vec![0]].concat()
    };
    let reverse = ADDRESS.split('.').rev().collect::<Vec<_>>().join(".") + ".in-addr.arpa";
    let known = [
        ([labels(&reverse), vec![0, 12, 0, 1]].concat(), labels(HOST)),
        ([labels(HOST), vec![0, 1, 0, 1]].concat(), vec![198, 51, 100, 7]),
    ];
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((n, from)) = socket.recv_from(&mut packet) {
            let Some(asked) = packet.get(12..n) else { continue };
            let end = asked.iter().position(|byte| *byte == 0).unwrap_or(0) + 5;
            let question = &asked[..end.min(asked.len())];
            let same = |of: &[u8]| of.eq_ignore_ascii_case(question);
            let data = known.iter().find(|(of, _)| same(of)).map(|(_, data)| data);
            let mut answer = [&packet[..2], &[0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0], question].concat();
            if let Some(data) = data {
                answer[7] = 1;
                answer.extend([0xc0, 12]);
                answer.extend(&question[question.len() - 4..]);
                answer.extend([0, 0, 0, 60, 0, data.len() as u8]);
                answer.extend(data);
            }
            drop(socket.send_to(&answer, from));
        }
    });
    address
}

/// Postfix's sink, that writes each mail to a file of its own.
struct Sink(Child, SocketAddr);

impl Sink {
    fn start(folder: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let sink = Command::new("/usr/sbin/smtp-sink")
            .args(["-u", "nobody", "-d", "mail.", &free.to_string(), "10"])
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn();
        let Ok(sink) = sink else {
            println!("skipped: needs root and Postfix's smtp-sink");
            return None;
        };
        let mut sink = Self(sink, free);
        while TcpStream::connect(free).is_err() {
            if sink.0.try_wait().unwrap().is_some() {
                println!("skipped: smtp-sink does not run here");
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A form, posted as a browser does; status, head and body.
fn ask(list: &List, method: &str, path: &str, cookie: &str, form: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(list.web).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        list.web,
        form.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn token(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
    rest.split('"').next().unwrap()
}

/// Started with a relay; a bot is listed, and its owner asks for the link.
fn asked(folder: &Path, relay: SocketAddr) -> (List, u16, String) {
    let (names, any) = (name_server(), "listen = [\"127.0.0.1:0\"]\n");
    let list = List::configured(
        folder,
        &format!(
            "[look-ups]\nresolvers = [\"{names}\"]\n[mail]\nrelay = \"{relay}\"\n\
             from = \"The list <list@bl.test>\"\nhelo = \"list.bl.test\"\n\
             [dns]\n{any}[web]\n{any}[trap]\n{any}"
        ),
    );
    list.bot(ADDRESS);
    list.wait_until_listed(ADDRESS);
    let path = format!("/lookup/{ADDRESS}/owner");
    let (_, _, page) = ask(&list, "GET", &path, "", "");
    assert!(page.contains(MAILBOX), "{page}");
    let form = format!("token={}&mailbox={}", token(&page), MAILBOX.replace('@', "%40"));
    let (status, _, page) = ask(&list, "POST", &format!("{path}/mail"), "", &form);
    (list, status, page)
}

#[test]
fn the_link_that_is_mailed_opens_the_owners_view() {
    let folder = tempfile::tempdir().unwrap();
    let mails = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(mails.path(), open).unwrap();
    let Some(sink) = Sink::start(mails.path()) else { return };
    let (list, status, page) = asked(folder.path(), sink.1);
    assert_eq!(status, 200, "{page}");

    let arrived = std::fs::read_dir(mails.path()).unwrap().map(|entry| entry.unwrap().path());
    let arrived: String = arrived.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for said in ["list.bl.test", "<list@bl.test>", "<postmaster@mail.example.org>"] {
        assert!(arrived.contains(said), "{said} in {arrived}");
    }
    let link = arrived.lines().find(|line| line.starts_with("http://")).expect(&arrived).trim();
    let path = link.strip_prefix(&format!("http://{}", list.web)).unwrap();

    let see = |cookie: &str| ask(&list, "GET", &format!("/lookup/{ADDRESS}"), cookie, "").2;
    assert!(!see("").contains("40001"), "the source port is the owner's");
    let (status, _, page) = ask(&list, "GET", path, "", "");
    assert_eq!(status, 200, "{page}");
    let confirm = format!("/lookup/{ADDRESS}/owner/confirm");
    let form = format!("token={}", token(&page));
    let (status, head, _) = ask(&list, "POST", &confirm, "", &form);
    assert_eq!(status, 303, "{head}");
    let cookie = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap())
    });
    let owners = see(cookie.unwrap());
    assert!(owners.contains("40001") && owners.contains("ylmf-pc"), "{owners}");

    let forged = format!("token={}", "0".repeat(120));
    assert_ne!(ask(&list, "POST", &confirm, "", &forged).0, 303);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("handed to the relay"), "{log}");
    assert!(!log.contains(HOST), "{log}");
    list.stop();
}

/// A relay that refuses everybody, and says whom.
fn refusing() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.write_all(b"220 relay.test ESMTP\r\n"));
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let said = match line.unwrap_or_default().get(..4) {
                    Some("EHLO") => "250 relay.test".to_owned(),
                    Some("RCPT") => format!("550 5.7.1 <{MAILBOX}>: not from here"),
                    Some("QUIT") | None => break,
                    Some(_) => "250 ok".to_owned(),
                };
                drop(write!(stream, "{said}\r\n"));
            }
        }
    });
    address
}

#[test]
fn a_letter_that_is_refused_is_said_and_names_nobody_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (list, status, page) = asked(folder.path(), refusing());
    assert!(status >= 500, "{status} {page}");
    assert!(page.contains("prove it by DNS"), "{page}");
    assert!(!page.contains("relay.test") && !page.contains("not from here"), "{page}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("550") && log.contains("not from here"), "{log}");
    assert!(log.contains("p…@ma….org") && !log.contains(HOST), "{log}");
    list.stop();
}

#[test]
fn without_a_relay_the_pages_say_that_no_mail_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (names, any) = (name_server(), "listen = [\"127.0.0.1:0\"]\n");
    let text =
        format!("[look-ups]\nresolvers = [\"{names}\"]\n[dns]\n{any}[web]\n{any}[trap]\n{any}");
    let list = List::configured(folder.path(), &text);
    list.bot(ADDRESS);
    list.wait_until_listed(ADDRESS);
    let page = ask(&list, "GET", &format!("/lookup/{ADDRESS}/owner"), "", "").2;
    assert!(page.contains("This list does not send mail"), "{page}");
    assert!(!page.contains(MAILBOX), "{page}");
    list.stop();
}
