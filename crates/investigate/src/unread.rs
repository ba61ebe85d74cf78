//! What `heloscope collect` could not read on a host, as something that is needed.

use crate::answer::Needed;
use heloscope_evidence::{Facts, Unread};
use std::collections::BTreeMap;

/// Things named one by one.
const NAMED: usize = 6;

/// For each host on which something was refused.
pub(crate) fn needed(facts: &Facts) -> Vec<Needed> {
    let mut hosts: BTreeMap<&str, Vec<&Unread>> = BTreeMap::new();
    for unread in facts.unread.iter().filter(|u| u.kind == "permission") {
        hosts.entry(&unread.host).or_default().push(unread);
    }
    let one = |(host, all): (&str, Vec<&Unread>)| {
        let mut named: Vec<&str> = all.iter().map(|u| u.what.as_str()).take(NAMED).collect();
        if all.len() > NAMED {
            named.push("and more");
        }
        Needed {
            what: format!("what could not be read on {host} without root: {}", named.join(", ")),
            how: format!("heloscope collect --script | ssh root@{host} sh -s > bundle.tar.gz"),
        }
    };
    hosts.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::{Place, SourceId};

    #[test]
    fn only_what_was_refused_and_once_a_host() {
        let unread = |what: &str, kind: &str| Unread {
            host: "mail".to_owned(),
            what: what.to_owned(),
            kind: kind.to_owned(),
            why: String::new(),
            place: Place::whole(SourceId(0)),
        };
        let facts = Facts {
            unread: vec![
                unread("iptables-save -c", "permission"),
                unread("postqueue -j", "failed"),
                unread("/var/log/mail.log", "permission"),
            ],
            ..Facts::default()
        };
        let needed = needed(&facts);
        assert_eq!(needed.len(), 1);
        assert_eq!(
            needed[0].what,
            "what could not be read on mail without root: iptables-save -c, /var/log/mail.log"
        );
        assert!(super::needed(&Facts::default()).is_empty());
    }
}
