//! `stolen-credentials`: strangers use a mail account's password.
//!
//! For it: the account sends from many networks at once, from addresses without a name, under
//! senders that are not its own, to domains it never wrote to, and receivers bounce or refuse its
//! mail as spam, in the notice's time. Against it: all mail comes from inside or from one place,
//! always under its own sender, and is taken; the list quotes a HELO that the MTA never says.
//! A traveller has several addresses, one after the other, and one sender.

use super::{Hypothesis, compromised_site};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::usage::{ClientUse, Usage};
use crate::weight::{About, Cited, Weighing};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Seconds within which mail from two networks is use at the same time, not travel.
const AT_ONCE_S: f64 = 600.0;

/// One hypothesis an account that sent from outside.
pub(crate) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let accounts = &case.gathered.usages.accounts;
    accounts.iter().filter_map(|(account, usage)| one(case, account, usage)).collect()
}

fn one(case: &Case<'_>, account: &str, usage: &Usage) -> Option<Hypothesis> {
    let own = &case.incident.own;
    let foreign: Vec<(&IpAddr, &ClientUse)> =
        usage.clients.iter().filter(|(ip, _)| !own.is_ours(**ip) && !ip.is_loopback()).collect();
    let strangers: Vec<_> = foreign.iter().map(|(ip, client)| (**ip, *client)).collect();
    if strangers.is_empty() {
        return None;
    }
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    window(case, usage, &strangers, &mut weighing);
    compromised_site::helo_of_the_mta(case, &mut weighing);
    networks(usage, &strangers, &mut weighing);
    guessed(case, &strangers, &mut weighing);
    senders(account, usage, &strangers, &mut weighing);
    receivers(usage, &mut weighing);
    volume(usage, &mut weighing);
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
        notices: (0..case.incident.notices.len()).collect(),
        first,
        last,
        weighing,
        fix: vec![
            format!("Change the password of {account} now, and end its open sessions (doveadm kick {account})."),
            format!(
                "Take its mail out of the queue: postqueue -j | grep -i {account} shows the queue \
                 ids; postsuper -h ID holds one, postsuper -d ID deletes it."
            ),
            "Have the owner check the machines that knew the password; it leaked from one of them or \
             was guessed. A system account that needs no mail should not be able to log in to it."
                .to_owned(),
            "Limit mails an hour for each account (policy service or anvil).".to_owned(),
        ],
        verify: format!("grep 'sasl_username={account}' /var/log/mail.log shows only the owner's addresses"),
    })
}

fn window(
    case: &Case<'_>,
    usage: &Usage,
    strangers: &[(IpAddr, &ClientUse)],
    weighing: &mut Weighing,
) {
    if case.incident.windows.is_empty() {
        return;
    }
    let in_window: Vec<Cited> = usage
        .sequence
        .iter()
        .filter(|(t, ip, _)| {
            case.incident.in_window(*t) && ip.is_some_and(|ip| strangers.iter().any(|s| s.0 == ip))
        })
        .map(|(t, _, place)| (*place, Some(*t)))
        .collect();
    if in_window.is_empty() {
        weighing.add(
            About::Offence,
            0.05,
            "the account sent nothing from outside in the time the notice names",
            strangers.iter().map(|(_, c)| (c.first.1, Some(c.first.0))),
        );
    } else {
        weighing.add(
            About::Offence,
            3.0,
            format!(
                "{} from outside within the time the notice names",
                count(in_window.len(), "mail")
            ),
            in_window,
        );
    }
}

/// How many networks, how alike they look, whether at the same time.
fn networks(usage: &Usage, strangers: &[(IpAddr, &ClientUse)], weighing: &mut Weighing) {
    let nets: BTreeSet<_> = strangers.iter().map(|(ip, _)| network(*ip)).collect();
    let places = |n: usize| strangers.iter().take(n).map(|(_, c)| (c.first.1, Some(c.first.0)));
    match nets.len() {
        0..=2 => {}
        3..=4 => weighing.add(
            About::Culprit,
            1.5,
            format!("it was used from {} different networks outside", nets.len()),
            places(3),
        ),
        n => weighing.add(
            About::Culprit,
            6.0,
            format!("it was used from {n} different networks outside"),
            places(4),
        ),
    }
    let nameless: Vec<_> = strangers.iter().filter(|(_, c)| !c.named).collect();
    if !nameless.is_empty() && nameless.len() * 2 > strangers.len() {
        weighing.add(
            About::Culprit,
            2.0,
            "the addresses it was used from have no valid reverse name",
            nameless.iter().map(|(_, c)| (c.first.1, Some(c.first.0))),
        );
    }
    if let Some((a, b)) = at_once(usage) {
        weighing.add(
            About::Culprit,
            5.0,
            "it was used from far networks at the same time, back and forth: more than one person",
            [a, b],
        );
    } else if strangers.len() > 1 {
        weighing.add(
            About::Culprit,
            0.5,
            "its networks follow one another, as a traveller's do",
            places(2),
        );
    }
}

