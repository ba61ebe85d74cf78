//! Which sessions are a stranger's at this mail server: the only ones that a list may judge.
//!
//! In: what the operator said of his server (its addresses and names, his own networks). Out: for each
//! session whether it counts, or why not. A capture of a gateway holds both directions, so of a
//! capture only sessions to the named server count, and without a name none.

use heloscope_model::Session;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The mail server, as told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ours {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) names: Vec<String>,
    pub(crate) own: Vec<IpNet>,
}

/// Why a session does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passed {
    /// The server itself sent it.
    Outgoing,
    /// It went to another server, or to one that nobody named.
    Elsewhere,
    /// From loopback, a private network, or one that is the operator's own.
    OwnNetwork,
    /// A user's submission.
    Submission,
    /// It stands in two of the files.
    Twice,
    /// It was fed before.
    FedBefore,
    /// Older than what is remembered of feeding, and than what the policy weighs.
    TooOld,
}

impl Passed {
    /// For a person, behind a number.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Outgoing => "sent by the server itself",
            Self::Elsewhere => "to other servers",
            Self::OwnNetwork => "from own networks",
            Self::Submission => "of users who hand in mail",
            Self::Twice => "in two of the files",
            Self::FedBefore => "fed before",
            Self::TooOld => "too old to count",
        }
    }
}

impl Ours {
    /// Reads `--receiver` and `--own`.
    pub(crate) fn new(receivers: &[String], own: &[IpNet]) -> Self {
        let mut ours = Self { own: own.to_vec(), ..Self::default() };
        for word in receivers {
            match word.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(address) => ours.addresses.push(address.to_canonical()),
                Err(_) => ours.names.push(word.trim_end_matches('.').to_ascii_lowercase()),
            }
        }
        ours
    }

    /// Whether nobody said which server is meant.
    pub(crate) fn is_unknown(&self) -> bool {
        self.addresses.is_empty() && self.names.is_empty()
    }

    /// A session of a capture.
    pub(crate) fn holds(&self, session: &Session) -> Result<(), Passed> {
        if self.addresses.contains(&session.client.ip().to_canonical()) {
            return Err(Passed::Outgoing);
        }
        let there = self.addresses.contains(&session.server.ip().to_canonical());
        if !there && !self.greets(session) {
            return Err(Passed::Elsewhere);
        }
        let logged_in = session
            .dialogue
            .auth
            .iter()
            .any(|a| session.dialogue.reply(a.reply).is_some_and(|r| r.code == 235));
        if matches!(session.server.port(), 465 | 587) || logged_in {
            return Err(Passed::Submission);
        }
        self.is_stranger(session.client.ip())
    }

    /// The name is the first word of the greeting (RFC 5321 4.2).
    fn greets(&self, session: &Session) -> bool {
        let Some(greeting) = &session.dialogue.greeting else { return false };
        let text = greeting.text.text().0;
        let name = text.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        self.names.iter().any(|ours| *ours == name.trim_end_matches('.'))
    }

    /// A client of whom a list may speak.
    pub(crate) fn is_stranger(&self, client: IpAddr) -> Result<(), Passed> {
        let client = client.to_canonical();
        if self.addresses.contains(&client) {
            return Err(Passed::Outgoing);
        }
        let private = match client {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                v4.is_loopback()
                    || v4.is_private()
                    || v4.is_link_local()
                    || v4.is_unspecified()
                    || (a == 100 && (64..128).contains(&b))
            }
            IpAddr::V6(v6) => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
            }
        };
        if private || self.own.iter().any(|net| net.contains(&client)) {
            return Err(Passed::OwnNetwork);
        }
        Ok(())
    }
}

/// Servers that sessions went to, for who did not say which is his.
#[derive(Debug, Default)]
pub(crate) struct Servers(BTreeMap<IpAddr, (usize, String)>);

impl Servers {
    pub(crate) fn note(&mut self, session: &Session) {
        if self.0.len() >= 10_000 {
            return;
        }
        let (count, name) = self.0.entry(session.server.ip().to_canonical()).or_default();
        *count += 1;
        if let Some(greeting) = session.dialogue.greeting.as_ref().filter(|_| name.is_empty()) {
            let text = greeting.text.text().0;
            let word = text.split_ascii_whitespace().next().unwrap_or_default();
            *name = word.chars().filter(|c| !c.is_control()).take(80).collect();
        }
    }

    /// The five with most sessions.
    pub(crate) fn words(&self) -> String {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let one = |(address, (count, name)): &(&IpAddr, &(usize, String))| {
            let name = if name.is_empty() { String::new() } else { format!(", greets as {name}") };
            format!("{address} ({count} sessions{name})")
        };
        all.iter().take(5).map(one).collect::<Vec<_>>().join("; ")
    }
}
