//! What the firewall lets out to mail servers: the three questions an administrator has (the mail
//! server, anyone here, anyone behind this host, over IPv4 and IPv6), what stands out in the rules,
//! and what that means for each cause.

use crate::answer::Path;
use crate::case::Case;
use crate::hypotheses::Hypothesis;
use crate::seen::Seen;
use crate::weight::{About, Cited, Reason};
use heloscope_evidence::firewall::{self, Answer, Family, Known, Origin, Question, User};
use std::net::IpAddr;

/// The port that mail servers take mail on.
const SMTP: u16 = 25;
/// Between the question and the reason why it has no answer.
const UNKNOWN: &str = ", it cannot be said: ";
/// Steps that the rules' faults add to one cause.
const STEPS: usize = 3;

/// The sentences about the firewall, with the rules they rest on.
pub(crate) fn told(case: &Case<'_>) -> Vec<Reason> {
    let sets = &case.facts.firewalls;
    if sets.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let known = known(case);
    let owner = crate::mta_settings::setting(case.facts, "mail_owner").map(|s| s.value.clone());
    let mta = user(case, &owner.unwrap_or_else(|| "postfix".to_owned()));
    for (who, origin) in [
        ("the mail server's user", Origin::User(mta)),
        ("any other program of this host", Origin::Anyone),
        ("a machine behind this host", Origin::Forwarded(None)),
    ] {
        let answers = [Family::V4, Family::V6].map(|family| {
            let question = Question { origin: origin.clone(), family, port: SMTP };
            firewall::ask_knowing(sets, &question, &known)
        });
        rows.extend(row(who, answers));
    }
    // What is unknown of all for one reason is said once.
    let mut reasons = std::collections::BTreeSet::new();
    rows.retain(|row: &Reason| match row.says.split_once(UNKNOWN) {
        Some((who, why)) => {
            let family = who.split(',').next().unwrap_or_default().to_owned();
            reasons.insert((family, why.to_owned()))
        }
        None => true,
    });
    for finding in firewall::findings(sets, SMTP) {
        let places = finding.places.iter().map(|p| (*p, None)).collect();
        rows.push(Reason { weight: 0.0, says: finding.says, places });
    }
    rows
}

/// One question's answer over both protocols; one sentence where they agree.
fn row(who: &str, [v4, v6]: [Answer; 2]) -> Vec<Reason> {
    let sentence = |answer: &Answer, family: &str| {
        let (verdict, places) = match answer {
            Answer::Allowed(places) => (format!("may reach port {SMTP}"), places),
            Answer::Denied(places) => (format!("may not reach port {SMTP}"), places),
            Answer::Unknown(why, places) => {
                (format!("perhaps may reach port {SMTP}{UNKNOWN}{why}"), places)
            }
        };
        let places: Vec<Cited> = places.iter().take(2).map(|p| (*p, None)).collect();
        Reason { weight: 0.0, says: format!("Over {family}, {who} {verdict}"), places }
    };
    match (&v4, &v6) {
        (Answer::Allowed(a), Answer::Allowed(b)) | (Answer::Denied(a), Answer::Denied(b)) => {
            let mut both = sentence(&v4, "IPv4 and IPv6");
            both.places = a.iter().take(1).chain(b.iter().take(1)).map(|p| (*p, None)).collect();
            both.places.dedup();
            vec![both]
        }
        _ => vec![sentence(&v4, "IPv4"), sentence(&v6, "IPv6")],
    }
}

