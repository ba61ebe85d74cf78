//! `mta-identity`: the mail server itself gives a wrong HELO, or its address has no matching reverse
//! name.
//!
//! For it: the list quotes the very HELO that the mail server says in its own, logged sessions, and
//! that HELO is none that a mail server may say (RFC 5321 4.1.1.1: a full name that resolves, or the
//! address literal). Against it: the list quotes another HELO, the name is in order, somebody else
//! here says the same.

use super::Hypothesis;
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count, frames};
use crate::incident::{is_private, same_helo};
use crate::mta_settings;
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_evidence::{DnsFact, Setting};
use std::net::IpAddr;

/// At most one: the HELO, else the reverse name.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    wrong_helo(case).or_else(|| wrong_reverse_name(case)).into_iter().collect()
}

/// The HELO the mail server says, from its sessions or its settings, where it is a wrong one.
fn wrong_helo(case: &Case<'_>) -> Option<Hypothesis> {
    let configured = mta_settings::helo(case.facts);
    let said = case.mta_helos().into_iter().next();
    let helo = said.or_else(|| configured.as_ref().map(|(_, helo)| helo.clone()))?;
    let (ratio, wrong) = fault(case, &helo)?;
    let own: Vec<&Seen> = case
        .gathered
        .outbound
        .iter()
        .filter(|s| matches!(s.explained, Some((_, true))))
        .filter(|s| s.helo.as_ref().is_some_and(|h| same_helo(h.as_bytes(), helo.as_bytes())))
        .collect();
    let mut weighing = Weighing::from_priors(0.1, 0.3);
    weighing.add(
        About::Offence,
        ratio,
        format!("your mail server says HELO {helo}: {wrong}"),
        frames(own.iter().copied()),
    );
    if !own.is_empty() {
        weighing.add(
            About::Culprit,
            10.0,
            format!("{} of its own, explained by its log, say so", count(own.len(), "session")),
            frames(own.iter().copied()),
        );
    }
    let setting = configured
        .filter(|(_, value)| same_helo(value.as_bytes(), helo.as_bytes()))
        .map(|(s, _)| s);
    if let Some(setting) = setting {
        weighing.add(
            About::Culprit,
            10.0,
            format!("the setting {} makes it", setting.name),
            [(setting.place, None)],
        );
    }
    quoted(case, &helo, &mut weighing);
    in_window(case, &own, &mut weighing);
    others_say_it(case, &helo, &mut weighing);
    let value = named(setting, &helo);
    let good = good_name(case);
    Some(Hypothesis {
        class: Class::MtaIdentity,
        culprit: Some(Culprit::new("setting", value)),
        summary: format!(
            "Your mail server introduces itself with HELO {helo}, which {wrong}; that is what was \
             noted, not the mail it carries."
        ),
        path: Path::ThroughMta,
        notices: case.notices_through_mta(),
        first: own.iter().map(|s| s.start).min(),
        last: own.iter().map(|s| s.start).max(),
        weighing,
        fix: vec![
            format!(
                "Give it its full name: postconf -e 'smtp_helo_name = {good}' 'myhostname = {good}' and \
                 postfix reload."
            ),
            format!(
                "See that the name leads to the address the mail leaves from, and back: dig +short A \
                 {good}; dig +short -x YOUR-ADDRESS"
            ),
        ],
        verify: format!(
            "a mail to an address of yours elsewhere has `Received: from {good}` in its header; or \
             tcpdump -ni any -A 'tcp dst port 25' shows EHLO {good}"
        ),
    })
}

/// The list's words about the HELO.
fn quoted(case: &Case<'_>, helo: &str, weighing: &mut Weighing) {
    let mut quoted = case.incident.helos().peekable();
    if let Some(other) = quoted.peek().map(|h| h.to_string()) {
        if case.incident.helos().any(|h| same_helo(h.as_bytes(), helo.as_bytes())) {
            weighing.add(
                About::Offence,
                30.0,
                format!("the notice quotes this very HELO, {helo}"),
                [],
            );
        } else {
            weighing.add(
                About::Offence,
                0.01,
                format!("the notice quotes HELO {other}, which your mail server does not say"),
                [],
            );
        }
        return;
    }
    let speaks = case.incident.notices.iter().any(|n| {
        let reason = n.reason.to_ascii_lowercase();
        ["helo", "ehlo", "reverse dns", "ptr", "rdns", "hostname"]
            .iter()
            .any(|w| reason.contains(w))
    });
    if speaks {
        weighing.add(About::Offence, 8.0, "the notice speaks of HELO or reverse name", []);
    } else {
        weighing.add(About::Offence, 0.3, "the notice does not speak of HELO or reverse name", []);
    }
}

