//! `vpn-client`: a client whose traffic leaves through this host's tunnel sends to mail servers
//! itself.
//!
//! What speaks for and against the machine is weighed in `behind`. Here: that its address is one of
//! the tunnel's, and whose tunnel it is.

use super::Hypothesis;
use super::behind::{Machine, machines};
use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::weight::About;
use heloscope_evidence::VpnClient;

/// What shows that a machine comes in through the tunnel.
pub(super) enum Tunnel<'a> {
    /// The VPN server names the client that has the address.
    Client(&'a VpnClient),
    /// Only the interface it came in by.
    Interface,
}

/// One hypothesis a client.
pub(super) fn weigh(case: &Case<'_>) -> Vec<Hypothesis> {
    let machines = machines(case);
    let clients = machines.iter().filter_map(|m| Some((m, client_of(case, m)?)));
    clients.map(|(machine, tunnel)| one(case, machine, &tunnel)).collect()
}

/// The tunnel a machine comes in by.
pub(super) fn client_of<'a>(case: &Case<'a>, machine: &Machine<'_>) -> Option<Tunnel<'a>> {
    if let Some(client) = case.vpn_client(machine.address()?) {
        return Some(Tunnel::Client(client));
    }
    let tunnel = |s: &&crate::seen::Seen| s.hearsay.as_ref().is_some_and(|h| h.from_tunnel);
    machine.sessions.iter().copied().any(|s| tunnel(&s)).then_some(Tunnel::Interface)
}

fn one(case: &Case<'_>, machine: &Machine<'_>, tunnel: &Tunnel<'_>) -> Hypothesis {
    let mut weighing = machine.weighed(case);
    let ip = machine.address().map(|ip| ip.to_string()).unwrap_or_default();
    let client = match tunnel {
        Tunnel::Client(client) => {
            weighing.add(
                About::Culprit,
                10.0,
                format!("the VPN server gives {ip} to {}", short(&client.name)),
                [(client.place, client.seen)],
            );
            Some(*client)
        }
        Tunnel::Interface => {
            weighing.add(
                About::Culprit,
                3.0,
                format!("{ip} comes in by the tunnel's interface"),
                [],
            );
            None
        }
    };
    let who = match client {
        Some(client) => format!("{} ({ip} in the tunnel)", short(&client.name)),
        None => format!("the VPN client {ip}"),
    };
    Hypothesis {
        class: Class::VpnClient,
        culprit: Some(
            Culprit::new("host", ip.clone())
                .with("name", client.map(|c| c.name.clone()))
                .with("from", client.and_then(|c| c.endpoint).map(|e| e.to_string())),
        ),
        summary: format!(
            "A client of your VPN sends mail straight to other people's mail servers, and it leaves \
             under your address: {who}."
        ),
        path: Path::Forwarded,
        notices: case.notices_of(&machine.stretches()),
        first: machine.first(),
        last: machine.last(),
        weighing,
        fix: vec![
            format!("Shut {who} out of the VPN now, and have the machine cleaned or reinstalled."),
            "Let nothing from the tunnel out to port 25: nft insert rule inet filter forward iifname \
             { wg0, tun0 } tcp dport 25 counter reject. Who writes mail over the VPN uses 587 with a \
             password."
                .to_owned(),
        ],
        verify: format!("tcpdump -ni any 'tcp dst port 25 and src host {ip}' shows no more SYNs for a day"),
    }
}

/// A WireGuard key is shown as WireGuard's own log does, by its beginning.
fn short(name: &str) -> String {
    match (name.len() == 44 && name.ends_with('='), name.get(..8)) {
        (true, Some(head)) => format!("the peer {head}…"),
        _ => name.to_owned(),
    }
}
