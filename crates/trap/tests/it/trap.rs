//! A sensor on a port of its own, its sightings as they come, and a client driven by hand.

use heloscope_model::Sighting;
use heloscope_trap::{Config, Counts, Refusal, Sensor, Traps};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running sensor.
pub(crate) struct Trap {
    pub(crate) mail: SocketAddr,
    pub(crate) proxy: SocketAddr,
    pub(crate) counts: Arc<Counts>,
    pub(crate) sightings: Receiver<Sighting>,
    pub(crate) state: tempfile::TempDir,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    runtime: tokio::runtime::Runtime,
}

impl Trap {
    /// With a change of the settings, and a sink that takes 64 sightings.
    pub(crate) fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_sink(64, change)
    }

    pub(crate) fn with_sink(room: usize, change: impl FnOnce(&mut Config)) -> Self {
        let state = tempfile::tempdir().unwrap();
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut config = Config::new("mx.example.net", anywhere, state.path().to_owned());
        config.proxy = vec![anywhere];
        config.traps = Traps::parse("spam.example never-used\ngmial.example typo").unwrap();
        change(&mut config);
        let sensor = Sensor::bind(config).unwrap();
        let (mail, proxy) = (sensor.local_addrs()[0], sensor.proxy_addrs()[0]);
        let (counts, shutdown) = (sensor.counts(), CancellationToken::new());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (sink, sightings) = channel(room);
        let stop = shutdown.clone();
        let running = runtime.spawn(async move { sensor.run(sink, stop).await.unwrap() });
        Self { mail, proxy, counts, sightings, state, shutdown, running, runtime }
    }

    /// The next sighting.
    pub(crate) fn sighting(&mut self) -> Sighting {
        let next = async { tokio::time::timeout(PATIENCE, self.sightings.recv()).await };
        self.runtime.block_on(next).expect("a sighting in time").expect("the sensor runs")
    }

    /// Waits until something holds.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "{what}: {:?}", self.counts.snapshot());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> u64 {
        self.counts.snapshot().refused(refusal)
    }

    /// Tells it to stop.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until it has stopped.
    pub(crate) fn stopped(self) {
        self.stop();
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.running).await })
            .expect("it stops in time")
            .unwrap();
    }

    pub(crate) fn connect(&self) -> Client {
        Client::to(self.mail)
    }
}

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client driven by hand.
pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// One reply, all its lines; empty at the end.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let len = self.stream.read_line(&mut line).unwrap_or(0);
            reply.push_str(&line);
            if len == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).reply()
    }

    /// All that comes until the server closes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// One mail, step by step, and QUIT.
    pub(crate) fn mail(&mut self, helo: &str, to: &str) -> String {
        self.reply();
        for line in
            [&format!("EHLO {helo}"), "MAIL FROM:<a@example.org>", &format!("RCPT TO:<{to}>")]
        {
            assert!(self.say(line).starts_with("250"), "{line}");
        }
        assert!(self.say("DATA").starts_with("354"));
        let reply = self.say("Subject: x\r\n\r\none two three four five\r\n.");
        self.say("QUIT");
        reply
    }
}

/// Runs a program to its end; none where it is not installed (the README names what tests want).
pub(crate) fn run(program: &str, words: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{program} is not installed: not tested");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Some(child.wait_with_output().unwrap())
}

/// The output of a program that must succeed.
pub(crate) fn said(program: &str, output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{program}: {text}");
    text
}
