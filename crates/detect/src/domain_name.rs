//! Whom a host name belongs to, read off its last labels: the domain that somebody registered.
//! A guess without the public suffix list: what it cannot know (`x.ac.example`) it takes for a
//! domain that was registered, so names that share one may be called unrelated; callers ask for
//! many and for more than that.

/// Second labels below which names are registered in domains of countries.
const SECOND_LEVEL: [&str; 18] = [
    "ac", "co", "com", "edu", "gob", "gouv", "gov", "gv", "ltd", "me", "ne", "net", "nom", "or",
    "org", "plc", "sch", "web",
];

/// Names below these mean something inside one network only (RFC 6762, RFC 8375 and custom).
const INSIDE: [&str; 8] =
    ["arpa", "box", "home", "internal", "lan", "local", "localdomain", "localdomain6"];

/// The registered domain of a name in lower case; none of a name without a dot.
pub(crate) fn registered(name: &str) -> Option<&str> {
    let labels: Vec<&str> = name.rsplit('.').collect();
    let keep = match labels.as_slice() {
        [_] | [] => return None,
        [top, second, _, ..] if top.len() == 2 && SECOND_LEVEL.contains(second) => 3,
        _ => 2,
    };
    let length = labels.iter().take(keep).map(|label| label.len() + 1).sum::<usize>() - 1;
    name.get(name.len().checked_sub(length)?..)
}

/// Whether a name is a domain or lies below it.
pub(crate) fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a name can be looked up by everybody: it has a dot and no ending of inner networks.
pub(crate) fn is_public(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, top)| !INSIDE.contains(&top))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_who_registered_them() {
        for (name, domain) in [
            ("mail.example.org", Some("example.org")),
            ("example.org", Some("example.org")),
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("example.com.au", Some("example.com.au")),
            ("com.au", Some("com.au")),
            ("mail.ac.example", Some("ac.example")),
            ("server", None),
            ("", None),
        ] {
            assert_eq!(registered(name), domain, "{name}");
        }
        assert!(is_below("a.example.org", "example.org") && is_below("example.org", "example.org"));
        assert!(!is_below("badexample.org", "example.org"));
        assert!(is_public("mx.example.org") && !is_public("mx") && !is_public("pc.fritz.box"));
    }
}
