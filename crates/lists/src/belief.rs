//! Whether a list is believed: what it says of its own test points (RFC 5782, section 5) comes before what it says of
//! anybody. A list that does not list its positive point has ended or does not talk to us; one that lists its negative
//! point lists the world. Pure.

use crate::meaning::{failure, no_listing};
use crate::{List, Outcome, Said};

/// Why a list is not believed, if it is not; `listed` are the answers for the points that must be listed, `unlisted`
/// that for the one that must not be.
pub(crate) fn doubt(list: &List, listed: &[Said], unlisted: &Said) -> Option<Outcome> {
    let point = list.test.unlisted.as_ref().map(ToString::to_string).unwrap_or_default();
    match unlisted {
        Said::Addresses(addresses, _) if !addresses.is_empty() => {
            return Some(no_listing(list, addresses).unwrap_or_else(|| Outcome::Dead {
                because: format!("it lists {point}, which no list may: it lists the world"),
            }));
        }
        // An answer to the positive point comes first: it may say more.
        _ => {
            if let Some(doubt) = silence(list, listed) {
                return Some(doubt);
            }
        }
    }
    match unlisted {
        Said::Addresses(..) | Said::Nothing(_) => None,
        // It may list the world: what it lists is not believed.
        other => Some(failure(list, other)),
    }
}

/// Why a list is not believed to have entries at all: of the answers for points that must be listed, one must be a
/// listing.
pub(crate) fn silence(list: &List, listed: &[Said]) -> Option<Outcome> {
    let mut worst = None;
    for said in listed {
        match said {
            Said::Addresses(addresses, _) if !addresses.is_empty() => {
                match no_listing(list, addresses) {
                    None => return None,
                    // A refusal tells more than silence.
                    Some(no) => worst = Some(no),
                }
            }
            Said::Addresses(..) | Said::Nothing(_) => {}
            other => worst = worst.or_else(|| Some(failure(list, other))),
        }
    }
    Some(worst.unwrap_or_else(|| {
        let points: Vec<String> = list.test.listed.iter().map(ToString::to_string).collect();
        let because = format!("it does not list its own test point ({})", points.join(", "));
        match &list.silence {
            Some(silence) => Outcome::Refused {
                because: format!("{because}: {}", silence.means),
                remedy: silence.remedy.clone(),
            },
            None => Outcome::Dead {
                because: format!("{because}: it has ended, or does not answer this resolver"),
            },
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lists;

    fn said(text: &str) -> Said {
        match text {
            "-" => Said::Nothing(None),
            "silent" => Said::Silent,
            "refused" => Said::Refused,
            some => Said::Addresses(vec![some.parse().unwrap()], 60),
        }
    }

    #[test]
    fn what_is_believed() {
        let lists = Lists::shipped().unwrap();
        for (list, listed, unlisted, want) in [
            ("psbl", "127.0.0.2", "-", "believed"),
            ("psbl", "-", "-", "dead: it does not list its own test point (127.0.0.2)"),
            ("psbl", "127.0.0.2", "127.0.0.2", "dead: it lists 127.0.0.1"),
            ("psbl", "198.51.100.1", "198.51.100.1", "error: it answers 198.51.100.1"),
            ("psbl", "127.0.0.2", "198.51.100.1", "error: it answers 198.51.100.1"),
            ("psbl", "silent", "silent", "error: no answer in time"),
            ("psbl", "127.0.0.2", "silent", "error: no answer in time"),
            ("psbl", "refused", "refused", "refused: "),
            (
                "barracuda",
                "-",
                "-",
                "refused: it does not list its own test point (127.0.0.2): it answers registered",
            ),
            (
                "spamhaus-zen",
                "127.255.255.254",
                "127.255.255.254",
                "refused: it answers 127.255.255.254",
            ),
            ("spamhaus-zen", "127.255.255.254", "-", "refused: it answers 127.255.255.254"),
            ("uribl", "127.0.0.1", "127.0.0.1", "refused: it answers 127.0.0.1"),
            ("dnswl", "127.0.10.0", "-", "believed"),
        ] {
            let list = lists.get(list).unwrap();
            let found = match doubt(list, &[said(listed)], &said(unlisted)) {
                None => "believed".to_owned(),
                Some(outcome) => match &outcome {
                    Outcome::Refused { because, .. }
                    | Outcome::Error { because, .. }
                    | Outcome::Dead { because } => format!("{}: {because}", outcome.state()),
                    other => panic!("{other:?}"),
                },
            };
            assert!(found.starts_with(want), "{} {listed} {unlisted}: {found}", list.name);
        }
        // One of several points is enough.
        let rats = lists.get("spamrats").unwrap();
        assert_eq!(doubt(rats, &[said("-"), said("127.0.0.38")], &said("-")), None);
    }
}
