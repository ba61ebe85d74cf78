//! A receiver on loopback that takes whatever is said to it and keeps the bytes. Bounded in time, connections and bytes;
//! nothing is stored.

use anyhow::{Context, Result};
use heloscope_smtp::Side;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Connections that are heard.
const CONNECTIONS: usize = 16;
/// Bytes of one line, and of one connection.
const LINE: u64 = 2048;
const BYTES: usize = 256 << 10;
/// How long one may be silent.
const IDLE: Duration = Duration::from_secs(10);

/// One connection's bytes, in order.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) said: Vec<(Side, Vec<u8>)>,
}

/// A sink that listens.
pub(crate) struct Sink {
    port: u16,
    heard: Receiver<Heard>,
}

impl Sink {
    /// Listens on a port of the system's choice.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listening on loopback")?;
        let port = listener.local_addr().context("listening on loopback")?.port();
        let (tell, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().take(CONNECTIONS).flatten() {
                let tell = tell.clone();
                thread::spawn(move || {
                    let mut heard = Heard::default();
                    // However it ends, what was said until then was said.
                    let _ = converse(&stream, &mut heard);
                    let _ = tell.send(heard);
                });
            }
        });
        Ok(Self { port, heard })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What was heard, once there is something or the time is over.
    pub(crate) fn heard(&self, wait: Duration) -> Vec<Heard> {
        let mut all = Vec::new();
        let mut wait = wait;
        loop {
            match self.heard.recv_timeout(wait) {
                Ok(heard) => all.push(heard),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return all,
            }
            // A second connection of the same sender follows at once or not at all.
            wait = Duration::from_millis(200);
        }
    }
}

fn converse(mut stream: &TcpStream, heard: &mut Heard) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut lines = BufReader::new(stream);
    let mut say = |heard: &mut Heard, words: &str| {
        heard.said.push((Side::Server, words.as_bytes().to_vec()));
        stream.write_all(words.as_bytes())
    };
    say(heard, "220 heloscope-sink ESMTP\r\n")?;
    let (mut in_message, mut bytes) = (false, 0);
    loop {
        let mut line = Vec::new();
        if lines.by_ref().take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        bytes += line.len();
        if bytes > BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let ends = line.trim_ascii_end() == b".";
        heard.said.push((Side::Client, line));
        if in_message {
            if ends {
                in_message = false;
                say(heard, "250 2.0.0 taken and forgotten\r\n")?;
            }
            continue;
        }
        match word.as_slice() {
            b"DATA" => {
                in_message = true;
                say(heard, "354 go on\r\n")?;
            }
            b"QUIT" => return say(heard, "221 2.0.0 bye\r\n"),
            b"EHLO" => say(heard, "250-heloscope-sink\r\n250 8BITMIME\r\n")?,
            b"AUTH" | b"STAR" => say(heard, "502 5.5.1 not here\r\n")?,
            _ => say(heard, "250 2.1.0 ok\r\n")?,
        }
    }
}