/// Whether the addresses that used it had failed to log in before: its password was guessed.
fn guessed(case: &Case<'_>, strangers: &[(IpAddr, &ClientUse)], weighing: &mut Weighing) {
    let guessers = &case.gathered.usages.guessers;
    let guess = strangers.iter().find_map(|(ip, client)| {
        let (count, first, place) = guessers.get(ip)?;
        (*count >= 3 && *first < client.first.0).then_some((ip, *count, *first, *place))
    });
    if let Some((ip, n, first, place)) = guess {
        weighing.add(
            About::Culprit,
            6.0,
            format!("{ip} failed to log in {n} times: it guessed the password"),
            [(place, Some(first))],
        );
    }
}

/// A pair of lines that show the account at two networks alternately: A, B, A in short time.
fn at_once(usage: &Usage) -> Option<(Cited, Cited)> {
    usage.sequence.windows(3).find_map(|three| {
        let [(t0, Some(a), _), (t1, Some(b), place), (t2, Some(c), again)] = three else {
            return None;
        };
        let apart = network(*a) != network(*b) && network(*c) != network(*b);
        (apart && t2.since(*t0) <= AT_ONCE_S).then_some(((*place, Some(*t1)), (*again, Some(*t2))))
    })
}

/// IPv4 /16, IPv6 /32: roughly one provider.
fn network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4) >> 16),
        IpAddr::V6(v6) => (u128::from(v6) >> 96) | 1 << 64,
    }
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
    match others.len() {
        0 => weighing.add(
            About::Culprit,
            0.3,
            "all of it is under the account's own sender address",
            places,
        ),
        1 => weighing.add(
            About::Culprit,
            1.5,
            "it used a sender address that is not the account's name",
            places,
        ),
        n => weighing.add(
            About::Culprit,
            8.0,
            format!("it wrote under {n} sender addresses that are not its own"),
            places,
        ),
    }
}

/// Whether a sender address belongs to an account, as far as the names tell.
fn is_sender_of(sender: &str, account: &str, local: &str) -> bool {
    let name = sender.split('@').next().unwrap_or_default();
    sender.eq_ignore_ascii_case(account) || name == local || name.split('+').next() == Some(local)
}

/// What receivers said.
fn receivers(usage: &Usage, weighing: &mut Weighing) {
    let tried = usage.sent + usage.bounced + usage.deferred;
    if !usage.refused_as_spam.is_empty() {
        weighing.add(
            About::Both,
            4.0,
            format!(
                "receivers refused {} of its mails as spam or by reputation",
                usage.refused_as_spam.len()
            ),
            usage.refused_as_spam.iter().map(|(t, p)| (*p, Some(*t))),
        );
    }
    if tried >= 8 {
        let share = usage.bounced as f64 / tried as f64;
        if share >= 0.15 {
            weighing.add(
                About::Both,
                5.0,
                format!(
                    "{} of {tried} recipients bounced: addresses nobody knows here",
                    usage.bounced
                ),
                usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
            );
        } else if share <= 0.03 && usage.refused_as_spam.is_empty() {
            weighing.add(
                About::Both,
                0.3,
                format!("receivers took its mail: {} of {tried} recipients bounced", usage.bounced),
                usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
            );
        }
    }
}

/// Many recipients in many domains in its busiest hour, against its other hours.
fn volume(usage: &Usage, weighing: &mut Weighing) {
    let busiest = usage.hours.values().copied().max().unwrap_or(0);
    let mut others: Vec<u32> = usage.hours.values().copied().filter(|h| *h != busiest).collect();
    others.sort_unstable();
    let usual = others.get(others.len() / 2).copied();
    let places = usage.samples.iter().take(2).map(|(t, p)| (*p, Some(*t)));
    if usage.domains.len() >= 10 && busiest >= 20 {
        let than = usual.map(|u| format!(", {u} in an ordinary one")).unwrap_or_default();
        weighing.add(
            About::Both,
            2.0,
            format!(
                "{} in its busiest hour{than}, to {} domains",
                count(busiest as usize, "mail"),
                usage.domains.len()
            ),
            places,
        );
    } else if usage.mails <= 3 {
        weighing.add(
            About::Both,
            0.7,
            format!("it sent only {}", count(usage.mails as usize, "mail")),
            places,
        );
    }
}
