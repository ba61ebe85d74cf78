//! `heloscope serve` as its operator starts it: a bot at the trap is listed, DNS and the page say so,
//! the notice reads as one, its owner lets himself out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct List {
    pub(crate) process: Child,
    pub(crate) trap: SocketAddr,
    pub(crate) dns: SocketAddr,
    pub(crate) web: SocketAddr,
}

impl List {
    pub(crate) fn start(state: &std::path::Path) -> Self {
        Self::begin(
            Command::new(env!("CARGO_BIN_EXE_heloscope"))
                .args(["serve", "--lab", "--zone", "bl.test", "--trap", "127.0.0.1:0"])
                .args(["--dns", "127.0.0.1:0", "--web", "127.0.0.1:0"])
                .args(["--trap-proxy-protocol-from", "127.0.0.0/8", "--state"])
                .arg(state),
        )
    }

    /// One with a file of its own; `[trap]` ends it.
    pub(crate) fn configured(folder: &std::path::Path, text: &str) -> Self {
        let path = folder.join("serve.toml");
        let state = folder.join("state");
        let always = "zone = \"bl.test\"\nlab = true\n";
        std::fs::write(&path, format!("{always}state = {state:?}\n{text}")).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log"));
        Self::begin(
            Command::new(env!("CARGO_BIN_EXE_heloscope"))
                .args(["serve", "--trap-proxy-protocol-from", "127.0.0.0/8", "--config"])
                .arg(path)
                .stderr(log.unwrap()),
        )
    }

    fn begin(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ready = |role: &str| -> SocketAddr {
            let line = lines.next().unwrap().unwrap();
            let address = line.strip_prefix(&format!("ready {role} ")).expect(&line);
            address.parse().unwrap()
        };
        let (trap, dns, web) = (ready("trap"), ready("dns"), ready("web"));
        Self { process, trap, dns, web }
    }

    /// Ends it as its supervisor would.
    pub(crate) fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }

    /// The bot of FIELD.md that guesses passwords: it speaks before the greeting.
    pub(crate) fn bot(&self, address: &str) {
        let mut bot = TcpStream::connect(self.trap).unwrap();
        bot.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let said = format!("PROXY TCP4 {address} 192.0.2.1 40001 25\r\nEHLO ylmf-pc\r\n");
        bot.write_all(said.as_bytes()).unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"CHUNKING\r\n") {
            let mut some = [0; 512];
            let n = bot.read(&mut some).unwrap();
            assert!(n > 0, "the trap hung up");
            heard.extend_from_slice(&some[..n]);
        }
        // It is gone without a QUIT.
    }

    /// The first answer to an A question for an address, its last octet.
    pub(crate) fn code(&self, address: &str) -> Option<u8> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let name = address.split('.').rev().chain(["bl", "test"]);
        for label in name {
            question.push(label.len() as u8);
            question.extend_from_slice(label.as_bytes());
        }
        question.extend_from_slice(&[0, 0, 1, 0, 1]);
        socket.send_to(&question, self.dns).unwrap();
        let mut answer = [0; 512];
        let n = socket.recv(&mut answer).unwrap();
        // One answer record ends the message: its data are the last four octets.
        (answer[7] > 0).then(|| answer[n - 1])
    }

    pub(crate) fn http(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.web).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            self.web
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[allow(clippy::disallowed_methods)] // a bound on waiting
    pub(crate) fn wait_until_listed(&self, address: &str) {
        let begun = Instant::now();
        while self.code(address) != Some(4) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{address} is not listed");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for List {
    /// A test that failed leaves nothing behind.
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_bot_is_listed_and_its_owner_lets_himself_out() {
    let state = tempfile::tempdir().unwrap();
    let list = List::start(state.path());
    assert_eq!(list.code("198.51.100.7"), None);
    list.bot("198.51.100.7");
    list.wait_until_listed("198.51.100.7");

    let (status, said) = list.http("GET", "/api/v1/addresses/198.51.100.7");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &said["listed"]), (200, &true.into()));
    assert_eq!(said["listings"][0]["detectors"][0], "helo-ylmf-pc");
    assert_eq!(said["listings"][0]["code"], "127.0.0.4");
    // What the page says to type works: it names where it is.
    let (_, page) = list.http("GET", "/lookup/198.51.100.7");
    assert!(
        page.contains(&format!("http://{}/lookup/198.51.100.7/notice.txt", list.web)),
        "{page}"
    );

    // The notice is one that the owner's half reads.
    let (_, notice) = list.http("GET", "/lookup/198.51.100.7/notice.txt");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notice.txt"), &notice).unwrap();
    let answer = crate::investigate(&[folder.path()]);
    assert_eq!(answer["notices"][0]["ip"], "198.51.100.7", "{notice}");
    assert_eq!(answer["notices"][0]["time_kind"], "detection", "{notice}");

    let (status, said) = list.http("POST", "/api/v1/addresses/198.51.100.7/removal");
    assert_eq!((status, said.contains("\"granted\":true")), (200, true), "{said}");
    assert_eq!(list.code("198.51.100.7"), None, "DNS forgets before the answer is given");
    list.stop();
}

#[test]
fn what_was_listed_is_listed_after_a_restart_and_a_removal_after_a_relapse_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let list = List::start(state.path());
    list.bot("198.51.100.8");
    list.wait_until_listed("198.51.100.8");
    list.stop();

    let list = List::start(state.path());
    assert_eq!(list.code("198.51.100.8"), Some(4));
    assert_eq!(list.http("POST", "/api/v1/addresses/198.51.100.8/removal").0, 200);
    list.bot("198.51.100.8");
    list.wait_until_listed("198.51.100.8");
    let (status, said) = list.http("POST", "/api/v1/addresses/198.51.100.8/removal");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &said["granted"]), (409, &false.into()));
    assert!(said["retry_after_s"].as_u64().unwrap() > 0, "{said}");
    assert_eq!(list.code("198.51.100.8"), Some(4));
    list.stop();
}

#[test]
fn a_second_list_on_one_state_folder_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let list = List::start(state.path());
    let second = Command::new(env!("CARGO_BIN_EXE_heloscope"))
        .args(["serve", "--trap", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--web", "127.0.0.1:0"])
        .arg("--state")
        .arg(state.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&state.path().display().to_string()), "{said}");
    list.stop();
}

/// A small file system of its own, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

#[test]
fn a_full_disk_ends_nothing_and_loses_no_session() {
    let Some(disk) = SmallDisk::new() else {
        println!("skipped: needs root");
        return;
    };
    let list = List::start(disk.0.path());
    list.bot("198.51.100.7");
    list.wait_until_listed("198.51.100.7");

    let fill = disk.0.path().join("fill");
    let mut file = std::fs::File::create(&fill).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    // The pages that are begun take a few; the others wait for room.
    let bots: Vec<String> = (20..40).map(|n| format!("198.51.100.{n}")).collect();
    std::thread::scope(|all| {
        bots.iter().for_each(|bot| drop(all.spawn(|| list.bot(bot))));
    });
    // What is listed is still told meanwhile.
    assert_eq!(list.code("198.51.100.7"), Some(4));
    assert_eq!(list.http("GET", "/api/v1/addresses/198.51.100.7").0, 200);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(list.code(bots.last().unwrap()), None);

    drop(file);
    std::fs::remove_file(&fill).unwrap();
    bots.iter().for_each(|bot| list.wait_until_listed(bot));
    list.stop();
}
