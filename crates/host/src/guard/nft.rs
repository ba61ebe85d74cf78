//! A policy as rules of nftables: one table of our own, loaded in one transaction. Pure.
//!
//! The ports stand in a set whose elements time out while nobody has confirmed: should every process of ours be killed,
//! the kernel itself forgets them, and rules without ports match nothing. Who tried is kept in sets with counters, so that
//! no program has to listen. The hook stands behind address translation (priority 10), so what is asked is where a
//! connection really goes.

use super::policy::{Forward, Policy, Sender, Who};
use super::{PREFIX, TABLE};
use ipnet::IpNet;
use std::fmt::Write;

/// Where our chains stand among others: behind filters and translation.
pub const PRIORITY: i32 = 10;
/// Of whom tried, as many are remembered.
const REMEMBERED: u32 = 4096;
/// The first packet of a connection, and of a connection that is not tracked. By its flags as well: where tracking begins
/// only now, sessions that are open look new.
const FIRST: &str = "ct state new,untracked tcp flags & (fin | syn | rst | ack) == syn";

/// The transaction that makes the table what the policy says, whatever it was; for so many seconds, or for good.
pub fn rules(policy: &Policy, seconds: Option<u32>) -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n{}", table(policy, seconds))
}

/// The transaction that takes it away, whether it is there or not.
pub fn removal() -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n")
}

/// The transaction that lets a table stay that was loaded for a time.
pub fn lasting(policy: &Policy) -> String {
    format!(
        "flush set inet {TABLE} ports\nadd element inet {TABLE} ports {{ {} }}\n",
        ports(policy, None)
    )
}

/// The transaction that names the senders anew: a control group that was made again has the same name and another number.
pub fn renewal(policy: &Policy) -> String {
    let mut text = format!("flush chain inet {TABLE} mail\n");
    for rule in allowances(policy) {
        let _ = writeln!(text, "add rule inet {TABLE} mail {rule}");
    }
    let _ = writeln!(text, "add rule inet {TABLE} mail goto others");
    text
}

/// The table as it is shown to people.
pub fn table(policy: &Policy, seconds: Option<u32>) -> String {
    let mut t = format!("table inet {TABLE} {{\n");
    let _ = writeln!(
        t,
        "\tset ports {{\n\t\ttype inet_service\n\t\tflags timeout\n\t\telements = {{ {} }}\n\t}}",
        ports(policy, seconds)
    );
    addresses(&mut t, "relays", &policy.relays);
    memory(&mut t, "tried", "meta skuid");
    for counter in ["allowed", "others"] {
        let _ = writeln!(t, "\tcounter {counter} {{ }}");
    }
    let _ = writeln!(
        t,
        "\tchain output {{\n\t\ttype filter hook output priority {PRIORITY}; policy accept;\n\t\toifname \"lo\" accept\n\t\ttcp dport @ports {FIRST} jump mail\n\t}}"
    );
    t += "\tchain mail {\n";
    for rule in allowances(policy) {
        let _ = writeln!(t, "\t\t{rule}");
    }
    t += "\t\tgoto others\n\t}\n";
    others(&mut t, policy, "others", "tried", "meta skuid", policy.log_only);
    if policy.forward != Forward::Leave {
        forwarded(&mut t, policy);
    }
    t += "}\n";
    t
}

fn forwarded(t: &mut String, policy: &Policy) {
    addresses(t, "inside", &policy.inside);
    addresses(t, "inside_senders", &policy.inside_senders);
    memory(t, "behind", "saddr");
    let _ = writeln!(t, "\tcounter behind {{ }}");
    let _ = writeln!(
        t,
        "\tchain forward {{\n\t\ttype filter hook forward priority {PRIORITY}; policy accept;"
    );
    for (ip, v6, n) in [("ip", false, 4), ("ip6", true, 6)] {
        if policy.inside.iter().any(|net| is_v6(net) == v6) {
            let senders = if policy.inside_senders.iter().any(|net| is_v6(net) == v6) {
                format!(" {ip} saddr != @inside_senders{n}")
            } else {
                String::new()
            };
            let _ = writeln!(
                t,
                "\t\t{ip} saddr @inside{n} {ip} daddr != @inside{n}{senders} tcp dport @ports {FIRST} jump behind"
            );
        }
    }
    t.push_str("\t}\n");
    let let_out = policy.log_only || policy.forward == Forward::Log;
    others(t, policy, "behind", "behind", "saddr", let_out);
}

/// What becomes of the rest.
fn others(t: &mut String, policy: &Policy, chain: &str, set: &str, who: &str, let_out: bool) {
    let _ = writeln!(t, "\tchain {chain} {{\n\t\tcounter name \"{chain}\"");
    for (ip, n) in [("ip", 4), ("ip6", 6)] {
        let who = if who == "saddr" { format!("{ip} saddr") } else { who.to_owned() };
        let _ = writeln!(t, "\t\tupdate @{set}{n} {{ {who} . {ip} daddr . tcp dport }}");
    }
    let _ = writeln!(
        t,
        "\t\tlimit rate 10/second burst 50 packets log prefix \"{PREFIX}\" group {}",
        policy.log_group
    );
    if !let_out {
        t.push_str("\t\tmeta l4proto tcp reject with tcp reset\n");
    }
    t.push_str("\t}\n");
}

