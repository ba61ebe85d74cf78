//! `open-relay`: the mail server relays for strangers, because a setting lets everybody, or because
//! strangers appear under an address it trusts (a translation's, a container bridge's, a tunnel's).
//!
//! For it: mail for others' servers, without a password, from strangers or from an address behind
//! which they stand, in the notice's time, refused or bounced as spam. Against it: the address is one
//! machine's (then it is `trusted-client`), its mail looks ordinary, the list quotes another HELO.

use super::relaying::{Client, MANY_BEHIND, clients};
use super::{Hypothesis, remedy};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::list_words;
use crate::mta_settings::{self, Trust};
use crate::usage::Usage;
use crate::weight::{About, Weighing};
use heloscope_evidence::Setting;

/// One hypothesis a setting: the client that speaks most for it.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let mut found: Vec<Hypothesis> = Vec::new();
    let all = clients(case);
    let outside: Vec<&Client<'_>> =
        all.iter().filter(|c| !case.incident.own.is_ours(c.ip) && !c.is_named()).collect();
    if let Some(most) = outside.iter().max_by_key(|c| (c.usage.outward, c.ip)) {
        let together = Usage::together(outside.iter().map(|c| c.usage));
        let strangers = Client { ip: most.ip, usage: &together, trust: most.trust };
        found.push(for_strangers(case, &strangers, outside.len()));
    }
    for client in all.iter().filter(|c| case.incident.own.is_ours(c.ip)) {
        found.extend(behind_an_address(case, client));
    }
    found.sort_by(|a, b| b.weighing.confidence().total_cmp(&a.weighing.confidence()));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|h| seen.insert(h.culprit.as_ref().map(|c| c.value.clone())));
    found
}

/// Strangers relay under their own addresses; all of them together are one client.
fn for_strangers(case: &Case<'_>, client: &Client<'_>, strangers: usize) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.1, 0.3);
    client.weigh_mail(case, &mut weighing);
    the_lists_words(case, &mut weighing);
    let many = strangers >= 3 && client.usage.outward >= 10;
    weighing.add(
        About::Both,
        if many { 10.0 } else { 1.5 },
        format!(
            "{} outside had {} for others' servers taken without a password",
            count(strangers, "address"),
            count(client.usage.outward as usize, "mail")
        ),
        client.lines(),
    );
    let setting = match client.trust {
        Trust::Yes(setting, net) => {
            weighing.add(
                About::Culprit,
                20.0,
                format!("{} trusts {net}, and that holds strangers' {}", setting.name, client.ip),
                [(setting.place, None)],
            );
            Some(setting)
        }
        _ => mta_settings::lets_strangers_relay(case.facts).map(|(setting, sure)| {
            let (ratio, says) = if sure {
                (30.0, "permits before it refuses what is for others")
            } else {
                (8.0, "asks a table before it refuses what is for others, and the table may permit")
            };
            let says = format!("{} {says}", setting.name);
            weighing.add(About::Culprit, ratio, says, [(setting.place, None)]);
            setting
        }),
    };
    if setting.is_none() && !case.facts.settings.is_empty() {
        weighing.add(
            About::Culprit,
            0.3,
            "nothing in the settings that were given lets strangers relay",
            [],
        );
    }
    let who = format!("for strangers, {} among them", client.ip);
    finish(case, client, setting, &who, weighing)
}

/// Strangers relay under an inside address that is trusted.
fn behind_an_address(case: &Case<'_>, client: &Client<'_>) -> Option<Hypothesis> {
    let setting = match client.trust {
        Trust::Yes(setting, _) => Some(setting),
        Trust::No => return None,
        Trust::Unknown => None,
    };
    let mut weighing = Weighing::from_priors(0.1, MANY_BEHIND);
    client.weigh_mail(case, &mut weighing);
    the_lists_words(case, &mut weighing);
    for (ratio, says, places) in client.hides_strangers(case) {
        weighing.add(About::Culprit, ratio, says, places);
    }
    if let Some(setting) = setting {
        weighing.add(
            About::Offence,
            1.2,
            format!("{} trusts {}, so whoever appears under it may relay", setting.name, client.ip),
            [(setting.place, None)],
        );
    }
    let who = format!("for everybody who appears to it as {}", client.ip);
    Some(finish(case, client, setting, &who, weighing))
}

/// Some lists test relays and say so; others do not list them at all.
fn the_lists_words(case: &Case<'_>, weighing: &mut Weighing) {
    if list_words::says(case, &["open relay", "relaying", "relay test"]) {
        weighing.add(About::Both, 8.0, "the notice speaks of an open relay", []);
    } else if list_words::all_of_bots(case) {
        weighing.add(About::Offence, 0.5, "lists of this kind do not list relays as such", []);
    }
}

fn finish(
    case: &Case<'_>,
    client: &Client<'_>,
    setting: Option<&Setting>,
    who: &str,
    weighing: Weighing,
) -> Hypothesis {
    let ip = client.ip;
    let name = setting.map_or("mynetworks", |s| s.name.as_str());
    let inside = case.incident.own.is_ours(ip);
    let mut fix = Vec::new();
    if inside {
        fix.push(format!(
            "Take {ip} out of the trusted networks now: postconf -e 'mynetworks = 127.0.0.0/8 [::1]/128' \
             and name only machines that must send without a password; then postfix reload."
        ));
        fix.push(format!(
            "Make strangers appear under their own addresses again: no masquerading of connections \
             that come in (in Docker: userland-proxy off, IPv6 inside too or not at all; on the \
             router: translate the destination only), so that {ip} is nobody but the gateway."
        ));
    } else {
        fix.push(format!(
            "Correct {name}: relay only for your own domains, for log-ins, and for machines you name: \
             postconf -e 'smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated \
             reject_unauth_destination' and check mynetworks; then postfix reload."
        ));
    }
    fix.push(remedy::hold(&[client.usage], "postqueue -j"));
    Hypothesis {
        class: Class::OpenRelay,
        culprit: setting.map(|setting| {
            Culprit::new("setting", format!("{} = {}", setting.name, setting.value))
                .with("from", Some(ip.to_string()))
        }),
        summary: match setting {
            Some(setting) => {
                format!("Your mail server relays {who}: the setting {} lets them.", setting.name)
            }
            None => {
                format!("Your mail server relays {who}; its settings will show what lets them.")
            }
        },
        path: Path::ThroughMta,
        notices: case.notices_through_mta(),
        first: client.usage.first,
        last: client.usage.last,
        weighing,
        fix,
        verify:
            "swaks --server YOUR-ADDRESS --from probe@example.net --to probe@example.com, from \
                 outside and over each of your addresses, is refused with `Relay access denied`"
                .to_owned(),
    }
}
