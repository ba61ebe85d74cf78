//! `heloscope watch` on this kernel, as a whole: a script from a temporary folder connects and is named within five seconds, by
//! webhook and on the status page, while a real Postfix sends beside it and no word falls about that.

#![allow(clippy::disallowed_methods, reason = "the test holds seconds against the clock")]

use crate::heloscope;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A watch that runs.
pub(crate) struct Watching {
    process: Child,
    page: SocketAddr,
    /// Whose network it has; the test's own where none is said.
    network_of: Option<i32>,
    pub(crate) said: Vec<String>,
}

impl Watching {
    fn start(folder: &Path, config: &str) -> Self {
        Self::of(folder, config, None)
    }

    /// Runs it where another process has its network; the files and processes are ours.
    pub(crate) fn within(network_of: i32, folder: &Path, config: &str) -> Self {
        Self::of(folder, config, Some(network_of))
    }

    fn of(folder: &Path, config: &str, network_of: Option<i32>) -> Self {
        let path = folder.join("watch.toml");
        std::fs::write(&path, config).unwrap();
        let mut command = match network_of {
            None => Command::new(env!("CARGO_BIN_EXE_heloscope")),
            Some(pid) => {
                let mut command = Command::new("nsenter");
                command.args(["-n", "-t", &pid.to_string(), "--"]);
                command.arg(env!("CARGO_BIN_EXE_heloscope"));
                command
            }
        };
        let mut process = command
            .args(["watch", "--listen", "127.0.0.1:0", "--config"])
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut said = Vec::new();
        let mut errors = BufReader::new(process.stderr.take().unwrap());
        let Some(page) = line.trim().strip_prefix("ready watch ") else {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            panic!("{line}{text}");
        };
        // What it said before it was ready.
        let mut error = String::new();
        while errors.buffer().contains(&b'\n') || said.is_empty() {
            error.clear();
            errors.read_line(&mut error).unwrap();
            said.push(error.trim_end().to_owned());
        }
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Self { process, page: page.parse().unwrap(), network_of, said }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let (page, path) = (self.page, path.to_owned());
        in_network(self.network_of, move || get(page, &path, &page.to_string()))
    }

