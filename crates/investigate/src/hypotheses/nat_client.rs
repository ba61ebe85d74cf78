//! `nat-client`: another machine behind the same public address sends to mail servers itself.
//!
//! What speaks for and against it is weighed in `behind`; a machine that comes in through this
//! host's tunnel is `vpn-client`'s.

use super::behind::{Machine, machines};
use super::{Hypothesis, vpn_client};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::weight::About;

/// One hypothesis a machine.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    machines(case)
        .iter()
        .filter(|machine| vpn_client::client_of(case, machine).is_none())
        .map(|machine| one(case, machine))
        .collect()
}

fn one(case: &Case<'_>, machine: &Machine<'_>) -> Hypothesis {
    let mut weighing = machine.weighed(case);
    let lease = machine.lease(case);
    if let Some(lease) = lease {
        let name = lease.name.as_deref().unwrap_or("a device without a name");
        weighing.add(
            About::Culprit,
            1.5,
            format!("the address was leased to {name} ({})", lease.mac),
            [(lease.place, lease.from)],
        );
    }
    let host = lease.and_then(|l| l.name.clone());
    let mac = lease.map(|l| l.mac.clone()).or_else(|| machine.mac());
    let (culprit, who) = match machine.address() {
        Some(ip) => {
            let who = match &host {
                Some(host) => format!("{host} ({ip})"),
                None => format!("the machine {ip}"),
            };
            let culprit = Culprit::new("host", ip.to_string()).with("mac", mac).with("name", host);
            (Some(culprit), who)
        }
        None => (None, "another machine behind your address (seen only outside it)".to_owned()),
    };
    Hypothesis {
        class: Class::NatClient,
        summary: format!(
            "A machine behind your address sends mail straight to other people's mail servers, past \
             your own: {who}."
        ),
        culprit,
        path: Path::Forwarded,
        notices: case.notices_of(&machine.stretches()),
        first: machine.first(),
        last: machine.last(),
        weighing,
        fix: vec![
            format!("Take {who} off the network now and have it cleaned or reinstalled."),
            "On the gateway, let only the mail server out to port 25: nft insert rule inet filter \
             forward ip saddr != MAILSERVER tcp dport 25 counter reject"
                .to_owned(),
            "Put guests on a network of their own without port 25.".to_owned(),
        ],
        verify:
            "tcpdump -ni any 'tcp dst port 25 and not src host MAILSERVER' on the gateway shows \
                 no more SYNs for a day"
                .to_owned(),
    }
}
