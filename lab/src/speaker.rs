//! A scripted SMTP client with a given dialect: how bots, printers and probes of the lab speak (RFC 5321 where they care).
//!
//! In: the dialect as arguments, the message on standard input. One run is one session with one server: the one
//! named, or the first exchanger of the first recipient's domain that answers. It never retries.

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, socket};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// How to speak, and to whom.
#[derive(Args, Clone, Debug)]
pub struct Dialect {
    /// Server address; the recipient's exchanger when not given.
    #[arg(long)]
    server: Option<String>,
    /// An HTTP proxy (`address:port`) to go through by CONNECT.
    #[arg(long)]
    proxy: Option<String>,
    /// The address to connect from, where the host has several.
    #[arg(long)]
    bind: Option<String>,
    /// What to say after EHLO.
    #[arg(long, default_value = "localhost")]
    ehlo: String,
    /// Say HELO.
    #[arg(long)]
    helo: bool,
    /// Envelope sender.
    #[arg(long, default_value = "")]
    from: String,
    /// Recipients, all in one session.
    #[arg(long, value_delimiter = ',')]
    rcpt: Vec<String>,
    /// Domain whose exchanger to look up for a probe.
    #[arg(long)]
    domain: Option<String>,
    /// Verbs in lower case.
    #[arg(long)]
    lower: bool,
    /// A space after the colon of MAIL FROM and RCPT TO.
    #[arg(long)]
    space: bool,
    /// Say RSET before MAIL.
    #[arg(long)]
    rset: bool,
    /// Close without QUIT.
    #[arg(long)]
    no_quit: bool,
    /// Greet and leave.
    #[arg(long)]
    probe: bool,
    /// Milliseconds before each command.
    #[arg(long, default_value_t = 0)]
    wait: u64,
}

/// Holds the session.
pub fn speak(dialect: &Dialect) -> Result<ExitCode> {
    let mut message = String::new();
    std::io::stdin().read_to_string(&mut message)?;
    let mut line = Line { stream: connect(dialect)?, dialect };
    line.reply()?;
    let verb = if dialect.helo { "HELO" } else { "EHLO" };
    line.say(&format!("{verb} {}", dialect.ehlo))?;
    if dialect.probe {
        line.leave()?;
        return Ok(ExitCode::SUCCESS);
    }
    if dialect.rset {
        line.say("RSET")?;
    }
    let space = if dialect.space { " " } else { "" };
    line.say(&format!("MAIL FROM:{space}<{}>", dialect.from))?;
    let mut taken = 0;
    for recipient in &dialect.rcpt {
        let code = line.say(&format!("RCPT TO:{space}<{recipient}>"))?;
        taken += usize::from(code / 100 == 2);
    }
    if taken > 0 && line.say("DATA")? == 354 {
        let message = message.replace("\r\n", "\n").replace("\n.", "\n..").replace('\n', "\r\n");
        line.stream.write_all(message.as_bytes())?;
        line.stream.write_all(b"\r\n.\r\n")?;
        line.reply()?;
    }
    line.leave()?;
    Ok(ExitCode::SUCCESS)
}

struct Line<'a> {
    stream: TcpStream,
    dialect: &'a Dialect,
}

impl Line<'_> {
    fn say(&mut self, command: &str) -> Result<u16> {
        std::thread::sleep(Duration::from_millis(self.dialect.wait));
        let command = match command.split_once(' ') {
            Some((verb, rest)) if self.dialect.lower => format!("{} {rest}", verb.to_lowercase()),
            None if self.dialect.lower => command.to_lowercase(),
            _ => command.to_owned(),
        };
        self.stream.write_all(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    fn leave(&mut self) -> Result<()> {
        if !self.dialect.no_quit {
            self.say("QUIT")?;
        }
        Ok(())
    }

    /// Reads one reply, all its lines, and gives its code.
    fn reply(&mut self) -> Result<u16> {
        let mut reader = BufReader::new(&self.stream);
        loop {
            let mut text = String::new();
            if reader.read_line(&mut text)? == 0 {
                bail!("the server closed");
            }
            if text.as_bytes().get(3) != Some(&b'-') {
                return text.get(..3).and_then(|code| code.parse().ok()).context("not a reply");
            }
        }
    }
}

fn connect(dialect: &Dialect) -> Result<TcpStream> {
    let candidates = match &dialect.server {
        Some(server) => vec![server.clone()],
        None => {
            let domain = dialect.domain.clone().or_else(|| {
                dialect.rcpt.first()?.rsplit_once('@').map(|(_, domain)| domain.to_owned())
            });
            exchangers(&domain.context("no recipient and no server")?)?
        }
    };
    for name in candidates {
        let Ok(addresses) = (name.as_str(), 25).to_socket_addrs() else { continue };
        for address in addresses {
            let opened = match &dialect.proxy {
                Some(proxy) => tunnel(proxy, address, dialect.bind.as_deref()),
                None => open(address, dialect.bind.as_deref()),
            };
            if let Ok(stream) = opened {
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
        }
    }
    bail!("nobody answers")
}

/// A connection, from the named one of our addresses where there are several.
fn open(to: SocketAddr, from: Option<&str>) -> Result<TcpStream> {
    let Some(from) = from else {
        return Ok(TcpStream::connect_timeout(&to, Duration::from_secs(8))?);
    };
    let from: IpAddr = from.parse()?;
    let family = if from.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, 0)))?;
    nix::sys::socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(TcpStream::from(socket))
}

/// The same through an HTTP proxy (RFC 9110, 9.3.6).
fn tunnel(proxy: &str, to: SocketAddr, from: Option<&str>) -> Result<TcpStream> {
    let proxy = proxy.to_socket_addrs()?.next().context("no such proxy")?;
    let mut stream = open(proxy, from)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes())?;
    let mut head = Vec::new();
    // Byte by byte: what follows the blank line is the mail server's.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 || head.len() > 4096 {
            bail!("the proxy closed");
        }
        head.extend(byte);
    }
    if !head.starts_with(b"HTTP/1.1 200") && !head.starts_with(b"HTTP/1.0 200") {
        bail!("the proxy refused");
    }
    Ok(stream)
}

/// The exchangers of a domain, best first, as `dig` tells them.
fn exchangers(domain: &str) -> Result<Vec<String>> {
    let output =
        Command::new("dig").args(["+short", "+timeout=3", "+nocookie", "MX", domain]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found: Vec<(u16, String)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(preference, name)| {
            Some((preference.parse().ok()?, name.trim_end_matches('.').to_owned()))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}
