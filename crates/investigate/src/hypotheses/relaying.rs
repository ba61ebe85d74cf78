//! Clients that hand mail for others to the mail server without a password: which there are, and
//! whether one is a machine or a translation's address behind which strangers stand.
//! `open_relay` and `trusted_client` weigh the same clients, each by its own question.

use super::{mail_signs, window_signs};
use crate::case::{Case, count};
use crate::mta_settings::{self, Trust};
use crate::usage::Usage;
use crate::weight::{About, Cited, Weighing};
use heloscope_model::Place;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Distinct HELOs or sender domains from which a client is hardly one machine.
const MANY: usize = 3;

/// How likely it is, before anything is known of it, that many stand behind a trusted inside address.
pub(super) const MANY_BEHIND: f64 = 0.3;

/// A client without a password whose mail leaves for others' servers.
pub(super) struct Client<'a> {
    pub(super) ip: IpAddr,
    pub(super) usage: &'a Usage,
    pub(super) trust: Trust<'a>,
}

/// All of them but the machine itself and the site's own relays.
pub(super) fn clients<'a>(case: &'a Case<'_>) -> Vec<Client<'a>> {
    case.gathered
        .usages
        .clients
        .iter()
        .filter(|(ip, usage)| {
            usage.outward > 0
                && !ip.is_loopback()
                && !case.facts.site.relays.contains(ip)
                && !case.incident.own.is_public(**ip)
        })
        .map(|(ip, usage)| Client { ip: *ip, usage, trust: mta_settings::trusts(case.facts, *ip) })
        .collect()
}

