//! `conntrack -L`, `conntrack -E [-o timestamp]` and `/proc/net/nf_conntrack`: the original
//! direction names the inside client, the reply direction the address it was translated to.

use crate::facts::Connection;
use crate::lines;
use heloscope_model::{Place, SourceId, Time};
use std::collections::HashMap;
use std::net::IpAddr;

/// Rows taken from one table.
const MOST: usize = 1_000_000;

/// Whether a text is conntrack's.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let (mut seen, mut found) = (0, 0);
    for (_, line) in lines::of(text).take(100).filter(|(_, l)| !l.trim_ascii().is_empty()) {
        seen += 1;
        let is = memchr::memmem::find(line, b"src=").is_some()
            && memchr::memmem::find(line, b"dst=").is_some()
            && (memchr::memmem::find(line, b"sport=").is_some()
                || memchr::memmem::find(line, b"icmp").is_some());
        found += usize::from(is);
    }
    found > 0 && found * 2 > seen
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut known: HashMap<Tuple, usize> = HashMap::new();
    for (offset, line) in lines::of(text) {
        let Some(row) = row(line, Place::byte(source, base + offset)) else { continue };
        let tuple = (row.src, row.src_port, row.dst, row.dst_port);
        // Events tell of one connection several times: it began with the first of them.
        let later = ["[UPDATE]", "[DESTROY]"].iter().any(|event| has(line, event));
        let begun = known.get(&tuple).and_then(|index| found.get_mut(*index));
        match begun.filter(|_| later) {
            Some(begun) => {
                if row.state == "ESTAB" {
                    begun.state = row.state;
                }
            }
            None => {
                if found.len() >= MOST {
                    break;
                }
                known.insert(tuple, found.len());
                found.push(row);
            }
        }
    }
    found
}

/// What names a connection.
type Tuple = (IpAddr, Option<u16>, IpAddr, u16);

fn has(line: &[u8], needle: &str) -> bool {
    memchr::memmem::find(line.get(..line.len().min(80)).unwrap_or(line), needle.as_bytes())
        .is_some()
}

fn row(line: &[u8], place: Place) -> Option<Connection> {
    let mut time = None;
    let mut state = String::new();
    let mut tcp = false;
    let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
    for word in line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).take(40) {
        if let Some(equals) = memchr::memchr(b'=', word) {
            let (name, value) = word.split_at_checked(equals)?;
            fields.push((name, value.get(1..)?));
        } else if word == b"tcp" {
            tcp = true;
        } else if word.first().is_some_and(|b| *b == b'[') {
            // [1449239400.123456] the stamp of an event; [NEW], [UPDATE], [DESTROY] its type.
            let inner = word.strip_prefix(b"[").unwrap_or(word);
            let inner = inner.strip_suffix(b"]").unwrap_or(inner);
            if inner.first().is_some_and(u8::is_ascii_digit) && fields.is_empty() {
                time = stamp(inner);
            } else if fields.is_empty() {
                state = super::text(inner);
            } else if state.is_empty() {
                state = super::text(word);
            }
        } else if fields.is_empty()
            && word.len() > 3
            && word.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
        {
            state = match word {
                b"ESTABLISHED" => "ESTAB".to_owned(),
                other => super::text(other).replace('_', "-"),
            };
        }
    }
    if !tcp {
        return None;
    }
    let nth =
        |name: &[u8], n: usize| fields.iter().filter(|(f, _)| *f == name).nth(n).map(|(_, v)| *v);
    let ip = |name: &[u8], n| nth(name, n).and_then(crate::weblog::address);
    let port = |name: &[u8], n| {
        nth(name, n).and_then(crate::stamp::number).and_then(|p| u16::try_from(p).ok())
    };
    let src = ip(b"src", 0)?;
    let mut connection = super::bare(src, ip(b"dst", 0)?, port(b"dport", 0)?, place);
    connection.time = time;
    connection.src_port = port(b"sport", 0);
    // The reply goes to the address that the other end saw.
    connection.translated = ip(b"dst", 1).filter(|seen| *seen != src);
    connection.state = state;
    Some(connection)
}

/// Seconds with a fraction.
fn stamp(text: &[u8]) -> Option<Time> {
    let text = std::str::from_utf8(text).ok()?;
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    Some(Time::from_micros(secs.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?))
}
