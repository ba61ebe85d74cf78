//! What comes out: of each target and list one [`Answer`], of a whole check a [`Check`]. What a name server said
//! ([`Said`]) goes in. No state is ever "not listed because nothing was heard": what could not be asked is
//! `refused`, `error` or `dead`.

use crate::{Kind, Target};
use ipnet::IpNet;
use std::net::Ipv4Addr;

/// What was heard when a name was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Addresses, and for how long they hold.
    Addresses(Vec<Ipv4Addr>, u32),
    /// No such name, or none with an address; for how long, where said.
    Nothing(Option<u32>),
    /// REFUSED.
    Refused,
    /// Another error code, or an answer that cannot be read.
    Failed(String),
    /// Nothing, in all the time there was.
    Silent,
    /// The resolver cannot be reached; why.
    Unreachable(String),
    /// More addresses than any list gives.
    TooMany(usize),
}

/// What one list says of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who was asked about.
    pub target: Target,
    /// The list's short name.
    pub list: String,
    /// Its name for people.
    pub title: String,
    /// The zone that was asked; of a keyed one `KEY` for the key.
    pub zone: Option<String>,
    /// Everything that an entry there stands for: the address, or its /64.
    pub covers: Option<IpNet>,
    /// It speaks well of addresses.
    pub welcome: bool,
    /// A listing there hinders little mail.
    pub minor: bool,
    /// What it says.
    pub outcome: Outcome,
    /// The list's page about the target.
    pub look_up: Option<String>,
    /// Its page for removal.
    pub removal: Option<String>,
    /// How its entries end.
    pub habit: Option<String>,
}

/// What a list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target is on it.
    Listed {
        /// Each code and its meaning, in order.
        found: Vec<Found>,
        /// The list's own words (TXT).
        texts: Vec<String>,
        /// Seconds for which the answer holds.
        ttl_s: u32,
    },
    /// The target is not on it.
    Clean {
        /// Seconds for which the answer holds, where said.
        ttl_s: Option<u32>,
    },
    /// The list does not answer us.
    Refused {
        /// Why.
        because: String,
        /// What helps.
        remedy: String,
    },
    /// What was heard means nothing.
    Error {
        /// What was heard.
        because: String,
        /// What helps, where anything does.
        remedy: Option<String>,
    },
    /// The list has ended.
    Dead {
        /// How that is known.
        because: String,
    },
}

/// A code and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The answer.
    pub answer: Ipv4Addr,
    /// The list's name for it.
    pub name: String,
    /// What sort of listing.
    pub kind: Kind,
    /// What it means.
    pub means: String,
}

/// How bad an answer is for mail that leaves from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not at all.
    None,
    /// Some receivers mind, or it is not about what was done.
    Minor,
    /// Mail is refused for what was seen from here.
    Major,
}

/// Everything that one check found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    /// Target by target in the order asked, list by list in the order of the file.
    pub answers: Vec<Answer>,
    /// Lists that were not asked.
    pub not_asked: Vec<NotAsked>,
    /// The resolvers that were asked.
    pub resolvers: Vec<String>,
    /// What is wrong with the resolver, as far as the answers show it.
    pub resolver_note: Option<String>,
}

/// A list that was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAsked {
    /// Its short name.
    pub list: String,
    /// Its name for people.
    pub title: String,
    /// Why.
    pub because: String,
}

impl Outcome {
    /// `listed`, `clean`, `refused`, `error`, `dead`.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Listed { .. } => "listed",
            Self::Clean { .. } => "clean",
            Self::Refused { .. } => "refused",
            Self::Error { .. } => "error",
            Self::Dead { .. } => "dead",
        }
    }

    /// Whether it says anything of the target.
    pub fn is_heard(&self) -> bool {
        matches!(self, Self::Listed { .. } | Self::Clean { .. })
    }
}

impl Kind {
    /// JSON's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::SpamSource => "spam-source",
            Self::Exploited => "exploited",
            Self::Attack => "attack",
            Self::Advertised => "advertised",
            Self::Backscatter => "backscatter",
            Self::Policy => "policy",
            Self::Neighbourhood => "neighbourhood",
            Self::Reputation => "reputation",
            Self::Unknown => "unknown",
            Self::Neutral => "neutral",
            Self::Welcome => "welcome",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::SpamSource | Self::Exploited | Self::Attack | Self::Advertised => Severity::Major,
            Self::Backscatter
            | Self::Policy
            | Self::Neighbourhood
            | Self::Reputation
            | Self::Unknown => Severity::Minor,
            Self::Neutral | Self::Welcome => Severity::None,
        }
    }

    /// What to do about it.
    fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::SpamSource | Self::Exploited => {
                "find what sends before you ask for removal, or it comes back: `heloscope collect` on the mail server, \
                 then `heloscope investigate` with the list's page"
            }
            Self::Attack => {
                "something here attacks others: look for scripts, stolen accounts and machines behind the address \
                 (`heloscope investigate`)"
            }
            Self::Advertised => {
                "look for planted pages and redirects in the site, and for who mails its name"
            }
            Self::Backscatter => {
                "let the mail server refuse unknown recipients in the dialogue instead of bouncing later, and switch \
                 call-outs off"
            }
            Self::Policy => {
                "this is not for anything that was done: send through your provider's mail server, or ask it for a \
                 fixed address with a reverse name and then the list for removal"
            }
            Self::Neighbourhood => {
                "others in your range caused it: only the provider can end it; until then send through a relay elsewhere"
            }
            Self::Reputation => {
                "it follows what is sent: fix what makes people complain, it recovers by itself"
            }
            Self::Unknown => "read the list's page: this code is not in our table",
            Self::Neutral | Self::Welcome => return None,
        })
    }
}

impl Severity {
    /// JSON's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl Answer {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        let Outcome::Listed { found, .. } = &self.outcome else { return Severity::None };
        let worst = found.iter().map(|f| f.kind.severity()).max().unwrap_or(Severity::None);
        if self.minor { worst.min(Severity::Minor) } else { worst }
    }

    /// On a list that blocks, for something that is not praise.
    pub fn is_bad(&self) -> bool {
        self.severity() > Severity::None
    }

    /// The codes, where listed.
    pub fn found(&self) -> &[Found] {
        match &self.outcome {
            Outcome::Listed { found, .. } => found,
            _ => &[],
        }
    }

    /// What to do next, where it is bad.
    pub fn advice(&self) -> Option<&'static str> {
        let worst =
            self.found().iter().max_by_key(|f| (f.kind.severity(), std::cmp::Reverse(f.kind)))?;
        worst.kind.advice()
    }
}

impl Check {
    /// Answers in a state (`listed` counts those that are bad only).
    pub fn count(&self, state: &str) -> usize {
        let counted = |a: &&Answer| a.outcome.state() == state && (state != "listed" || a.is_bad());
        self.answers.iter().filter(counted).count()
    }

    /// The worst of all.
    pub fn severity(&self) -> Severity {
        self.answers.iter().map(Answer::severity).max().unwrap_or(Severity::None)
    }

    /// Whether any list said anything.
    pub fn is_heard(&self) -> bool {
        self.answers.iter().any(|a| a.outcome.is_heard())
    }
}