/// Rules that let senders out; those alike are one.
fn allowances(policy: &Policy) -> Vec<String> {
    let mut kinds: Vec<(&Sender, Vec<u32>)> = Vec::new();
    for sender in &policy.senders {
        let (group, id) = key(sender.who);
        let alike = kinds.iter_mut().find(|(first, _)| {
            key(first.who).0 == group
                && first.cgroup == sender.cgroup
                && first.mailer == sender.mailer
        });
        match alike {
            Some((_, ids)) => ids.push(id),
            None => kinds.push((sender, vec![id])),
        }
    }
    let mut rules = Vec::new();
    for (sender, mut ids) in kinds {
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        let mut who = format!("{} {{ {} }}", key(sender.who).0, ids.join(", "));
        if let Some(cgroup) = &sender.cgroup {
            let _ = write!(who, " socket cgroupv2 level {} \"{}\"", cgroup.level(), cgroup.path());
        }
        let end = "counter name \"allowed\" accept";
        if !sender.mailer || policy.relays.is_empty() {
            rules.push(format!("{who} {end}"));
            continue;
        }
        for (ip, v6, n) in [("ip", false, 4), ("ip6", true, 6)] {
            if policy.relays.iter().any(|net| is_v6(net) == v6) {
                rules.push(format!("{who} {ip} daddr @relays{n} {end}"));
            }
        }
    }
    rules
}

fn key(who: Who) -> (&'static str, u32) {
    match who {
        Who::Uid(id) => ("meta skuid", id),
        Who::Gid(id) => ("meta skgid", id),
    }
}

fn ports(policy: &Policy, seconds: Option<u32>) -> String {
    let one = |port: &u16| match seconds {
        Some(seconds) => format!("{port} timeout {seconds}s"),
        None => port.to_string(),
    };
    policy.ports.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn is_v6(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(_))
}

fn addresses(t: &mut String, name: &str, networks: &[IpNet]) {
    for (kind, v6, n) in [("ipv4_addr", false, 4), ("ipv6_addr", true, 6)] {
        let of: Vec<IpNet> =
            networks.iter().filter(|net| is_v6(net) == v6).map(IpNet::trunc).collect();
        // What overlaps is refused by the tool.
        let of: Vec<String> = IpNet::aggregate(&of).iter().map(IpNet::to_string).collect();
        if !of.is_empty() {
            let _ = writeln!(
                t,
                "\tset {name}{n} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{ {} }}\n\t}}",
                of.join(", ")
            );
        }
    }
}

fn memory(t: &mut String, name: &str, who: &str) {
    for (ip, n) in [("ip", 4), ("ip6", 6)] {
        let who = if who == "saddr" { format!("{ip} saddr") } else { who.to_owned() };
        let _ = writeln!(
            t,
            "\tset {name}{n} {{\n\t\ttypeof {who} . {ip} daddr . tcp dport\n\t\tsize {REMEMBERED}\n\t\tflags dynamic,timeout\n\t\tcounter\n\t\ttimeout 1d\n\t}}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;

    #[test]
    fn the_seeds_rules() {
        let mut policy = postfix();
        policy.forward = Forward::Leave;
        let text = rules(&policy, Some(120));
        assert!(
            text.starts_with("table inet heloscope_guard\ndelete table inet heloscope_guard\n")
        );
        for line in [
            "elements = { 25 timeout 120s, 465 timeout 120s, 587 timeout 120s }",
            "meta skuid { 102 } socket cgroupv2 level 2 \"system.slice/postfix.service\" counter name \"allowed\" accept",
            "meta l4proto tcp reject with tcp reset",
        ] {
            assert_eq!(text.matches(line).count(), 1, "{line}\n{text}");
        }
        assert!(!text.contains("hook forward"));
        assert!(!table(&policy, None).contains("5 timeout"));
    }

    #[test]
    fn senders_that_are_alike_share_a_rule_and_relays_have_one_a_family() {
        let mut policy = postfix();
        let unit = policy.senders[0].cgroup.clone();
        for (who, cgroup, mailer) in
            [(Who::Uid(0), unit, true), (Who::Gid(8), None, false), (Who::Uid(9), None, false)]
        {
            policy.senders.push(Sender { who, cgroup, name: String::new(), mailer });
        }
        policy.relays = vec!["198.51.100.7/32".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        assert_eq!(
            allowances(&policy),
            [
                "meta skuid { 0, 102 } socket cgroupv2 level 2 \"system.slice/postfix.service\" ip daddr @relays4 counter name \"allowed\" accept",
                "meta skuid { 0, 102 } socket cgroupv2 level 2 \"system.slice/postfix.service\" ip6 daddr @relays6 counter name \"allowed\" accept",
                "meta skgid { 8 } counter name \"allowed\" accept",
                "meta skuid { 9 } counter name \"allowed\" accept",
            ]
        );
    }
}
