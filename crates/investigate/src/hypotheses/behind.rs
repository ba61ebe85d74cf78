//! Machines behind the same public address that send to mail servers themselves: which there are,
//! and what speaks for and against each. `nat_client` and `vpn_client` name them.
//!
//! For one: sessions on port 25 whose inside address is not the mail server's and that no log line
//! explains, in the notice's window, with its HELO, to many servers. Against it: a recorded window
//! without any, another HELO, always one server (monitoring, a provider's relay), a firewall that
//! dropped them. Logging in at a provider's submission port is nobody's offence.

use super::window_signs;
use crate::case::{Case, Speaker, frames};
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_evidence::{Kind, Lease};
use heloscope_model::{Place, Time, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How much a session of a machine counts that only ever asks one server, as monitoring does.
const ONE_SERVER: f64 = 0.05;

/// A machine and its sessions.
pub(super) struct Machine<'a> {
    pub(super) speaker: Speaker,
    pub(super) sessions: Vec<&'a Seen>,
}

/// Every machine that is not the mail server.
pub(super) fn machines<'a>(case: &Case<'a>) -> Vec<Machine<'a>> {
    let mut by_speaker: BTreeMap<Speaker, Vec<&'a Seen>> = BTreeMap::new();
    for seen in case.gathered.outbound.iter().filter(|s| case.is_open(s)) {
        match case.speaker(seen) {
            Speaker::Host => {}
            other => by_speaker.entry(other).or_default().push(seen),
        }
    }
    by_machine(case, by_speaker)
        .into_iter()
        .map(|(speaker, sessions)| Machine { speaker, sessions })
        .collect()
}

impl Machine<'_> {
    /// Its address, where it is seen from inside.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.speaker {
            Speaker::Other(ip) => Some(ip),
            Speaker::Host | Speaker::Hidden => None,
        }
    }

    /// Its link-layer address, where a frame shows it.
    pub(super) fn mac(&self) -> Option<String> {
        let mac = self.sessions.iter().find_map(|s| s.mac)?;
        Some(mac.map(|b| format!("{b:02x}")).join(":"))
    }

    pub(super) fn first(&self) -> Option<Time> {
        self.sessions.iter().map(|s| s.start).min()
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.sessions.iter().map(|s| s.start).max()
    }

    pub(super) fn stretches(&self) -> Vec<Window> {
        self.sessions.iter().map(|s| s.stretch()).collect()
    }

    /// The lease of its address that held while its sessions ran, else the latest of the address.
    pub(super) fn lease<'c>(&self, case: &Case<'c>) -> Option<&'c Lease> {
        lease(case, self.speaker, &self.sessions)
    }

    /// What speaks for and against it.
    pub(super) fn weighed(&self, case: &Case<'_>) -> Weighing {
        let (speaker, sessions) = (self.speaker, self.sessions.as_slice());
        let mut weighing = Weighing::from_priors(0.15, 0.5);
        window_signs::weigh(case, sessions, &mut weighing);
        not_the_mail_server(case, speaker, sessions, &mut weighing);
        servers(sessions, &mut weighing);
        own_server(case, sessions, &mut weighing);
        share(case, sessions, &mut weighing);
        dropped(case, sessions, &mut weighing);
        weighing
    }
}

/// A machine that was leased several addresses in turn is one, under the address it used most.
fn by_machine<'a>(
    case: &Case<'_>,
    by_speaker: BTreeMap<Speaker, Vec<&'a Seen>>,
) -> BTreeMap<Speaker, Vec<&'a Seen>> {
    let mut machines: BTreeMap<String, Vec<(Speaker, Vec<&Seen>)>> = BTreeMap::new();
    for (speaker, sessions) in by_speaker {
        let machine = lease(case, speaker, &sessions)
            .map_or_else(|| format!("{speaker:?}"), |lease| lease.mac.clone());
        machines.entry(machine).or_default().push((speaker, sessions));
    }
    let joined = machines.into_values().filter_map(|addresses| {
        let most = addresses.iter().max_by_key(|(_, sessions)| sessions.len())?.0;
        Some((most, addresses.into_iter().flat_map(|(_, sessions)| sessions).collect()))
    });
    joined.collect()
}

/// The lease of the address that held while its sessions ran, else the latest of the address.
fn lease<'a>(case: &Case<'a>, speaker: Speaker, sessions: &[&Seen]) -> Option<&'a Lease> {
    let Speaker::Other(ip) = speaker else { return None };
    let at = sessions.first()?.start;
    let of_ip = || case.facts.leases.iter().filter(|l| l.ip == ip);
    of_ip()
        .find(|l| l.from.is_none_or(|f| f <= at) && l.until.is_some_and(|u| at <= u))
        .or_else(|| of_ip().next_back())
}

