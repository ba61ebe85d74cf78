//! Whose session it was, as far as that makes an accusation wrong by itself: the operator's own canaries, by
//! address, and great senders that are known to be good, by a reverse name that leads back to the address.
//! A detector that accuses one of them pauses itself ([`heloscope_detect::Panel`]); they are not spared by it.

use heloscope_detect::panel::Origin;
use heloscope_detect::{Answer, Surroundings};
use ipnet::IpNet;
use std::net::IpAddr;

/// Domains of whose hosts only mail servers of the provider speak SMTP outward: no customer can name a
/// machine of his in them.
const KNOWN_GOOD: [&str; 16] = [
    "google.com",
    "protection.outlook.com",
    "mail.yahoo.com",
    "mail.icloud.com",
    "amazonses.com",
    "messagingengine.com",
    "protonmail.ch",
    "mailbox.org",
    "posteo.de",
    "mail.gmx.net",
    "mx.zohomail.com",
    "out.mailgun.net",
    "smtp.github.com",
    "kernel.org",
    "debian.org",
    "ietf.org",
];

/// Whose session it was.
pub(crate) fn of(client: IpAddr, around: &Surroundings, canaries: &[IpNet]) -> Origin {
    let client = client.to_canonical();
    if canaries.iter().any(|net| net.contains(&client)) {
        return Origin::Canary;
    }
    let Answer::Found(names) = &around.ptr else { return Origin::Ordinary };
    let mut confirmed = names.iter().filter(|name| name.confirmed == Some(true));
    match confirmed.any(|name| is_known_good(&name.name)) {
        true => Origin::KnownGood,
        false => Origin::Ordinary,
    }
}

fn is_known_good(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    KNOWN_GOOD.iter().any(|domain| {
        name.strip_suffix(domain).is_some_and(|host| host.is_empty() || host.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_detect::ReverseName;

    #[test]
    fn only_a_name_that_leads_back_makes_known_good() {
        let named = |name: &str, confirmed| Surroundings {
            ptr: Answer::Found(vec![ReverseName { name: name.into(), confirmed }]),
            ..Surroundings::default()
        };
        let client = "::ffff:198.51.100.7".parse().unwrap();
        for (name, confirmed, origin) in [
            ("mail-wm1-f53.Google.com.", Some(true), Origin::KnownGood),
            ("mail-wm1-f53.google.com", Some(false), Origin::Ordinary),
            ("mail-wm1-f53.google.com", None, Origin::Ordinary),
            ("mail.notgoogle.com", Some(true), Origin::Ordinary),
            ("google.com.example.org", Some(true), Origin::Ordinary),
        ] {
            assert_eq!(of(client, &named(name, confirmed), &[]), origin, "{name} {confirmed:?}");
        }
        let canaries = ["198.51.100.0/29".parse().unwrap()];
        assert_eq!(of(client, &Surroundings::default(), &canaries), Origin::Canary);
    }
}
