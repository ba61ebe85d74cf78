//! Who uses the MTA: bounded profiles by account, uid and client.

use crate::incident::Incident;
use crate::seen::key;
use heloscope_maillog::{Login, Mail, Origin, Reject, Status};
use heloscope_model::{Place, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Distinct accounts, uids, clients kept.
const USERS: usize = 20_000;
/// Distinct client addresses, senders kept of one user.
const PEERS: usize = 512;
/// Hashes of recipients kept of one user.
const RECIPIENTS: usize = 4096;
/// Instants kept of mails that went out.
const WENT_OUT: usize = 1_000_000;
/// Queue ids kept of one user.
const WAITING: usize = 64;
/// Events kept of one user.
const EVENTS: usize = 5_000;

/// Stands for the user id of programs that speak SMTP to the mail server of their own host: the log
/// does not say who they are. No user has it (POSIX: -1).
pub(crate) const BY_SMTP: u32 = u32::MAX;

/// All users of the MTA.
#[derive(Default)]
pub(crate) struct Usages {
    /// By account that logged in.
    pub(crate) accounts: BTreeMap<String, Usage>,
    /// By user id of a local program.
    pub(crate) uids: BTreeMap<u32, Usage>,
    /// By client without an account.
    pub(crate) clients: BTreeMap<IpAddr, Usage>,
    /// When mails that went out came in, by whomever.
    pub(crate) went_out: Vec<Time>,
    /// Addresses that failed to log in: how often, and the first line.
    pub(crate) guessers: BTreeMap<IpAddr, (u64, Time, Place)>,
    /// Addresses under which clients were refused.
    pub(crate) strangers: BTreeMap<IpAddr, Refused>,
}

/// Clients that were refused under one address.
#[derive(Default)]
pub(crate) struct Refused {
    /// Their HELOs, lower case, at most 64.
    pub(crate) helos: BTreeSet<Vec<u8>>,
    /// The first line.
    pub(crate) first: Option<(Time, Place)>,
}

/// One user of the MTA.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) mails: u64,
    pub(crate) recipients: u64,
    /// Mails that a server elsewhere was to take, and mails for mailboxes here.
    pub(crate) outward: u64,
    pub(crate) inward: u64,
    /// Sender domains of the mails for mailboxes here, and of those that went out.
    pub(crate) inward_senders: BTreeSet<u64>,
    pub(crate) outward_senders: BTreeSet<u64>,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    /// Mails in each hour since the epoch.
    pub(crate) hours: BTreeMap<i64, u32>,
    pub(crate) clients: BTreeMap<IpAddr, ClientUse>,
    /// The name that pickup gives the user of a local program.
    pub(crate) local_name: Option<String>,
    /// Envelope senders, lower case.
    pub(crate) senders: BTreeMap<String, u32>,
    pub(crate) domains: BTreeSet<u64>,
    pub(crate) distinct_recipients: BTreeSet<u64>,
    pub(crate) sent: u64,
    pub(crate) bounced: u64,
    pub(crate) deferred: u64,
    /// Recipients that bounced, hashed: one dead address written to often is one.
    pub(crate) dead: BTreeSet<u64>,
    /// Queue ids of mails that the log last shows in the queue, the latest of them; and how many there are.
    pub(crate) waiting: Vec<String>,
    pub(crate) still_waiting: u64,
    /// Refusals whose words speak of spam, blocking or reputation.
    pub(crate) refused_as_spam: Vec<(Time, Place)>,
    /// Mails with their lines: those of a window first.
    pub(crate) samples: Vec<(Time, Place)>,
    /// (when, from where) of each mail, in the order of the log.
    pub(crate) sequence: Vec<(Time, Option<IpAddr>, Place)>,
    /// Of each of those: the people elsewhere it went to, and whether it went out at all (to a filter,
    /// too, whose mail then goes on).
    pub(crate) went_to: Vec<(u32, bool)>,
}

/// One address a user sent from.
#[derive(Clone, Debug)]
pub(crate) struct ClientUse {
    pub(crate) mails: u32,
    pub(crate) first: (Time, Place),
    pub(crate) last: Time,
    /// Its reverse name is in order.
    pub(crate) named: bool,
}

