//! `shell-account`: a login account (SSH, FTP) of this host is used to send or to tunnel mail.
//!
//! For it: the log-in server itself holds connections to mail ports for an account, or was asked to
//! pass connections on to them; or the account hands mail to the mail server while strangers are
//! logged in to it. Against it: it always asks for one server (an administrator's test), log-ins
//! come by key from the addresses they always came from, what it hands in is little and its own.

use super::program::{Program, base_name, first_word, programs};
use super::{Hypothesis, mail_signs, remedy, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::logins::{Accepted, UserLogins};
use crate::past::Past;
use crate::seen::Seen;
use crate::usage::Usage;
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::Opener;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Accounts that tunnel, and accounts that hand in mail.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let past = case.past();
    let mut joined: BTreeMap<String, Vec<Program<'_>>> = BTreeMap::new();
    if !past.is_empty() {
        for program in programs(case, &past.sessions).into_iter().filter(is_login_server) {
            if let Some(account) = account_of(&program) {
                joined.entry(account).or_default().push(program);
            }
        }
        // Where no socket table caught it, the log-in server's own words name the account.
        for (account, logins) in &case.gathered.logins.users {
            if logins.tunnels.iter().any(|t| t.port == 25) {
                joined.entry(account.clone()).or_default();
            }
        }
    }
    let tunnels = |(account, programs): (&String, &Vec<Program<'_>>)| {
        let its = past.of(|process| {
            let exe = |opener: &Option<Arc<Opener>>| opener.as_ref().map(|o| o.exe.clone());
            let is_it =
                |p: &Program<'_>| p.uid == process.uid && exe(&p.opener) == exe(&process.opener);
            programs.iter().any(is_it)
        });
        (!its.is_empty()).then(|| tunnels(case, account, programs, &its))
    };
    let mut found: Vec<Hypothesis> = joined.iter().filter_map(tunnels).collect();
    for (uid, usage) in case.gathered.usages.uids.iter().filter(|(uid, _)| **uid != 0) {
        let Some((account, logins)) = account_of_mail(case, *uid, usage) else { continue };
        if !joined.contains_key(account) {
            found.push(hands_in(case, account, logins, usage));
        }
    }
    found
}

