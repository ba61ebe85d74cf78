//! `stolen-credentials`: strangers use a mail account's password.
//!
//! For it: the account sends from many networks at once, from addresses without a name, under
//! senders that are not its own, to domains it never wrote to, and receivers bounce or refuse its
//! mail as spam, in the notice's time. Against it: all mail comes from inside or from one place,
//! always under its own sender, and is taken; the list quotes a HELO that the MTA never says.
//! A traveller has several addresses, one after the other, and one sender.

mod places;

use self::places::{by_connection, doors, guessed, line_of, networks, one_place};
use super::{Hypothesis, mail_signs, remedy, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::usage::{ClientUse, Usage};
use crate::weight::{About, Weighing};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One hypothesis an account that sent from outside.
pub(crate) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let accounts = &case.gathered.usages.accounts;
    let doors = doors(accounts);
    accounts.iter().filter_map(|(account, usage)| one(case, account, usage, &doors)).collect()
}

fn one(
    case: &Case<'_>,
    account: &str,
    usage: &Usage,
    doors: &BTreeSet<IpAddr>,
) -> Option<Hypothesis> {
    let own = &case.incident.own;
    let foreign = usage
        .clients
        .iter()
        .filter(|(ip, _)| !own.is_ours(**ip) && !ip.is_loopback() && !doors.contains(ip));
    let strangers = by_connection(foreign);
    let strangers: Vec<_> = strangers.iter().map(|(ip, client)| (*ip, client)).collect();
    if strangers.is_empty() {
        return None;
    }
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    window(case, usage, &strangers, &mut weighing);
    window_signs::helo_of_the_mta(case, &mut weighing);
    networks(usage, &strangers, &mut weighing);
    guessed(case, &strangers, &mut weighing);
    senders(account, usage, &strangers, &mut weighing);
    one_place(case, account, usage, &strangers, &mut weighing);
    mail_signs::receivers(usage, About::Both, &mut weighing);
    mail_signs::volume(usage, About::Both, &mut weighing);
    let first = strangers.iter().map(|(_, c)| c.first.0).min();
    let last = strangers.iter().map(|(_, c)| c.last).max();
    let from = strangers.iter().max_by_key(|(ip, c)| (c.mails, *ip)).map(|(ip, _)| ip.to_string());
    let addresses: Vec<String> = strangers.iter().take(20).map(|(ip, _)| ip.to_string()).collect();
    Some(Hypothesis {
        class: Class::StolenCredentials,
        culprit: Some(
            Culprit::new("account", account)
                .with("from", (!addresses.is_empty()).then_some(addresses)),
        ),
        summary: format!(
            "Strangers send mail through your mail server with the password of the account \
             {account}{}.",
            from.map(|f| format!(", most of it from {f}")).unwrap_or_default()
        ),
        path: Path::ThroughMta,
        notices: case.notices_through_mta(),
        first,
        last,
        weighing,
        fix: vec![
            format!("Change the password of {account} now, and end its open sessions (doveadm kick {account})."),
            remedy::hold(&[usage], &format!("postqueue -j | grep -i {account}")),
            "Have the owner check the machines that knew the password; it leaked from one of them or \
             was guessed. A system account that needs no mail should not be able to log in to it."
                .to_owned(),
            "Limit mails an hour for each account (policy service or anvil).".to_owned(),
        ],
        verify: format!("grep 'sasl_username={account}' /var/log/mail.log shows only the owner's addresses"),
    })
}

/// Its mails from outside against the notice's time.
fn window(
    case: &Case<'_>,
    usage: &Usage,
    strangers: &[(IpAddr, &ClientUse)],
    weighing: &mut Weighing,
) {
    let from_outside = |ip: Option<IpAddr>| {
        ip.is_some_and(|ip| strangers.iter().any(|s| line_of(s.0) == line_of(ip)))
    };
    let otherwise = strangers.iter().map(|(_, c)| (c.first.1, Some(c.first.0))).collect();
    let none = "the account sent nothing from outside in the time the notice names";
    mail_signs::window(case, usage, from_outside, ("from outside", none), otherwise, weighing);
}

/// Under whose name it wrote.
fn senders(
    account: &str,
    usage: &Usage,
    strangers: &[(IpAddr, &ClientUse)],
    weighing: &mut Weighing,
) {
    let local = account.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let others: Vec<&String> = usage
        .senders
        .keys()
        .filter(|s| !s.is_empty() && !is_sender_of(s, account, &local))
        .collect();
    let places = strangers.iter().take(2).map(|(_, c)| (c.first.1, Some(c.first.0)));
    let own = usage.senders.len() == 1 || others.is_empty();
    match others.len() {
        _ if own => weighing.add(
            About::Culprit,
            0.4,
            "all of it is under one sender address, as an owner writes",
            places,
        ),
        0..=2 => {}
        n => weighing.add(
            About::Culprit,
            if n >= 6 { 10.0 } else { 4.0 },
            format!("it wrote under {n} sender addresses that are not its name"),
            places,
        ),
    }
}

/// Whether a sender address belongs to an account, as far as the names tell.
fn is_sender_of(sender: &str, account: &str, local: &str) -> bool {
    let name = sender.split('@').next().unwrap_or_default();
    sender.eq_ignore_ascii_case(account) || name == local || name.split('+').next() == Some(local)
}