impl Usages {
    pub(crate) fn mail(&mut self, mail: &Mail, incident: &Incident) {
        let goes_out = mail.deliveries.iter().any(|d| d.relay_ip.is_some());
        if goes_out && self.went_out.len() < WENT_OUT {
            self.went_out.push(mail.first);
        }
        match &mail.origin {
            Origin::Client { name, ip, account: Some(account), .. } => {
                let account = account.to_string();
                if let Some(usage) = bounded(&mut self.accounts, account) {
                    let named = name.as_bytes() != b"unknown";
                    usage.mail(mail, ip.map(|ip| (ip, named)), incident);
                }
            }
            // A program of this host that speaks SMTP to it; what a filter handed back is not new.
            Origin::Client { ip: Some(ip), account: None, .. }
                if ip.is_loopback() && mail.parent.is_none() =>
            {
                if let Some(usage) = bounded(&mut self.uids, BY_SMTP) {
                    usage.local_name = Some("a program of this host, by SMTP".to_owned());
                    usage.mail(mail, None, incident);
                }
            }
            Origin::Client { ip: Some(ip), name, account: None, .. } => {
                if let Some(usage) = bounded(&mut self.clients, *ip) {
                    usage.mail(mail, Some((*ip, name.as_bytes() != b"unknown")), incident);
                }
            }
            Origin::Local { uid, from } => {
                if let Some(usage) = bounded(&mut self.uids, *uid) {
                    if usage.local_name.is_none() && !from.as_bytes().contains(&b'@') {
                        usage.local_name = Some(from.to_string());
                    }
                    usage.mail(mail, None, incident);
                }
            }
            Origin::Client { .. } | Origin::Internal | Origin::Unknown => {}
        }
    }

    pub(crate) fn login(&mut self, login: &Login) {
        let Some(ip) = login.ip.filter(|_| !login.success) else { return };
        if self.guessers.len() < USERS || self.guessers.contains_key(&ip) {
            self.guessers.entry(ip).or_insert((0, login.time, login.place)).0 += 1;
        }
    }

    pub(crate) fn reject(&mut self, reject: &Reject) {
        let Some(ip) = reject.ip else { return };
        let Some(refused) = bounded(&mut self.strangers, ip) else { return };
        refused.first.get_or_insert((reject.time, reject.place));
        if let Some(helo) = reject.helo.as_ref().filter(|_| refused.helos.len() < 64) {
            refused.helos.insert(helo.as_bytes().to_ascii_lowercase());
        }
    }

    /// When local programs handed in mail, under which user id, and to how many people elsewhere.
    pub(crate) fn local_instants(&self) -> impl Iterator<Item = (Time, u32, u32)> + '_ {
        self.uids.iter().flat_map(|(uid, u)| {
            u.sequence.iter().zip(&u.went_to).map(|((t, ..), (people, _))| (*t, *uid, *people))
        })
    }
}

/// The entry of a key, unless the map is full and the key is new.
fn bounded<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, at: K) -> Option<&mut V> {
    if map.len() >= USERS && !map.contains_key(&at) {
        return None;
    }
    Some(map.entry(at).or_default())
}

