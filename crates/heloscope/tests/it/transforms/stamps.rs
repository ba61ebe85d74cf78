//! The stamps of log lines rewritten.

use jiff::ToSpan;
use jiff::civil::DateTime;

/// The year of the cases.
const YEAR: i16 = 2026;

/// Changes every line, its end apart.
pub(crate) fn lines(text: &[u8], to: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&b| b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend(to(line));
                out.push(b'\n');
            }
            None => out.extend(to(line)),
        }
    }
    out
}

/// The stamp at the start of a line, and how long it is there.
pub(crate) fn of(line: &[u8]) -> Option<(DateTime, usize)> {
    let text = std::str::from_utf8(line.get(..line.len().min(32))?).ok()?;
    if text.as_bytes().get(10) == Some(&b'T') {
        let len = text.find(['+', 'Z', ' ']).filter(|at| *at >= 19)?;
        return Some((text.get(..len)?.parse().ok()?, len));
    }
    let dated = format!("{YEAR} {}", text.get(..15)?);
    let stamp = DateTime::strptime("%Y %b %d %H:%M:%S", dated).ok()?;
    Some((stamp, 15))
}

fn is_rfc3339(line: &[u8]) -> bool {
    line.get(10) == Some(&b'T')
}

/// A line of a clock that goes differently by so many seconds.
pub(crate) fn shifted(line: &[u8], seconds: i64) -> Vec<u8> {
    let Some((stamp, len)) = of(line) else { return line.to_vec() };
    let stamp = stamp.checked_add(seconds.seconds()).unwrap();
    let text = if is_rfc3339(line) { format!("{stamp:.6}") } else { bsd(stamp) };
    [text.as_bytes(), &line[len..]].concat()
}

/// A line with a BSD stamp: no year, no zone, whole seconds.
pub(crate) fn as_bsd(line: &[u8]) -> Vec<u8> {
    let Some((stamp, _)) = of(line).filter(|_| is_rfc3339(line)) else { return line.to_vec() };
    let rest = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    [bsd(stamp).as_bytes(), &line[rest..]].concat()
}

/// A line of another year; the stamp says so only where it has one.
pub(crate) fn of_year(line: &[u8], year: &str) -> Vec<u8> {
    if is_rfc3339(line) { [year.as_bytes(), &line[4..]].concat() } else { line.to_vec() }
}

fn bsd(stamp: DateTime) -> String {
    stamp.strftime("%b %e %H:%M:%S").to_string()
}
