//! Socket tables: `ss -tanp` (and `-tnp`, `-tunap`, `-e`) and `netstat -tanp` (and `-anp`, `-e`,
//! in some other languages). A table has no stamp;
//! the time of its rows is unknown unless the caller knows better.

use crate::facts::Connection;
use crate::lines;
use heloscope_model::{Place, SourceId};
use std::net::{IpAddr, Ipv4Addr};

/// Rows taken from one table.
const MOST: usize = 1_000_000;

/// States as both programs write them, made those of `ss`.
const STATES: [(&[u8], &str); 33] = [
    (b"ESTAB", "ESTAB"),
    (b"ESTABLISHED", "ESTAB"),
    (b"SYN-SENT", "SYN-SENT"),
    (b"SYN_SENT", "SYN-SENT"),
    (b"SYN-RECV", "SYN-RECV"),
    (b"SYN_RECV", "SYN-RECV"),
    (b"FIN-WAIT-1", "FIN-WAIT-1"),
    (b"FIN_WAIT1", "FIN-WAIT-1"),
    (b"FIN-WAIT-2", "FIN-WAIT-2"),
    (b"FIN_WAIT2", "FIN-WAIT-2"),
    (b"TIME-WAIT", "TIME-WAIT"),
    (b"TIME_WAIT", "TIME-WAIT"),
    (b"CLOSE-WAIT", "CLOSE-WAIT"),
    (b"CLOSE_WAIT", "CLOSE-WAIT"),
    (b"LAST-ACK", "LAST-ACK"),
    (b"LAST_ACK", "LAST-ACK"),
    (b"CLOSING", "CLOSING"),
    (b"CLOSED", "CLOSED"),
    (b"CLOSE", "CLOSED"),
    (b"UNCONN", "UNCONN"),
    (b"LISTEN", "LISTEN"),
    (b"LISTENING", "LISTEN"),
    // As netstat says them in German, Czech and Portuguese.
    (b"VERBUNDEN", "ESTAB"),
    (b"SPOJENO", "ESTAB"),
    ("NASLOUCHÁ".as_bytes(), "LISTEN"),
    ("ZAVŘEN".as_bytes(), "CLOSED"),
    (b"ESTABELECIDA", "ESTAB"),
    (b"SYN_ENVIADO", "SYN-SENT"),
    (b"SYN_RECEBIDO", "SYN-RECV"),
    (b"ESPERA_FIN1", "FIN-WAIT-1"),
    (b"ESPERANDO_FECHAR", "CLOSE-WAIT"),
    ("OUÇA".as_bytes(), "LISTEN"),
    (b"OU\xc7A", "LISTEN"),
];

/// Ports that a table without `-n` gives names.
const PORTS: [(&[u8], u16); 12] = [
    (b"smtp", 25),
    (b"submission", 587),
    (b"submissions", 465),
    (b"smtps", 465),
    (b"ssmtp", 465),
    (b"urd", 465),
    (b"ssh", 22),
    (b"http", 80),
    (b"https", 443),
    (b"imap2", 143),
    (b"imaps", 993),
    (b"domain", 53),
];

/// Whether a text is a socket table.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut seen = 0;
    let mut found = 0;
    for (_, line) in lines::of(text).take(100).filter(|(_, l)| !l.trim_ascii().is_empty()) {
        let heads = memchr::memmem::find(line, b"Recv-Q").is_some()
            && memchr::memmem::find(line, b"Send-Q").is_some();
        if heads && memchr::memmem::find(line, b"ddress").is_some() {
            return true;
        }
        seen += 1;
        found += usize::from(row(line, Place::whole(SourceId(0))).is_some());
    }
    found > 0 && found * 2 > seen
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Connection> {
    lines::of(text)
        .filter_map(|(offset, line)| row(line, Place::byte(source, base + offset)))
        .take(MOST)
        .collect()
}

