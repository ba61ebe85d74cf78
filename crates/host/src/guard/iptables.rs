//! A policy as rules of iptables and ip6tables, where there is no nft: chains of our own, and one jump to each. Pure.
//!
//! Loaded by `iptables-restore --noflush`, one transaction a family. Nothing times out in the kernel here: the rollback is
//! the watching process's alone. Who tried is not kept, only counted. The jump stands first, before rules that may let
//! everything pass.

use super::policy::{Forward, Policy, Sender, Who};
use super::{CHAIN, PREFIX};
use ipnet::IpNet;
use std::fmt::Write;

/// A family and its tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tools {
    /// Whether it is IPv6's.
    pub v6: bool,
    /// Loads rules.
    pub restore: &'static str,
    /// Prints them.
    pub save: &'static str,
}

/// Both families.
pub const FAMILIES: [Tools; 2] = [
    Tools { v6: false, restore: "iptables-restore", save: "iptables-save" },
    Tools { v6: true, restore: "ip6tables-restore", save: "ip6tables-save" },
];

/// The transaction for one family; `saved` is what stands in its filter table, of which our own rules are replaced.
pub fn rules(policy: &Policy, v6: bool, saved: &str) -> String {
    let mut t = format!("*filter\n:{CHAIN} - [0:0]\n:{CHAIN}_FWD - [0:0]\n");
    unhook(&mut t, saved);
    for first in first(policy) {
        let _ = writeln!(t, "-I OUTPUT 1 {first} -j {CHAIN}");
    }
    let _ = writeln!(t, "-A {CHAIN} -o lo -j RETURN");
    for sender in &policy.senders {
        for to in relays(policy, sender, v6) {
            let who = match sender.who {
                Who::Uid(id) => format!("--uid-owner {id}"),
                Who::Gid(id) => format!("--gid-owner {id}"),
            };
            let cgroup = sender.cgroup.as_ref();
            let cgroup =
                cgroup.map(|c| format!(" -m cgroup --path \"{}\"", c.path().replace('\\', "\\\\")));
            let cgroup = cgroup.unwrap_or_default();
            let _ = writeln!(t, "-A {CHAIN}{to} -m owner {who}{cgroup} -j RETURN");
        }
    }
    let others = |t: &mut String, chain: &str, let_out: bool| {
        let _ = writeln!(
            t,
            "-A {chain} -m limit --limit 10/sec --limit-burst 50 -j NFLOG --nflog-group {} --nflog-prefix \"{PREFIX}\"",
            policy.log_group
        );
        if let_out {
            let _ = writeln!(t, "-A {chain} -j RETURN");
        } else {
            let _ = writeln!(t, "-A {chain} -p tcp -j REJECT --reject-with tcp-reset");
        }
    };
    others(&mut t, CHAIN, policy.log_only);
    if policy.forward != Forward::Leave {
        let chain = format!("{CHAIN}_FWD");
        let of = |nets: &[IpNet]| -> Vec<String> {
            nets.iter()
                .filter(|n| matches!(n, IpNet::V6(_)) == v6)
                .map(|n| n.trunc().to_string())
                .collect()
        };
        let inside = of(&policy.inside);
        for first in first(policy) {
            for from in &inside {
                let _ = writeln!(t, "-I FORWARD 1 -s {from} {first} -j {chain}");
            }
        }
        for to in &inside {
            let _ = writeln!(t, "-A {chain} -d {to} -j RETURN");
        }
        for from in of(&policy.inside_senders) {
            let _ = writeln!(t, "-A {chain} -s {from} -j RETURN");
        }
        others(&mut t, &chain, policy.log_only || policy.forward == Forward::Log);
    }
    t += "COMMIT\n";
    t
}

/// The transaction that takes our rules away from what stands; none where there are none.
pub fn removal(saved: &str) -> Option<String> {
    let ours = [CHAIN.to_owned(), format!("{CHAIN}_FWD")];
    let there: Vec<&String> =
        ours.iter().filter(|c| saved.lines().any(|l| l.starts_with(&format!(":{c} ")))).collect();
    if there.is_empty() {
        return None;
    }
    let mut t = "*filter\n".to_owned();
    unhook(&mut t, saved);
    for chain in &there {
        let _ = writeln!(t, "-F {chain}");
    }
    for chain in &there {
        let _ = writeln!(t, "-X {chain}");
    }
    t += "COMMIT\n";
    Some(t)
}

