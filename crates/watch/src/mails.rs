//! Whose each mail in the queue is, from the lines of the log: who handed it in, through a filter's second queue id
//! too, and which of its recipients went outside. Each recipient of a mail counts once, however often it is tried.

use crate::rates::Who;
use crate::recent::Recent;
use heloscope_maillog::live::{Delivered, Entry, Said};
use heloscope_maillog::mail::{LinkKind, Status};
use heloscope_model::Octets;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

/// Mails that are followed at once.
const MOST: usize = 20_000;
/// Recipients of one mail that are told apart; beyond, each line counts.
const MOST_RECIPIENTS: usize = 1000;

/// A recipient outside, counted for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whose mail; none where the log does not say.
    pub(crate) who: Option<Who>,
    /// How many.
    pub(crate) many: u64,
    /// Whether the host's count has them already, told before anybody knew whose they were.
    pub(crate) known: bool,
}

#[derive(Clone, Debug, Default)]
struct Mail {
    who: Option<Who>,
    /// It came over loopback: a filter gave it back, and another mail is its origin.
    of_a_filter: bool,
    /// Counted while nobody knew whose it was.
    unknown: u64,
    told: BTreeSet<u64>,
}

/// The mails.
#[derive(Clone, Debug)]
pub(crate) struct Mails(Recent<Vec<u8>, Mail>);

impl Default for Mails {
    fn default() -> Self {
        Self(Recent::of_most(MOST))
    }
}

impl Mails {
    /// Follows a line; what is to be counted.
    /// `count_local`: a server of this host's counts as one outside.
    pub(crate) fn line(
        &mut self,
        entry: &Entry,
        own: &BTreeSet<IpAddr>,
        count_local: bool,
    ) -> Option<Sent> {
        match &entry.said {
            Said::Taken { id: Some(id), ip, account, of } => {
                let mut mail = Mail::default();
                mail.who = match (account, ip) {
                    (Some(account), _) => Some(Who::Account(account.text().0.into_owned())),
                    (None, Some(ip)) if is_here(*ip, own) => {
                        mail.of_a_filter = true;
                        None
                    }
                    (None, ip) => ip.map(Who::Client),
                };
                if let Some(parent) = of.as_ref().and_then(|of| self.0.get(&key(of))) {
                    mail.who = parent.who.clone();
                }
                self.0.insert(key(id), mail);
                None
            }
            Said::Submitted { id, uid } => {
                self.0.insert(key(id), Mail { who: Some(Who::Uid(*uid)), ..Mail::default() });
                None
            }
            Said::Tied { parent, child, kind } => self.tied(parent, child, *kind),
            Said::Delivered(delivered) => {
                let outside = |ip| count_local || !is_here(ip, own);
                self.delivered(delivered, outside)
            }
            Said::Removed { id } => {
                // A filter's answer comes after the second mail may have gone: it is remembered for a while.
                if self.0.get(&key(id)).is_some_and(|mail| mail.unknown == 0) {
                    self.0.remove(&key(id));
                }
                None
            }
            _ => None,
        }
    }

    fn tied(&mut self, parent: &Octets, child: &Octets, kind: LinkKind) -> Option<Sent> {
        // What an alias sends on and what the MTA itself reports is nobody's own sending.
        let handed_on = matches!(kind, LinkKind::Reinjected | LinkKind::Requeued);
        let who =
            self.0.get(&key(parent)).filter(|_| handed_on).and_then(|mail| mail.who.clone())?;
        let mail = self.0.entry(&key(child), Mail::default);
        if mail.who.is_some() {
            return None;
        }
        mail.who = Some(who.clone());
        let many = std::mem::take(&mut mail.unknown);
        (many > 0).then_some(Sent { who: Some(who), many, known: true })
    }

    fn delivered(
        &mut self,
        delivered: &Delivered,
        outside: impl Fn(IpAddr) -> bool,
    ) -> Option<Sent> {
        let outside = delivered.relay_ip.is_none_or(outside);
        if delivered.agent.as_bytes() != b"smtp" || !outside {
            return None;
        }
        let final_word =
            matches!(delivered.status, Status::Sent | Status::Bounced | Status::Expired);
        if !final_word && delivered.status != Status::Deferred {
            return None;
        }
        let mail = self.0.entry(&key(&delivered.id), Mail::default);
        let recipient = fingerprint(delivered.to.as_bytes());
        if mail.told.contains(&recipient) {
            return None;
        }
        if mail.told.len() < MOST_RECIPIENTS {
            mail.told.insert(recipient);
        }
        if delivered.forwarded {
            return Some(Sent { who: None, many: 1, known: false });
        }
        if mail.who.is_none() && mail.of_a_filter {
            mail.unknown += 1;
        }
        Some(Sent { who: mail.who.clone(), many: 1, known: false })
    }
}

/// Whether an address is this host.
pub(crate) fn is_here(ip: IpAddr, own: &BTreeSet<IpAddr>) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || own.contains(&ip)
}

fn key(id: &Octets) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The same in every run: the hasher has no secret.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
