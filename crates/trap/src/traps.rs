//! Which recipients are traps, and of what kind.
//!
//! In: the operator's list, one entry a line: a domain (`spam.example`), a domain with all below
//! it (`.spam.example`) or an address (`joe@example.org`), a blank, and its kind (`never-used`,
//! `recycled`, `typo`). `#` begins a comment. Out: [`TrapHit`]s. Refused, with the line's number:
//! anything else, and an entry named twice with two kinds. An address wins over its domain, the
//! longest domain over shorter ones. Local parts are compared without regard to case, as mail
//! servers do.

use heloscope_model::Octets;
use heloscope_model::sighting::{TrapHit, TrapKind};
use std::collections::{HashMap, HashSet};

/// The operator's traps. The default holds none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traps {
    /// Addresses, domains, and (with the dot in front) domains with what lies below, in lower case.
    entries: HashMap<String, TrapKind>,
    /// Names that nobody logs in with, in lower case.
    logins: HashSet<String>,
}

/// A line of the list that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of traps: {why}")]
pub struct BadTraps {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

impl Traps {
    /// Reads the operator's list.
    pub fn parse(text: &str) -> Result<Self, BadTraps> {
        let mut traps = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            traps.take(line).map_err(|why| BadTraps { line: number, why })?;
        }
        Ok(traps)
    }

    /// With names that nobody logs in with. They are no recipients, and no recipient is one: an attempt
    /// lists its address, and who makes it could look whether it did.
    pub fn with_logins(mut self, names: impl IntoIterator<Item = String>) -> Result<Self, String> {
        for name in names {
            let name = name.to_ascii_lowercase();
            if self.kind(name.as_bytes()).is_some() {
                return Err(format!(
                    "{name} is a trap that takes mail: a log-in under it would show that it is one"
                ));
            }
            self.logins.insert(name);
        }
        Ok(self)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let (Some(name), Some(kind), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("\"{line}\" is not an address or domain and its kind"));
        };
        let kind = match kind {
            "never-used" => TrapKind::NeverUsed,
            "recycled" => TrapKind::Recycled,
            "typo" => TrapKind::Typo,
            other => {
                return Err(format!(
                    "\"{other}\" is no kind of trap: write never-used, recycled or typo"
                ));
            }
        };
        let name = name.to_ascii_lowercase();
        let domain = match name.rsplit_once('@') {
            Some(("", _)) => return Err(format!("\"{name}\" has nothing before its @")),
            Some((_, domain)) => domain,
            None => name.strip_prefix('.').unwrap_or(&name),
        };
        if !is_domain(domain) {
            return Err(format!("\"{domain}\" is no domain name"));
        }
        match self.entries.insert(name.clone(), kind) {
            Some(before) if before != kind => {
                Err(format!("\"{name}\" stands in the list as another kind already"))
            }
            _ => Ok(()),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The kind of a recipient that is a trap.
    pub fn kind(&self, recipient: &[u8]) -> Option<TrapKind> {
        let address = std::str::from_utf8(recipient).ok()?.to_ascii_lowercase();
        // A source route (RFC 5321 4.1.1.3) is ignored.
        let address = match address.strip_prefix('@') {
            Some(route) => route.split_once(':')?.1,
            None => &address,
        };
        if let Some(&kind) = self.entries.get(address) {
            return Some(kind);
        }
        let domain = address.rsplit_once('@')?.1.trim_end_matches('.');
        if let Some(&kind) = self.entries.get(domain) {
            return Some(kind);
        }
        let mut name = format!(".{domain}");
        loop {
            if let Some(&kind) = self.entries.get(&name) {
                return Some(kind);
            }
            let dot = name.get(1..)?.find('.')? + 1;
            name.drain(..dot);
        }
    }

    /// Whether one of the user names of log-ins is nobody's.
    pub fn login<'a>(&self, mut users: impl Iterator<Item = &'a Octets>) -> bool {
        users.any(|user| self.logins.contains(&user.text().0.to_ascii_lowercase()))
    }

    /// The traps among recipients, in their order, each once.
    pub fn hits<'a>(&self, recipients: impl Iterator<Item = &'a Octets>) -> Vec<TrapHit> {
        let mut hits: Vec<TrapHit> = Vec::new();
        let mut seen = HashSet::new();
        for recipient in recipients {
            if let Some(kind) = self.kind(recipient.as_bytes())
                && seen.insert(recipient.as_bytes().to_ascii_lowercase())
            {
                hits.push(TrapHit { recipient: recipient.clone(), kind });
            }
        }
        hits
    }
}

/// Labels of letters, digits, hyphens and underscores, at least one.
pub(crate) fn is_domain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let label = |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(plain);
    (1..=253).contains(&name.len()) && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_entry_names_the_kind() {
        let traps = Traps::parse(
            "# ours\n\
             spam.example never-used\n\
             .trap.example   recycled # and all below\n\
             gmial.example typo\n\
             Joe@trap.example never-used\n\n",
        )
        .unwrap();
        assert_eq!(traps.len(), 4);
        for (recipient, kind) in [
            ("anybody@spam.example", Some(TrapKind::NeverUsed)),
            ("ANYBODY@Spam.Example.", Some(TrapKind::NeverUsed)),
            ("a@sub.spam.example", None),
            ("a@trap.example", Some(TrapKind::Recycled)),
            ("a@b.c.trap.example", Some(TrapKind::Recycled)),
            ("a@nottrap.example", None),
            ("JOE@trap.example", Some(TrapKind::NeverUsed)),
            ("@relay.example,@b.example:joe@gmial.example", Some(TrapKind::Typo)),
            ("@relay.example", None),
            ("spam.example", Some(TrapKind::NeverUsed)),
            ("postmaster", None),
            ("", None),
        ] {
            assert_eq!(traps.kind(recipient.as_bytes()), kind, "{recipient}");
        }
        let traps = traps.with_logins(["Backup".to_owned(), "b@b.example".to_owned()]).unwrap();
        for (users, hit) in [
            (&["anna", "BACKUP"][..], true),
            (&["b@b.example"], true),
            (&["joe@trap.example", "spam.example", "", "anna@example.org"], false),
        ] {
            let users: Vec<Octets> = users.iter().map(|&user| Octets::from(user)).collect();
            assert_eq!(traps.login(users.iter()), hit, "{users:?}");
        }
        let told = traps.clone().with_logins(["joe@Trap.example".to_owned()]).unwrap_err();
        assert!(told.contains("takes mail"), "{told}");
        let said: Vec<Octets> =
            ["x@example.org", "b@gmial.example", "B@gmial.example"].map(Octets::from).into();
        assert_eq!(traps.hits(said.iter()).len(), 1);
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, line, word) in [
            ("spam.example", 1, "its kind"),
            ("\nspam.example listed", 2, "never-used, recycled or typo"),
            ("a b c", 1, "its kind"),
            ("@spam.example typo", 1, "before its @"),
            ("joe@ typo", 1, "no domain"),
            ("spa/m typo", 1, "no domain"),
            ("a.example typo\na.example typo\nA.example recycled", 3, "another kind"),
        ] {
            let error = Traps::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,80}", bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = Traps::parse(&text);
            let traps = Traps::parse(".a typo\nx@b typo").unwrap();
            traps.kind(&bytes);
            traps.kind(text.as_bytes());
        }
    }
}
