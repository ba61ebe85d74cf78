//! The lists as data: one TOML file in the binary, and the reader's own files over it (docs/check.md describes
//! the format, `heloscope.lists/1`).
//!
//! Strict: an unknown key, a code outside 127.0.0.0/8, an error code that is told as a listing, two codes for one
//! answer, a list without a zone to ask or without a test point is refused with the list's name. Pure.

use crate::name::is_domain;
use crate::{Pattern, Target};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The shipped file.
const SHIPPED: &str = include_str!("../lists.toml");
/// The format's name.
const FORMAT: &str = "heloscope.lists/1";
/// Lists, and codes of one, that a file may have.
const MOST: usize = 500;

/// All lists, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists(Vec<List>);

/// One list.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// Its short name, for the command line and JSON (`spamhaus-zen`).
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The zone that anybody may ask.
    pub zone: Option<String>,
    /// The zone of subscribers, `{key}` in it, and where a key is to be had.
    pub keyed: Option<(String, String)>,
    /// What it answers for.
    pub answers_for: Vec<For>,
    /// How wide an entry of IPv6 is, in bits.
    pub ip6_covers: u8,
    /// How much of an IPv6 address the question names, in bits.
    pub ip6_asks: u8,
    /// What it must answer before it is believed.
    pub test: Test,
    /// Its answers are masks of codes.
    pub bits: bool,
    /// Its codes.
    pub codes: Vec<Code>,
    /// Its answers that are no listings.
    pub refusals: Vec<Refusal>,
    /// What it means when it does not answer its test points, where that is not its end.
    pub silence: Option<Silence>,
    /// It speaks well of addresses: being on it is good.
    pub welcome: bool,
    /// A listing there hinders little mail.
    pub minor: bool,
    /// Whether it is there to be asked.
    pub status: Status,
    /// The page about one address, `{subject}` in it.
    pub look_up: Option<String>,
    /// The page to ask for removal.
    pub removal: Option<String>,
    /// How its entries end, in a sentence.
    pub habit: Option<String>,
    /// Where these facts were read.
    pub source: Vec<String>,
}

/// What a list answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum For {
    /// IPv4 addresses.
    Ip4,
    /// IPv6 addresses.
    Ip6,
    /// Domains.
    Domain,
}

/// Test points (RFC 5782, section 5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// One of these must be listed.
    pub listed: Vec<Target>,
    /// One of these must be listed before it is believed of an IPv6 address.
    pub listed6: Vec<Target>,
    /// This must not be listed.
    pub unlisted: Option<Target>,
}

/// One code of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// The answers.
    pub answer: Pattern,
    /// The list's name for it (`Spamhaus XBL`).
    pub name: String,
    /// What sort of listing.
    pub kind: Kind,
    /// What it means, in words that continue "this address is listed: ".
    pub means: String,
}

/// What sort of listing a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Spam was seen from it.
    SpamSource,
    /// It is somebody else's tool: a bot, a proxy, a planted mailer.
    Exploited,
    /// It attacks: password guessing, scans.
    Attack,
    /// Spam advertises it.
    Advertised,
    /// Bounces and call-outs to strangers.
    Backscatter,
    /// By what it is, not by what it did: a dynamic range.
    Policy,
    /// Its neighbours, its network or its provider.
    Neighbourhood,
    /// A score.
    Reputation,
    /// An answer that the list does not document.
    Unknown,
    /// Neither good nor bad.
    Neutral,
    /// Good.
    Welcome,
}

/// An answer that is no listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The answers.
    pub answer: Pattern,
    /// The list would not answer us; else something is wrong with the question.
    pub refused: bool,
    /// What it means.
    pub means: String,
    /// What helps.
    pub remedy: String,
}

/// What silence at the test points means.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// The reason.
    pub means: String,
    /// What helps.
    pub remedy: String,
}

/// Whether a list is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It is.
    Live,
    /// It has ended: since when, where known, and how.
    Dead(Option<String>, String),
    /// It answers its subscribers in other ways than DNS; why.
    Subscribers(String),
}

/// Why a file of lists is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadLists(String);

impl Lists {
    /// The lists in the binary.
    pub fn shipped() -> Result<Self, BadLists> {
        Self(Vec::new()).with(SHIPPED)
    }