/// Own sessions in the notice's time.
fn in_window(case: &Case<'_>, own: &[&Seen], weighing: &mut Weighing) {
    if case.incident.windows.is_empty() || own.is_empty() {
        return;
    }
    let inside: Vec<&Seen> =
        own.iter().filter(|s| case.incident.meets_window(&s.stretch())).copied().collect();
    if inside.is_empty() {
        weighing.add(
            About::Offence,
            0.3,
            "none of its own sessions lies within the time the notice names",
            [],
        );
    } else {
        weighing.add(
            About::Offence,
            3.0,
            format!(
                "{} of its own within the time the notice names",
                count(inside.len(), "session")
            ),
            frames(inside),
        );
    }
}

/// Whoever else says the same HELO may be meant instead.
fn others_say_it(case: &Case<'_>, helo: &str, weighing: &mut Weighing) {
    let others: Vec<&Seen> = case
        .gathered
        .outbound
        .iter()
        .filter(|s| case.is_open(s) && !case.gathered.profile.is_alike(s))
        .filter(|s| s.helo.as_ref().is_some_and(|h| same_helo(h.as_bytes(), helo.as_bytes())))
        .collect();
    if !others.is_empty() {
        weighing.add(
            About::Culprit,
            0.1,
            format!(
                "{} that are not the mail server's say the same HELO",
                count(others.len(), "session")
            ),
            frames(others),
        );
    }
}

/// The address without a reverse name, or with one that leads elsewhere, where that was looked up
/// and receivers or the list speak of it.
fn wrong_reverse_name(case: &Case<'_>) -> Option<Hypothesis> {
    let (ip, fact) = case
        .facts
        .dns
        .iter()
        .filter(|f| f.kind == "PTR")
        .find_map(|f| Some((reversed(&f.name)?, f)))
        .filter(|(ip, _)| case.incident.own.is_public(*ip))?;
    let wrong = match &fact.value {
        None => "it has no reverse name".to_owned(),
        Some(name) if is_generic(name, ip) => format!("its reverse name {name} is a provider's"),
        Some(name) if leads_elsewhere(case, name, ip) => {
            format!("its reverse name {name} does not lead back to it")
        }
        Some(_) => return None,
    };
    let mut weighing = Weighing::from_priors(0.1, 0.7);
    weighing.add(About::Culprit, 10.0, format!("{ip}: {wrong}"), [(fact.place, None)]);
    if case.incident.helos().next().is_some() {
        weighing.add(About::Offence, 0.05, "the notice quotes a HELO, not a reverse name", []);
    }
    let words = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["ptr", "reverse dns", "rdns", "reverse lookup", "reverse name"]
            .iter()
            .any(|w| text.contains(w))
    };
    if case.incident.notices.iter().any(|n| words(&n.reason)) {
        weighing.add(About::Offence, 40.0, "the notice speaks of the reverse name", []);
    }
    let value = fact.value.clone().unwrap_or_else(|| "none".to_owned());
    Some(Hypothesis {
        class: Class::MtaIdentity,
        culprit: Some(Culprit::new("setting", format!("PTR of {ip} = {value}"))),
        summary: format!(
            "Your mail server's address {ip} is not named as mail servers are: {wrong}."
        ),
        path: Path::ThroughMta,
        notices: case.notices_through_mta(),
        first: None,
        last: None,
        weighing,
        fix: vec![format!(
            "Have the owner of the address range (your hoster) set the PTR of {ip} to {}, and let that \
             name's A or AAAA record be {ip}.",
            good_name(case)
        )],
        verify: format!("dig +short -x {ip} gives the name, and the name gives {ip}"),
    })
}

