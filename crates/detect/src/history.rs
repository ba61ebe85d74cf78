//! What is remembered of one address: who spoke from it, where, and how it took refusals.
//!
//! In: each sighting after it was judged ([`History::note`]); the caller keeps one per address and
//! hands it to the next judgement. Out: what detectors ask. Bounded (a few kilobytes), plain
//! serde; envelopes are kept as hashes only. It holds personal data (an address's doings): who
//! keeps it forgets it in time, and it never leaves the operator's side.

use crate::dialect::Dialect;
use crate::stack::SynNote;
use crate::{Covers, stack};
use heloscope_model::session::{Auth, Command, Verb};
use heloscope_model::{Session, Sighting, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Speakers kept; the one that was silent longest makes room.
const VOICES: usize = 64;
/// Refused envelopes kept that may be tried again.
const DEFERRED: usize = 64;
/// Sensors, and campaigns, kept.
const NAMES: usize = 32;
/// p0f's scores kept.
const SCORES: usize = 32;
/// Seconds after which a new attempt is a retry of a queue, not of a loop.
const RETRY_S: f64 = 60.0;
const DAY_S: i64 = 86_400;

/// Which exchanger of a domain was spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exchanger {
    /// The most preferred.
    Primary,
    /// Another.
    Backup,
}

/// One address's past.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Sessions noted.
    pub sessions: u64,
    /// The first.
    pub first: Option<Time>,
    /// The last.
    pub last: Option<Time>,
    /// Days (UTC) with a session.
    pub days: u32,
    /// Who spoke: HELO, manner and stack.
    pub voices: Vec<Voice>,
    /// Sensors that were spoken to, at most 32.
    pub sensors: Vec<String>,
    /// Keys of the campaigns it took part in, at most 32, newest last.
    pub campaigns: Vec<u64>,
    /// Sessions with the primary exchanger and with backups, where the sensor knows.
    pub exchangers: (u32, u32),
    /// Recipients taken and refused as unknown.
    pub recipients: (u32, u32),
    /// Hashes of the user names that it failed to log in with, at most 32, newest last.
    logins: Vec<u64>,
    /// Envelopes refused for now, not yet tried again.
    deferred: Vec<Deferred>,
    last_syn: Option<SynNote>,
    scores: Vec<u8>,
}

/// One speaker of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Who.
    pub who: Covers,
    /// A hash of what its last session showed of the program that speaks, names and paths left out.
    pub(crate) program: u64,
    /// The stack's family, where a SYN was seen.
    pub family: Option<stack::Family>,
    /// Sessions.
    pub sessions: u32,
    /// First session.
    pub first: Time,
    /// Last session.
    pub last: Time,
    /// Days (UTC) with a session.
    pub days: u32,
    /// Envelopes refused for now that it tried again later.
    pub retries: u32,
    /// Sessions that carried a bounce (null sender).
    pub bounces: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Deferred {
    envelope: u64,
    at: Time,
}

impl Covers {
    /// Who speaks in a session.
    pub fn of(session: &Session) -> Self {
        Self::with(session, &Dialect::of(session))
    }

    pub(crate) fn with(session: &Session, dialect: &Dialect) -> Self {
        let helo = session.helo().map(|(_, text)| text.text().0.to_ascii_lowercase());
        let helo: String =
            helo.unwrap_or_default().chars().filter(|c| !c.is_control()).take(255).collect();
        Self { helo, manner: dialect.manner(), stack: session.syn.as_ref().map(stack::signature) }
    }
}

