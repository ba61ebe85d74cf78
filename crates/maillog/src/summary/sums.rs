//! The sums of a summary, and the rules by which a line adds to them. They are pflogsumm's; the
//! exceptions go to [`super::Beyond`]. See [`super::Messages`] for what each count means.

use super::names::{Distinct, NOBODY, Names, lower_domain};
use super::{Beyond, Bytes, FORMAT, Messages, Summary, TOP, Top};
use crate::event::{Action, Client, Delivered, Event, without_port};
use crate::scan::Line;
use crate::service::{Service, Tag};
use heloscope_model::Time;

/// Why pflogsumm passes a line over.
const REASONS: [&str; 6] = [
    "lines of an instance that is not called postfix (pflogsumm needs --syslog-name)",
    "lines of a service pflogsumm does not know (submissions/smtpd, 10025/smtpd)",
    "delivery lines with fields pflogsumm does not know (tls=), or recipients without <>",
    "refusals of milters and proxy filters logged by smtpd",
    "cleanup actions on other things than header, body and END-OF-MESSAGE",
    "lines logged as repeated",
];
const INSTANCE: usize = 0;
const SERVICE: usize = 1;
const FIELDS: usize = 2;
const FILTERS: usize = 3;
const CLEANUP: usize = 4;
const REPEATED: usize = 5;

/// An open mail.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) size: u64,
    /// Account, client, uid.
    pub(super) origin: [u32; 3],
    /// Domains last delivered to.
    pub(super) domains: [u32; 4],
    /// Came from a client or program, and qmgr has not said its size yet.
    pub(super) fresh: bool,
    pub(super) sized: bool,
    pub(super) deferred: bool,
    /// Deferred in a line that pflogsumm counts.
    pub(super) deferred_there: bool,
}

pub(super) const UNKNOWN: Record = Record {
    size: 0,
    origin: [NOBODY; 3],
    domains: [NOBODY; 4],
    fresh: false,
    sized: false,
    deferred: false,
    deferred_there: false,
};

pub(super) const ACCOUNT: usize = 0;
pub(super) const CLIENT: usize = 1;
pub(super) const UID: usize = 2;
pub(super) const SENDER: usize = 3;
pub(super) const DOMAIN: usize = 4;

/// Everything that adds up, whatever order the lines come in.
#[derive(Default)]
pub(super) struct Sums {
    messages: Messages,
    bytes: Bytes,
    beyond: Messages,
    /// Messages deferred in a line that pflogsumm counts.
    deferred_there: u64,
    reasons: [u64; 6],
    /// By kind: accounts, clients, uids, senders, domains.
    pub(super) names: [Names; 5],
    senders: Distinct,
    recipients: Distinct,
    buffer: Vec<u8>,
}

impl Sums {
    pub(super) fn summary(&mut self, first: Option<Time>, last: Option<Time>) -> Summary {
        let [account, client, uid, sender, recipient_domain] =
            self.names.each_ref().map(|names| names.top(TOP));
        let reasons = REASONS.into_iter().zip(self.reasons).filter(|(_, count)| *count > 0);
        let mut beyond = self.beyond;
        beyond.deferred = self.messages.deferred - self.deferred_there;
        let forgot = self.names.iter().any(|names| names.forgot);
        Summary {
            format: FORMAT,
            first,
            last,
            messages: self.messages,
            bytes: self.bytes,
            senders: self.senders.count(),
            recipients: self.recipients.count(),
            top: Top { account, client, uid, sender, recipient_domain },
            beyond: Beyond {
                messages: beyond,
                reasons: reasons.collect(),
                estimated: forgot || self.senders.estimated() || self.recipients.estimated(),
            },
        }
    }

    /// Adds one to a count; with a reason, also to what pflogsumm does not count.
    fn count(&mut self, reason: Option<usize>, which: impl Fn(&mut Messages) -> &mut u64) {
        *which(&mut self.messages) += 1;
        if let Some(reason) = reason {
            *which(&mut self.beyond) += 1;
            if let Some(count) = self.reasons.get_mut(reason) {
                *count += 1;
            }
        }
    }

    /// What a line counts for by itself.
    pub(super) fn by_itself(&mut self, line: &Line<'_>, event: &Event<'_>) {
        match event {
            Event::Client(client) if !line.repeated => {
                let reason = passed_over(&line.tag, true);
                self.count(reason, |m| &mut m.received);
                if client.id.is_none() {
                    self.origin_of_client(client);
                }
            }
            Event::Program { .. } => {
                self.count(passed_over(&line.tag, true), |m| &mut m.received);
            }
            Event::Action(action) => self.action(line, action),
            _ => {}
        }
    }

    pub(super) fn origin_of_client(&mut self, client: &Client<'_>) -> [u32; 3] {
        let [accounts, clients, ..] = &mut self.names;
        let mut origin = [NOBODY; 3];
        let index = clients.index(without_port(client.client));
        clients.add(index, 1, 0);
        origin[CLIENT] = index;
        if let Some(account) = client.account {
            let index = accounts.index(account);
            accounts.add(index, 1, 0);
            origin[ACCOUNT] = index;
        }
        origin
    }

