//! What changed between checks: a memory of the last answer that was believed, target by target and list by list.
//!
//! Only `listed` and `clean` are remembered. A list that refuses, fails or ends in between says nothing: it neither
//! removes a listing nor makes one, so a resolver that comes and goes alarms nobody.

use crate::{Answer, Outcome, Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Targets and lists that are remembered at most.
const MOST: usize = 100_000;

/// The memory; it can be written and read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct Known(BTreeMap<(String, String), Vec<Ipv4Addr>>);

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// How.
    pub change: Change,
    /// The answer as it is now.
    pub answer: Answer,
}

/// How an answer changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Listed, and was not.
    Listed,
    /// Listed when it was asked for the first time.
    FoundListed,
    /// Not listed any more; what it was listed with.
    Removed(Vec<Ipv4Addr>),
    /// Listed with other codes; those before.
    Otherwise(Vec<Ipv4Addr>),
}

impl Known {
    /// Takes the answers of a check, and says what changed.
    pub fn take(&mut self, answers: &[Answer]) -> Vec<Changed> {
        answers.iter().filter_map(|answer| self.one(answer)).collect()
    }

    /// What a list was last believed to say: none where it never said anything, no codes for clean.
    pub fn of(&self, target: &Target, list: &str) -> Option<&[Ipv4Addr]> {
        self.0.get(&(target.to_string(), list.to_owned())).map(Vec::as_slice)
    }

    fn one(&mut self, answer: &Answer) -> Option<Changed> {
        let now: Vec<Ipv4Addr> = match &answer.outcome {
            Outcome::Listed { found, .. } => {
                let mut codes: Vec<_> = found.iter().map(|f| f.answer).collect();
                codes.sort();
                codes.dedup();
                codes
            }
            Outcome::Clean { .. } => Vec::new(),
            Outcome::Refused { .. } | Outcome::Error { .. } | Outcome::Dead { .. } => return None,
        };
        let key = (answer.target.to_string(), answer.list.clone());
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            return None;
        }
        let before = self.0.insert(key, now.clone());
        let change = match before {
            None if now.is_empty() => return None,
            None => Change::FoundListed,
            Some(before) if before == now => return None,
            Some(before) if before.is_empty() => Change::Listed,
            Some(before) if now.is_empty() => Change::Removed(before),
            Some(before) => Change::Otherwise(before),
        };
        Some(Changed { change, answer: answer.clone() })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    of: String,
    list: String,
    codes: Vec<Ipv4Addr>,
}

impl From<Known> for Vec<Entry> {
    fn from(known: Known) -> Self {
        let entry = |((of, list), codes)| Entry { of, list, codes };
        known.0.into_iter().map(entry).collect()
    }
}

impl TryFrom<Vec<Entry>> for Known {
    type Error = String;

    fn try_from(entries: Vec<Entry>) -> Result<Self, String> {
        if entries.len() > MOST {
            return Err(format!("more than {MOST} answers"));
        }
        Ok(Self(entries.into_iter().map(|e| ((e.of, e.list), e.codes)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, Kind};

    fn answer(said: &str) -> Answer {
        let found = |code: &str| Found {
            answer: code.parse().unwrap(),
            name: "X".into(),
            kind: Kind::Exploited,
            means: "a bot".into(),
        };
        let outcome = match said {
            "clean" => Outcome::Clean { ttl_s: None },
            "refused" => Outcome::Refused { because: "x".into(), remedy: "y".into() },
            "error" => Outcome::Error { because: "x".into(), remedy: None },
            "dead" => Outcome::Dead { because: "x".into() },
            codes => Outcome::Listed {
                found: codes.split(' ').map(found).collect(),
                texts: vec![],
                ttl_s: 60,
            },
        };
        Answer {
            target: Target::parse("8.8.8.8", false).unwrap(),
            list: "x".into(),
            title: "X".into(),
            zone: None,
            covers: None,
            welcome: false,
            minor: false,
            outcome,
            look_up: None,
            removal: None,
            habit: None,
        }
    }

    #[test]
    fn only_what_is_believed_changes_anything() {
        let mut known = Known::default();
        let code = |text: &str| vec![text.parse().unwrap()];
        for (said, want) in [
            ("refused", None),
            ("clean", None),
            ("error", None),
            ("127.0.0.4", Some(Change::Listed)),
            ("127.0.0.4", None),
            ("refused", None),
            ("dead", None),
            ("127.0.0.4", None),
            ("127.0.0.3", Some(Change::Otherwise(code("127.0.0.4")))),
            ("error", None),
            ("clean", Some(Change::Removed(code("127.0.0.3")))),
            ("clean", None),
        ] {
            let changed = known.take(&[answer(said)]);
            assert_eq!(changed.first().map(|c| c.change.clone()), want, "{said}");
            // It survives being written and read.
            let written = serde_json::to_string(&known).unwrap();
            assert_eq!(serde_json::from_str::<Known>(&written).unwrap(), known);
        }
        let mut fresh = Known::default();
        assert_eq!(fresh.take(&[answer("127.0.0.4")])[0].change, Change::FoundListed);
    }
}
