//! What an answer means: [`Said`] and the list -> [`Outcome`]. Pure.
//!
//! In this order: an address outside 127.0.0.0/8 is no answer of a list (a parked domain, a resolver that answers
//! everything); an error code is a refusal, whatever stands beside it; then the codes. 127.255.255.0/24 is never a
//! listing, documented or not.

use crate::{Found, Kind, List, Outcome, Said};
use std::net::Ipv4Addr;

/// What an answer to the question for a target means.
pub(crate) fn outcome(list: &List, said: &Said) -> Outcome {
    let (addresses, ttl_s) = match said {
        Said::Addresses(addresses, ttl_s) if !addresses.is_empty() => (addresses, *ttl_s),
        Said::Addresses(_, ttl_s) => return Outcome::Clean { ttl_s: Some(*ttl_s) },
        Said::Nothing(ttl_s) => return Outcome::Clean { ttl_s: *ttl_s },
        other => return failure(list, other),
    };
    if let Some(no) = no_listing(list, addresses) {
        return no;
    }
    let mut found: Vec<Found> = Vec::new();
    for answer in addresses {
        let mut known = false;
        for code in list.codes_of(*answer) {
            known = true;
            found.push(Found {
                answer: *answer,
                name: code.name.clone(),
                kind: code.kind,
                means: code.means.clone(),
            });
        }
        if !known {
            found.push(Found {
                answer: *answer,
                name: list.title.clone(),
                kind: if list.welcome { Kind::Neutral } else { Kind::Unknown },
                means: "a code that is not in our table".to_owned(),
            });
        }
    }
    found.sort();
    found.dedup();
    Outcome::Listed { found, texts: Vec::new(), ttl_s }
}

/// Addresses that are no listing, and what they are.
pub(crate) fn no_listing(list: &List, addresses: &[Ipv4Addr]) -> Option<Outcome> {
    if let Some(stray) = stray(addresses) {
        return Some(Outcome::Error {
            because: format!(
                "it answers {stray}, which is no answer of a list: its domain is parked, or the resolver answers \
                 everything"
            ),
            remedy: Some(OWN_RESOLVER.to_owned()),
        });
    }
    for answer in addresses {
        if let Some(refusal) = list.refusals.iter().find(|r| r.answer.matches(*answer)) {
            let because = format!("it answers {answer}: {}", refusal.means);
            let remedy = refusal.remedy.clone();
            return Some(if refusal.refused {
                Outcome::Refused { because, remedy }
            } else {
                Outcome::Error { because, remedy: Some(remedy) }
            });
        }
    }
    let errors = |a: &&Ipv4Addr| matches!(a.octets(), [127, 255, 255, _]);
    if let Some(error) = addresses.iter().find(errors) {
        return Some(error_code(list, *error));
    }
    // RFC 5782 knows no listing of the value 127.0.0.1; refusals often have it.
    let nothing = |a: &&Ipv4Addr| {
        matches!(a.octets(), [127, 0, 0, 0 | 1]) && list.codes_of(**a).next().is_none()
    };
    addresses.iter().find(nothing).map(|answer| Outcome::Error {
        because: format!("it answers {answer}, which stands for no listing (often a refusal)"),
        remedy: Some(OWN_RESOLVER.to_owned()),
    })
}

/// An address that no list gives.
pub(crate) fn stray(addresses: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    addresses.iter().copied().find(|a| !a.is_loopback())
}

const OWN_RESOLVER: &str =
    "ask through a resolver of your own (unbound on this host, then --resolver 127.0.0.1)";

/// The codes that Spamhaus began, and others took over.
fn error_code(list: &List, answer: Ipv4Addr) -> Outcome {
    let own = |or: &str| match &list.keyed {
        Some((_, get)) => {
            format!("{OWN_RESOLVER}, or {or} {get} and give it with --key {}=FILE", list.name)
        }
        None => OWN_RESOLVER.to_owned(),
    };
    let (because, remedy) = match answer.octets() {
        [.., 252] => {
            return Outcome::Error {
                because: format!(
                    "it answers {answer}: there is no such list, the zone's name is mistyped"
                ),
                remedy: Some("correct the zone in the file of lists".to_owned()),
            };
        }
        [.., 250] => ("the key is switched off", own("get another key at")),
        [.., 251] => ("the key is not accepted", own("get another key at")),
        [.., 254] => ("the question came through a public or open resolver", own("get a key at")),
        [.., 255] => ("too many questions came from this resolver", own("get a key at")),
        _ => ("an error code that is not in our table", own("get a key at")),
    };
    Outcome::Refused {
        because: format!("it answers {answer}: {because}; this is no listing"),
        remedy,
    }
}