impl Client<'_> {
    /// Whether the mail server was told to trust this very machine, or few beside it.
    pub(super) fn is_named(&self) -> bool {
        let narrow = |n: &IpNet| n.max_prefix_len() - n.prefix_len() <= 3;
        matches!(&self.trust, Trust::Yes(_, net) if narrow(net))
    }

    /// The lines of its first mails.
    pub(super) fn lines(&self) -> Vec<Cited> {
        self.usage.samples.iter().take(3).map(|(t, p)| (*p, Some(*t))).collect()
    }

    /// What speaks for its mail being the offence.
    pub(super) fn weigh_mail(&self, case: &Case<'_>, weighing: &mut Weighing) {
        let (ip, usage) = (self.ip, self.usage);
        let whence = format!("from {ip}, without a password,");
        let none = format!("{ip} handed in no mail in the time the notice names");
        mail_signs::window(case, usage, |_| true, (&whence, &none), self.lines(), weighing);
        window_signs::helo_of_the_mta(case, weighing);
        mail_signs::receivers(usage, About::Offence, weighing);
        let before = weighing.reasons.len();
        mail_signs::volume(usage, About::Offence, weighing);
        let busy =
            weighing.reasons.get(before..).unwrap_or_default().iter().any(|r| r.weight > 0.0);
        let own: BTreeSet<u64> = mta_settings::own_domains(case.facts)
            .iter()
            .map(|d| crate::seen::key(d.as_bytes()))
            .collect();
        let hidden = case.gathered.inbound.hidden.get(&ip).map(Vec::as_slice).unwrap_or_default();
        let for_strangers: Vec<_> = hidden.iter().filter(|h| h.relayed).collect();
        let relays = for_strangers.len() >= MANY;
        if relays {
            weighing.add(
                About::Offence,
                30.0,
                format!(
                    "{} that strangers handed in under {ip} went on to others' servers",
                    count(for_strangers.len(), "mail")
                ),
                for_strangers.iter().take(2).map(|h| (h.line.0, Some(h.line.1))),
            );
        }
        let strange = usage.outward_senders.iter().filter(|d| !own.contains(d)).count();
        if strange > MANY {
            weighing.add(
                About::Offence,
                4.0,
                format!("it writes under {} that are not yours", count(strange, "sender domain")),
                self.lines(),
            );
        } else if !relays && usage.senders.len() <= 2 && usage.refused_as_spam.is_empty() {
            weighing.add(
                About::Offence,
                0.3,
                format!("it always writes under the same {}", count(usage.senders.len(), "sender")),
                self.lines(),
            );
        }
        let dead = usage.dead.len() >= 4;
        if !relays && strange <= MANY && usage.refused_as_spam.is_empty() && !dead && !busy {
            weighing.add(
                About::Offence,
                0.3,
                "nothing about its mail looks like spam",
                self.lines(),
            );
        }
    }

    /// Log odds (and the reasons) that strangers stand behind the address: a translation's, a
    /// bridge's, a tunnel's. Positive speaks for many, negative for one machine.
    pub(super) fn hides_strangers(&self, case: &Case<'_>) -> Vec<(f64, String, Vec<Cited>)> {
        let (ip, usage) = (self.ip, self.usage);
        let usages = &case.gathered.usages;
        let own = &case.incident.own;
        let mut reasons = Vec::new();
        let named = usages
            .clients
            .iter()
            .filter(|(other, u)| u.inward > 0 && !own.is_ours(**other) && !other.is_loopback())
            .count();
        if usage.inward >= 3 && usage.inward_senders.len() >= MANY {
            let alone = named == 0;
            let also =
                if alone { "; no other address from outside appears in the log" } else { "" };
            reasons.push((
                if alone { 60.0 } else { 8.0 },
                format!(
                    "mail of {} to your own mailboxes comes from {ip} too: it is not one machine, but \
                     an address behind which everybody appears{also}",
                    count(usage.inward_senders.len(), "sender domain")
                ),
                self.lines(),
            ));
        } else if named >= 3 {
            reasons.push((
                0.1,
                format!("mail from outside comes from {named} other addresses, under their own"),
                Vec::new(),
            ));
        }
        if let Some(hidden) =
            case.gathered.inbound.hidden.get(&ip).and_then(|h| h.first().zip(Some(h)))
        {
            let (first, all) = hidden;
            reasons.push((
                100.0,
                format!(
                    "{} from outside ({}, …) were recorded whose mail the log books under {ip}",
                    count(all.len(), "session"),
                    first.stranger
                ),
                all.iter()
                    .take(2)
                    .flat_map(|h| [h.session, h.line])
                    .map(|(place, at)| (place, Some(at)))
                    .collect(),
            ));
        }
        let said = case.gathered.inbound.helos.get(&ip);
        if let Some(helos) = said.filter(|helos| helos.len() >= MANY) {
            reasons.push((
                15.0,
                format!(
                    "clients with {} different HELOs speak to the mail server under {ip}",
                    helos.len()
                ),
                helos.values().take(3).map(|(place, at)| (*place, Some(*at))).collect(),
            ));
        }
        let strangers = usages.strangers.get(&ip);
        if let Some(seen) = strangers.filter(|s| s.helos.len() >= MANY) {
            reasons.push((
                6.0,
                format!(
                    "clients with {} different HELOs were refused under {ip}",
                    seen.helos.len()
                ),
                seen.first.iter().map(|(t, p): &(_, Place)| (*p, Some(*t))).collect(),
            ));
        }
        if let Some((n, first, place)) = usages.guessers.get(&ip).filter(|g| g.0 >= 3) {
            reasons.push((
                4.0,
                format!("{n} log-ins failed under {ip}: strangers guess passwords from there"),
                vec![(*place, Some(*first))],
            ));
        }
        if let Some(lease) = case.facts.leases.iter().find(|l| l.ip == ip) {
            let name = lease.name.as_deref().unwrap_or("a device");
            reasons.push((
                0.05,
                format!("{ip} was leased to {name} ({}): it is one machine", lease.mac),
                vec![(lease.place, lease.from)],
            ));
        } else if is_gateway_like(ip) {
            reasons.push((
                3.0,
                format!("{ip} is an address that gateways and bridges have"),
                Vec::new(),
            ));
        }
        reasons
    }
}

/// The first or last address of a network, as routers and bridges take by habit.
fn is_gateway_like(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => matches!(v4.octets().last(), Some(1 | 254)),
        IpAddr::V6(v6) => v6.segments().iter().skip(4).eq([0, 0, 0, 1].iter()),
    }
}