/// One row of either table.
fn row(line: &[u8], place: Place) -> Option<Connection> {
    let words: Vec<&[u8]> =
        line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).take(16).collect();
    // netstat: tcp 0 0 local foreign STATE [user inode] pid/program
    if let [b"tcp" | b"tcp6" | b"tcp4", recv, _, local, foreign, state_word, rest @ ..] =
        words.as_slice()
        && recv.iter().all(u8::is_ascii_digit)
        && let Some(state) = state(state_word)
    {
        let mut connection = pair(local, foreign, state, place)?;
        // With -e a uid and an inode stand before the program.
        if let [uid, inode, _, ..] = rest
            && inode.iter().all(u8::is_ascii_digit)
        {
            connection.uid = crate::stamp::number(uid);
        }
        if let Some((pid, program)) = rest.iter().find_map(|w| pid_program(w)) {
            connection.pid = Some(pid);
            let mut name = super::text(program).trim_end_matches(':').to_owned();
            if name.is_empty() {
                name = "?".to_owned();
            }
            connection.program = Some(name);
        }
        return Some(connection);
    }
    // ss: [tcp] STATE recv send local peer [users:(("program",pid=1,fd=2))] [uid:33] ...
    let words = match words.as_slice() {
        [b"tcp", rest @ ..] => rest,
        all => all,
    };
    let [state_word, recv, send, local, peer, rest @ ..] = words else { return None };
    let state = state(state_word)?;
    if !recv.iter().chain(send.iter()).all(u8::is_ascii_digit) {
        return None;
    }
    let mut connection = pair(local, peer, state, place)?;
    for word in rest {
        if let Some(users) = word.strip_prefix(b"users:((\"") {
            let end = memchr::memchr(b'"', users).unwrap_or(users.len());
            connection.program = Some(super::text(users.get(..end)?));
            connection.pid = memchr::memmem::find(users, b"pid=").and_then(|at| {
                let digits = users.get(at + 4..)?;
                let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
                crate::stamp::number(digits.get(..len)?)
            });
        } else if let Some(uid) = word.strip_prefix(b"uid:") {
            connection.uid = crate::stamp::number(uid);
        }
    }
    Some(connection)
}

/// `1234/name`.
fn pid_program(word: &[u8]) -> Option<(u32, &[u8])> {
    let slash = memchr::memchr(b'/', word).filter(|at| (1..10).contains(at))?;
    Some((crate::stamp::number(word.get(..slash)?)?, word.get(slash + 1..)?))
}

pub(super) fn state(word: &[u8]) -> Option<&'static str> {
    STATES.iter().find(|(name, _)| *name == word).map(|(_, state)| *state)
}

/// A table does not say who began. The side with a well-known port answered; a table is of this
/// host, so otherwise the local side is taken for the source.
pub(super) fn pair(local: &[u8], peer: &[u8], state: &str, place: Place) -> Option<Connection> {
    let (local_ip, local_port, interface) = endpoint(local)?;
    let (peer_ip, peer_port, _) = endpoint(peer)?;
    let listening = state == "LISTEN" || state == "UNCONN";
    let inbound = !listening
        && state != "SYN-SENT"
        && local_port.is_some_and(|l| l < 1024 && peer_port.is_none_or(|p| p > l && p >= 1024));
    let mut connection = if inbound {
        let mut c = super::bare(peer_ip, local_ip, local_port?, place);
        c.src_port = peer_port;
        c.in_interface = interface.map(super::text);
        c
    } else if listening {
        // A listening socket: it waits at its own port for anybody.
        super::bare(peer_ip, local_ip, local_port?, place)
    } else {
        let mut c = super::bare(local_ip, peer_ip, peer_port?, place);
        c.src_port = local_port;
        c.out_interface = interface.map(super::text);
        c
    };
    connection.state = state.to_owned();
    Some(connection)
}

/// Address, port (none for `*`) and interface.
type Endpoint<'a> = (IpAddr, Option<u16>, Option<&'a [u8]>);

/// `192.0.2.1:25`, `[2001:db8::1]:25`, `2001:db8::1:25`, `*:*`, `192.0.2.1%eth0:68`,
/// `[::ffff:192.0.2.1]:25`.
fn endpoint(word: &[u8]) -> Option<Endpoint<'_>> {
    let colon = memchr::memrchr(b':', word)?;
    let (host, port) = word.split_at_checked(colon)?;
    let port = match port.get(1..)? {
        b"*" => None,
        name if name.first().is_some_and(u8::is_ascii_alphabetic) => {
            Some(PORTS.iter().find(|(known, _)| *known == name)?.1)
        }
        digits if !digits.is_empty() && digits.len() <= 5 => {
            Some(u16::try_from(crate::stamp::number(digits)?).ok()?)
        }
        _ => return None,
    };
    let (host, interface) = match memchr::memchr(b'%', host) {
        Some(at) => {
            (host.get(..at)?, host.get(at + 1..).map(|i| i.strip_suffix(b"]").unwrap_or(i)))
        }
        None => (host, None),
    };
    let host = host.strip_prefix(b"[").unwrap_or(host);
    let host = host.strip_suffix(b"]").unwrap_or(host);
    let ip = match host {
        b"*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        _ => std::str::from_utf8(host).ok()?.parse::<IpAddr>().ok()?.to_canonical(),
    };
    Some((ip, port, interface))
}