impl History {
    /// Takes a session that was judged. `exchanger` where the sensor knows which it is; `campaign`
    /// where the caller clusters bodies. Sessions out of order are taken as they come.
    pub fn note(
        &mut self,
        sighting: &Sighting,
        exchanger: Option<Exchanger>,
        campaign: Option<u64>,
    ) {
        let session = &sighting.session;
        let at = session.start;
        self.sessions += 1;
        self.days += u32::from(self.last.is_none_or(|last| day(last) != day(at)));
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        if !self.sensors.contains(&sighting.sensor) && self.sensors.len() < NAMES {
            self.sensors.push(sighting.sensor.clone());
        }
        if let Some(key) = campaign.filter(|key| !self.campaigns.contains(key)) {
            push(&mut self.campaigns, NAMES, key);
        }
        match exchanger {
            Some(Exchanger::Primary) => self.exchangers.0 += 1,
            Some(Exchanger::Backup) => self.exchangers.1 += 1,
            None => {}
        }
        let (hits, misses) = recipients(session);
        self.recipients.0 = self.recipients.0.saturating_add(hits);
        self.recipients.1 = self.recipients.1.saturating_add(misses);
        if let Some(syn) = &session.syn {
            let note = SynNote::of(syn, session.client.port());
            if let Some(before) = &self.last_syn {
                push(&mut self.scores, SCORES, before.score(&note));
            }
            self.last_syn = Some(note);
        }
        for user in logins(session) {
            if !self.logins.contains(&user) {
                push(&mut self.logins, NAMES, user);
            }
        }
        let retries = self.settle(session);
        self.voice(session, retries);
    }

    fn voice(&mut self, session: &Session, retries: u32) {
        let (dialect, at) = (Dialect::of(session), session.start);
        let (who, program) = (Covers::with(session, &dialect), program(&dialect));
        let bounces = u32::from(session.mail_from().iter().any(|from| from.is_empty()));
        if let Some(voice) = self.voices.iter_mut().find(|voice| voice.who == who) {
            voice.sessions = voice.sessions.saturating_add(1);
            voice.days += u32::from(day(voice.last) != day(at));
            voice.last = voice.last.max(at);
            voice.program = program;
            voice.retries = voice.retries.saturating_add(retries);
            voice.bounces = voice.bounces.saturating_add(bounces);
            return;
        }
        if self.voices.len() >= VOICES {
            let oldest =
                self.voices.iter().enumerate().min_by_key(|(_, v)| v.last).map(|(at, _)| at);
            if let Some(oldest) = oldest {
                self.voices.remove(oldest);
            }
        }
        let family = session.syn.as_ref().map(stack::family);
        self.voices.push(Voice {
            who,
            program,
            family,
            sessions: 1,
            first: at,
            last: at,
            days: 1,
            retries,
            bounces,
        });
    }

    /// Notes envelopes that were refused for now, and counts those that came again.
    fn settle(&mut self, session: &Session) -> u32 {
        let mut retries = 0;
        for (envelope, code) in envelopes(session) {
            let at = session.start;
            let before = self.deferred.iter().position(|d| d.envelope == envelope);
            if let Some(index) = before {
                if self.deferred.get(index).is_some_and(|d| at.since(d.at) >= RETRY_S) {
                    retries += 1;
                    self.deferred.remove(index);
                } else {
                    continue;
                }
            }
            if (400..500).contains(&code) {
                push(&mut self.deferred, DEFERRED, Deferred { envelope, at });
            }
        }
        retries
    }

    /// Envelopes refused for now before `at` by so many seconds and never tried again.
    pub fn given_up(&self, at: Time, after_s: f64) -> usize {
        self.deferred.iter().filter(|d| at.since(d.at) >= after_s).count()
    }

    /// The manners of its speakers with this session's, each once.
    pub(crate) fn manners_with<'a>(&'a self, who: &'a Covers) -> BTreeSet<&'a str> {
        self.voices.iter().map(|v| &v.who).chain([who]).map(|who| who.manner.as_str()).collect()
    }

    /// The speaker of a session, where it spoke before.
    pub(crate) fn voice_of(&self, who: &Covers) -> Option<&Voice> {
        self.voices.iter().find(|voice| voice.who == *who)
    }

    /// Hashes of the user names that were tried in vain, with those of this session, each once.
    pub(crate) fn logins_with(&self, session: &Session) -> BTreeSet<u64> {
        self.logins.iter().copied().chain(logins(session)).collect()
    }

    /// p0f's scores with that of this session.
    pub(crate) fn scores_with(&self, session: &Session) -> Vec<u8> {
        let mut scores = self.scores.clone();
        if let (Some(before), Some(syn)) = (&self.last_syn, &session.syn) {
            scores.push(before.score(&SynNote::of(syn, session.client.port())));
        }
        scores
    }
}