    /// No lists, to which a file of one's own can be added.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// With a further file: its lists replace those of the same name, others are added.
    pub fn with(mut self, text: &str) -> Result<Self, BadLists> {
        let file: File = toml::from_str(text).map_err(|e| BadLists(e.to_string()))?;
        if file.format != FORMAT {
            let said: String = file.format.chars().take(60).collect();
            return Err(BadLists(format!("format {said:?} is not {FORMAT:?}")));
        }
        for name in &file.drop {
            if !self.0.iter().any(|l| &l.name == name) {
                return Err(BadLists(format!("drop: there is no list {name:?}")));
            }
        }
        self.0.retain(|l| !file.drop.contains(&l.name));
        let mut seen: Vec<String> = Vec::new();
        for raw in file.list {
            let said: String = raw.name.chars().take(60).collect();
            let list = raw.checked().map_err(|why| BadLists(format!("list {said:?}: {why}")))?;
            if seen.contains(&list.name) {
                return Err(BadLists(format!("list {said:?} stands there twice")));
            }
            seen.push(list.name.clone());
            match self.0.iter_mut().find(|l| l.name == list.name) {
                Some(old) => *old = list,
                None => self.0.push(list),
            }
        }
        if self.0.len() > MOST {
            return Err(BadLists(format!("more than {MOST} lists")));
        }
        Ok(self)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &List> {
        self.0.iter()
    }

    /// The list of that name.
    pub fn get(&self, name: &str) -> Option<&List> {
        self.0.iter().find(|l| l.name == name)
    }
}

impl List {
    /// The code that an answer stands for, or the codes of a mask.
    pub(crate) fn codes_of(&self, answer: std::net::Ipv4Addr) -> impl Iterator<Item = &Code> {
        let matching = move |code: &&Code| {
            if self.bits { code.answer.matches_bit(answer) } else { code.answer.matches(answer) }
        };
        self.codes.iter().filter(matching)
    }

    /// Whether it has something to say of a target.
    pub fn takes(&self, target: &Target) -> bool {
        self.answers_for.contains(&match target {
            Target::Ip(IpAddr::V4(_)) => For::Ip4,
            Target::Ip(IpAddr::V6(_)) => For::Ip6,
            Target::Domain(_) => For::Domain,
        })
    }

    /// The page about a target.
    pub fn page(&self, target: &Target) -> Option<String> {
        Some(self.look_up.as_ref()?.replace("{subject}", &target.to_string()))
    }

