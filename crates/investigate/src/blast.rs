//! The blast radius: what else the addresses behind a cause touched here - mail accounts, log-in
//! accounts and their keys, web sites. Who had one password often has the next.

use crate::case::Case;
use crate::hypotheses::Hypothesis;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Things named of one cause.
const NAMED: usize = 20;
/// Accounts that use an address from which it is a door (an office, a web mail host) and tells
/// nothing.
const DOOR: usize = 4;

/// Adds to each cause what else its addresses touched: `attrs.touched`, and a step to take.
pub(crate) fn add(case: &Case<'_>, causes: &mut [Hypothesis]) {
    for cause in causes {
        let addresses = addresses(cause);
        if addresses.is_empty() {
            continue;
        }
        let own = cause.culprit.as_ref().map(|c| c.value.clone()).unwrap_or_default();
        let touched = touched(case, &addresses, &own);
        if touched.is_empty() {
            continue;
        }
        cause.fix.push(format!(
            "The same addresses also touched: {}. Look at each, and change its passwords and keys.",
            touched.join("; ")
        ));
        if let Some(culprit) = cause.culprit.take() {
            cause.culprit = Some(culprit.with("touched", Some(touched)));
        }
    }
}

/// The addresses of strangers that a cause names.
fn addresses(cause: &Hypothesis) -> BTreeSet<IpAddr> {
    let from = cause.culprit.as_ref().and_then(|c| c.attrs.get("from"));
    let texts = match from {
        Some(serde_json::Value::Array(list)) => list.iter().filter_map(|v| v.as_str()).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter_map(|t| t.parse().ok()).collect()
}

fn touched(case: &Case<'_>, addresses: &BTreeSet<IpAddr>, own: &str) -> Vec<String> {
    let mut found = Vec::new();
    let accounts = &case.gathered.usages.accounts;
    for ip in addresses {
        let of_ip = accounts.iter().filter(|(_, usage)| usage.clients.contains_key(ip));
        let names: Vec<&str> = of_ip.map(|(name, _)| name.as_str()).filter(|n| *n != own).collect();
        if names.len() < DOOR {
            found.extend(names.iter().map(|name| format!("mail account {name} (from {ip})")));
        }
    }
    for (user, logins) in &case.gathered.logins.users {
        if user == own {
            continue;
        }
        let hit = logins.accepted.iter().find(|a| a.ip.is_some_and(|ip| addresses.contains(&ip)));
        if let Some(login) = hit {
            let ip = login.ip.map(|ip| ip.to_string()).unwrap_or_default();
            found.push(format!("{} account {user} by {} (from {ip})", login.service, login.method));
        }
    }
    let visitors = &case.gathered.requests.visitors;
    let sites = addresses.iter().flat_map(|ip| visitors.posted_to(*ip));
    let sites: BTreeSet<&String> = sites.filter(|s| !own.contains(s.as_str())).collect();
    found.extend(sites.into_iter().map(|site| format!("web site {site}")));
    found.dedup();
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found
}
