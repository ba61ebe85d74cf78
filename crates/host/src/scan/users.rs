//! Whose a number is: `/etc/passwd` of the root -> users with their homes and shells. And who the mail server and the
//! web server are, by the names that distributions give them.

use super::tree::Tree;
use std::path::PathBuf;

/// Users taken.
const MOST: usize = 100_000;

/// A user of the scanned system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) home: PathBuf,
    pub(crate) shell: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Users(Vec<User>);

/// Users as whom mail servers run.
const MTA: [&str; 9] = [
    "postfix",
    "Debian-exim",
    "exim",
    "smmsp",
    "smmta",
    "_smtpd",
    "opensmtpd",
    "qmailr",
    "courier",
];
/// Users as whom web servers run.
const WEB: [&str; 7] = ["www-data", "apache", "nginx", "httpd", "wwwrun", "lighttpd", "caddy"];

impl Users {
    pub(crate) fn read(tree: &Tree) -> Self {
        Self::of(&tree.read("/etc/passwd", 16 << 20).unwrap_or_default())
    }

    pub(crate) fn of(text: &[u8]) -> Self {
        let lossy = |b: &[u8]| heloscope_model::octets::lossy_text(b).0.into_owned();
        let row = |line: &[u8]| {
            let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
            let [name, _, uid, _, _, home, shell] = fields.as_slice() else { return None };
            let uid = std::str::from_utf8(uid).ok()?.parse().ok()?;
            use std::os::unix::ffi::OsStrExt;
            let home = PathBuf::from(std::ffi::OsStr::from_bytes(home));
            Some(User { name: lossy(name), uid, home, shell: lossy(shell) })
        };
        Self(text.split(|b| *b == b'\n').filter_map(row).take(MOST).collect())
    }

    pub(crate) fn all(&self) -> &[User] {
        &self.0
    }

    /// A number's name, or the number.
    pub(crate) fn name(&self, uid: u32) -> String {
        self.0.iter().find(|u| u.uid == uid).map_or_else(|| uid.to_string(), |u| u.name.clone())
    }

    fn is_one_of(&self, uid: u32, names: &[&str]) -> bool {
        self.0.iter().any(|u| u.uid == uid && names.contains(&u.name.as_str()))
    }

    /// Whether a number is a mail server's.
    pub(crate) fn is_mta(&self, uid: u32) -> bool {
        self.is_one_of(uid, &MTA)
    }

    /// Whether a number is a web server's.
    pub(crate) fn is_web(&self, uid: u32) -> bool {
        self.is_one_of(uid, &WEB)
    }

    /// Whether a number is no person's and not root's.
    pub(crate) fn is_service(&self, uid: u32) -> bool {
        (1..1000).contains(&uid) || uid == 65_534
    }

    /// Whether a number is a service's and this system has a user of that number with a shell for people.
    pub(crate) fn has_shell(user: &User) -> bool {
        !user.shell.is_empty()
            && !["nologin", "false", "sync", "halt", "shutdown"]
                .iter()
                .any(|s| user.shell.ends_with(s))
    }
}
