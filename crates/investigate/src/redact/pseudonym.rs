//! An original of a type -> its pseudonym, the same each time, numbered as they come.

use std::collections::HashMap;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// An account.
    User,
    /// Who has a mail address: its local part with its domain.
    Person,
    /// The domain of a mail address.
    Domain,
    /// A machine's name.
    Host,
    /// A public address of a client.
    Client,
    /// A link-layer address.
    Mac,
    /// A message's subject.
    Subject,
    /// A Message-ID.
    Message,
    /// The fingerprint of a key, or a public key.
    Key,
    /// The value of a query.
    Value,
    /// Nothing of a person: it stays as it is.
    Kept,
}

/// Pseudonyms given so far; looked up, never iterated.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    given: HashMap<(Kind, String), usize>,
    counts: HashMap<Kind, usize>,
}

impl Pseudonyms {
    /// The pseudonym of an original.
    pub(super) fn of(&mut self, kind: Kind, original: &str) -> String {
        match kind {
            Kind::Kept => original.to_owned(),
            // Each value for itself: equal values would say something of them.
            Kind::Value => "***".to_owned(),
            Kind::Person => match original.rsplit_once('@') {
                Some((_, domain)) => {
                    let person = self.number(Kind::Person, original);
                    let domain = self.number(Kind::Domain, domain);
                    format!("person-{person}@domain-{domain}.invalid")
                }
                None => format!("person-{}", self.number(Kind::Person, original)),
            },
            Kind::Domain => format!("domain-{}.invalid", self.number(kind, original)),
            Kind::User => format!("user-{}", self.number(kind, original)),
            Kind::Host => format!("host-{}", self.number(kind, original)),
            Kind::Client => format!("client-{}", self.number(kind, original)),
            Kind::Mac => format!("mac-{}", self.number(kind, original)),
            Kind::Subject => format!("subject-{}", self.number(kind, original)),
            Kind::Message => format!("message-{}", self.number(kind, original)),
            Kind::Key => format!("key-{}", self.number(kind, original)),
        }
    }

    fn number(&mut self, kind: Kind, original: &str) -> usize {
        let count = self.counts.entry(kind).or_default();
        *self.given.entry((kind, original.to_lowercase())).or_insert_with(|| {
            *count += 1;
            *count
        })
    }
}