    pub(super) fn origin_of_program(&mut self, uid: u32) -> [u32; 3] {
        let mut origin = [NOBODY; 3];
        let [_, _, uids, ..] = &mut self.names;
        let index = uids.index(uid.to_string().as_bytes());
        uids.add(index, 1, 0);
        origin[UID] = index;
        origin
    }

    fn action(&mut self, line: &Line<'_>, action: &Action<'_>) {
        let which: fn(&mut Messages) -> &mut u64 = match action.kind() {
            b"reject" => |m| &mut m.rejected,
            b"hold" => |m| &mut m.held,
            b"discard" => |m| &mut m.discarded,
            _ => return,
        };
        let mut reason = passed_over(&line.tag, line.tag.service != Service::Cleanup);
        if line.tag.service == Service::Cleanup {
            let starts: [&[u8]; 3] = [b"header ", b"body ", b"END-OF-MESSAGE "];
            if !starts.iter().any(|start| action.rest.starts_with(start)) {
                reason = reason.or(Some(CLEANUP));
            }
        } else if action.word.contains(&b'-') {
            reason = reason.or(Some(FILTERS));
        }
        if line.repeated {
            reason = reason.or(Some(REPEATED));
        }
        self.count(reason, which);
    }

    pub(super) fn queued(&mut self, record: &mut Record, from: &[u8], size: u64, recipients: u32) {
        if record.sized {
            return; // active again after a deferral
        }
        record.sized = size > 0;
        record.size = size;
        if !std::mem::take(&mut record.fresh) {
            return; // made by the MTA itself, or received before the log starts
        }
        self.bytes.received += size;
        let (sender, _) = lower_domain(from, &mut self.buffer);
        self.senders.add(sender);
        let recipients = u64::from(recipients);
        for (names, index) in self.names.iter_mut().zip(record.origin) {
            names.add(index, 0, recipients);
        }
        let [_, _, _, senders, _] = &mut self.names;
        let index = senders.index(if sender.is_empty() { b"<>" } else { sender });
        senders.add(index, 1, recipients);
    }

    pub(super) fn delivered(&mut self, record: &mut Record, line: &Line<'_>, d: &Delivered<'_>) {
        let mut reason = passed_over(&line.tag, false);
        if !d.plain {
            reason = reason.or(Some(FIELDS));
        }
        match d.word {
            b"sent" if d.forwarded() => self.count(reason, |m| &mut m.forwarded),
            b"sent" => {
                self.count(reason, |m| &mut m.delivered);
                self.bytes.delivered += record.size;
                let (recipient, domain) = lower_domain(d.to, &mut self.buffer);
                self.recipients.add(recipient);
                let [.., domains] = &mut self.names;
                let index = domains.index(domain);
                let again = record.domains.contains(&index);
                domains.add(index, u64::from(!again), 1);
                if !again {
                    record.domains.rotate_right(1);
                    record.domains[0] = index;
                }
            }
            b"deferred" => {
                self.count(reason, |m| &mut m.deferrals);
                if !std::mem::replace(&mut record.deferred, true) {
                    self.messages.deferred += 1;
                }
                if reason.is_none() && !std::mem::replace(&mut record.deferred_there, true) {
                    self.deferred_there += 1;
                }
            }
            b"bounced" => self.count(reason, |m| &mut m.bounced),
            _ => {}
        }
    }

    pub(super) fn absorb(&mut self, other: Sums) {
        add(&mut self.messages, &other.messages);
        add(&mut self.beyond, &other.beyond);
        self.deferred_there += other.deferred_there;
        self.bytes.received += other.bytes.received;
        self.bytes.delivered += other.bytes.delivered;
        for (sum, n) in self.reasons.iter_mut().zip(other.reasons) {
            *sum += n;
        }
        for (names, own) in self.names.iter_mut().zip(other.names) {
            names.absorb(own);
        }
        self.senders.absorb(other.senders);
        self.recipients.absorb(other.recipients);
    }
}

/// Why pflogsumm passes lines of this tag over; `by_name` where it asks for smtpd or postscreen.
#[inline]
fn passed_over(tag: &Tag<'_>, by_name: bool) -> Option<usize> {
    if tag.instance != b"postfix" {
        return Some(INSTANCE);
    }
    let name = tag.name;
    if !by_name || !name.contains(&b'/') {
        return None;
    }
    let plain = name.strip_prefix(b"submission/").or_else(|| name.strip_prefix(b"smtps/"));
    if plain.is_some_and(|plain| !plain.contains(&b'/')) { None } else { Some(SERVICE) }
}

fn add(sum: &mut Messages, more: &Messages) {
    sum.received += more.received;
    sum.delivered += more.delivered;
    sum.forwarded += more.forwarded;
    sum.deferred += more.deferred;
    sum.deferrals += more.deferrals;
    sum.bounced += more.bounced;
    sum.rejected += more.rejected;
    sum.held += more.held;
    sum.discarded += more.discarded;
}
