//! Lines of JSON: `journalctl -o json` and Docker's json-file. Flat objects of strings; the
//! fields needed are unescaped into a scratch buffer as `host tag[pid]: text`.

use crate::stamp::{self, Clock};
use heloscope_model::Time;
use memchr::memchr2;

/// The instant and the framed rest of a line; `None` where it is neither form.
pub(crate) fn read<'a>(
    line: &[u8],
    scratch: &'a mut Vec<u8>,
    clock: &mut Clock,
) -> Option<(Time, &'a [u8])> {
    let mut rest = line.strip_prefix(b"{")?;
    let mut found: [Option<&[u8]>; 7] = [None; 7];
    const NAMES: [&[u8]; 7] = [
        b"__REALTIME_TIMESTAMP",
        b"_HOSTNAME",
        b"SYSLOG_IDENTIFIER",
        b"_PID",
        b"MESSAGE",
        b"log",
        b"time",
    ];
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        if rest.starts_with(b"}") {
            break;
        }
        let (key, tail) = string(rest)?;
        let tail = tail.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, tail) = match tail.first()? {
            b'"' => string(tail)?,
            b'[' | b'{' => return None, // bytes that are no text; nothing of an MTA's
            _ => {
                let end = memchr2(b',', b'}', tail)?;
                tail.split_at_checked(end)?
            }
        };
        if let Some(at) = NAMES.iter().position(|name| *name == key)
            && let Some(slot) = found.get_mut(at)
        {
            *slot = Some(value);
        }
        rest = tail;
    }
    scratch.clear();
    match found {
        [Some(micros), host, Some(tag), pid, Some(text), ..] => {
            let micros: i64 = std::str::from_utf8(micros).ok()?.trim().parse().ok()?;
            unescape(host.unwrap_or(b"localhost"), scratch);
            scratch.push(b' ');
            unescape(tag, scratch);
            if let Some(pid) = pid {
                scratch.push(b'[');
                unescape(pid, scratch);
                scratch.push(b']');
            }
            scratch.extend_from_slice(b": ");
            unescape(text, scratch);
            Some((Time::from_micros(micros), scratch.as_slice()))
        }
        [.., Some(log), Some(time)] => {
            let (stamp, _) = stamp::rfc3339(time)?;
            unescape(log, scratch);
            let line = scratch.trim_ascii_end();
            let (_, rest) = stamp::bsd(line).or_else(|| {
                stamp::rfc3339(line).and_then(|(s, rest)| Some((s, rest.strip_prefix(b" ")?)))
            })?;
            Some((clock.instant(&stamp), rest))
        }
        _ => None,
    }
}

/// The string a text starts with, escapes kept, and what follows it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        at += 2;
    }
}

/// Appends a string's bytes.
fn unescape(text: &[u8], into: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        if b != b'\\' {
            into.push(b);
            continue;
        }
        let Some((&escape, tail)) = rest.split_first() else { return };
        rest = tail;
        match escape {
            b'n' | b'r' => into.push(b' '),
            b't' => into.push(b'\t'),
            b'u' => {
                let Some((digits, tail)) = rest.split_at_checked(4) else { return };
                rest = tail;
                let code = std::str::from_utf8(digits)
                    .ok()
                    .and_then(|d| u32::from_str_radix(d, 16).ok())
                    .and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                into.extend_from_slice(code.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => into.push(other),
        }
    }
}
