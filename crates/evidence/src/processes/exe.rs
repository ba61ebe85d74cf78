//! What processes really run: `ls -l /proc/[0-9]*/exe` (proc(5)) -> the file behind each process,
//! whatever its command line claims. A file that was removed since ends in ` (deleted)`.

use crate::facts::Running;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Rows taken from one listing.
const MOST: usize = 100_000;

/// Whether a text is such a listing.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut lines = lines::of(text)
        .take(20)
        .filter(|(_, l)| !l.trim_ascii().is_empty() && l.first() != Some(&b'#'))
        .peekable();
    lines.peek().is_some()
        && lines.all(|(_, l)| {
            let link = memchr::memmem::find(l, b" /proc/");
            // Of a kernel thread, and of others' processes, the link cannot be read.
            link.is_some_and(|at| {
                l.get(at..).is_some_and(|r| {
                    r.ends_with(b"/exe") || memchr::memmem::find(r, b" -> ").is_some()
                })
            }) || memchr::memmem::find(l, b"cannot read").is_some()
        })
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Running> {
    let rows = lines::of(text).filter_map(|(offset, line)| {
        let at = memchr::memmem::find(line, b" /proc/")?;
        let rest = line.get(at + b" /proc/".len()..)?;
        let slash = memchr::memchr(b'/', rest)?;
        let pid = crate::stamp::number(rest.get(..slash)?)?;
        let exe = rest.get(slash..)?.strip_prefix(b"/exe -> ")?;
        let exe =
            heloscope_model::octets::lossy_text(exe.get(..exe.len().min(4096))?).0.into_owned();
        Some(Running { pid, exe, place: Place::byte(source, base + offset) })
    });
    rows.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_file_behind_a_process() {
        let text = b"lrwxrwxrwx 1 root root 0 Nov 24 08:52 /proc/1/cwd -> /\n\
            lrwxrwxrwx 1 root root 0 Nov 24 08:34 /proc/1/exe -> /usr/lib/systemd/systemd\n\
            lrwxrwxrwx 1 www-data www-data 0 Nov 24 08:52 /proc/375/exe -> /tmp/x (deleted)\n";
        assert!(recognise(text));
        let found: Vec<_> =
            read(text, SourceId(0), 0).into_iter().map(|r| (r.pid, r.exe)).collect();
        assert_eq!(
            found,
            [(1, "/usr/lib/systemd/systemd".to_owned()), (375, "/tmp/x (deleted)".to_owned())]
        );
        assert!(!recognise(b"-rw-r--r-- 1 root root 0 Nov 24 08:52 /etc/passwd\n"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut text = b"x /proc/".to_vec();
            text.extend(bytes);
            recognise(&text);
            read(&text, SourceId(0), 0);
        }
    }
}
