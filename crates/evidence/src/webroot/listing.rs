//! Listings of a tree that keep the times a copy has lost: `find DIR -printf '%T@ %p\n'` and
//! `ls -laR --time-style=full-iso`.

use crate::lines;
use crate::stamp::{self, Clock};
use heloscope_model::Time;

/// Entries taken from one listing.
const MOST: usize = 1_000_000;

/// Whether a text is such a listing.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let (mut seen, mut found) = (0, 0);
    for (_, line) in lines::of(text).take(200).filter(|(_, l)| !l.trim_ascii().is_empty()) {
        seen += 1;
        let total = line.starts_with(b"total ")
            && line.get(6..).is_some_and(|n| n.iter().all(u8::is_ascii_digit));
        let folder = line.first().is_some_and(|b| matches!(b, b'/' | b'.')) && line.ends_with(b":");
        found += usize::from(printed(line).is_some() || listed(line).is_some() || total || folder);
    }
    // A tree of one file is listed in one line, which ends in its path.
    let path = |l: &[u8]| l.rsplit(|&b| b == b' ').next().is_some_and(|w| w.starts_with(b"/"));
    let alone = seen == 1 && lines::of(text).any(|(_, l)| printed(l).is_some() && path(l));
    (found >= 2 || alone) && found * 10 >= seen * 8
}

/// Paths and times. Relative paths are given as they stand.
pub(crate) fn read(text: &[u8], command: Option<&str>) -> Vec<(String, Time)> {
    let mut found = Vec::new();
    // `ls -la DIR` names its folder only in the command.
    let mut folder = command
        .and_then(|c| c.split_whitespace().rfind(|w| w.starts_with('/')))
        .unwrap_or_default()
        .to_owned();
    for (_, line) in lines::of(text) {
        if found.len() >= MOST {
            break;
        }
        if let Some((time, path)) = printed(line) {
            found.push((path, time));
        } else if let Some((time, name)) = listed(line) {
            if name != "." && name != ".." {
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{}/{name}", folder.trim_end_matches('/'))
                };
                found.push((path, time));
            }
        } else if line.first().is_some_and(|b| matches!(b, b'/' | b'.' | b'\''))
            && let Some(name) = line.strip_suffix(b":")
        {
            folder = String::from_utf8_lossy(name).trim_matches('\'').to_owned();
        }
    }
    found
}

/// `1449239400.1234567890 /var/www/x.php`, or `... 644 www-data 1234 /var/www/x.php`.
fn printed(line: &[u8]) -> Option<(Time, String)> {
    let blank = memchr::memchr(b' ', line)?;
    let (stamp, path) = line.split_at_checked(blank)?;
    let stamp = std::str::from_utf8(stamp).ok()?;
    let (secs, fraction) = stamp.split_once('.')?;
    let secs: i64 = secs.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    if !(0..8_000_000_000).contains(&secs) {
        return None;
    }
    let path = String::from_utf8_lossy(path.get(1..)?).into_owned();
    // Mode, owner and size may stand between.
    let mut words = path.splitn(4, ' ');
    let path = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(mode), Some(_), Some(size), Some(rest))
            if [mode, size]
                .iter()
                .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()))
                && rest.starts_with(['/', '.']) =>
        {
            rest.to_owned()
        }
        _ => path,
    };
    (path.contains('/') && path.len() < 4096)
        .then(|| (Time::from_nanos(secs * 1_000_000_000 + nanos), path))
}

/// `-rw-r--r-- 1 www-data www-data 1234 2015-12-04 14:30:00.000000000 +0000 x.php`
fn listed(line: &[u8]) -> Option<(Time, String)> {
    let mode = line.get(..10)?;
    let is_mode = matches!(mode.first(), Some(b'-' | b'd' | b'l' | b's' | b'p' | b'c' | b'b'))
        && mode
            .iter()
            .skip(1)
            .all(|b| matches!(b, b'r' | b'w' | b'x' | b'-' | b's' | b'S' | b't' | b'T'));
    if !is_mode {
        return None;
    }
    let mut rest = line.get(10..)?;
    // ACL mark, links, owner, group, size.
    for skip in 0..5 {
        rest = rest.trim_ascii_start();
        if skip == 0 {
            rest = rest.strip_prefix(b"+").or(rest.strip_prefix(b".")).unwrap_or(rest);
            continue;
        }
        let end = rest.iter().position(u8::is_ascii_whitespace)?;
        rest = rest.get(end..)?;
    }
    rest = rest.trim_ascii_start();
    let stamp = stamp::iso(rest)?;
    let mut after = rest.get(stamp.end..)?.trim_ascii_start();
    let mut stamp = stamp;
    if let Some(sign @ (b'+' | b'-')) = after.first()
        && let Some((secs, len)) = stamp::numeric_offset(after.get(1..)?)
    {
        stamp.offset = Some(if *sign == b'-' { -secs } else { secs });
        after = after.get(1 + len..)?;
    }
    let name = String::from_utf8_lossy(after.strip_prefix(b" ")?).into_owned();
    let name = name.split(" -> ").next().unwrap_or_default().to_owned();
    let time = Clock::new(jiff::tz::TimeZone::UTC, 1970).time(&stamp);
    (!name.is_empty()).then_some((time, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let find = b"1449239400.5000000000 /var/www/shop/x.php\n1400000000.0000000000 /var/www/shop/index.php\n";
        assert!(recognise(find));
        let found = read(find, None);
        assert_eq!(found[0].0, "/var/www/shop/x.php");
        assert_eq!(found[0].1.rfc3339(), "2015-12-04T14:30:00.500Z");
        let more = read(b"1449239400.5 644 www-data 12 /var/www/shop/a b.php\n", None);
        assert_eq!(more[0].0, "/var/www/shop/a b.php");
        let ls = b"/var/www/shop:\ntotal 12\ndrwxr-xr-x 2 root root 4096 2015-12-04 14:30:00.000000000 +0100 .\n-rw-r--r-- 1 www-data www-data 1234 2015-12-04 14:30:00.000000000 +0100 x y.php\n\n/var/www/shop/img:\ntotal 4\n-rw-r--r--. 1 a b 1 2014-01-01 00:00:00.000000000 +0000 a.php\n";
        assert!(recognise(ls));
        let found: Vec<String> =
            read(ls, None).into_iter().map(|(p, t)| format!("{p} {t}")).collect();
        assert_eq!(
            found,
            [
                "/var/www/shop/x y.php 2015-12-04T13:30:00Z",
                "/var/www/shop/img/a.php 2014-01-01T00:00:00Z"
            ]
        );
        assert!(!recognise(b"Hello\nworld\n"));
    }
}
