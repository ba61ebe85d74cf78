//! Who wrote a line: the syslog tag, split into instance and service.
//!
//! Postfix tags its lines `syslog_name/program`, and `syslog_name` is the administrator's choice:
//! `postfix`, `postfix-out`, `postfix/submission`. The last part is the program; the first is
//! the instance, which shares its queue with every other service of it.

use crate::field::cut_byte;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// The programs whose lines are read, by what their lines hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Smtpd,
    Postscreen,
    Pickup,
    Cleanup,
    Qmgr,
    /// smtp, lmtp, local, virtual, pipe, error, retry, discard.
    Agent,
    Bounce,
    /// Part of Postfix, but its lines change nothing here.
    Other,
    /// postsuper.
    Postsuper,
    Dovecot,
    /// Not an MTA we read.
    Foreign,
}

/// A tag: `postfix/submission/smtpd` has the instance `postfix`, the name `submission/smtpd`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag<'a> {
    pub(crate) service: Service,
    pub(crate) instance: &'a [u8],
    pub(crate) name: &'a [u8],
    /// A fingerprint of the instance's name.
    pub(crate) hash: u64,
}

impl<'a> Tag<'a> {
    /// The agent's own name, without what a transport's `syslog_name` adds: `relay/smtp` is `smtp`.
    pub(crate) fn program(&self) -> &'a [u8] {
        memchr::memrchr(b'/', self.name).and_then(|at| self.name.get(at + 1..)).unwrap_or(self.name)
    }
}

/// A fingerprint of a name, the same in every run.
pub(crate) fn fingerprint(name: &[u8]) -> u64 {
    FixedState::default().hash_one(name)
}

/// Looks tags up; the last ones are remembered in a small table that tags share by hash.
pub(crate) struct Tags {
    slots: Vec<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    text: [u8; 40],
    len: u8,
    slash: u8,
    service: Service,
    hash: u64,
}

const SLOTS: usize = 256;

impl Tags {
    pub(crate) fn new() -> Self {
        let none = Known { text: [0; 40], len: 0, slash: 0, service: Service::Foreign, hash: 0 };
        Self { slots: vec![none; SLOTS] }
    }

    /// What a tag says. Tags over 40 bytes are looked up each time.
    #[inline]
    pub(crate) fn look_up<'a>(&mut self, text: &'a [u8]) -> Tag<'a> {
        let slot = self.slots.get_mut(spread(text) % SLOTS);
        if let Some(known) = &slot
            && known.text.get(..usize::from(known.len)) == Some(text)
        {
            let slash = usize::from(known.slash);
            let (instance, name) = text.split_at_checked(slash).unwrap_or((text, b""));
            let name = name.get(1..).unwrap_or(text);
            return Tag { service: known.service, instance, name, hash: known.hash };
        }
        let tag = classify(text);
        if let Some(slot) = slot
            && let Some(into) = slot.text.get_mut(..text.len())
        {
            into.copy_from_slice(text);
            slot.len = text.len() as u8;
            slot.slash =
                if tag.name.len() == text.len() { text.len() } else { tag.instance.len() } as u8;
            slot.service = tag.service;
            slot.hash = tag.hash;
        }
        tag
    }
}

/// A slot for a tag: its length and its last bytes tell the usual ones apart.
#[inline]
fn spread(text: &[u8]) -> usize {
    let last = match text.last_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => text.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)),
    };
    let mixed = (last ^ text.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 48) as usize
}

/// What a tag says, without memory.
pub(crate) fn classify(text: &[u8]) -> Tag<'_> {
    if text == b"dovecot" {
        let hash = fingerprint(text);
        return Tag { service: Service::Dovecot, instance: text, name: text, hash };
    }
    let Some((instance, name)) =
        cut_byte(text, b'/').filter(|(i, n)| !i.is_empty() && !n.is_empty())
    else {
        return Tag { service: Service::Foreign, instance: text, name: text, hash: 0 };
    };
    let mut tag = Tag { service: Service::Foreign, instance, name, hash: fingerprint(instance) };
    tag.service = match tag.program() {
        b"smtpd" => Service::Smtpd,
        b"postscreen" => Service::Postscreen,
        b"pickup" => Service::Pickup,
        b"cleanup" => Service::Cleanup,
        b"qmgr" | b"nqmgr" | b"oqmgr" => Service::Qmgr,
        b"smtp" | b"lmtp" | b"local" | b"virtual" | b"pipe" | b"error" | b"retry" | b"discard" => {
            Service::Agent
        }
        b"bounce" | b"defer" | b"trace" => Service::Bounce,
        b"postsuper" => Service::Postsuper,
        b"anvil"
        | b"scache"
        | b"verify"
        | b"trivial-rewrite"
        | b"tlsproxy"
        | b"tlsmgr"
        | b"dnsblog"
        | b"proxymap"
        | b"proxywrite"
        | b"master"
        | b"postfix-script"
        | b"postdrop"
        | b"sendmail"
        | b"postqueue"
        | b"showq"
        | b"flush"
        | b"spawn"
        | b"qmqpd"
        | b"postlogd"
        | b"postlog"
        | b"postmap"
        | b"postalias"
        | b"postmulti"
        | b"postcat"
        | b"postkick"
        | b"postlock"
        | b"postconf"
        | b"postmulti-script"
        | b"postfix-tls-script"
        | b"smtp-sink"
        | b"postfix" => Service::Other,
        _ => Service::Foreign,
    };
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_split() {
        let mut tags = Tags::new();
        for _ in 0..2 {
            for (text, service, instance, name, program) in [
                ("postfix/smtpd", Service::Smtpd, "postfix", "smtpd", "smtpd"),
                (
                    "postfix/submission/smtpd",
                    Service::Smtpd,
                    "postfix",
                    "submission/smtpd",
                    "smtpd",
                ),
                ("postfix-out/smtp", Service::Agent, "postfix-out", "smtp", "smtp"),
                ("mta.two/relay/smtp", Service::Agent, "mta.two", "relay/smtp", "smtp"),
                ("dovecot", Service::Dovecot, "dovecot", "dovecot", "dovecot"),
                ("sshd", Service::Foreign, "sshd", "sshd", "sshd"),
                ("CRON/x", Service::Foreign, "CRON", "x", "x"),
            ] {
                let tag = tags.look_up(text.as_bytes());
                assert_eq!(tag.service, service, "{text}");
                assert_eq!(tag.instance, instance.as_bytes(), "{text}");
                assert_eq!(tag.name, name.as_bytes(), "{text}");
                assert_eq!(tag.program(), program.as_bytes(), "{text}");
            }
        }
    }
}
