//! The system's log: one line an alert to its local socket (RFC 3164's short form, which syslogds and journald take),
//! facility daemon: what watch says must not stand in the mail log that it reads.

use super::{Failed, Later, Post, text};
use crate::alert::{Say, Severity};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The longest line.
const LONGEST: usize = 1800;
const DAEMON: u8 = 3 << 3;

pub(super) struct Log {
    socket: PathBuf,
}

impl Log {
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }
}

impl Post for Log {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn send<'a>(&'a self, say: &'a Say, host: &'a str) -> Later<'a> {
        Box::pin(async move {
            let sent = UnixDatagram::unbound().and_then(|socket| {
                socket.set_nonblocking(true)?;
                socket.send_to(line(say, host).as_bytes(), &self.socket)
            });
            let failed = |error: std::io::Error| Failed {
                why: format!("{}: {error}", self.socket.display()),
                for_good: false,
            };
            sent.map(drop).map_err(failed)
        })
    }
}

fn line(say: &Say, host: &str) -> String {
    let (level, proof) = match say {
        Say::Raised(alert) if alert.severity == Severity::Alert => (3, alert.proof.join(" | ")),
        Say::Raised(alert) => (4, alert.proof.join(" | ")),
        Say::Resolved(_) | Say::Summary(_) => (5, String::new()),
    };
    let mut text =
        format!("<{}>heloscope[{}]: {}", DAEMON + level, std::process::id(), text::line(say, host));
    if !proof.is_empty() {
        text.push_str(" | ");
        text.push_str(&proof);
    }
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