/// Connections that leave by the log-in server.
fn tunnels(
    case: &Case<'_>,
    account: &str,
    programs: &[Program<'_>],
    past: &Past<'_>,
) -> Hypothesis {
    let sessions = past.sessions.as_slice();
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    window_signs::weigh(case, sessions, &mut weighing);
    let known = case.gathered.logins.users.get(account);
    let places: Vec<Cited> = programs.iter().flat_map(|p| p.places.iter().copied()).collect();
    if !places.is_empty() {
        weighing.add(
            About::Culprit,
            100.0,
            format!("the log-in server holds connections to mail ports for {account}"),
            places,
        );
    }
    let asked: Vec<_> =
        known.map(|l| l.tunnels.iter().filter(|t| t.port == 25).collect()).unwrap_or_default();
    if !asked.is_empty() {
        weighing.add(
            About::Culprit,
            30.0,
            format!(
                "{account} asked the log-in server {} to be passed on to port 25",
                times(asked.len())
            ),
            asked.iter().map(|t| (t.place, Some(t.time))),
        );
    }
    // An administrator tests one server; who sends spam reaches many.
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let hosts: BTreeSet<&str> = asked.iter().map(|t| t.host.as_str()).collect();
    let reached = servers.len().max(hosts.len());
    if reached <= 1 {
        weighing.add(
            About::Both,
            0.05,
            "it always reaches one and the same server, as a test does",
            [],
        );
    } else if reached >= 3 {
        weighing.add(
            About::Offence,
            3.0,
            format!("{reached} different mail servers were reached"),
            [],
        );
    }
    let during: Vec<&Seen> =
        sessions.iter().filter(|s| known.is_some_and(|l| l.is_in(s.start))).copied().collect();
    if let Some(logins) = known {
        if during.len() * 10 >= sessions.len() * 9 {
            weighing.add(
                About::Culprit,
                10.0,
                format!("{account} was logged in during {} of these sessions", during.len()),
                logins.accepted.iter().map(|a| (a.place, Some(a.time))),
            );
        } else {
            weighing.add(
                About::Culprit,
                0.1,
                format!(
                    "{account} was logged in during only {} of these {} sessions",
                    during.len(),
                    sessions.len()
                ),
                logins.accepted.iter().map(|a| (a.place, Some(a.time))),
            );
        }
        strangers(case, logins, &mut weighing);
    }
    let span = (past.first(), past.last());
    let summary = format!(
        "Strangers are logged in to the account {account} of this host and send mail through it, \
         straight to other mail servers, past your own."
    );
    let notices = past.notices(case);
    finish(account, known, Path::PastMta, summary, notices, span, weighing)
}

/// Mail that an account hands to the mail server while it is logged in to.
fn hands_in(case: &Case<'_>, account: &str, logins: &UserLogins, usage: &Usage) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.1, 0.1);
    let of_account = format!("handed in by {account}");
    let none = format!("{account} handed in no mail in the time the notice names");
    let otherwise = usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))).collect();
    mail_signs::window(case, usage, |_| true, (&of_account, &none), otherwise, &mut weighing);
    window_signs::helo_of_the_mta(case, &mut weighing);
    mail_signs::receivers(usage, About::Both, &mut weighing);
    mail_signs::volume(usage, About::Both, &mut weighing);
    let during = usage.sequence.iter().filter(|(t, ..)| logins.is_in(*t)).count();
    let places = usage.sequence.iter().map(|(t, _, p)| (*p, Some(*t)));
    if during * 10 >= usage.sequence.len() * 9 {
        weighing.add(
            About::Culprit,
            8.0,
            format!("{account} was logged in when {} of its mails were handed in", during),
            places,
        );
    } else {
        weighing.add(
            About::Culprit,
            0.1,
            format!("{account} was not logged in when most of its mails were handed in"),
            places,
        );
    }
    strangers(case, logins, &mut weighing);
    let summary = format!(
        "Strangers are logged in to the account {account} of this host and hand spam to your mail \
         server."
    );
    let notices = case.notices_through_mta();
    let span = (usage.first, usage.last);
    finish(account, Some(logins), Path::ThroughMta, summary, notices, span, weighing)
}

/// Whether its log-ins look like strangers'.
fn strangers(case: &Case<'_>, logins: &UserLogins, weighing: &mut Weighing) {
    let outside: Vec<&Accepted> = logins
        .accepted
        .iter()
        .filter(|a| a.ip.is_some_and(|ip| !case.incident.own.is_ours(ip) && !ip.is_loopback()))
        .collect();
    let addresses: BTreeSet<IpAddr> = outside.iter().filter_map(|a| a.ip).collect();
    let places = || outside.iter().map(|a| (a.place, Some(a.time)));
    let refused = &case.gathered.logins.refused;
    let guessed = outside.iter().find_map(|a| {
        let (n, first, place) = refused.get(&a.ip?)?;
        (*n >= 3 && *first < a.time).then_some((a, *n, *first, *place))
    });
    if let Some((accepted, n, first, place)) = guessed {
        weighing.add(
            About::Culprit,
            10.0,
            format!(
                "{} was refused {n} times before it was let in: it guessed the password",
                accepted.ip.map(|ip| ip.to_string()).unwrap_or_default()
            ),
            [(place, Some(first)), (accepted.place, Some(accepted.time))],
        );
    }
    if addresses.len() >= 3 {
        // A person who moves has one address after the other.
        let changes = outside.windows(2).filter(|w| matches!(w, [a, b] if a.ip != b.ip)).count();
        let by_turns = changes >= 2 * (addresses.len() - 1);
        let how = if by_turns { ", by turns" } else { "" };
        weighing.add(
            About::Culprit,
            if by_turns { 10.0 } else { 4.0 },
            format!("it was logged in to from {} addresses outside{how}", addresses.len()),
            places(),
        );
        weighing.add(
            About::Offence,
            3.0,
            "people who share an account that is not theirs do not write letters from it",
            places(),
        );
    } else if addresses.is_empty() && !logins.accepted.is_empty() {
        weighing.add(
            About::Culprit,
            0.1,
            "all its log-ins come from inside",
            logins.accepted.iter().map(|a| (a.place, Some(a.time))),
        );
    }
    let by_key = outside.iter().filter(|a| a.method.starts_with("publickey")).count();
    if !outside.is_empty() && by_key == outside.len() && addresses.len() == 1 {
        weighing.add(
            About::Culprit,
            0.2,
            "all its log-ins are by key, from one address, as an owner's are",
            places(),
        );
    }
}