    pub(crate) fn status(&self) -> Value {
        let answer = self.get("/status.json");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Waits until the status is as it should be.
    pub(crate) fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let status = self.status();
            if is(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{what}: {status:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn end(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Does something where another process has its network.
pub(crate) fn in_network<T: Send + 'static>(
    network_of: Option<i32>,
    act: impl FnOnce() -> T + Send + 'static,
) -> T {
    let Some(pid) = network_of else { return act() };
    let file = std::fs::File::open(format!("/proc/{pid}/ns/net")).unwrap();
    let inside = std::thread::spawn(move || {
        nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        act()
    });
    inside.join().unwrap()
}

fn get(address: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A web service that takes what is posted, in the network of that process.
pub(crate) fn hook(network_of: Option<i32>) -> (SocketAddr, Receiver<(Instant, Value)>) {
    let listener = in_network(network_of, || TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let (to, posted) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut token) = (0, false);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let low = line.to_ascii_lowercase();
                token |= line.trim_end().ends_with("Bearer s3cret");
                if let Some(n) = low.strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            assert!(token, "the token is sent");
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                .unwrap();
            if to.send((Instant::now(), serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (address, posted)
}

/// A mail server that takes everything, and gives out what it took.
fn sink() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (to, taken) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let to = to.clone();
            std::thread::spawn(move || drop(converse(stream, &to)));
        }
    });
    (address, taken)
}

fn converse(stream: TcpStream, to: &Sender<String>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 sink.example ESMTP\r\n")?;
    let (mut data, mut letter) = (false, String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let word = line.trim_end().to_ascii_uppercase();
        let answer: &[u8] = match word.as_str() {
            "." if data => {
                data = false;
                // Who does not read them need not.
                drop(to.send(std::mem::take(&mut letter)));
                b"250 2.0.0 taken\r\n"
            }
            _ if data => {
                letter.push_str(&line);
                continue;
            }
            "DATA" => {
                data = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.get_mut().write_all(answer)?;
    }
}

/// A Postfix of its own, which hands all mail to one server.
struct Postfix(PathBuf);

impl Postfix {
    fn start(folder: &Path, to: SocketAddr) -> Self {
        let (config, queue, data) =
            (folder.join("postfix"), folder.join("queue"), folder.join("data"));
        for made in [&config, &queue, &data] {
            std::fs::create_dir(made).unwrap();
        }
        let (config_at, queue_at, data_at) = (config.display(), queue.display(), data.display());
        let log = folder.display();
        std::fs::write(
            config.join("main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {queue_at}\ndata_directory = {data_at}\nmyhostname = mail.example.org\n\
                 mydestination =\nrelayhost = [127.0.0.1]:{}\ninet_interfaces = loopback-only\ninet_protocols = ipv4\n\
                 smtp_tls_security_level = none\nsmtp_host_lookup = native\nmaillog_file = {log}/mail.log\nmaillog_file_prefixes = {log}\n\
                 alias_maps =\nalias_database =\nimport_environment = MAIL_CONFIG={config_at}\n",
                to.port()
            ),
        )
        .unwrap();
        let services = [
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "scache unix - - n - 1 scache",
            "proxymap unix - - n - - proxymap",
            "postlog unix-dgram n - n - 1 postlogd",
        ];
        std::fs::write(config.join("master.cf"), services.join("\n") + "\n").unwrap();
        let owner = Command::new("chown").arg("postfix").arg(&data).status().unwrap();
        assert!(owner.success());
        let started = Command::new("postfix").arg("-c").arg(&config).arg("start").output().unwrap();
        assert!(started.status.success(), "{started:?}");
        Self(config)
    }

    fn send(&self, to: &str) {
        let mut process = Command::new("sendmail")
            .arg("-C")
            .arg(&self.0)
            .args(["-i", "-f", "anna@example.org", to])
            .env("MAIL_CONFIG", &self.0)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(b"Subject: x\n\nx\n").unwrap();
        assert!(process.wait().unwrap().success());
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(Command::new("postfix").arg("-c").arg(&self.0).arg("stop").output());
    }
}

fn has(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
fn a_script_is_named_in_seconds_and_postfix_is_not() {
    if !nix::unistd::Uid::effective().is_root() || !has("postfix") || !has("perl") {
        println!("skipped: needs root, postfix and perl");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    Command::new("chmod").arg("755").arg(folder.path()).status().unwrap();
    let at = folder.path().display();
    let ((server, _taken), (hooked, posted)) = (sink(), hook(None));
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    std::fs::write(folder.path().join("mail.log"), "").unwrap();
    let watching = Watching::start(
        folder.path(),
        &format!(
            "state = \"{at}/state\"\nports = [{}]\ncount_local = true\nlogs = [\"{at}/mail.log\"]\n[mta]\nqueue = \"{at}/queue\"\n\
             [webhook]\nurl = \"http://{hooked}/\"\ntoken = \"{at}/token\"\n",
            server.port()
        ),
    );
    if watching.said.iter().any(|line| line.contains("are not seen")) {
        println!("skipped: needs a kernel with BTF: {:?}", watching.said);
        return;
    }
    let rights =
        std::fs::read_to_string(format!("/proc/{}/status", watching.process.id())).unwrap();
    let line = rights.lines().find(|line| line.starts_with("CapPrm:")).unwrap();
    // CAP_DAC_READ_SEARCH for the logs, CAP_SYS_PTRACE for what php-fpm's workers run.
    assert_eq!(line, format!("CapPrm:\t{:016x}", 1 << 2 | 1 << 19));

    // The benign twin, first and beside it: a mail server whose connections its log explains.
    let postfix = Postfix::start(folder.path(), server);
    for n in 0..5 {
        postfix.send(&format!("b{n}@example.net"));
    }
    let status = watching.until("Postfix's mails are sent", |s| s["day"]["sent"] == 5);
    assert_eq!(status["open"].as_array().unwrap().len(), 0, "{status:#}");
    assert!(status["day"]["by_the_mta"].as_u64().unwrap() > 0, "{status:#}");
    assert!(
        status["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["explained"].is_string() && s["standing"]["is"] == "mta"),
        "{status:#}"
    );

    let script = folder.path().canonicalize().unwrap().join("mx-greet.pl");
    std::fs::write(
        &script,
        format!("use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => {}) or die; <$s>;", server.port()),
    )
    .unwrap();
    let begun = Instant::now();
    postfix.send("c@example.net");
    assert!(Command::new("perl").arg(&script).status().unwrap().success());
    let (when, alert) = posted.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(when - begun < Duration::from_secs(5), "{:?}", when - begun);
    assert_eq!(alert["format"], "heloscope.alert/1");
    assert_eq!(alert["event"], "raised");
    assert_eq!(alert["alert"]["rule"], "past-the-mta");
    let name = script.to_str().unwrap();
    assert!(alert["alert"]["subject"].as_str().unwrap().starts_with(name), "{alert:#}");
    println!("named after {} ms", (when - begun).as_millis());

    // Told once; the page and the terminal name it too.
    assert!(Command::new("perl").arg(&script).status().unwrap().success());
    let status = watching.until("both are counted", |s| s["open"][0]["count"] == 2);
    assert_eq!(status["open"].as_array().unwrap().len(), 1, "{status:#}");
    assert!(posted.recv_timeout(Duration::from_millis(700)).is_err(), "told once");
    let page = watching.get("/");
    assert!(page.contains(name) && page.contains("past-the-mta"), "{page}");
    assert!(get(watching.page, "/", "evil.example").starts_with("HTTP/1.0 421"), "a foreign name");
    let metrics = watching.get("/metrics");
    assert!(metrics.contains("heloscope_watch_alerts_open{rule=\"past-the-mta\"} 1"), "{metrics}");
    let top = heloscope(["top", "--once", "--watch", &watching.page.to_string()]);
    assert_eq!(top.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&top.stdout).contains(name), "{top:?}");
    watching.end();
}

#[test]
fn without_rights_it_watches_the_log_and_says_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let log = folder.path().join("mail.log");
    std::fs::write(&log, "").unwrap();
    let (relay, letters) = sink();
    let config = format!(
        "state = \"{at}/state\"\nlogs = [\"{at}/mail.log\"]\naddresses = [\"203.0.113.10\"]\n[record]\nenabled = false\n[mta]\nqueue = \"{at}/nowhere\"\n\
         [mail]\nrelay = \"{relay}\"\nlocal_queue = true\ntls = \"none\"\nfrom = \"heloscope@example.org\"\nto = [\"admin@example.net\"]\n"
    );
    let watching = Watching::start(folder.path(), &config);
    let line = "Nov 24 14:30:00 mx postfix/smtp[9]: ABCDEF1: to=<secret@example.net>, relay=mx.example.net[198.51.100.7]:25, delay=1, delays=0/0/1/0, dsn=5.7.1, status=bounced (host mx.example.net[198.51.100.7] said: 554 5.7.1 <secret@example.net>: Client host [203.0.113.10] blocked using zen.spamhaus.org (in reply to RCPT TO command))\n";
    std::fs::write(&log, line).unwrap();
    let status =
        watching.until("the bounce is seen", |s| s["open"][0]["rule"] == "bounce-names-a-list");
    assert!(!watching.get("/").contains("secret@"));
    let letter = letters.recv_timeout(Duration::from_secs(10)).unwrap();
    for word in
        ["Subject: ", "bounce-names-a-list", "Auto-Submitted: auto-generated", "203.0.113.10"]
    {
        assert!(letter.contains(word), "{word}: {letter}");
    }
    assert!(!letter.contains("secret@"), "{letter}");
    assert!(status["blind"].to_string().contains("nowhere"), "{status:#}");
    watching.end();

    // Told once, also by the next run; and what came meanwhile is read.
    std::fs::write(&log, format!("{line}{}", line.replace("zen.spamhaus.org", "bl.spamcop.net")))
        .unwrap();
    let watching = Watching::start(folder.path(), &config);
    let status = watching.until("the second list", |s| s["open"].as_array().unwrap().len() == 2);
    assert_eq!(status["open"][1]["count"], 1, "{status:#}");
    watching.end();

    let refused = folder.path().join("bad.toml");
    std::fs::write(&refused, "nonsense = 1\n").unwrap();
    let output = heloscope(["watch".as_ref(), "--config".as_ref(), refused.as_os_str()]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let output = heloscope(["top", "--once", "--watch", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
}
