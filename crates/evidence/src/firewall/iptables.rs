//! What iptables and ip6tables print, in both forms, has in common: the tables' chains in their
//! hooks, the targets, and how one tells IPv4 from IPv6.

pub(crate) mod list;
pub(crate) mod options;
pub(crate) mod save;

use super::rules::{Base, Hook, Mark, Step, Test, Translation, Verdict};
use super::{Family, names};

/// A built-in chain of a table.
pub(crate) fn base(table: &str, chain: &str, policy: Verdict) -> Option<Base> {
    let hook = match chain {
        "PREROUTING" => Hook::Prerouting,
        "INPUT" => Hook::Input,
        "FORWARD" => Hook::Forward,
        "OUTPUT" => Hook::Output,
        "POSTROUTING" => Hook::Postrouting,
        _ => return None,
    };
    let nat = table == "nat";
    let priority = match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" if matches!(hook, Hook::Input | Hook::Postrouting) => 100,
        "nat" => -100,
        "security" => 50,
        _ => 0,
    };
    Some(Base { hook, priority, nat, policy })
}

/// The built-in chains of a table.
pub(crate) fn built_in(table: &str) -> &'static [&'static str] {
    match table {
        "raw" => &["PREROUTING", "OUTPUT"],
        "nat" => &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
        "mangle" => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
        _ => &["INPUT", "FORWARD", "OUTPUT"],
    }
}

/// A policy's word.
pub(crate) fn policy(word: &str) -> Option<Verdict> {
    match word {
        "ACCEPT" => Some(Verdict::Accept),
        "DROP" => Some(Verdict::Drop),
        "REJECT" => Some(Verdict::Reject),
        "QUEUE" => Some(Verdict::Elsewhere("a program decides (QUEUE)".to_owned())),
        _ => None,
    }
}

/// The words of a target's options, wherever they come from.
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    pub(crate) goto: bool,
    /// `--set-xmark 0x1/0x1`, as pairs of option and value.
    pub(crate) options: Vec<(String, String)>,
}

impl Target<'_> {
    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// What the rule does to packets that match.
    pub(crate) fn step(&self, table: &str, chain: &str) -> Option<Step> {
        let nothing = None;
        Some(match self.name {
            "" => return nothing,
            _ if self.goto => Step::Verdict(Verdict::Goto(self.name.to_owned())),
            "ACCEPT" => Step::Verdict(Verdict::Accept),
            "DROP" => Step::Verdict(Verdict::Drop),
            "REJECT" => Step::Verdict(Verdict::Reject),
            "RETURN" => Step::Verdict(Verdict::Return),
            "QUEUE" | "NFQUEUE" => {
                Step::Verdict(Verdict::Elsewhere(format!("a program decides ({})", self.name)))
            }
            "LOG" | "NFLOG" | "ULOG" => Step::Log,
            "MARK" => Step::SetMark { mark: Mark::Packet, change: self.mark_change() },
            "CONNMARK" => self.connection_mark(),
            "NOTRACK" => Step::Untrack,
            "CT" if self.option("--notrack").is_some() => Step::Untrack,
            "REDIRECT" => Step::Translate(Translation::Here),
            "DNAT" => Step::Translate(Translation::Destination(
                self.option("--to-destination").and_then(destination),
            )),
            "NETMAP" if matches!(chain, "PREROUTING" | "OUTPUT") => {
                Step::Translate(Translation::Destination(None))
            }
            "SNAT" | "MASQUERADE" | "NETMAP" if table == "nat" => {
                Step::Translate(Translation::Source)
            }
            // A packet that may not go far is lost on its way.
            "TTL" | "HL" => {
                let to = self.option("--ttl-set").or_else(|| self.option("--hl-set"));
                let far = to.and_then(|to| to.parse::<u8>().ok()).is_some_and(|to| to >= 32);
                let more = ["--ttl-inc", "--hl-inc"].iter().any(|o| self.option(o).is_some());
                if far || more {
                    return nothing;
                }
                Step::Strange(format!("{} changes how far packets go", self.name))
            }
            "CT" | "TCPMSS" | "TCPOPTSTRIP" | "TOS" | "DSCP" | "ECN" | "CLASSIFY" | "CHECKSUM"
            | "SET" | "TRACE" | "TEE" | "SECMARK" | "CONNSECMARK" | "RATEEST" | "IDLETIMER"
            | "LED" | "AUDIT" | "DNPT" | "SNPT" | "ACCOUNT" | "FLOWOFFLOAD" => return nothing,
            "HMARK" => Step::SetMark { mark: Mark::Packet, change: None },
            "TPROXY" | "SYNPROXY" | "TARPIT" | "STEAL" | "MIRROR" | "CLUSTERIP" | "DELUDE"
            | "CHAOS" => Step::Verdict(Verdict::Elsewhere(format!("the target {}", self.name))),
            name => Step::Verdict(Verdict::Jump(name.to_owned())),
        })
    }

    /// MARK's options as bits cleared and bits xored in.
    fn mark_change(&self) -> Option<(u32, u32)> {
        for (option, value) in &self.options {
            let (bits, mask) = names::masked(value)?;
            return match option.as_str() {
                "--set-xmark" => Some((mask, bits)),
                "--set-mark" => Some((mask | bits, bits)),
                "--or-mark" => Some((bits, bits)),
                "--and-mark" => Some((!bits, 0)),
                "--xor-mark" => Some((0, bits)),
                _ => continue,
            };
        }
        None
    }

    fn connection_mark(&self) -> Step {
        let whole = ["--nfmask", "--ctmask", "--mask"]
            .iter()
            .all(|m| self.option(m).is_none_or(|v| names::number(v) == Some(u32::MAX)));
        let to = if self.option("--save-mark").is_some() {
            Some(Mark::Connection)
        } else if self.option("--restore-mark").is_some() {
            Some(Mark::Packet)
        } else {
            None
        };
        match to {
            Some(to) if whole => Step::CopyMark { to },
            Some(mark) => Step::SetMark { mark, change: None },
            None => Step::SetMark { mark: Mark::Connection, change: self.mark_change() },
        }
    }
}

/// `192.0.2.1:25`, `[2001:db8::1]:25`, an address alone.
pub(crate) fn destination(word: &str) -> Option<std::net::IpAddr> {
    if let Ok(ip) = word.parse() {
        return Some(ip);
    }
    if let Some(rest) = word.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    word.rsplit_once(':')?.0.parse().ok()
}

/// Marks of a family in a line of a dump: a comment or command, a rule.
pub(crate) fn family_of(line: &str) -> Option<Family> {
    // Comments and prefixes are anybody's words.
    let line = line.split(['"']).next().unwrap_or_default();
    let line = line.split("/*").next().unwrap_or_default();
    if line.contains("ip6tables") || line.contains("icmp6-") || line.contains("ipv6-icmp") {
        return Some(Family::V6);
    }
    if line.contains("iptables") && !line.contains("legacy tables present") {
        return Some(Family::V4);
    }
    for word in line.split([' ', ',', '\t']) {
        let word = word.trim_start_matches('!');
        let ip = word.split(['/', '-']).next().unwrap_or_default();
        if let Ok(ip) = ip.parse::<std::net::IpAddr>() {
            return Some(if ip.is_ipv4() { Family::V4 } else { Family::V6 });
        }
    }
    if line.contains("icmp-") || line.contains(" icmp ") {
        return Some(Family::V4);
    }
    None
}

/// A test that cannot be answered from the dump.
pub(crate) fn maybe(what: &str) -> Test {
    Test::Maybe(what.chars().take(120).collect())
}
