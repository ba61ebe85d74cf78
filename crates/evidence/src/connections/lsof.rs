//! `lsof -nPi`: open sockets by process. The columns are those of its header; the program's name
//! is cut by lsof at nine characters unless it was told otherwise.

use crate::facts::Connection;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Rows taken from one table.
const MOST: usize = 1_000_000;

/// Whether a text is lsof's.
pub(crate) fn recognise(text: &[u8]) -> bool {
    lines::of(text).take(20).any(|(_, line)| {
        let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
        words.next() == Some(b"COMMAND".as_slice())
            && words.next() == Some(b"PID".as_slice())
            && words.any(|w| w == b"FD")
            && words.next_back() == Some(b"NAME".as_slice())
    })
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Connection> {
    lines::of(text)
        .filter_map(|(offset, line)| row(line, Place::byte(source, base + offset)))
        .take(MOST)
        .collect()
}

/// `perl 4711 www-data 3u IPv4 12345 0t0 TCP 192.0.2.10:41000->198.51.100.25:25 (SYN_SENT)`.
fn row(line: &[u8], place: Place) -> Option<Connection> {
    let words: Vec<&[u8]> =
        line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).take(16).collect();
    let at = words.iter().position(|w| *w == b"TCP")?;
    let name = words.get(at + 1)?;
    let state = words.get(at + 2).copied().unwrap_or_default();
    let state = state.strip_prefix(b"(").and_then(|s| s.strip_suffix(b")")).unwrap_or(b"");
    let state = super::sockets::state(state).unwrap_or("");
    let arrow = memchr::memmem::find(name, b"->");
    let (local, peer) = match arrow {
        Some(at) => (name.get(..at)?, name.get(at + 2..)?),
        None => (*name, b"*:*".as_slice()),
    };
    if arrow.is_none() && state != "LISTEN" {
        return None;
    }
    let mut connection = super::sockets::pair(local, peer, state, place)?;
    let [program, pid, ..] = words.as_slice() else { return None };
    connection.pid = crate::stamp::number(pid);
    connection.program = Some(super::text(program));
    // With -K a thread stands between; the user is the word before the descriptor.
    let descriptor = at.checked_sub(4)?;
    let user = words.get(descriptor.checked_sub(1)?)?;
    connection.uid = (descriptor > 2).then(|| crate::stamp::number(user)).flatten();
    Some(connection)
}
