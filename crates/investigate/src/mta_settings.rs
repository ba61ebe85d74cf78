//! What the mail server's settings say (Postfix, postconf(5)): whom it trusts to relay, what it says
//! in HELO, whether strangers may relay, which domains are its own.

use heloscope_evidence::{Facts, Setting};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Settings that refer to others, followed so deep.
const DEPTH: usize = 4;

/// Whether the mail server relays for an address without a password.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trust<'f> {
    /// This setting says so, by this network.
    Yes(&'f Setting, IpNet),
    /// It does not.
    No,
    /// Tables that were not handed over decide, or no settings were.
    Unknown,
}

/// A setting by its name; where services have their own, the general one.
pub(crate) fn setting<'f>(facts: &'f Facts, name: &str) -> Option<&'f Setting> {
    facts.settings.iter().find(|s| s.name == name)
}

/// Whether an address may relay.
pub(crate) fn trusts<'f>(facts: &'f Facts, ip: IpAddr) -> Trust<'f> {
    let lists: Vec<&Setting> = facts
        .settings
        .iter()
        .filter(|s| s.name == "mynetworks" || s.name.ends_with("/mynetworks"))
        .collect();
    if lists.is_empty() {
        return Trust::Unknown;
    }
    let mut unknown = false;
    for list in lists {
        for word in words(facts, &list.value, DEPTH) {
            if let Some(not) = word.strip_prefix('!') {
                if network(not).is_some_and(|n| n.contains(&ip)) {
                    return Trust::No;
                }
            } else if let Some(net) = network(&word) {
                if net.contains(&ip) {
                    return Trust::Yes(list, net);
                }
            } else {
                unknown = true;
            }
        }
    }
    if unknown { Trust::Unknown } else { Trust::No }
}

/// The setting that lets strangers relay: a restriction list that permits before it rejects what
/// is for others, or relay domains that hold everything.
pub(crate) fn lets_strangers_relay(facts: &Facts) -> Option<&Setting> {
    let everything = |s: &&Setting| {
        s.name == "relay_domains"
            && words(facts, &s.value, DEPTH)
                .iter()
                .any(|w| matches!(w.as_str(), "*" | "static:all"))
    };
    if let Some(all) = facts.settings.iter().find(everything) {
        return Some(all);
    }
    // Since 2.10 the relay list decides by itself; before, the recipient list alone did.
    let list = setting(facts, "smtpd_relay_restrictions")
        .filter(|s| !s.value.trim().is_empty())
        .or_else(|| setting(facts, "smtpd_recipient_restrictions"))?;
    for word in words(facts, &list.value, DEPTH) {
        match word.as_str() {
            "reject_unauth_destination" | "defer_unauth_destination" | "reject" | "defer" => {
                return None;
            }
            "permit" => return Some(list),
            _ => {}
        }
    }
    None
}

/// The setting that makes the HELO, and the HELO.
pub(crate) fn helo(facts: &Facts) -> Option<(&Setting, String)> {
    let own =
        setting(facts, "smtp_helo_name").filter(|s| !s.value.contains('$') && !s.value.is_empty());
    let setting = own.or_else(|| setting(facts, "myhostname"))?;
    let value = setting.value.trim().to_owned();
    (!value.is_empty() && !value.contains('$')).then_some((setting, value))
}

/// The domains the mail server takes mail for, lower case; the literal ones, not those of tables.
pub(crate) fn own_domains(facts: &Facts) -> BTreeSet<String> {
    [
        "mydestination",
        "virtual_mailbox_domains",
        "virtual_alias_domains",
        "relay_domains",
        "mydomain",
        "myhostname",
        "myorigin",
    ]
    .iter()
    .filter_map(|name| setting(facts, name))
    .flat_map(|s| words(facts, &s.value, DEPTH))
    .filter(|w| w.contains('.') && !w.contains(':') && !w.contains('/'))
    .map(|w| w.to_ascii_lowercase())
    .collect()
}

/// The words of a list, references to other settings followed.
fn words(facts: &Facts, value: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for word in value.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|w| !w.is_empty())
    {
        let name = word.strip_prefix('$').map(|n| n.trim_matches(['{', '}', '(', ')']));
        match name.and_then(|n| setting(facts, n)).filter(|_| depth > 0) {
            Some(other) => found.extend(words(facts, &other.value, depth - 1)),
            None => found.push(word.to_owned()),
        }
    }
    found
}

/// A network as Postfix writes it: `10.0.0.0/8`, `127.0.0.1`, `[::1]/128`.
fn network(word: &str) -> Option<IpNet> {
    let bare: String = word.chars().filter(|c| !matches!(c, '[' | ']')).collect();
    bare.parse().ok().or_else(|| bare.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::{Place, SourceId};

    fn facts(settings: &[(&str, &str)]) -> Facts {
        let settings = settings
            .iter()
            .map(|(name, value)| Setting {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
                place: Place::whole(SourceId(0)),
            })
            .collect();
        Facts { settings, ..Facts::default() }
    }

    #[test]
    fn whom_it_trusts() {
        for (value, ip, want) in [
            ("127.0.0.0/8 [::1]/128 172.16.0.0/12", "172.19.0.1", "172.16.0.0/12"),
            ("127.0.0.0/8, 10.1.2.3", "10.1.2.3", "10.1.2.3/32"),
            ("!172.19.0.1 172.16.0.0/12", "172.19.0.1", "no"),
            ("127.0.0.0/8 $inside", "192.168.4.4", "192.168.4.0/24"),
            ("127.0.0.0/8", "192.0.2.1", "no"),
            ("127.0.0.0/8 cidr:/etc/postfix/nets", "192.0.2.1", "unknown"),
        ] {
            let facts = facts(&[("mynetworks", value), ("inside", "192.168.4.0/24")]);
            let got = match trusts(&facts, ip.parse().unwrap()) {
                Trust::Yes(_, net) => net.to_string(),
                Trust::No => "no".to_owned(),
                Trust::Unknown => "unknown".to_owned(),
            };
            assert_eq!(got, want, "{value} {ip}");
        }
        assert_eq!(trusts(&facts(&[]), "192.0.2.1".parse().unwrap()), Trust::Unknown);
    }

    #[test]
    fn who_lets_strangers_relay() {
        for (settings, want) in [
            (
                &[("smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination")][..],
                None,
            ),
            (
                &[("smtpd_relay_restrictions", "permit_mynetworks permit")],
                Some("smtpd_relay_restrictions"),
            ),
            (
                &[
                    ("smtpd_relay_restrictions", ""),
                    ("smtpd_recipient_restrictions", "permit_mynetworks, permit"),
                ],
                Some("smtpd_recipient_restrictions"),
            ),
            (&[("relay_domains", "static:all")], Some("relay_domains")),
            (&[("myhostname", "mail.example.org")], None),
        ] {
            let facts = facts(settings);
            assert_eq!(lets_strangers_relay(&facts).map(|s| s.name.as_str()), want, "{settings:?}");
        }
    }
}
