//! Dialogues written as text, for tests and examples that read like what was on the wire.
//!
//! ```text
//! # a comment
//! S: 220 mx.example.net ESMTP
//! C: EHLO mail.example.org
//! C:lf MAIL FROM:<a@example.org>     ends with a bare LF (likewise C:cr)
//! C:raw \x16\x03\x01                 no line end; escapes \r \n \t \0 \\ \xNN
//! gap C 1000                         bytes the recording does not hold
//! midstream
//! ```
//!
//! Each line is one second after the one before, from 1 on. An unknown line is an error that
//! names it.

use crate::{Limits, Machine, Side};
use heloscope_model::Time;
use heloscope_model::session::Dialogue;

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A side speaks.
    Says(Side, Vec<u8>),
    /// Bytes of a side are missing.
    Gap(Side, u64),
    /// The recording began late.
    Midstream,
}

/// A line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine(pub String);

/// Reads a script.
pub fn parse(text: &str) -> Result<Vec<Turn>, BadLine> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| turn(line).ok_or_else(|| BadLine(line.to_owned())))
        .collect()
}

/// Plays turns through a machine and ends the session.
pub fn play(turns: &[Turn], limits: &Limits) -> Dialogue {
    let mut machine = Machine::new(limits);
    for (turn, second) in turns.iter().zip(1..) {
        let at = Time::from_secs(second);
        match turn {
            Turn::Says(side, bytes) => machine.feed(*side, at, bytes),
            Turn::Gap(side, len) => machine.gap(*side, at, *len),
            Turn::Midstream => machine.midstream(),
        }
    }
    machine.finish()
}

fn turn(line: &str) -> Option<Turn> {
    if line == "midstream" {
        return Some(Turn::Midstream);
    }
    if let Some(rest) = line.strip_prefix("gap ") {
        let (who, len) = rest.split_once(' ')?;
        return Some(Turn::Gap(side(who)?, len.trim().parse().ok()?));
    }
    let (head, text) = line.split_once(' ').unwrap_or((line, ""));
    let (who, how) = head.split_once(':')?;
    let mut bytes = text.as_bytes().to_vec();
    match how {
        "" => bytes.extend_from_slice(b"\r\n"),
        "lf" => bytes.push(b'\n'),
        "cr" => bytes.push(b'\r'),
        "raw" => bytes = unescape(text)?,
        _ => return None,
    }
    Some(Turn::Says(side(who)?, bytes))
}

fn side(who: &str) -> Option<Side> {
    match who {
        "C" => Some(Side::Client),
        "S" => Some(Side::Server),
        _ => None,
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'\\' => match rest.next()? {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'0' => 0,
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            b => b,
        });
    }
    Some(bytes)
}