/// No answer at all.
pub(crate) fn failure(list: &List, said: &Said) -> Outcome {
    match said {
        Said::Refused => Outcome::Refused {
            because: "its name servers, or the resolver, answer REFUSED".to_owned(),
            remedy: match &list.silence {
                Some(silence) => silence.remedy.clone(),
                None => OWN_RESOLVER.to_owned(),
            },
        },
        Said::Failed(what) => Outcome::Error {
            because: format!("the answer was {what}"),
            remedy: Some(
                "try again later; if it stays, the list or the way to it is broken".to_owned(),
            ),
        },
        Said::TooMany(count) => Outcome::Error {
            because: format!("it answers {count} addresses, which no list does"),
            remedy: None,
        },
        Said::Unreachable(why) => Outcome::Error {
            because: format!("the resolver cannot be reached: {why}"),
            remedy: Some("see /etc/resolv.conf, or give --resolver".to_owned()),
        },
        Said::Silent | Said::Addresses(..) | Said::Nothing(_) => Outcome::Error {
            because: "no answer in time".to_owned(),
            remedy: Some("try again later, or wait longer with --timeout".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lists;
    use proptest::prelude::*;

    fn said(addresses: &str) -> Said {
        match addresses {
            "nothing" => Said::Nothing(Some(60)),
            "refused" => Said::Refused,
            "silent" => Said::Silent,
            "servfail" => Said::Failed("SERVFAIL".into()),
            some => Said::Addresses(some.split(' ').map(|a| a.parse().unwrap()).collect(), 60),
        }
    }

    /// What it says in a word and the codes' names, of the shipped lists.
    fn meant(list: &str, answer: &str) -> String {
        let lists = Lists::shipped().unwrap();
        match outcome(lists.get(list).unwrap(), &said(answer)) {
            Outcome::Listed { found, .. } => {
                let names: Vec<_> =
                    found.iter().map(|f| format!("{} {}", f.name, f.kind.word())).collect();
                format!("listed: {}", names.join(", "))
            }
            Outcome::Refused { because, .. }
            | Outcome::Error { because, .. }
            | Outcome::Dead { because } => {
                let state = outcome(lists.get(list).unwrap(), &said(answer)).state();
                format!("{state}: {because}")
            }
            Outcome::Clean { .. } => "clean".to_owned(),
        }
    }

    #[test]
    fn answers_and_their_meanings() {
        for (list, answer, want) in [
            ("spamhaus-zen", "127.0.0.4", "listed: Spamhaus XBL exploited"),
            (
                "spamhaus-zen",
                "127.0.0.2 127.0.0.9",
                "listed: Spamhaus SBL spam-source, Spamhaus DROP neighbourhood",
            ),
            (
                "spamhaus-zen",
                "127.0.0.11 127.0.0.4",
                "listed: Spamhaus XBL exploited, Spamhaus PBL policy",
            ),
            ("spamhaus-zen", "127.0.0.77", "listed: Spamhaus ZEN unknown"),
            (
                "spamhaus-zen",
                "127.255.255.254",
                "refused: it answers 127.255.255.254: the question came through",
            ),
            ("spamhaus-zen", "127.255.255.255", "refused: it answers 127.255.255.255: too many"),
            (
                "spamhaus-zen",
                "127.255.255.252",
                "error: it answers 127.255.255.252: there is no such list",
            ),
            ("spamhaus-zen", "127.255.255.17", "refused: it answers 127.255.255.17: an error code"),
            // What stands beside an error is not believed either.
            ("spamhaus-zen", "127.0.0.4 127.255.255.254", "refused: "),
            ("spamhaus-zen", "127.0.0.4 198.51.100.1", "error: it answers 198.51.100.1"),
            (
                "spamhaus-zen",
                "127.0.0.1",
                "error: it answers 127.0.0.1, which stands for no listing",
            ),
            ("spamhaus-zen", "nothing", "clean"),
            ("spamhaus-zen", "refused", "refused: its name servers"),
            ("spamhaus-zen", "servfail", "error: the answer was SERVFAIL"),
            ("spamhaus-zen", "silent", "error: no answer in time"),
            ("spamhaus-dbl", "127.0.1.255", "error: it answers 127.0.1.255: an address was asked"),
            ("hostkarma", "127.0.0.1", "listed: HostKarma white welcome"),
            ("dnswl", "127.0.5.2", "listed: dnswl medium welcome"),
            (
                "dnswl",
                "127.0.0.255",
                "refused: it answers 127.0.0.255: this resolver asks too much",
            ),
            ("uribl", "127.0.0.1", "refused: "),
            ("uribl", "127.0.0.6", "listed: URIBL grey reputation, URIBL black advertised"),
            ("surbl", "127.0.0.24", "listed: SURBL MW advertised, SURBL PH advertised"),
        ] {
            let found = meant(list, answer);
            let sorted = |text: &str| {
                let mut parts: Vec<_> =
                    text.split([':', ',']).map(|p| p.trim().to_owned()).collect();
                parts.sort();
                parts
            };
            assert!(
                found.starts_with(want) || sorted(&found) == sorted(want),
                "{list} {answer}: {found}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_helps() {
        let lists = Lists::shipped().unwrap();
        let helps = |list: &str| match outcome(lists.get(list).unwrap(), &said("127.255.255.254")) {
            Outcome::Refused { remedy, .. } => remedy,
            other => panic!("{other:?}"),
        };
        let zen = helps("spamhaus-zen");
        assert!(zen.contains("--resolver") && zen.contains("--key spamhaus-zen=FILE"), "{zen}");
        assert!(!helps("spamcop").contains("--key"));
    }

    proptest! {
        #[test]
        fn never_panics_and_errors_are_never_listings(
            answers in prop::collection::vec(any::<[u8; 4]>(), 0..40),
            loopback in prop::collection::vec(any::<[u8; 3]>(), 0..4),
            which in 0_usize..100,
        ) {
            let lists = Lists::shipped().unwrap();
            let all: Vec<_> = lists.iter().collect();
            let list = all[which % all.len()];
            let mut addresses: Vec<Ipv4Addr> = answers.iter().map(|a| (*a).into()).collect();
            addresses.extend(loopback.iter().map(|[b, c, d]| Ipv4Addr::new(127, *b, *c, *d)));
            let outcome = outcome(list, &Said::Addresses(addresses.clone(), 1));
            let bad = addresses.iter().any(|a| !a.is_loopback() || matches!(a.octets(), [127, 255, 255, _]));
            let listed = matches!(outcome, Outcome::Listed { .. });
            prop_assert!(!(bad && listed), "{outcome:?}");
        }
    }
}