/// Whether our rules stand in what was saved.
pub fn stands(saved: &str) -> bool {
    jumps(saved).next().is_some()
}

/// What the rule at a chain's end counted, and what the log's rule did, of `iptables-save -c`.
pub fn counted(saved: &str, chain: &str) -> Option<u64> {
    let last = saved.lines().rfind(|line| {
        line.contains(&format!(" -A {chain} ")) || line.contains(&format!("]-A {chain} "))
    })?;
    last.strip_prefix('[')?.split(':').next()?.parse().ok()
}

/// Removes each of our jumps, by its own words.
fn unhook(t: &mut String, saved: &str) {
    for jump in jumps(saved) {
        let _ = writeln!(t, "-D {jump}");
    }
}

/// Rules of others' chains that jump to ours, in the filter table: `OUTPUT -p tcp … -j HELOSCOPE_GUARD`.
fn jumps(saved: &str) -> impl Iterator<Item = &str> {
    let mut filter = false;
    saved.lines().filter_map(move |line| {
        if let Some(table) = line.strip_prefix('*') {
            filter = table == "filter";
        }
        let rule = line.strip_prefix("-A ")?;
        let to = rule.rsplit_once(" -j ").map(|(_, to)| to.trim());
        let ours = to.is_some_and(|to| to == CHAIN || to.strip_suffix("_FWD") == Some(CHAIN));
        (filter && ours).then_some(rule)
    })
}

/// What is asked of a packet before our chain; the match of ports takes fifteen at once.
fn first(policy: &Policy) -> Vec<String> {
    let ports: Vec<String> = policy.ports.iter().map(u16::to_string).collect();
    let of = |ports: &[String]| {
        format!(
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports {} -m conntrack --ctstate NEW,UNTRACKED",
            ports.join(",")
        )
    };
    ports.chunks(15).map(of).collect()
}

/// Whereto a sender may go: ` -d NET` each, or once anywhere.
fn relays(policy: &Policy, sender: &Sender, v6: bool) -> Vec<String> {
    if !sender.mailer || policy.relays.is_empty() {
        return vec![String::new()];
    }
    let of = policy.relays.iter().filter(|net| matches!(net, IpNet::V6(_)) == v6);
    of.map(|net| format!(" -d {}", net.trunc())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;

    const SAVED: &str = "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j HELOSCOPE_GUARD\nCOMMIT\n*filter\n:OUTPUT ACCEPT [0:0]\n:HELOSCOPE_GUARD - [0:0]\n\
        -A OUTPUT -p tcp -m multiport --dports 25 -j HELOSCOPE_GUARD\n-A OUTPUT -p tcp -j SMTPOUTPUT\n-A HELOSCOPE_GUARD -o lo -j RETURN\nCOMMIT\n";

    #[test]
    fn only_our_own_is_removed() {
        assert_eq!(
            removal(SAVED).unwrap(),
            "*filter\n-D OUTPUT -p tcp -m multiport --dports 25 -j HELOSCOPE_GUARD\n-F HELOSCOPE_GUARD\n-X HELOSCOPE_GUARD\nCOMMIT\n"
        );
        assert_eq!(
            removal("*filter\n:OUTPUT ACCEPT [0:0]\n:HELOSCOPE_GUARDS - [0:0]\nCOMMIT\n"),
            None
        );
        assert!(stands(SAVED));
    }

    #[test]
    fn a_second_time_replaces_the_first() {
        let text = rules(&postfix(), false, SAVED);
        assert_eq!(text.matches("\n-D OUTPUT ").count(), 1, "{text}");
        assert_eq!(text.matches("\n-I OUTPUT 1 ").count(), 1, "{text}");
        assert!(text.contains(
            "--uid-owner 102 -m cgroup --path \"system.slice/postfix.service\" -j RETURN"
        ));
        assert!(text.contains("-I FORWARD 1 -s 192.168.7.0/24 "));
        assert!(!text.contains("fd00"));
    }
}
