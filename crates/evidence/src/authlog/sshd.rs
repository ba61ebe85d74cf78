//! What sshd, its SFTP server and dropbear write: logins, refusals, tunnels, files put there.
//!
//! sshd passes a client on silently unless the connection fails, is forbidden, or the log level
//! is DEBUG: `connect_to HOST port N: failed.`, `connect to HOST port N failed: REASON`,
//! `refused local port forward: ... target HOST port N`, `server_request_direct_tcpip: ...`.

use super::{Event, Said, address, field};
use crate::facts::AuthWhat;
use std::net::IpAddr;

/// One message.
pub(super) fn parse(message: &str) -> Option<Said> {
    let message = ["error: ", "fatal: ", "debug1: ", "debug2: ", "debug3: "]
        .iter()
        .find_map(|front| message.strip_prefix(front))
        .unwrap_or(message);
    let message = message.strip_suffix(" [preauth]").unwrap_or(message);
    accepted(message)
        .or_else(|| failed(message))
        .or_else(|| tunnel(message))
        .or_else(|| session(message))
        .or_else(|| sftp(message))
        .or_else(|| dropbear(message))
}

/// `Accepted publickey for anna from 192.0.2.9 port 5 ssh2: RSA SHA256:...`
fn accepted(message: &str) -> Option<Said> {
    let (method, rest) = message.strip_prefix("Accepted ")?.split_once(" for ")?;
    let (user, rest) = rest.split_once(" from ")?;
    let mut words = rest.split(' ');
    let ip = address(words.next()?);
    if words.next()? != "port" {
        return None;
    }
    // "ssh2: RSA-CERT SHA256:... ID ...": the key stands behind its type.
    let key = rest.split_once(": ").and_then(|(_, key)| key.split(' ').nth(1));
    let method = match key {
        Some(key) => format!("{method} {key}"),
        None => method.to_owned(),
    };
    Some(Event::said(AuthWhat::Accepted(field(&method)), Some(user), ip))
}

fn failed(message: &str) -> Option<Said> {
    let refused = |user: &str, from: &str| {
        let user = user.strip_prefix("invalid user ").unwrap_or(user);
        let user = user.strip_prefix("illegal user ").unwrap_or(user);
        let user = Some(user).filter(|u| *u != "<invalid username>");
        Some(Event::said(AuthWhat::Failed, user, address(from.split(' ').next()?)))
    };
    if let Some(rest) = message.strip_prefix("Failed ") {
        let (_, rest) = rest.split_once(" for ")?;
        let (user, from) = rest.rsplit_once(" from ")?;
        return refused(user, from);
    }
    for front in ["Invalid user ", "Illegal user "] {
        if let Some(rest) = message.strip_prefix(front) {
            let (user, from) = rest.rsplit_once(" from ")?;
            return match refused(user, from)? {
                Said::Event(event) => Some(Said::Stranger(event)),
                said => Some(said),
            };
        }
    }
    if let Some(rest) = message.strip_prefix("PAM: ") {
        let (_, rest) = rest.split_once(" for ")?;
        let (user, from) = rest.rsplit_once(" from ")?;
        return refused(user, from);
    }
    if let Some(rest) = message.strip_prefix("maximum authentication attempts exceeded for ") {
        let (user, from) = rest.rsplit_once(" from ")?;
        return refused(user, from);
    }
    if let Some(rest) = message.strip_prefix("ROOT LOGIN REFUSED FROM ") {
        return refused("root", rest);
    }
    // Keys alone are refused without a word; the end of such a connection names the account.
    let ended = [
        "Connection closed by authenticating user ",
        "Connection reset by authenticating user ",
        "Disconnected from authenticating user ",
    ];
    if let Some(rest) = ended.iter().find_map(|front| message.strip_prefix(front)) {
        let (front, _) = rest.rsplit_once(" port ")?;
        let (user, from) = front.rsplit_once(' ')?;
        return refused(user, from);
    }
    let (front, _) = message.split_once(" not allowed because ")?;
    let (user, from) = front.strip_prefix("User ")?.rsplit_once(" from ")?;
    refused(user, from)
}

