//! The trap's own answers to the washer: a thousand recipients, one a session, from an address each. He is answered
//! alike whomever he wrote to, in the same words and the same time, and at once afterwards nothing that
//! the public is given has moved, though half of his sessions were noted. (What he sees later is
//! played by the list's own clock, in `src/serve/washer.rs`.)

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RECIPIENTS: usize = 1000;

struct List {
    process: Child,
    trap: SocketAddr,
    dns: SocketAddr,
    web: SocketAddr,
}

impl List {
    /// As on the Internet: delayed, and the washer is no watcher.
    fn start(folder: &std::path::Path) -> Self {
        let config = folder.join("serve.toml");
        let state = folder.join("state");
        let text = format!(
            "state = {state:?}\nzone = \"bl.test\"\n[trap]\nlisten = [\"127.0.0.1:0\"]\ngreeting_delay_s = 0.0\n\
             proxy_protocol_from = [\"127.0.0.0/8\"]\n[trap.domains]\n\"never-was.example\" = \"never-used\"\n\
             [dns]\nlisten = [\"127.0.0.1:0\"]\n[web]\nlisten = [\"127.0.0.1:0\"]\nwatchers = []\n\
             [look-ups]\nresolvers = [\"127.0.0.1:9\"]\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_heloscope"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ready = |role: &str| -> SocketAddr {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(&format!("ready {role} ")).expect(&line).parse().unwrap()
        };
        let (trap, dns, web) = (ready("trap"), ready("dns"), ready("web"));
        Self { process, trap, dns, web }
    }

    /// One mail: what was answered, without the queue's number, and how long it took from the recipient to the
    /// goodbye.
    #[allow(clippy::disallowed_methods)] // what he measures
    fn mail(&self, n: usize, to: &str) -> (String, Duration) {
        let address = format!("9.8.{}.{}", n / 250, n % 250 + 1);
        let mut washer = TcpStream::connect(self.trap).unwrap();
        washer.set_nodelay(true).unwrap();
        washer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut heard = BufReader::new(washer.try_clone().unwrap());
        let mut said = String::new();
        let mut reply = |said: &mut String| loop {
            let mut line = String::new();
            assert!(heard.read_line(&mut line).unwrap() > 0, "the trap hung up");
            said.push_str(line.split("queued as").next().unwrap());
            if line.as_bytes()[3] == b' ' {
                break;
            }
        };
        write!(washer, "PROXY TCP4 {address} 192.0.2.1 40001 25\r\n").unwrap();
        reply(&mut said);
        for line in ["HELO localhost", "MAIL FROM:<anna@washer.example>"] {
            write!(washer, "{line}\r\n").unwrap();
            reply(&mut said);
        }
        let begun = Instant::now();
        for line in [format!("RCPT TO:<{to}>"), "DATA".into(), "hello\r\n.".into(), "QUIT".into()] {
            write!(washer, "{line}\r\n").unwrap();
            reply(&mut said);
        }
        let mut end = Vec::new();
        drop(heard.read_to_end(&mut end));
        (said, begun.elapsed())
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.web).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.web)
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        // The server's clock moves by itself.
        let dated = |line: &&str| !line.starts_with("date: ");
        text.split("\r\n").filter(|line| dated(line)).collect::<Vec<_>>().join("\r\n")
    }

    fn soa(&self) -> Vec<u8> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let head = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        socket.send_to(&[&head[..], b"\x02bl\x04test\0\0\x06\0\x01"].concat(), self.dns).unwrap();
        let mut answer = [0; 512];
        let n = socket.recv(&mut answer).unwrap();
        answer[..n].to_vec()
    }

    /// What anybody can see without asking for an address.
    fn look(&self) -> Vec<String> {
        let pages = [
            "/",
            "/statistics",
            "/healthz",
            "/metrics",
            "/policy/criteria",
            "/api/v1/openapi.json",
        ];
        let pages = pages.iter().map(|path| self.get(path));
        pages.chain([format!("{:?}", self.soa())]).collect()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// How surely the one kind takes longer: the rank sum's distance from chance, in standard deviations
/// (Mann and Whitney).
fn z(of_traps: &[Duration], of_others: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = of_traps.iter().map(|t| (*t, true)).collect();
    all.extend(of_others.iter().map(|t| (*t, false)));
    all.sort_unstable();
    let ranks = all.iter().enumerate().filter(|(_, (_, trap))| *trap);
    let sum: f64 = ranks.map(|(rank, _)| rank as f64 + 1.0).sum();
    let (m, n) = (of_traps.len() as f64, of_others.len() as f64);
    (sum - m * (m + n + 1.0) / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt()
}

#[test]
fn the_trap_answers_all_recipients_alike_and_nothing_moves() {
    let folder = tempfile::tempdir().unwrap();
    let list = List::start(folder.path());
    let before = list.look();
    let (mut of_traps, mut of_others) = (Vec::new(), Vec::new());
    let mut words = std::collections::BTreeSet::new();
    for n in 0..RECIPIENTS {
        // A coin that he does not see; the names are as long.
        let trap = (n as u32).wrapping_mul(0x9e37_79b9) >> 31 == 1;
        let domain = if trap { "never-was.example" } else { "never-had.example" };
        let (said, took) = list.mail(n, &format!("r{n:04}@{domain}"));
        words.insert(said);
        if trap { of_traps.push(took) } else { of_others.push(took) }
    }
    assert_eq!(words.len(), 1, "{words:?}");
    let z = z(&of_traps, &of_others);
    println!("{} traps of {RECIPIENTS}, z = {z:.2}", of_traps.len());
    assert!(z.abs() < 4.0, "trap hits take another time: z = {z}");
    assert_eq!(list.look(), before);
    for n in (0..RECIPIENTS).step_by(200) {
        let (address, other) = (format!("9.8.{}.{}", n / 250, n % 250 + 1), "9.9.9.9");
        for path in ["/lookup/ADDRESS/notice.txt", "/api/v1/addresses/ADDRESS"] {
            let said = list.get(&path.replace("ADDRESS", &address)).replace(&address, other);
            let length = |text: &str| text.split("\r\n\r\n").nth(1).unwrap().to_owned();
            assert_eq!(length(&said), length(&list.get(&path.replace("ADDRESS", other))), "{path}");
        }
    }
}