/// What is wrong with a HELO, and how much likelier that makes it that a list notes it.
fn fault(case: &Case<'_>, helo: &str) -> Option<(f64, String)> {
    let lower = helo.trim_end_matches('.').to_ascii_lowercase();
    if let Some(literal) = lower.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
        let ip: IpAddr = literal.trim_start_matches("ipv6:").parse().ok()?;
        let wrong = ip.is_loopback() || is_private(ip);
        return wrong.then(|| (10.0, "is an address that exists in every network".to_owned()));
    }
    if lower.parse::<IpAddr>().is_ok() {
        return Some((5.0, "is an address without brackets (RFC 5321 4.1.3)".to_owned()));
    }
    if matches!(lower.as_str(), "localhost" | "localhost.localdomain" | "localhost6")
        || lower.ends_with(".localdomain")
    {
        return Some((10.0, "every machine that was never named says".to_owned()));
    }
    if !lower.contains('.') {
        return Some((5.0, "is no full name".to_owned()));
    }
    let last = lower.rsplit('.').next().unwrap_or_default();
    if matches!(
        last,
        "local" | "lan" | "home" | "internal" | "localnet" | "intranet" | "corp" | "invalid"
    ) {
        return Some((5.0, "is a name that exists only inside".to_owned()));
    }
    let looked_up: Vec<&DnsFact> = case
        .facts
        .dns
        .iter()
        .filter(|f| f.name == lower && matches!(f.kind.as_str(), "A" | "AAAA"))
        .collect();
    if !looked_up.is_empty() && looked_up.iter().all(|f| f.value.is_none()) {
        return Some((5.0, "does not exist in the DNS".to_owned()));
    }
    None
}

/// The culprit's value: the setting, or where none is given the HELO it takes by default.
fn named(setting: Option<&Setting>, helo: &str) -> String {
    match setting {
        Some(setting) => format!("{} = {}", setting.name, setting.value),
        None => format!("myhostname = {helo}"),
    }
}

/// A full name for the fix: as the administrator says, or a place to fill in.
fn good_name(case: &Case<'_>) -> String {
    let from_site = case.incident.own.helos().first().cloned();
    let reverse = || {
        let ptr = case.facts.dns.iter().find(|f| f.kind == "PTR")?;
        reversed(&ptr.name).filter(|ip| case.incident.own.is_public(*ip))?;
        ptr.value.clone().map(|v| v.trim_end_matches('.').to_owned())
    };
    from_site.or_else(reverse).unwrap_or_else(|| "mail.YOUR-DOMAIN".to_owned())
}

/// The address of a name below in-addr.arpa or ip6.arpa, or of a plain address.
fn reversed(name: &str) -> Option<IpAddr> {
    if let Ok(ip) = name.parse() {
        return Some(ip);
    }
    if let Some(v4) = name.strip_suffix(".in-addr.arpa") {
        let mut parts: Vec<&str> = v4.split('.').collect();
        parts.reverse();
        return parts.join(".").parse().ok();
    }
    let nibbles: Vec<&str> = name.strip_suffix(".ip6.arpa")?.split('.').collect();
    if nibbles.len() != 32 {
        return None;
    }
    let mut value: u128 = 0;
    for nibble in nibbles.iter().rev() {
        value = value << 4 | u128::from_str_radix(nibble, 16).ok()?;
    }
    Some(IpAddr::from(value.to_be_bytes()))
}

/// Whether a reverse name is made of the address, as providers name their lines.
fn is_generic(name: &str, ip: IpAddr) -> bool {
    let IpAddr::V4(v4) = ip else { return false };
    let digits: Vec<String> = v4.octets().iter().map(u8::to_string).collect();
    let parts: Vec<&str> =
        name.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).collect();
    digits.iter().filter(|d| parts.contains(&d.as_str())).count() >= 3
}

fn leads_elsewhere(case: &Case<'_>, name: &str, ip: IpAddr) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let mut found = case
        .facts
        .dns
        .iter()
        .filter(|f| f.name == name && matches!(f.kind.as_str(), "A" | "AAAA"))
        .peekable();
    found.peek().is_some()
        && found.all(|f| f.value.as_deref().and_then(|v| v.parse().ok()) != Some(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_arpa_are_addresses() {
        assert_eq!(reversed("25.113.0.203.in-addr.arpa"), "203.0.113.25".parse().ok());
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(reversed(v6), "2001:db8::1".parse().ok());
        assert_eq!(reversed("mail.example.org"), None);
    }

    #[test]
    fn a_provider_s_name_holds_the_address() {
        let ip = "203.0.113.25".parse().unwrap();
        assert!(is_generic("static-203-0-113-25.provider.example", ip));
        assert!(is_generic("25.113.0.203.dsl.example", ip));
        assert!(!is_generic("mail25.example.org", ip));
    }
}