/// That it is another machine than the mail server, and how that shows.
fn not_the_mail_server(
    case: &Case<'_>,
    speaker: Speaker,
    sessions: &[&Seen],
    weighing: &mut Weighing,
) {
    let mta: Vec<String> = case.mta_hosts().iter().map(IpAddr::to_string).collect();
    let mut ways: BTreeSet<String> = BTreeSet::new();
    for seen in sessions.iter().take(50) {
        ways.extend(case.gathered.profile.differences(seen));
    }
    match speaker {
        Speaker::Other(ip) if !mta.is_empty() => {
            let explained: Vec<(Place, _)> = case
                .gathered
                .outbound
                .iter()
                .filter(|s| case.mta_hosts().contains(&s.speaker()))
                .filter_map(|s| s.explained.map(|(place, _)| (place, None)))
                .take(1)
                .collect();
            weighing.add(
                About::Culprit,
                20.0,
                format!(
                    "they come from {ip}; the mail your server logs leaves from {}",
                    mta.join(", ")
                ),
                explained,
            );
        }
        Speaker::Other(ip)
            if sessions.len() >= 3 && case.covers_window(Kind::MailLog) == Some(true) =>
        {
            weighing.add(
                About::Culprit,
                4.0,
                format!(
                    "they come from {ip}, and the mail log of that time explains none of them: it is \
                     not the mail server"
                ),
                [],
            );
        }
        Speaker::Other(ip) => weighing.add(
            About::Culprit,
            0.1,
            format!("they come from {ip}; nothing shows which machine is the mail server"),
            [],
        ),
        _ => {}
    }
    for way in ways.into_iter().take(3) {
        let shows = frames(sessions.iter().copied());
        weighing.add(
            About::Culprit,
            2.0,
            format!("it is not your mail server's software: {way}"),
            shows.into_iter().take(1),
        );
    }
}

/// Bots talk to many servers; monitoring and relays to one, or to one provider's few.
fn servers(sessions: &[&Seen], weighing: &mut Weighing) {
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let networks: BTreeSet<u128> = servers.iter().map(|ip| provider(*ip)).collect();
    let (ratio, says) = match (servers.len(), networks.len()) {
        (0 | 1, _) => (
            0.05,
            "it always talks to one and the same server, as monitoring or a relay would".to_owned(),
        ),
        (n @ 2..=3, 1) if sessions.len() > n => {
            (0.1, format!("its {n} servers stand in one network, as the relay of a provider does"))
        }
        (2, _) => (
            0.3,
            "it talks to 2 mail servers on port 25, as many as one domain has exchangers"
                .to_owned(),
        ),
        (n, _) => (4.0, format!("it talks to {n} different mail servers on port 25")),
    };
    weighing.add(About::Offence, ratio, says, frames(sessions.iter().copied()));
}

/// IPv4 /24, IPv6 /48: what one provider's relays share.
fn provider(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => (u128::from(v6) >> 80) | 1 << 64,
    }
}

/// A server that gives a full name in the site's own domain, and shows nothing that a list's
/// sensor would note, is more likely a mail server of the site that logs elsewhere.
fn own_server(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    let named = sessions.iter().filter(|s| s.helo.as_ref().is_some_and(|h| case.is_own_domain(h)));
    let odd = |s: &&Seen| s.detections.iter().any(|d| matches!(d.class, 'A' | 'B'));
    let quoted = |s: &&Seen| s.helo.as_ref().is_some_and(|h| case.incident.quotes_helo(h));
    let named: Vec<&Seen> = named.copied().collect();
    if named.len() * 2 > sessions.len() && !sessions.iter().any(odd) && !sessions.iter().any(quoted)
    {
        weighing.add(
            About::Offence,
            0.03,
            "it gives a full name in your own domain and behaves as mail servers do: it may be one \
             of yours, with a log of its own",
            frames(named),
        );
    }
}

/// Where nothing shows what was said, whose sessions fill the notice's time: one machine did it,
/// and it is more likely the one with more of them. A machine that only ever asks one server counts
/// little.
fn share(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    if sessions.iter().any(|s| s.helo.is_some()) || case.incident.windows.is_empty() {
        return;
    }
    let in_window = |s: &&Seen| case.incident.meets_window(&s.stretch());
    let ours = sessions.iter().copied().filter(in_window).count();
    let mut by_speaker: BTreeMap<Speaker, (f64, BTreeSet<IpAddr>)> = BTreeMap::new();
    for seen in case.gathered.outbound.iter().filter(|s| case.is_open(s)).filter(in_window) {
        let (count, servers) = by_speaker.entry(case.speaker(seen)).or_default();
        *count += 1.0;
        servers.insert(seen.server.ip());
    }
    by_speaker.remove(&Speaker::Host);
    if by_speaker.is_empty() {
        return;
    }
    let weigh = |(count, servers): &(f64, BTreeSet<IpAddr>)| {
        if servers.len() == 1 { count * ONE_SERVER } else { *count }
    };
    let all: f64 = by_speaker.values().map(weigh).sum();
    let servers: BTreeSet<IpAddr> = sessions.iter().map(|s| s.server.ip()).collect();
    let own = weigh(&(ours as f64, servers));
    let sessions_of_all: f64 = by_speaker.values().map(|(count, _)| count).sum();
    // Laplace's rule keeps few sessions from deciding.
    weighing.share(
        ((own + 1.0) / (all + 2.0)).min(1.0),
        format!(
            "{ours} of the {sessions_of_all:.0} sessions of other machines in that time are its own"
        ),
        frames(sessions.iter().copied().filter(in_window)),
    );
}

/// What a firewall did not let out, no list has seen.
fn dropped(case: &Case<'_>, sessions: &[&Seen], weighing: &mut Weighing) {
    let open = case.incident.windows.is_empty();
    let counted: Vec<&Seen> = sessions
        .iter()
        .filter(|s| open || case.incident.meets_window(&s.stretch()))
        .copied()
        .collect();
    let dropped = |s: &&Seen| s.hearsay.as_ref().is_some_and(|h| h.dropped);
    if !counted.is_empty() && counted.iter().all(dropped) {
        weighing.add(
            About::Offence,
            0.02,
            "the firewall's prefix says that it did not let them out",
            frames(counted),
        );
    }
}