impl Usage {
    /// Several users as one.
    pub(crate) fn together<'u>(users: impl Iterator<Item = &'u Self>) -> Self {
        let mut all = Self::default();
        for user in users {
            all.mails += user.mails;
            all.recipients += user.recipients;
            all.outward += user.outward;
            all.inward += user.inward;
            all.inward_senders.extend(&user.inward_senders);
            all.outward_senders.extend(&user.outward_senders);
            all.first = [all.first, user.first].into_iter().flatten().min();
            all.last = all.last.max(user.last);
            for (hour, mails) in &user.hours {
                *all.hours.entry(*hour).or_default() += mails;
            }
            for (sender, mails) in &user.senders {
                *all.senders.entry(sender.clone()).or_default() += mails;
            }
            all.domains.extend(&user.domains);
            all.distinct_recipients.extend(&user.distinct_recipients);
            all.sent += user.sent;
            all.bounced += user.bounced;
            all.deferred += user.deferred;
            all.dead.extend(&user.dead);
            all.refused_as_spam.extend(&user.refused_as_spam);
            all.samples.extend(user.samples.iter().take(2));
            all.sequence.extend(&user.sequence);
            all.went_to.extend(&user.went_to);
        }
        all.samples.sort_unstable();
        all
    }

    /// The mails that went out: when, from where, and the line.
    pub(crate) fn gone_out(&self) -> impl Iterator<Item = (Time, Option<IpAddr>, Place)> + '_ {
        self.sequence.iter().zip(&self.went_to).filter(|(_, (_, out))| *out).map(|(mail, _)| *mail)
    }

    /// Out into the world, or to a mailbox here.
    fn direction(&mut self, mail: &Mail) {
        let domain = mail.from.as_ref().map(|from| {
            let from = from.as_bytes().to_ascii_lowercase();
            key(from.rsplit(|&b| b == b'@').next().unwrap_or_default())
        });
        for (is, count, senders) in [
            (mail.deliveries.iter().any(relayed), &mut self.outward, &mut self.outward_senders),
            (mail.deliveries.iter().any(stays), &mut self.inward, &mut self.inward_senders),
        ] {
            *count += u64::from(is);
            if let Some(domain) = domain.filter(|_| is && senders.len() < PEERS) {
                senders.insert(domain);
            }
        }
    }

    fn waits(&mut self, mail: &Mail) {
        let id = mail.queue_id.as_bytes();
        if mail.complete || mail.expired || mail.cleanup_action.is_some() || !is_plain(id) {
            return;
        }
        self.still_waiting += 1;
        if self.waiting.len() == WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push(mail.queue_id.to_string());
    }

    fn mail(&mut self, mail: &Mail, client: Option<(IpAddr, bool)>, incident: &Incident) {
        let at = mail.first;
        self.mails += 1;
        self.first = Some(self.first.map_or(at, |f| f.min(at)));
        self.last = Some(self.last.map_or(at, |l| l.max(at)));
        *self.hours.entry(at.secs().div_euclid(3600)).or_default() += 1;
        let recipients = mail.recipients.map_or(mail.deliveries.len() as u64, u64::from);
        self.recipients += recipients;
        if let Some(from) = &mail.from {
            let from = from.to_string().to_ascii_lowercase();
            if self.senders.len() < PEERS || self.senders.contains_key(&from) {
                *self.senders.entry(from).or_default() += 1;
            }
        }
        self.direction(mail);
        self.waits(mail);
        let inside = incident.windows.is_empty() || incident.in_window(at);
        if self.samples.len() < 8 {
            self.samples.push((at, mail.place));
        } else if inside
            && let Some(outside) = self.samples.iter_mut().find(|(t, _)| !incident.in_window(*t))
        {
            *outside = (at, mail.place);
        }
        if self.sequence.len() < EVENTS {
            self.sequence.push((at, client.map(|c| c.0), mail.place));
            let elsewhere = mail.deliveries.iter().filter(|d| leaves(d)).count();
            let out = mail.deliveries.iter().any(|d| d.relay_ip.is_some());
            self.went_to.push((u32::try_from(elsewhere).unwrap_or(u32::MAX), out));
        }
        for delivery in &mail.deliveries {
            let to = delivery.to.as_bytes().to_ascii_lowercase();
            let domain = to.rsplit(|&b| b == b'@').next().unwrap_or_default();
            if self.domains.len() < RECIPIENTS {
                self.domains.insert(key(domain));
            }
            if self.distinct_recipients.len() < RECIPIENTS {
                self.distinct_recipients.insert(key(&to));
            }
            match delivery.status {
                Status::Sent => self.sent += 1,
                Status::Deferred => self.deferred += 1,
                Status::Bounced | Status::Expired => {
                    self.bounced += 1;
                    if self.dead.len() < RECIPIENTS {
                        self.dead.insert(key(&to));
                    }
                }
                Status::Other => {}
            }
            if delivery.status != Status::Sent
                && speaks_of_spam(delivery.reply.as_bytes())
                && !incident.own.is_named_in(delivery.reply.as_bytes())
                && self.refused_as_spam.len() < EVENTS
            {
                self.refused_as_spam.push((delivery.time, delivery.place));
            }
        }
        if let Some((ip, named)) = client
            && (self.clients.len() < PEERS || self.clients.contains_key(&ip))
        {
            let entry = self.clients.entry(ip).or_insert(ClientUse {
                mails: 0,
                first: (at, mail.place),
                last: at,
                named,
            });
            entry.mails += 1;
            entry.last = entry.last.max(at);
        }
    }
}

/// Whether a queue id is one that a command line can take.
fn is_plain(id: &[u8]) -> bool {
    (1..=32).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

/// Whether a delivery leaves this host for another's.
fn leaves(delivery: &heloscope_maillog::Delivery) -> bool {
    delivery.relay_ip.is_some_and(|ip| !ip.is_loopback())
}

/// Whether a delivery hands on to another's server what came for just that recipient: no alias or
/// forward of a mailbox here made it so.
pub(crate) fn relayed(delivery: &heloscope_maillog::Delivery) -> bool {
    leaves(delivery) && delivery.orig_to.is_none()
}

/// Whether a delivery puts the mail into a mailbox here.
fn stays(delivery: &heloscope_maillog::Delivery) -> bool {
    let agent = delivery.agent.as_bytes();
    matches!(agent, b"local" | b"virtual" | b"pipe")
        || agent == b"lmtp" && delivery.relay_ip.is_none_or(|ip| ip.is_loopback())
}

/// Whether a refusal speaks of what was sent, not of a missing mailbox, of greylisting, which
/// every stranger meets, or of a listing of the address, which meets all that the server sends.
fn speaks_of_spam(reply: &[u8]) -> bool {
    let reply = reply.to_ascii_lowercase();
    let says = |word: &[u8]| reply.windows(word.len()).any(|w| w == word);
    const WORDS: [&[u8]; 5] = [b"spam", b"blocked", b"unsolicited", b"junk", b"abuse"];
    const OF_A_LIST: [&[u8]; 11] = [
        b"blocked using",
        b"client host",
        b"listed",
        b"blocklist",
        b"block list",
        b"blacklist",
        b"rbl",
        b"dnsbl",
        b"spamhaus",
        b"spamcop",
        b"reputation",
    ];
    !says(b"greylist")
        && !says(b"graylist")
        && !OF_A_LIST.iter().any(|word| says(word))
        && WORDS.iter().any(|word| says(word))
}
