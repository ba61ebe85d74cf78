//! `stolen-credentials`: strangers use a mail account's password.
//!
//! For it: the account sends from many networks at once, from addresses without a name, under
//! senders that are not its own, to domains it never wrote to, and receivers bounce or refuse its
//! mail as spam, in the notice's time. Against it: all mail comes from inside or from one place,
//! always under its own sender, and is taken; the list quotes a HELO that the MTA never says.
//! A traveller has several addresses, one after the other, and one sender.

mod places;

use self::places::{by_connection, doors, guessed, line_of, networks, one_place};
use super::{Hypothesis, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::usage::{ClientUse, Usage};
use crate::weight::{About, Cited, Weighing};
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
        notices: case.notices_of_mail(),
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
            case.in_window(*t)
                && ip.is_some_and(|ip| strangers.iter().any(|s| line_of(s.0) == line_of(ip)))
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
            in_window.clone(),
        );
        let went_out = &case.gathered.usages.went_out;
        let all = went_out.iter().filter(|t| case.in_window(**t)).count();
        let share = in_window.len() as f64 / all.max(1) as f64;
        if all >= 4 && share >= 0.5 {
            weighing.add(
                About::Offence,
                6.0,
                format!(
                    "that is {} of the {all} mails that went out in that time",
                    in_window.len()
                ),
                in_window,
            );
        } else if share <= 0.2 {
            weighing.add(
                About::Offence,
                0.3,
                format!(
                    "that is only {} of the {all} mails that went out in that time",
                    in_window.len()
                ),
                in_window,
            );
        }
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

/// What receivers said.
fn receivers(usage: &Usage, weighing: &mut Weighing) {
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
    let (dead, all) = (usage.dead.len(), usage.distinct_recipients.len());
    if all < 8 {
        return;
    }
    if dead >= 4 && dead * 7 >= all {
        weighing.add(
            About::Both,
            4.0,
            format!("{dead} of {all} recipients do not exist, as on bought or old lists"),
            usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
        );
    } else if dead * 20 <= all && usage.refused_as_spam.is_empty() {
        weighing.add(
            About::Offence,
            0.5,
            format!("receivers took its mail: {dead} of {all} recipients bounced"),
            usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
        );
    }
}

/// How many different people it wrote to in its busiest hour: owners write to the same ones
/// again (Lin et al.: how unique recipients are tells spammers from users).
fn volume(usage: &Usage, weighing: &mut Weighing) {
    let busiest = usage.hours.values().copied().max().unwrap_or(0);
    let people = usage.distinct_recipients.len();
    let places = usage.samples.iter().take(2).map(|(t, p)| (*p, Some(*t)));
    if people >= 60 && busiest >= 20 {
        let domains = count(usage.domains.len(), "domain");
        weighing.add(
            About::Both,
            3.0,
            format!(
                "{} in its busiest hour, to {people} different people in {domains} altogether",
                count(busiest as usize, "mail"),
            ),
            places,
        );
    } else if usage.mails >= 10 && people as u64 * 2 <= usage.recipients {
        weighing.add(
            About::Both,
            0.5,
            format!(
                "it writes to the same {} again and again, as people do",
                count(people, "address")
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