fn tunnel(message: &str) -> Option<Said> {
    // "connect_to mx.example.org port 25: failed.", "connect to 198.51.100.25 port 25 failed: ..."
    let asked = message
        .strip_prefix("connect_to ")
        .or_else(|| message.strip_prefix("connect to "))
        .or_else(|| message.strip_prefix("Received request to connect to host "));
    let asked = match asked {
        Some(asked) => asked,
        None => {
            let direct = message.starts_with("server_request_direct_tcpip: originator ")
                || message.starts_with("server_request_direct_tcpip originator ")
                || message.starts_with("refused local port forward: ");
            if !direct {
                return None;
            }
            message.rsplit_once(" target ")?.1
        }
    };
    let (host, rest) = asked.split_once(" port ").or_else(|| asked.split_once(": unknown host"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(6).collect();
    // An unknown host is named without its port.
    let port = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let host = host.trim_matches(['[', ']']);
    let right = !host.is_empty() && !host.contains(' ');
    right.then(|| Event::said(AuthWhat::Tunnel(field(host), port), None, None))
}

/// Lines that tie a process to its account.
fn session(message: &str) -> Option<Said> {
    if let Some(pid) = message.strip_prefix("User child is on pid ") {
        return Some(Said::Child(pid.trim().parse().ok()?));
    }
    if let Some(rest) = message.strip_prefix("Starting session: ") {
        let (front, from) = rest.rsplit_once(" from ")?;
        let (what, user) = front.rsplit_once(" for ")?;
        let ip = address(from.split(' ').next()?);
        // "forced-command (command) '/usr/bin/x' for anna".
        if what.starts_with("forced-command") {
            let command = what.split_once('\'')?.1.trim_end_matches('\'');
            return Some(Event::said(AuthWhat::Ran(field(command)), Some(user), ip));
        }
        return Some(Said::Named(field(user), ip));
    }
    // "Disconnected from user anna 192.0.2.9 port 5".
    let rest = message
        .strip_prefix("Disconnected from user ")
        .or_else(|| message.strip_prefix("Connection closed by user "))?;
    let mut words = rest.split(' ');
    let (user, ip) = (words.next()?, words.next().and_then(address));
    Some(Said::Named(field(user), ip))
}

/// The SFTP server with `-l INFO`.
fn sftp(message: &str) -> Option<Said> {
    if let Some(rest) = message.strip_prefix("session opened for local user ") {
        let (user, from) = rest.split_once(" from ")?;
        return Some(Said::Named(field(user), address(from)));
    }
    let rest = message.strip_prefix("open \"")?;
    let (path, flags) = rest.rsplit_once("\" flags ")?;
    let flags = flags.split(' ').next()?;
    let writes = flags.split(',').any(|f| matches!(f, "WRITE" | "CREATE" | "APPEND"));
    writes.then(|| Event::said(AuthWhat::Uploaded(field(path)), None, None))
}

/// `Password auth succeeded for 'root' from 192.0.2.9:1234`.
fn dropbear(message: &str) -> Option<Said> {
    let what = if message.starts_with("Password auth succeeded for '") {
        AuthWhat::Accepted("password".to_owned())
    } else if message.starts_with("Pubkey auth succeeded for '") {
        AuthWhat::Accepted("publickey".to_owned())
    } else if message.starts_with("Bad password attempt for '") {
        AuthWhat::Failed
    } else {
        let from = message.strip_prefix("Login attempt for nonexistent user from ")?;
        return Some(Event::said(AuthWhat::Failed, None, with_port(from)));
    };
    let (front, from) = message.rsplit_once(" from ")?;
    let user = front.split_once('\'')?.1.split('\'').next()?;
    Some(Event::said(what, Some(user), with_port(from)))
}

/// `192.0.2.9:1234`.
fn with_port(from: &str) -> Option<IpAddr> {
    address(from.trim().rsplit_once(':')?.0)
}
