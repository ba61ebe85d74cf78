//! Which name a user id has: `getent passwd` or `/etc/passwd` (passwd(5)) -> [`User`]s. The real
//! names and folders in it are passed over.

use crate::facts::User;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Users taken from one file.
const MOST: usize = 200_000;

/// Whether a text is such a list.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let (mut seen, mut found) = (0, 0);
    for (_, line) in lines::of(text)
        .take(50)
        .filter(|(_, l)| !l.trim_ascii().is_empty() && l.first() != Some(&b'#'))
    {
        seen += 1;
        found += usize::from(row(line).is_some());
    }
    found >= 2 && found * 10 >= seen * 9
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<User> {
    lines::of(text)
        .filter_map(|(offset, line)| {
            let (name, uid) = row(line)?;
            let name = heloscope_model::octets::lossy_text(name).0.into_owned();
            Some(User { name, uid, place: Place::byte(source, base + offset) })
        })
        .take(MOST)
        .collect()
}

/// `name:x:1000:1000:…:/home/name:/bin/bash`: seven fields, two of them numbers.
fn row(line: &[u8]) -> Option<(&[u8], u32)> {
    let fields: Vec<&[u8]> = line.split(|&b| b == b':').take(8).collect();
    let [name, _, uid, gid, _, home, _] = fields.as_slice() else { return None };
    let _: u32 = crate::stamp::number(gid)?;
    let named = !name.is_empty() && name.len() <= 64 && !name.contains(&b' ');
    (named && (home.is_empty() || home.starts_with(b"/"))).then_some(())?;
    Some((name, crate::stamp::number(uid)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_numbers() {
        let text = b"root:x:0:0:root:/root:/bin/bash\n\
            www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nanna:x:1001:1001:,,,:/home/anna:/bin/sh\n";
        assert!(recognise(text));
        let found: Vec<_> =
            read(text, SourceId(0), 0).into_iter().map(|u| (u.name, u.uid)).collect();
        assert_eq!(
            found,
            [("root".to_owned(), 0), ("www-data".to_owned(), 33), ("anna".to_owned(), 1001)]
        );
        assert!(!recognise(b"12:30:45:10:x:/y:z\nDec 4 14:30:00 mail postfix/qmgr[1]: x\n"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            recognise(&bytes);
            read(&bytes, SourceId(0), 0);
        }
    }
}
