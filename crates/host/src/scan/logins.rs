//! Who logged in, as wtmp tells: a summary, and service users that did. utmp(5)'s records are read by hand: 384 bytes
//! each on every Linux that writes them.

use super::Host;
use super::finding::{Grade, Rule, visible};
use super::out::Out;
use super::tree::reason;
use heloscope_model::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LOGINS: Rule = Rule {
    id: "logins",
    why: "A login that nobody here knows of explains what follows it.",
    todo: "Compare with who should have logged in, and from where.",
    against: "",
};
const SERVICE: Rule = Rule {
    id: "login-of-service",
    why: "A service has no reason to log in: somebody gave it a password or a key.",
    todo: "See what it did then (its history, files of that time); lock its password and remove its keys.",
    against: "Deployments may log in as the web server's user.",
};

const RECORD: usize = 384;
/// Bytes of wtmp that are read, from its end.
const MOST: u64 = 16 << 20;

/// A login.
#[derive(Debug, PartialEq)]
struct Login {
    user: String,
    from: String,
    at: Time,
}

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let path = Path::new("/var/log/wtmp");
    let bytes = match tail(host, path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return out.cannot("/var/log/wtmp", reason(&error)),
    };
    let mut users: BTreeMap<String, (usize, BTreeSet<String>, Time)> = BTreeMap::new();
    for login in read(&bytes) {
        let entry = users.entry(login.user).or_insert((0, BTreeSet::new(), login.at));
        entry.0 += 1;
        entry.2 = entry.2.max(login.at);
        if entry.1.len() < 1000 {
            entry.1.insert(login.from);
        }
    }
    for (name, (count, from, last)) in users.iter().take(100) {
        let places = from
            .iter()
            .filter(|f| !f.is_empty())
            .take(5)
            .map(|f| visible(f))
            .collect::<Vec<_>>()
            .join(", ");
        let what = format!(
            "{} logged in {count} times from {} places ({places}), last {}",
            visible(name),
            from.len(),
            last.rfc3339()
        );
        let service = host
            .users
            .all()
            .iter()
            .find(|u| u.name == *name)
            .is_some_and(|u| host.users.is_service(u.uid));
        let finding = if service {
            SERVICE.found(Grade::Suspect, 0.7, what)
        } else {
            LOGINS.found(Grade::Note, 0.3, what)
        };
        out.add(finding.at(path));
    }
}

/// Whole records up to the file's end.
fn tail(host: &Host<'_>, path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let (mut file, meta) = host.tree.file(path, false)?;
    let from = meta.len().saturating_sub(MOST) / RECORD as u64 * RECORD as u64;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST + RECORD as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Records of users' logins (type 7).
fn read(bytes: &[u8]) -> impl Iterator<Item = Login> {
    bytes.chunks_exact(RECORD).filter_map(|record| {
        let number = |at: usize| Some(i32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let text = |at: usize, len: usize| {
            let field = record.get(at..at + len)?;
            let end = memchr::memchr(0, field).unwrap_or(len);
            Some(heloscope_model::octets::lossy_text(field.get(..end)?).0.into_owned())
        };
        let kind = i16::from_ne_bytes(record.get(..2)?.try_into().ok()?);
        let user = text(44, 32)?;
        (kind == 7 && !user.is_empty()).then_some(())?;
        Some(Login { user, from: text(76, 256)?, at: Time::from_secs(i64::from(number(340)?)) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_of_logins() {
        let mut record = vec![0; RECORD];
        record[0] = 7;
        record[44..48].copy_from_slice(b"anna");
        record[76..87].copy_from_slice(b"203.0.113.5");
        record[340..344].copy_from_slice(&1_700_000_000i32.to_ne_bytes());
        let mut boot = record.clone();
        boot[0] = 2;
        let found: Vec<Login> = read(&[record, boot, vec![1]].concat()).collect();
        assert_eq!(
            found,
            [Login {
                user: "anna".into(),
                from: "203.0.113.5".into(),
                at: Time::from_secs(1_700_000_000)
            }]
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
            read(&bytes).for_each(drop);
        }
    }
}
