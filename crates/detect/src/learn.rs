//! Dialects learnt from recorded sessions (for `heloscope detect learn`), and speakers that nobody
//! has named yet (`dialect-unknown-cluster`: offline, since it needs many addresses).
//!
//! In: sessions, each with the label of who is known to have spoken. Out: one dialect a label, of
//! the features that all its sessions share; refused with a reason where the sessions are too few or too
//! unlike each other. A bot's dialect is refused also where somebody honest sends alike, or where nothing in it
//! is odd: plain SMTP accuses nobody, whatever its headers say. An honest one is refused where it is so
//! general that a learnt bot speaks it too: nothing would be said of that bot any more. Pure.

use crate::dialect::file::FEWEST;
use crate::dialect::{Dialect, Dialects, FEATURES, Kind, Known};
use heloscope_model::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Sessions needed before a dialect is believed.
pub const FEWEST_SESSIONS: usize = 5;
/// Values a feature may take and still be one.
const MOST_VALUES: usize = 3;

/// A session and who spoke.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The dialect's name to be.
    pub name: &'a str,
    /// Who speaks it.
    pub kind: Kind,
    /// Whether the session hit a trap: a bot whose sessions all did is proved.
    pub on_trap: bool,
    /// The session.
    pub session: &'a Session,
}

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// Dialects, by name.
    pub dialects: Vec<Known>,
    /// Labels of which none was made, and why.
    pub refused: Vec<(String, String)>,
}

impl Learnt {
    /// File names and texts, one dialect a file; each reads back by [`Dialects::add`].
    pub fn files(&self) -> Vec<(String, String)> {
        self.dialects
            .iter()
            .map(|known| (format!("{}.dialect", known.name), known.to_string()))
            .collect()
    }
}

/// Features of the message and not of how it is sent: a template, which anybody may have.
const OF_MESSAGE: [&str; 4] = ["headers", "message-id", "boundary", "received"];

/// Learns one dialect a label.
pub fn learn(sessions: &[Labelled<'_>]) -> Learnt {
    let mut groups: BTreeMap<&str, Vec<(&Labelled<'_>, Dialect)>> = BTreeMap::new();
    for labelled in sessions {
        groups.entry(labelled.name).or_default().push((labelled, Dialect::of(labelled.session)));
    }
    let mut learnt = Learnt::default();
    for (name, group) in &groups {
        match one(name, group, &groups) {
            Ok(known) => learnt.dialects.push(known),
            Err(why) => learnt.refused.push(((*name).to_owned(), why)),
        }
    }
    let bots: Vec<(&str, &Group<'_>)> = learnt
        .dialects
        .iter()
        .filter(|known| known.kind == Kind::Bot)
        .filter_map(|known| {
            Some((*groups.get_key_value(known.name.as_str())?.0, groups.get(known.name.as_str())?))
        })
        .collect();
    for known in std::mem::take(&mut learnt.dialects) {
        let speaks =
            |(_, group): &&(&str, &Group<'_>)| group.iter().any(|(_, d)| known.is_spoken_in(d));
        match bots.iter().find(speaks).filter(|_| known.kind != Kind::Bot) {
            Some((bot, _)) => learnt.refused.push((
                known.name,
                format!(
                    "it is so general that the bot {bot} speaks it too: record what tells it apart"
                ),
            )),
            None => learnt.dialects.push(known),
        }
    }
    learnt.refused.sort();
    learnt
}

type Group<'a> = Vec<(&'a Labelled<'a>, Dialect)>;

fn one(name: &str, group: &Group<'_>, all: &BTreeMap<&str, Group<'_>>) -> Result<Known, String> {
    if group.len() < FEWEST_SESSIONS {
        return Err(format!(
            "{} sessions are too few: record at least {FEWEST_SESSIONS}",
            group.len()
        ));
    }
    let kind = group.first().map_or(Kind::Library, |(labelled, _)| labelled.kind);
    if group.iter().any(|(labelled, _)| labelled.kind != kind) {
        return Err("its sessions are labelled with different kinds: give each kind a name".into());
    }
    let mut features = BTreeMap::new();
    for feature in FEATURES {
        let shown: Vec<_> = group.iter().filter_map(|(_, d)| d.feature(feature)).collect();
        let values: BTreeSet<_> = shown.iter().copied().collect();
        // Shown by all, and of few values that each came more than once.
        let often = values.iter().all(|v| shown.iter().filter(|s| *s == v).count() > 1);
        if shown.len() == group.len() && values.len() <= MOST_VALUES && often {
            features.insert(feature, values.into_iter().map(str::to_owned).collect());
        }
    }
    if features.len() < FEWEST {
        return Err(format!(
            "its sessions share {} features, too few to tell them from others",
            features.len()
        ));
    }
    let proved = kind == Kind::Bot && group.iter().all(|(labelled, _)| labelled.on_trap);
    let known = Known { name: name.to_owned(), kind, proved, features };
    if kind == Kind::Bot {
        if !is_odd(&known) {
            return Err(
                "nothing in how it sends is odd: nobody can be accused of plain SMTP".into()
            );
        }
        let mut sending = known.clone();
        sending.features.retain(|name, _| !OF_MESSAGE.contains(name));
        let honest = all.iter().find(|(_, others)| {
            others.iter().any(|(l, dialect)| l.kind != Kind::Bot && sending.is_spoken_in(dialect))
        });
        if let Some((other, _)) = honest {
            return Err(format!("{other} speaks alike: nobody can be accused by this dialect"));
        }
    }
    let mut check = Dialects::default();
    check.add(name, &known.to_string()).map_err(|bad| bad.problem)?;
    Ok(known)
}

/// Whether every session of a dialect does something that RFC 5321 and its examples do not.
fn is_odd(known: &Known) -> bool {
    let plain = |name: &str, value: &str| match name {
        "case" => value == "upper",
        "colon" => value == "tight",
        "angle" => value == "angle",
        "ends" => value == "crlf",
        "early" => value == "no",
        "quit" => value == "yes",
        "path" => !["OTHER", "HEADER", "PROXY"].iter().any(|word| value.contains(word)),
        _ => true,
    };
    known.features.iter().any(|(name, values)| values.iter().all(|value| !plain(name, value)))
}

/// One way of speaking that no dialect names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The fingerprint.
    pub dialect: Dialect,
    /// Who spoke so.
    pub addresses: BTreeSet<IpAddr>,
    /// How often.
    pub sessions: usize,
}

/// Fingerprints that no known dialect names and that at least `fewest` addresses speak, the
/// commonest first. For a person to look at: a new bot looks like a new product.
pub fn unknown_clusters<'a>(
    sessions: impl IntoIterator<Item = &'a Session>,
    dialects: &Dialects,
    fewest: usize,
) -> Vec<Cluster> {
    let mut clusters: BTreeMap<Dialect, (BTreeSet<IpAddr>, usize)> = BTreeMap::new();
    for session in sessions {
        let dialect = Dialect::of(session);
        if dialect.features().count() < FEWEST || dialects.spoken_in(&dialect).next().is_some() {
            continue;
        }
        let (addresses, count) = clusters.entry(dialect).or_default();
        addresses.insert(session.client.ip().to_canonical());
        *count += 1;
    }
    let mut found: Vec<_> = clusters
        .into_iter()
        .filter(|(_, (addresses, _))| addresses.len() >= fewest)
        .map(|(dialect, (addresses, sessions))| Cluster { dialect, addresses, sessions })
        .collect();
    found.sort_by_key(|cluster| std::cmp::Reverse(cluster.addresses.len()));
    found
}
