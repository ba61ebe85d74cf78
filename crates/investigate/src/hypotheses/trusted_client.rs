//! `trusted-client`: a machine that the mail server trusts (inside network, printer, application
//! server) sends the spam through it, without a password.
//!
//! For it: mail for others' servers from one inside address, in the notice's time, under many
//! senders, refused or bounced as spam. Against it: its mail looks ordinary, everybody appears under
//! the address (then it is `open-relay`), it was only passing on what its own log explains.

use super::relaying::{Client, MANY_BEHIND, clients};
use super::{Hypothesis, remedy};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::mta_settings::Trust;
use crate::weight::{About, Weighing};

/// One hypothesis a machine.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let all = clients(case);
    let trusted = all.iter().filter(|c| case.incident.own.is_ours(c.ip) || c.is_named());
    trusted.map(|client| one(case, client)).collect()
}

fn one(case: &Case<'_>, client: &Client<'_>) -> Hypothesis {
    let ip = client.ip;
    // Either one machine or an address with many behind it: what speaks for the one speaks as much
    // against the other.
    let mut weighing = Weighing::from_priors(0.1, 1.0 - MANY_BEHIND);
    client.weigh_mail(case, &mut weighing);
    for (ratio, says, places) in client.hides_strangers(case) {
        weighing.add(About::Culprit, ratio.recip(), says, places);
    }
    if let Trust::Yes(setting, net) = client.trust {
        weighing.add(
            About::Offence,
            1.2,
            format!("{} trusts {net}: {ip} needs no password", setting.name),
            [(setting.place, None)],
        );
    }
    let lease = case.facts.leases.iter().rev().find(|l| l.ip == ip);
    let who = match lease.and_then(|l| l.name.as_deref()) {
        Some(name) => format!("{name} ({ip})"),
        None => format!("the machine {ip}"),
    };
    Hypothesis {
        class: Class::TrustedClient,
        culprit: Some(
            Culprit::new("host", ip.to_string())
                .with("mac", lease.map(|l| l.mac.clone()))
                .with("name", lease.and_then(|l| l.name.clone())),
        ),
        summary: format!(
            "A machine of yours that your mail server trusts without a password sends the spam through \
             it: {who}."
        ),
        path: Path::ThroughMta,
        notices: case.notices_through_mta(),
        first: client.usage.first,
        last: client.usage.last,
        weighing,
        fix: vec![
            format!(
                "Take {who} off the network now and have it cleaned; change the passwords it knew."
            ),
            remedy::hold(&[client.usage], "postqueue -j"),
            "Trust no whole networks: let machines log in to send, or name the few that cannot in \
             mynetworks, and limit how much each may send (smtpd_client_message_rate_limit)."
                .to_owned(),
        ],
        verify: format!(
            "grep 'client=.*\\[{ip}\\]' /var/log/mail.log shows no more than its usual mail for a day"
        ),
    }
}
