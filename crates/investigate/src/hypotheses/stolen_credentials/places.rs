//! From where an account was used: which addresses are strangers', which are one person's, and
//! whether one owner can have been at all of them.

use super::is_sender_of;
use crate::case::{Case, count};
use crate::usage::{ClientUse, Usage};
use crate::weight::{About, Cited, Weighing};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Addresses that most accounts use: a web mail host, a gateway or an office is nobody's alone.
pub(super) fn doors(accounts: &BTreeMap<String, Usage>) -> BTreeSet<IpAddr> {
    let mut users: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for ip in accounts.values().flat_map(|usage| usage.clients.keys()) {
        *users.entry(*ip).or_default() += 1;
    }
    users.into_iter().filter(|(_, n)| *n >= 3 && n * 2 > accounts.len()).map(|(ip, _)| ip).collect()
}

/// One IPv6 line has one /64, whose addresses change by themselves (RFC 8981): the first of them
/// stands for all.
pub(super) fn by_connection<'a>(
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
pub(super) fn line_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
    }
}

/// How many networks and addresses, how alike they look, whether at the same time.
pub(super) fn networks(usage: &Usage, strangers: &[(IpAddr, &ClientUse)], weighing: &mut Weighing) {
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
        // A desk, a telephone and a tablet are three addresses; nobody is at five by turns.
        // Colleagues who share one write from lines that have names.
        let unnamed = nameless.len() * 2 > strangers.len();
        let crowd = addresses >= 5 && switches >= 10 && unnamed;
        weighing.add(
            About::Culprit,
            if crowd { 25.0 } else { 6.0 },
            format!(
                "it was used from {addresses} addresses by turns ({switches} changes): more than one \
                 person has the password"
            ),
            lines.clone(),
        );
        if crowd {
            weighing.add(
                About::Offence,
                4.0,
                "people who share a password that is not theirs send spam with it, not letters",
                lines,
            );
        }
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
pub(super) fn guessed(
    case: &Case<'_>,
    strangers: &[(IpAddr, &ClientUse)],
    weighing: &mut Weighing,
) {
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

/// Much mail alone makes no stranger: an account that was only ever used from one place, under
/// hardly any name but its own, is its owner's until something shows another.
pub(super) fn one_place(
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
