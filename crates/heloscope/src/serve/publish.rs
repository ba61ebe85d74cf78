//! What stands on the list, to the table that DNS answers from.
//!
//! The ledger calls on its writer's thread, in order, as soon as a change is durable, so a removal
//! is in DNS before its asker has his answer.

use super::config::Config;
use anyhow::{Context, Result};
use heloscope_dnsbl::{Change, Code, NameServer, Reason, Table, Value, ZoneConfig, Zones};
use heloscope_ledger::{Followed, Ledger, Sublist, Sublists};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::sync::Arc;

/// The zones as configured.
pub(crate) fn zones(config: &Config, url: &str) -> Result<Zones> {
    let apex = &config.zone;
    let addresses: Vec<_> = config.dns.listen.iter().map(SocketAddr::ip).collect();
    let named = |name: &String| NameServer { name: name.clone(), addresses: addresses.clone() };
    let name_servers = match config.dns.name_servers.as_slice() {
        [] => vec![named(&format!("ns.{apex}"))],
        names => names.iter().map(named).collect(),
    };
    let mailbox = config.dns.mailbox.clone().unwrap_or_else(|| format!("hostmaster.{apex}"));
    let link = format!("{url}/lookup/{{address}}");
    let mut zone = ZoneConfig::new(apex, name_servers, &mailbox, &link);
    zone.times.listed = config.dns.ttl_s;
    zone.times.negative = config.dns.negative_ttl_s;
    Zones::new(&zone).context("the zone that is configured cannot be served")
}

/// Fills the table, and keeps it so.
pub(crate) fn follow(ledger: &Ledger, table: &Arc<Table>) -> Result<()> {
    let table = Arc::clone(table);
    let follower = move |followed: Followed| {
        let (generation, changes) = match followed {
            Followed::Snapshot { generation, listed } => {
                (generation, listed.into_iter().map(|(p, s)| change(p, Some(s))).collect())
            }
            Followed::Changes { generation, changes } => {
                let changes = changes.into_iter().map(|c| change(c.prefix, c.value));
                (generation, changes.collect::<Vec<_>>())
            }
        };
        if let Err(stale) = table.apply(generation, &changes) {
            tracing::error!(%stale, "DNS was given changes out of order");
        }
    };
    ledger.follow(follower).context("following the ledger for DNS")
}

/// A prefix's value as DNS has it.
pub(crate) fn change(prefix: IpNet, value: Option<Sublists>) -> Change {
    let listed = |sublists: Sublists| {
        let reason = |s| if sublists.is_by_hand() { by_hand() } else { reason(s) };
        Value::new(sublists.iter().filter_map(|s| Some((Code::new(s.code())?, reason(s)))))
    };
    Change { prefix, value: value.and_then(listed) }
}

/// What no detector saw is not said to have been seen.
fn by_hand() -> Reason {
    Reason::new("{address} was listed by the operator of this list; why and how out:")
}

fn reason(sublist: Sublist) -> Reason {
    Reason::new(match sublist {
        Sublist::Bots => {
            "{address} was seen sending like a bot, an open proxy or a planted mailer; why and how out:"
        }
        Sublist::Traps => {
            "{address} wrote to addresses that never were anybody's; why and how out:"
        }
    })
}
