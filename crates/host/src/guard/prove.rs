//! The policy held against the kernel: connections are tried as several users, from a machine behind and over both
//! families, to a sink, and what happened is set beside what the policy says.
//!
//! Either the rules that stand are tried, from this host to a namespace made for it; or, where none stand, the planned ones in
//! namespaces of their own. Nothing leaves the machine, except to a sink that the operator named.

mod ground;

pub use ground::{Ground, listen};

use super::attempt::{Asked, Happened, order};
use super::loading::ToolError;
use super::mailer::Surroundings;
use super::policy::{Attempt, Forward, Membership, Origin, Policy, Verdict, Who};
use serde::Serialize;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Why nothing was proved.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A namespace, or the sink.
    #[error("making the ground for the trial: {0}")]
    Ground(io::Error),
    /// What was named is no place to try.
    #[error(
        "{0} is an address of this host: connections to it go by loopback, which is never stopped; name another machine's, or none"
    )]
    Own(IpAddr),
}

/// What was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Proof {
    /// One a connection.
    pub rows: Vec<Row>,
    /// What could not be tried, and why.
    pub untried: Vec<String>,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// As whom, from where.
    pub who: String,
    /// To where.
    pub to: SocketAddr,
    /// What the policy says.
    pub expected: Verdict,
    /// What the kernel did.
    pub happened: Happened,
    /// Whether that is the same.
    pub agrees: bool,
}

impl Proof {
    /// Whether the kernel does what the policy says, as far as it was tried.
    pub fn holds(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.agrees)
    }
}

/// Somebody who tries.
struct Trier {
    name: String,
    asked: Asked,
    /// Where its connection comes from, as the policy sees it.
    cgroup: Option<String>,
    behind: Option<IpAddr>,
    limited: bool,
}

/// Tries everything.
pub fn prove(exe: &Path, ground: &Ground, policy: &Policy, at: &Surroundings) -> Proof {
    let mut proof = Proof { rows: Vec::new(), untried: ground.untried.clone() };
    for trier in triers(ground, policy, at) {
        let mut to: Vec<SocketAddr> = Vec::new();
        let relays = ground.relays.iter().filter(|_| trier.limited);
        for ip in ground.sinks.iter().chain(relays) {
            let same = trier.behind.is_none_or(|from| from.is_ipv4() == ip.is_ipv4());
            to.extend(policy.ports.iter().filter(|_| same).map(|port| SocketAddr::new(*ip, *port)));
        }
        let asked = Asked { to: to.clone(), ..trier.asked.clone() };
        for (to, happened) in to.iter().zip(order(exe, &asked)) {
            let from = match trier.behind {
                Some(ip) => Origin::Behind(ip),
                None => Origin::Local {
                    uid: trier.asked.uid,
                    gid: Some(trier.asked.gid),
                    cgroup: trier.cgroup.as_deref().map_or(Membership::Unknown, Membership::Path),
                },
            };
            let expected = policy.verdict(&Attempt { from, to: *to });
            let agrees = agrees(expected, &happened);
            proof.rows.push(Row { who: trier.name.clone(), to: *to, expected, happened, agrees });
        }
    }
    proof
}

/// Whether that is what was said. What another rule stops silently is stopped.
fn agrees(expected: Verdict, happened: &Happened) -> bool {
    match expected {
        Verdict::Allowed | Verdict::Logged => *happened == Happened::Reached,
        Verdict::Refused => matches!(happened, Happened::Refused | Happened::Silence),
        Verdict::Unclear => true,
    }
}

fn triers(ground: &Ground, policy: &Policy, at: &Surroundings) -> Vec<Trier> {
    let own = own_cgroup();
    let local = |name: String, uid: u32, gid: u32, cgroup: Option<&str>, limited: bool| Trier {
        name,
        asked: Asked {
            uid,
            gid,
            cgroup: cgroup.map(str::to_owned),
            namespace: ground.host.namespace.clone(),
            to: Vec::new(),
        },
        cgroup: cgroup.map(str::to_owned).or_else(|| own.clone()),
        behind: None,
        limited,
    };
    // Neither of these has a number that a mail server uses.
    let (name, nobody) = ["www-data", "nobody"]
        .iter()
        .find_map(|name| Some(((*name).to_owned(), at.uid(name)?)))
        .unwrap_or(("uid 65534".to_owned(), 65_534));
    let group = at.group_of(nobody).unwrap_or(nobody);
    let mut all =
        vec![local(name, nobody, group, None, false), local("root".to_owned(), 0, 0, None, false)];
    for sender in &policy.senders {
        let (uid, gid) = match sender.who {
            Who::Uid(id) => (id, at.group_of(id).unwrap_or(id)),
            Who::Gid(id) => (nobody, id),
        };
        let name = format!("{} ({})", sender.name, sender.who);
        match &sender.cgroup {
            Some(cgroup) => {
                all.push(local(
                    format!("{name} in {}", cgroup.unit()),
                    uid,
                    gid,
                    Some(cgroup.path()),
                    sender.mailer,
                ));
                all.push(local(format!("{name} elsewhere"), uid, gid, None, sender.mailer));
            }
            None => all.push(local(name, uid, gid, None, sender.mailer)),
        }
    }
    for ip in &ground.behind {
        let mut trier = local(format!("machine behind, {ip}"), nobody, group, None, false);
        trier.asked.namespace.clone_from(&ground.behind_namespace);
        trier.behind = Some(*ip);
        all.push(trier);
    }
    all
}

/// Where this program itself is.
fn own_cgroup() -> Option<String> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    text.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// What is worth trying of forwarded traffic.
fn asks_forwarded(policy: &Policy) -> bool {
    policy.forward != Forward::Leave
}