fn day(at: Time) -> i64 {
    at.secs().div_euclid(DAY_S)
}

fn push<T>(into: &mut Vec<T>, most: usize, item: T) {
    if into.len() >= most {
        into.remove(0);
    }
    into.push(item);
}

/// Log-ins that did not succeed.
pub(crate) fn failed_logins(session: &Session) -> impl Iterator<Item = &Auth> {
    let dialogue = &session.dialogue;
    let failed = |auth: &&Auth| dialogue.reply(auth.reply).is_none_or(|reply| reply.is_refusal());
    dialogue.auth.iter().filter(failed)
}

/// Hashes of the user names of log-ins that did not succeed.
fn logins(session: &Session) -> impl Iterator<Item = u64> {
    failed_logins(session).filter_map(|auth| Some(hash(SEED, auth.user.as_ref()?.as_bytes())))
}

/// A hash of what tells programs apart in a fingerprint, whatever the server answered.
pub(crate) fn program(dialect: &Dialect) -> u64 {
    let told = dialect.features().filter(|(name, _)| !matches!(*name, "path" | "quit" | "early"));
    told.fold(SEED, |seed, (name, value)| hash(hash(seed, name.as_bytes()), value.as_bytes()))
}

/// Recipients taken, and refused as unknown: refusals for other reasons are neither.
pub(crate) fn recipients(session: &Session) -> (u32, u32) {
    let dialogue = &session.dialogue;
    let mut counts = (0, 0);
    for command in dialogue.commands.iter().filter(|c| c.verb == Verb::Rcpt) {
        match dialogue.reply(command.reply) {
            Some(reply) if reply.is_positive() => counts.0 += 1,
            Some(reply) if says_unknown(reply.code, &reply.text.text().0) => counts.1 += 1,
            _ => {}
        }
    }
    counts
}

/// Whether a refusal says that there is no such recipient (and not: we do not like you).
pub(crate) fn says_unknown(code: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let told = [
        "unknown",
        "no such",
        "does not exist",
        "doesn't exist",
        "not found",
        "no mailbox",
        "invalid recipient",
        "mailbox unavailable",
    ];
    let policy =
        ["block", "spam", "polic", "relay", "denied", "reject", "5.7.", "client host", "reverse"];
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    matches!(code, 550 | 551 | 553)
        && (text.starts_with("5.1.1") || holds(&told) && !holds(&policy))
}

/// Hashes of the envelopes of a session, and the code that each was answered with.
fn envelopes(session: &Session) -> Vec<(u64, u16)> {
    let dialogue = &session.dialogue;
    let code = |command: &Command| dialogue.reply(command.reply).map(|reply| reply.code);
    let (mut from, mut found, mut open) = (0, Vec::new(), Vec::new());
    for command in &dialogue.commands {
        match command.verb {
            Verb::Mail | Verb::Rset => {
                found.extend(open.drain(..).map(|envelope| (envelope, TAKEN)));
                from = hash(SEED, command.path().as_bytes());
            }
            Verb::Rcpt => {
                let envelope = hash(from, command.path().as_bytes());
                match code(command) {
                    Some(code) if (200..300).contains(&code) => open.push(envelope),
                    Some(code) => found.push((envelope, code)),
                    None => {}
                }
            }
            Verb::Data => {
                // Content refused for now defers all its recipients.
                let said = dialogue.messages.iter().find(|m| m.at >= command.at);
                let reply = said.and_then(|message| dialogue.reply(message.reply));
                if let Some(reply) = reply {
                    found.extend(open.drain(..).map(|envelope| (envelope, reply.code)));
                }
            }
            _ => {}
        }
    }
    found.extend(open.into_iter().map(|envelope| (envelope, TAKEN)));
    found
}

/// What an envelope was answered with whose content never came.
const TAKEN: u16 = 250;

/// FNV-1a's offset basis.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every machine and in every version.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .map(u8::to_ascii_lowercase)
        .chain([0])
        .fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
