//! `authorized_keys`: who may log in without a password, with which options. Keys of service users, forced commands
//! that are odd, and many keys stand out; the keys themselves are kept in the inventory, so that a new one is seen.

use super::{MOST, started};
use crate::scan::Host;
use crate::scan::finding::{Grade, Rule, shown, visible};
use crate::scan::out::Out;
use crate::scan::tree::reason;
use crate::scan::users::{User, Users};
use std::path::{Path, PathBuf};

const KEYS: Rule = Rule {
    id: "authorized-key",
    why: "Whoever has the key comes in without a password, also after all passwords were changed.",
    todo: "Ask who owns the key; take the line out where nobody does.",
    against: "Administrators and deployments log in by keys.",
};

/// More keys of one user than this are told of.
const MANY: usize = 20;

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    for user in host.users.all() {
        if user.home.as_os_str().is_empty() || user.home == Path::new("/nonexistent") {
            continue;
        }
        for name in [".ssh/authorized_keys", ".ssh/authorized_keys2"] {
            let path = user.home.join(name);
            match host.tree.read(&path, MOST) {
                Ok(bytes) => one(host, user, &path, &bytes, out),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    out.cannot(shown(&path), reason(&error));
                }
                Err(_) => {}
            }
        }
    }
    for path in host.tree.files("/etc/ssh/authorized_keys", "") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let user = User { name, uid: 0, home: PathBuf::new(), shell: "/bin/sh".to_owned() };
        if let Ok(bytes) = host.tree.read(&path, MOST) {
            one(host, &user, &path, &bytes, out);
        }
    }
}

fn one(host: &Host<'_>, user: &User, path: &Path, bytes: &[u8], out: &mut Out) {
    let mut keys = 0;
    for (index, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
        let line = line.trim();
        let Some((options, rest)) = key(line) else { continue };
        keys += 1;
        out.list(
            "keys",
            format!(
                "{} {}",
                visible(&user.name),
                visible(rest.get(..rest.len().min(800)).unwrap_or(rest))
            ),
            options,
        );
        let command = options.split("command=\"").nth(1).and_then(|c| c.split('"').next());
        let found = command.and_then(|c| started(host, &KEYS, c, "the command of a key"));
        let found = found.or_else(|| {
            let odd = options.contains("environment=\"LD_");
            odd.then(|| {
                KEYS.found(
                    Grade::Bad,
                    0.8,
                    format!("the key sets the loader's environment: {}", visible(options)),
                )
            })
        });
        let found = found.or_else(|| {
            (options.contains("tunnel=") || options.contains("permitlisten=")).then(|| {
                KEYS.found(
                    Grade::Note,
                    0.3,
                    format!("the key may open tunnels: {}", visible(options)),
                )
            })
        });
        if let Some(finding) = found {
            out.add(finding.at(path).line(index + 1));
        }
    }
    if keys == 0 {
        return;
    }
    if host.users.is_service(user.uid) && user.uid != 0 {
        // Who has no shell cannot log in by a key, but may still forward.
        let (grade, sure) =
            if Users::has_shell(user) || host.users.is_web(user.uid) || host.users.is_mta(user.uid)
            {
                (Grade::Suspect, 0.7)
            } else {
                (Grade::Note, 0.4)
            };
        let git = ["git", "gitea", "gitlab", "backup", "rsync", "deploy", "gitolite3"]
            .contains(&user.name.as_str());
        let (grade, sure) = if git { (Grade::Note, 0.2) } else { (grade, sure) };
        let what = format!(
            "{keys} keys let in as {}, who is a service and no person",
            visible(&user.name)
        );
        out.add(KEYS.found(grade, sure, what).at(path));
    } else if keys > MANY {
        let what = format!("{keys} keys let in as {}", visible(&user.name));
        out.add(KEYS.found(Grade::Note, 0.3, what).at(path));
    }
}

/// Options and the rest (type, key, comment) of a line.
fn key(line: &str) -> Option<(&str, &str)> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    const TYPES: [&str; 4] = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];
    if TYPES.iter().any(|t| line.starts_with(t)) {
        return Some(("", line));
    }
    // Options end at the first blank outside of quotes.
    let mut quoted = false;
    let mut before = '\0';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                let rest = line.get(at..)?.trim_start();
                return TYPES
                    .iter()
                    .any(|t| rest.starts_with(t))
                    .then_some((line.get(..at)?, rest));
            }
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_and_keys() {
        for (line, want) in [
            ("ssh-ed25519 AAAA anna", Some(("", "ssh-ed25519 AAAA anna"))),
            (
                r#"command="/bin/x \"a b\"",no-pty ssh-rsa AAAA x"#,
                Some((r#"command="/bin/x \"a b\"",no-pty"#, "ssh-rsa AAAA x")),
            ),
            ("# ssh-rsa AAAA", None),
            ("hello world", None),
        ] {
            assert_eq!(key(line), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(line in ".{0,100}") {
            key(&line);
        }
    }
}