/// Holds the rules against a cause past the mail server, and adds what to mend in them.
pub(crate) fn weigh(case: &Case<'_>, hypothesis: &mut Hypothesis) {
    let sets = &case.facts.firewalls;
    if sets.is_empty() || !matches!(hypothesis.path, Path::PastMta | Path::Forwarded) {
        return;
    }
    let Some((who, origin, family)) = question(case, hypothesis) else { return };
    let question = Question { origin, family, port: SMTP };
    match firewall::ask_knowing(sets, &question, &known(case)) {
        Answer::Denied(places) => {
            // What was answered has left; then the rules came later, or others stand elsewhere.
            let left = sessions(case, hypothesis).any(|s| s.mails > 0 || s.tls);
            let (ratio, says) = if left {
                (
                    0.8,
                    format!(
                        "the rules that were given do not let {who} out, but sessions were answered: the rules are newer, or not all"
                    ),
                )
            } else {
                (0.05, format!("the firewall does not let {who} out to port {SMTP}"))
            };
            hypothesis.weighing.add(About::Offence, ratio, says, cited(&places));
        }
        Answer::Allowed(places) => {
            let says = format!("the firewall lets {who} out to port {SMTP}");
            hypothesis.weighing.add(About::Culprit, 1.2, says, cited(&places));
        }
        Answer::Unknown(..) => {}
    }
    let to_mend = |f: &firewall::Finding| match hypothesis.path {
        Path::Forwarded => matches!(f.rule, "owner-never-sees-forwarded" | "logged-only"),
        _ => matches!(f.rule, "shadowed" | "ipv6-open" | "logged-only"),
    };
    let faults: Vec<_> = firewall::findings(sets, SMTP).into_iter().filter(to_mend).collect();
    let steps = faults.into_iter().take(STEPS).map(|f| format!("In the firewall: {}", f.says));
    hypothesis.fix.extend(steps);
}

/// What else the evidence says of such connections: this host's addresses, its users' numbers.
fn known(case: &Case<'_>) -> Known {
    let mut users: Vec<(String, u32)> =
        case.facts.users.iter().map(|u| (u.name.clone(), u.uid)).collect();
    let running = case.facts.processes.iter().filter_map(|p| Some((p.user.clone(), p.uid?)));
    users.extend(running);
    users.sort();
    users.dedup();
    Known { own: case.facts.site.addresses.clone(), users, ..Known::default() }
}

/// A user, by number where the table of processes knows it: rules name numbers.
fn user(case: &Case<'_>, name: &str) -> User {
    case.user_id(name).map_or_else(|| User::Name(name.to_owned()), User::Id)
}

fn cited(places: &[heloscope_model::Place]) -> Vec<Cited> {
    places.iter().take(2).map(|p| (*p, None)).collect()
}

/// Whose way out is asked about.
fn question(case: &Case<'_>, hypothesis: &Hypothesis) -> Option<(String, Origin, Family)> {
    let culprit = hypothesis.culprit.as_ref();
    let family = match sessions(case, hypothesis).next().map(|s| s.server.ip()) {
        Some(IpAddr::V6(_)) => Family::V6,
        _ => Family::V4,
    };
    if hypothesis.path == Path::Forwarded {
        let ip: Option<IpAddr> = culprit.and_then(|c| c.value.parse().ok());
        let who = ip.map_or_else(|| "machines behind this host".to_owned(), |ip| ip.to_string());
        return Some((who, Origin::Forwarded(ip), family));
    }
    let attribute = |name: &str| culprit.and_then(|c| c.attrs.get(name));
    let uid =
        attribute("uid").and_then(serde_json::Value::as_u64).and_then(|u| u32::try_from(u).ok());
    if let Some(uid) = uid {
        return Some((format!("user id {uid}"), Origin::User(User::Id(uid)), family));
    }
    let name = attribute("user").and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(match name {
        Some(name) => (format!("the user {name}"), Origin::User(user(case, &name)), family),
        None => ("other programs than the mail server".to_owned(), Origin::Anyone, family),
    })
}

/// The sessions that a cause past the mail server speaks of.
fn sessions<'a>(case: &'a Case<'_>, hypothesis: &Hypothesis) -> impl Iterator<Item = &'a Seen> {
    let forwarded = hypothesis.path == Path::Forwarded;
    let ip: Option<IpAddr> = hypothesis.culprit.as_ref().and_then(|c| c.value.parse().ok());
    case.gathered
        .outbound
        .iter()
        .filter(|s| case.is_open(s))
        .filter(move |s| !forwarded || ip.is_none_or(|ip| s.speaker() == ip))
}