fn finish(
    account: &str,
    logins: Option<&UserLogins>,
    path: Path,
    summary: String,
    notices: Vec<usize>,
    (first, last): (Option<heloscope_model::Time>, Option<heloscope_model::Time>),
    weighing: Weighing,
) -> Hypothesis {
    let from: Vec<String> = logins
        .map(|l| l.addresses().iter().take(20).map(ToString::to_string).collect())
        .unwrap_or_default();
    Hypothesis {
        class: Class::ShellAccount,
        culprit: Some(
            Culprit::new("account", account).with("from", (!from.is_empty()).then_some(from)),
        ),
        summary,
        path,
        notices,
        first,
        last,
        weighing,
        fix: vec![
            format!(
                "Lock the account and end its sessions: usermod -L {account}; pkill -KILL -u {account}"
            ),
            format!(
                "Look at what it left: ~{account}/.ssh/authorized_keys, crontab -l -u {account}, \
                 ~{account}/.bash_history, its processes, files in /tmp and /var/tmp."
            ),
            "Let accounts that need no tunnels have none: in sshd_config AllowTcpForwarding no, and \
             PasswordAuthentication no."
                .to_owned(),
            remedy::only_the_mail_server(),
        ],
        verify: format!("last {account} shows no log-in, and ss -tnp '( dport = :25 )' no sshd, for a day"),
    }
}

/// Whether a program is the log-in server.
pub(super) fn is_login_server(program: &Program<'_>) -> bool {
    let is = |name: &str| {
        matches!(
            base_name(name).trim_end_matches(':'),
            "sshd" | "sshd-session" | "dropbear" | "in.telnetd"
        )
    };
    is(&program.name) || is(first_word(program.command())) && program.oddly().is_none()
}

/// The account whose session a log-in server's process serves: its user, or `sshd: NAME@pts/0`.
fn account_of(program: &Program<'_>) -> Option<String> {
    let named = program
        .command()
        .strip_prefix("sshd: ")
        .or_else(|| program.command().strip_prefix("sshd-session: "))
        .and_then(|rest| rest.split([' ', '@', '[']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('/'));
    named.map(str::to_owned).or_else(|| program.user().filter(|u| u != "root" && u != "sshd"))
}

/// The login account that a local user's mails were handed in by: its name in the list of users or
/// in the table of processes, else as pickup names it.
fn account_of_mail<'a>(
    case: &'a Case<'_>,
    uid: u32,
    usage: &Usage,
) -> Option<(&'a str, &'a UserLogins)> {
    let name = case.user_name(uid).map(str::to_owned).or_else(|| usage.local_name.clone())?;
    let (account, logins) = case.gathered.logins.users.get_key_value(&name)?;
    (!logins.accepted.is_empty()).then_some((account.as_str(), logins))
}

fn times(n: usize) -> String {
    if n == 1 { "once".to_owned() } else { count(n, "time") }
}
