//! `stolen-credentials`: strangers use a mail account's password.
//!
//! For it: the account sends from many networks at once, from addresses without a name, under
//! senders that are not its own, to domains it never wrote to, and receivers bounce or refuse its
//! mail as spam, in the notice's time. Against it: all mail comes from inside or from one place,
//! always under its own sender, and is taken; the list quotes a HELO that the MTA never says.
//! A traveller has several addresses, one after the other, and one sender.

use super::{Hypothesis, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::usage::{ClientUse, Usage};
use crate::weight::{About, Cited, Weighing};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One hypothesis an account that sent from outside.
pub(crate) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let accounts = &case.gathered.usages.accounts;
    let doors = doors(accounts);
    accounts.iter().filter_map(|(account, usage)| one(case, account, usage, &doors)).collect()
}

/// Addresses that most accounts use: a web mail host, a gateway or an office is nobody's alone.
fn doors(accounts: &BTreeMap<String, Usage>) -> BTreeSet<IpAddr> {
    let mut users: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for ip in accounts.values().flat_map(|usage| usage.clients.keys()) {
        *users.entry(*ip).or_default() += 1;
    }
    users.into_iter().filter(|(_, n)| *n >= 3 && n * 2 > accounts.len()).map(|(ip, _)| ip).collect()
}

/// One IPv6 line has one /64, whose addresses change by themselves (RFC 8981): the first of them
/// stands for all.
fn by_connection<'a>(
    clients: impl Iterator<Item = (&'a IpAddr, &'a ClientUse)>,
) -> Vec<(IpAddr, ClientUse)> {
    let mut joined: BTreeMap<IpAddr, (IpAddr, ClientUse)> = BTreeMap::new();
    for (ip, client) in clients {
        match joined.entry(line_of(*ip)) {
            Entry::Vacant(entry) => {
                entry.insert((*ip, client.clone()));
            }
            Entry::Occupied(mut entry) => {
                let (_, known) = entry.get_mut();
                known.mails += client.mails;
                known.first = known.first.min(client.first);
                known.last = known.last.max(client.last);
                known.named |= client.named;
            }
        }
    }
    joined.into_values().collect()
}

/// IPv4 the address, IPv6 its /64.
fn line_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
    }
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
            case.incident.in_window(*t)
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
        let all = case.gathered.usages.in_window;
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

/// How many networks and addresses, how alike they look, whether at the same time.
fn networks(usage: &Usage, strangers: &[(IpAddr, &ClientUse)], weighing: &mut Weighing) {
    let nets: BTreeSet<_> = strangers.iter().map(|(ip, _)| network(*ip)).collect();
    let places = |n: usize| strangers.iter().take(n).map(|(_, c)| (c.first.1, Some(c.first.0)));
    if nets.len() >= 5 {
        weighing.add(
            About::Culprit,
            6.0,
            format!("it was used from {} different networks outside", nets.len()),
            places(4),
        );
    }
    let nameless: Vec<_> = strangers.iter().filter(|(_, c)| !c.named).collect();
    if !nameless.is_empty() && nameless.len() * 2 > strangers.len() {
        weighing.add(
            About::Culprit,
            if nameless.len() >= 4 { 5.0 } else { 2.0 },
            format!(
                "{} it was used from {} no valid reverse name",
                count(nameless.len(), "address"),
                if nameless.len() == 1 { "has" } else { "have" }
            ),
            nameless.iter().map(|(_, c)| (c.first.1, Some(c.first.0))),
        );
    }
    let (addresses, switches, lines) = switches(usage);
    if addresses >= 3 && switches >= 2 * (addresses - 1) {
        weighing.add(
            About::Culprit,
            6.0,
            format!(
                "it was used from {addresses} addresses by turns ({switches} changes): more than one \
                 person has the password"
            ),
            lines,
        );
    } else if addresses >= 2 {
        weighing.add(
            About::Culprit,
            0.5,
            "its addresses follow one another, as a traveller's do",
            lines,
        );
    }
}

/// From how many addresses the account sent, how often the address changed from one mail to the
/// next, and lines of the first changes. A traveller with n addresses changes n - 1 times; a desk
/// and a telephone are two addresses.
fn switches(usage: &Usage) -> (usize, usize, Vec<Cited>) {
    let mut last = None;
    let mut addresses = BTreeSet::new();
    let mut lines: Vec<Cited> = Vec::new();
    let mut changes = 0;
    for (time, ip, place) in &usage.sequence {
        let Some(ip) = ip.map(line_of) else { continue };
        addresses.insert(ip);
        if last.is_some_and(|l| l != ip) {
            changes += 1;
            lines.push((*place, Some(*time)));
        }
        last = Some(ip);
    }
    (addresses.len(), changes, lines)
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

/// Much mail alone makes no stranger: an account that was only ever used from one place, under
/// hardly any name but its own, is its owner's until something shows another.
fn one_place(
    case: &Case<'_>,
    account: &str,
    usage: &Usage,
    strangers: &[(IpAddr, &ClientUse)],
    weighing: &mut Weighing,
) {
    let [(ip, client)] = strangers else { return };
    let local = account.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let others =
        usage.senders.keys().filter(|s| !s.is_empty() && !is_sender_of(s, account, &local)).count();
    if usage.clients.len() == 1 && others < 3 && !case.gathered.usages.guessers.contains_key(ip) {
        weighing.add(
            About::Culprit,
            0.1,
            format!("it was never used from anywhere but {ip}, which may be its owner's place"),
            [(client.first.1, Some(client.first.0))],
        );
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
