//! `open-proxy`: an HTTP, SOCKS or other proxy of this host is used by strangers to reach mail
//! servers.
//!
//! For it: the proxy's own log shows connections to port 25 let through for strangers in the
//! notice's time, or the socket table shows it holding them while it listens to everybody. Against
//! it: it refuses port 25, only own machines use it, it listens only to itself.

use super::program::{Join, Program, base_name, first_word, programs};
use super::{Hypothesis, remedy, window_signs};
use crate::answer::{Class, Culprit, Path};
use crate::case::{Case, count};
use crate::seen::Seen;
use crate::weight::{About, Cited, Weighing};
use heloscope_evidence::{Connection, Proxied};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Seconds between a proxy's line, written when the connection ends, and the session's ends.
const NEAR_S: f64 = 20.0;

/// One hypothesis a proxy that reached mail ports.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let past = case.past();
    let proxies = &case.gathered.proxies;
    let mut candidates: BTreeMap<String, (Option<Program<'_>>, Vec<&Proxied>)> = BTreeMap::new();
    if !past.is_empty() {
        for program in programs(case, &past.sessions).into_iter().filter(is_proxy) {
            let name = name_of(&program);
            candidates.entry(name).or_default().0 = Some(program);
        }
    }
    for request in &proxies.to_mail {
        candidates.entry(request.program.to_owned()).or_default().1.push(request);
    }
    candidates
        .into_iter()
        .map(|(name, (program, requests))| {
            let its = program.as_ref().map_or_else(|| past.of(|_| false), |p| p.its(past));
            one(case, &name, program, &requests, &its.sessions)
        })
        .collect()
}

fn one(
    case: &Case<'_>,
    name: &str,
    program: Option<Program<'_>>,
    requests: &[&Proxied],
    sessions: &[&Seen],
) -> Hypothesis {
    let mut weighing = Weighing::from_priors(0.15, 0.1);
    if sessions.is_empty() {
        requests_in_window(case, requests, &mut weighing);
    } else {
        window_signs::weigh(case, sessions, &mut weighing);
    }
    if let Some(program) = program.as_ref().filter(|p| p.join >= Join::Socket) {
        let (ratio, says) = program.joined();
        weighing.add(About::Culprit, ratio, says, program.places.clone());
    }
    asked_for(case, name, requests, sessions, &mut weighing);
    let listens = listening(case, name, program.as_ref());
    if let Some(socket) = listens {
        let open = socket.dst.is_unspecified();
        let (ratio, who) = if open { (3.0, "everybody") } else { (0.5, "one address only") };
        weighing.add(
            About::Culprit,
            ratio,
            format!("{name} listens on port {} to {who}", socket.dst_port),
            [(socket.place, None)],
        );
    }
    let port = listens.map(|c| c.dst_port).or_else(|| default_port(name));
    let value = match port {
        Some(port) => format!("tcp/{port} {name}"),
        None => format!("tcp {name}"),
    };
    let times = requests.iter().map(|r| r.time).chain(sessions.iter().map(|s| s.start));
    let (first, last) = (times.clone().min(), times.max());
    let clients: BTreeSet<IpAddr> = requests.iter().filter_map(|r| r.client).collect();
    let from: Vec<String> = clients.iter().take(20).map(ToString::to_string).collect();
    Hypothesis {
        class: Class::OpenProxy,
        culprit: Some(
            Culprit::new("service", value)
                .with("port", port)
                .with("pid", program.as_ref().and_then(|p| p.pid))
                .with("user", program.as_ref().and_then(Program::user))
                .with("from", (!from.is_empty()).then_some(from)),
        ),
        summary: format!(
            "Strangers use the proxy {name} on this host to reach other people's mail servers: the \
             proxy lets them."
        ),
        path: Path::PastMta,
        notices: case.notices_of_mail(),
        first,
        last,
        weighing,
        fix: vec![
            format!("Let {name} serve only your own machines, with a password or by address."),
            "Let it connect only to the ports it is for (80 and 443). In squid: acl Safe_ports and \
             http_access deny !Safe_ports, http_access deny CONNECT !SSL_ports, above any allow."
                .to_owned(),
            remedy::only_the_mail_server(),
        ],
        verify: format!(
            "curl -sS -p -x http://YOUR-ADDRESS:{} telnet://ANY-MAIL-SERVER:25, from outside, is refused",
            port.map_or_else(|| "PORT".to_owned(), |p| p.to_string())
        ),
    }
}