    /// The page for removal of a target.
    pub fn removal_page(&self, target: &Target) -> Option<String> {
        Some(self.removal.as_ref()?.replace("{subject}", &target.to_string()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    list: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    title: String,
    zone: Option<String>,
    key: Option<RawKey>,
    r#for: Vec<For>,
    #[serde(default)]
    ip6: Option<RawIp6>,
    #[serde(default)]
    test: RawTest,
    #[serde(default)]
    bits: bool,
    #[serde(default)]
    code: Vec<RawCode>,
    #[serde(default)]
    refusal: Vec<RawRefusal>,
    silence: Option<Silence>,
    #[serde(default)]
    welcome: bool,
    #[serde(default)]
    weight: RawWeight,
    status: Option<RawStatus>,
    look_up: Option<String>,
    removal: Option<String>,
    habit: Option<String>,
    #[serde(default)]
    source: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    zone: String,
    get: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIp6 {
    covers: Option<u8>,
    asks: Option<u8>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTest {
    listed: Vec<String>,
    listed6: Vec<String>,
    unlisted: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCode {
    answer: String,
    name: Option<String>,
    kind: Kind,
    means: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRefusal {
    answer: String,
    #[serde(default)]
    state: RawState,
    means: String,
    remedy: String,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum RawState {
    #[default]
    Refused,
    Error,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum RawWeight {
    #[default]
    Major,
    Minor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatus {
    is: RawIs,
    since: Option<String>,
    note: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawIs {
    Live,
    Dead,
    Subscribers,
}

impl Raw {
    fn checked(self) -> Result<List, String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=40).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err("a name is up to 40 of a-z, 0-9 and -".to_owned());
        }
        one_line("title", &self.title)?;
        let zone = self.zone.map(|zone| zone_name(&zone)).transpose()?;
        let keyed = match self.key {
            None => None,
            Some(key) => {
                let (before, after) =
                    key.zone.split_once("{key}").ok_or("key.zone has no {key}")?;
                zone_name(&format!("{before}key{after}"))?;
                Some((key.zone.to_ascii_lowercase(), page("key.get", key.get)?))
            }
        };
        let status = match self.status {
            None => Status::Live,
            Some(RawStatus { is, since, note }) => {
                one_line("status.note", &note)?;
                let dated = |s: &String| {
                    s.bytes().all(|b| b.is_ascii_digit() || b == b'-') && s.len() <= 10
                };
                if since.as_ref().is_some_and(|s| !dated(s)) {
                    return Err("status.since is a year or a day: 2024-06-05".to_owned());
                }
                match is {
                    RawIs::Live => Status::Live,
                    RawIs::Dead => Status::Dead(since, note),
                    RawIs::Subscribers => Status::Subscribers(note),
                }
            }
        };
        let live = status == Status::Live;
        if live && zone.is_none() && keyed.is_none() {
            return Err("has neither a zone nor a keyed zone to ask".to_owned());
        }
        if self.r#for.is_empty() {
            return Err("`for` is empty: ip4, ip6, domain".to_owned());
        }
        let test = test_points(&self.test)?;
        if live && (test.listed.is_empty() || test.unlisted.is_none()) {
            return Err(
                "needs a test point that is listed and one that is not (RFC 5782: 127.0.0.2 and \
                        127.0.0.1): a list is believed only after it answered them"
                    .to_owned(),
            );
        }
        if self.code.len() > MOST || self.refusal.len() > MOST {
            return Err(format!("more than {MOST} codes"));
        }
        let title = self.title;
        let codes = codes(self.code, &title, self.bits)?;
        let refusals = self.refusal.into_iter().map(refusal).collect::<Result<Vec<_>, _>>()?;
        if !self.bits
            && let Some(code) =
                codes.iter().find(|c| refusals.iter().any(|r| r.answer.meets(&c.answer)))
        {
            return Err(format!("{} is both a code and a refusal", code.answer));
        }
        let bits = |given: Option<u8>| match given.unwrap_or(128) {
            good if good % 4 == 0 && (16..=128).contains(&good) => Ok(good),
            _ => Err("ip6 covers and asks are prefix lengths: 64, 128".to_owned()),
        };
        let ip6 = self.ip6.unwrap_or(RawIp6 { covers: None, asks: None });
        for source in &self.source {
            one_line("source", source)?;
        }
        Ok(List {
            ip6_covers: bits(ip6.covers)?,
            ip6_asks: bits(ip6.asks)?,
            name: self.name,
            title,
            zone,
            keyed,
            answers_for: self.r#for,
            test,
            bits: self.bits,
            codes,
            refusals,
            silence: self.silence,
            welcome: self.welcome,
            minor: self.weight == RawWeight::Minor,
            status,
            look_up: self.look_up.map(|p| page("look_up", p)).transpose()?,
            removal: self.removal.map(|p| page("removal", p)).transpose()?,
            habit: self.habit.map(|h| one_line("habit", &h).map(|()| h)).transpose()?,
            source: self.source,
        })
    }
}

fn test_points(raw: &RawTest) -> Result<Test, String> {
    // Test points lie in ranges that are nobody's, so they are read as they stand.
    let point = |text: &String| match text.parse::<IpAddr>() {
        Ok(ip) => Ok(Target::Ip(ip)),
        Err(_) if is_domain(text) => Ok(Target::Domain(text.clone())),
        Err(_) => Err(format!("test point {text:?} is neither an address nor a domain")),
    };
    let points = |texts: &[String]| match texts.len() {
        0..=8 => texts.iter().map(point).collect::<Result<Vec<_>, _>>(),
        _ => Err("more than 8 test points".to_owned()),
    };
    Ok(Test {
        listed: points(&raw.listed)?,
        listed6: points(&raw.listed6)?,
        unlisted: raw.unlisted.as_ref().map(point).transpose()?,
    })
}

fn codes(raw: Vec<RawCode>, title: &str, bits: bool) -> Result<Vec<Code>, String> {
    let mut codes: Vec<Code> = Vec::new();
    let errors = Pattern::parse("127.255.255.*")?;
    for raw in raw {
        let answer = Pattern::parse(&raw.answer)?;
        one_line("means", &raw.means)?;
        if answer.meets(&errors) {
            return Err(format!("{answer} is an error, never a listing: put it under refusal"));
        }
        if bits && answer.bit().is_none() {
            return Err(format!("{answer} is not one bit of a mask"));
        }
        if codes.iter().any(|c| c.answer.meets(&answer)) {
            return Err(format!("{answer} has two meanings"));
        }
        let name = raw.name.unwrap_or_else(|| title.to_owned());
        one_line("name", &name)?;
        codes.push(Code { answer, name, kind: raw.kind, means: raw.means });
    }
    Ok(codes)
}

fn refusal(raw: RawRefusal) -> Result<Refusal, String> {
    one_line("means", &raw.means)?;
    one_line("remedy", &raw.remedy)?;
    Ok(Refusal {
        answer: Pattern::parse(&raw.answer)?,
        refused: raw.state == RawState::Refused,
        means: raw.means,
        remedy: raw.remedy,
    })
}

fn zone_name(zone: &str) -> Result<String, String> {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    if is_domain(&zone) && zone.len() <= 180 {
        Ok(zone)
    } else {
        Err(format!("{zone:?} is no zone"))
    }
}

fn page(what: &str, text: String) -> Result<String, String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    one_line(what, &text)?;
    if web { Ok(text) } else { Err(format!("{what} is no web address")) }
}

fn one_line(what: &str, text: &str) -> Result<(), String> {
    match text {
        "" => Err(format!("{what} is empty")),
        long if long.len() > 1000 => Err(format!("{what} is longer than 1,000 letters")),
        text if text.chars().any(char::is_control) => Err(format!("{what} is more than one line")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