/// What its own log says.
fn asked_for(
    case: &Case<'_>,
    name: &str,
    requests: &[&Proxied],
    sessions: &[&Seen],
    weighing: &mut Weighing,
) {
    let cite = |list: &[&Proxied]| {
        list.iter().take(4).map(|r| (r.place, Some(r.time))).collect::<Vec<Cited>>()
    };
    let own = &case.incident.own;
    let (strangers, others): (Vec<&Proxied>, Vec<&Proxied>) = requests
        .iter()
        .partition(|r| r.client.is_some_and(|ip| !own.is_ours(ip) && !ip.is_loopback()));
    if !strangers.is_empty() {
        let clients: BTreeSet<_> = strangers.iter().filter_map(|r| r.client).collect();
        weighing.add(
            About::Culprit,
            60.0,
            format!(
                "its log shows {} to port 25 let through for {}",
                count(strangers.len(), "connection"),
                count(clients.len(), "stranger")
            ),
            cite(&strangers),
        );
        let met = sessions
            .iter()
            .filter(|s| {
                let stretch = s.stretch().widened(NEAR_S);
                strangers.iter().any(|r| stretch.holds(r.time))
            })
            .count();
        if !sessions.is_empty() && met * 2 > sessions.len() {
            weighing.add(
                About::Culprit,
                5.0,
                format!("{met} of the {} meet such a line", count(sessions.len(), "session")),
                cite(&strangers),
            );
        }
    } else if !others.is_empty() {
        weighing.add(
            About::Both,
            0.05,
            format!("only own machines asked {name} for port 25"),
            cite(&others),
        );
    } else if case.gathered.proxies.total > 0 {
        let refused: Vec<_> = case.gathered.proxies.refused.iter().collect();
        let says = match refused.len() {
            0 => format!("the log of {name} shows no connection to a mail port"),
            n => format!("{name} refused {} to a mail port", count(n, "request")),
        };
        weighing.add(About::Culprit, 0.05, says, cite(&refused));
    }
}

/// Without a capture, the log's own times stand for the sessions'.
fn requests_in_window(case: &Case<'_>, requests: &[&Proxied], weighing: &mut Weighing) {
    if case.incident.windows.is_empty() {
        return;
    }
    let inside: Vec<_> = requests.iter().filter(|r| case.incident.in_window(r.time)).collect();
    if inside.is_empty() {
        weighing.add(
            About::Offence,
            0.05,
            "the proxy passed on no connection to port 25 in the time the notice names",
            requests.iter().take(2).map(|r| (r.place, Some(r.time))),
        );
    } else {
        weighing.add(
            About::Offence,
            20.0,
            format!(
                "{} to port 25 passed on within the time the notice names",
                count(inside.len(), "connection")
            ),
            inside.iter().take(4).map(|r| (r.place, Some(r.time))),
        );
    }
}

/// The socket on which it listens, open ones first.
fn listening<'a>(
    case: &'a Case<'_>,
    name: &str,
    program: Option<&Program<'_>>,
) -> Option<&'a Connection> {
    case.gathered
        .connections
        .iter()
        .filter(|c| c.state == "LISTEN")
        .filter(|c| {
            c.program.as_deref().is_some_and(|p| bare(p) == name)
                || program.is_some_and(|p| p.pid.is_some() && c.pid == p.pid)
        })
        .max_by_key(|c| (c.dst.is_unspecified(), std::cmp::Reverse(c.dst_port)))
}

/// Whether a program is a proxy.
pub(super) fn is_proxy(program: &Program<'_>) -> bool {
    default_port(&name_of(program)).is_some() && program.oddly().is_none()
}

fn name_of(program: &Program<'_>) -> String {
    let known = program.known_as.as_deref().map(bare).unwrap_or_default().to_owned();
    if default_port(&known).is_some() {
        return known;
    }
    bare(first_word(program.command()).trim_matches(['(', ')', ':'])).to_owned()
}

/// The program's bare name: `/usr/sbin/squid` and squid's worker `(squid-1)` are `squid`.
fn bare(name: &str) -> &str {
    let base = base_name(name).trim_matches(['(', ')', ':']);
    base.split_once('-')
        .filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
        .map_or(base, |(n, _)| n)
}

/// Proxies and the ports they listen on by default.
fn default_port(name: &str) -> Option<u16> {
    Some(match name {
        "squid" | "squid3" => 3128,
        "tinyproxy" => 8888,
        "privoxy" => 8118,
        "polipo" => 8123,
        "3proxy" => 3128,
        "danted" | "sockd" | "microsocks" | "ss5" | "srelay" => 1080,
        "ss-server" | "ssserver" => 8388,
        "xray" | "v2ray" | "gost" => 1080,
        "haproxy" => 8080,
        "delegated" => 8080,
        _ => return None,
    })
}
