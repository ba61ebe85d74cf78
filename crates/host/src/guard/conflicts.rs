//! What stands already and gets in the guard's way, or the guard in its: rules that stop or redirect mail ports, other
//! guards, and what removes rules behind everybody's back.
//!
//! In: the rules as the tools print them, without our own, and a few settings. Out: sentences. The rules are read by the
//! firewall evaluator that `investigate` uses; what it cannot tell is not said.

use super::loading::{Place, ToolError};
use super::policy::{Forward, Policy, Who};
use super::state::Tool;
use super::{CHAIN, TABLE, nft};
use heloscope_evidence::firewall::{self, Answer, Family, Origin, Question, RuleSet, User};
use heloscope_model::SourceId;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Bytes read of a settings file.
const FILE: usize = 1 << 20;

/// Something to know before the guard stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conflict {
    /// A word for it: `mail-server-stopped`, `redirected`, `other-guard`, ….
    pub kind: &'static str,
    /// A sentence.
    pub says: String,
}

/// What stands, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What printed it, and the text.
    pub dumps: Vec<(String, String)>,
    /// Files of settings that matter, and their text.
    pub files: Vec<(&'static str, String)>,
    /// What could not be read.
    pub unseen: Vec<String>,
}

/// Settings that matter.
const FILES: [&str; 4] = [
    "/etc/csf/csf.conf",
    "/etc/nftables.conf",
    "/etc/iptables/rules.v4",
    "/etc/sysconfig/iptables",
];

impl Standing {
    /// Asks the tools, and reads settings below a root.
    pub fn read(place: &Place, root: &Path) -> Self {
        let mut standing = Self::default();
        let mut asked = vec!["nft list ruleset"];
        // Asking would load the older modules where nobody uses them.
        for (names, save) in [
            ("proc/net/ip_tables_names", "iptables-legacy-save"),
            ("proc/net/ip6_tables_names", "ip6tables-legacy-save"),
        ] {
            if fs::read_to_string(root.join(names)).is_ok_and(|names| !names.trim().is_empty()) {
                asked.push(save);
            }
        }
        let mut missing = Vec::new();
        for command in asked {
            let words: Vec<&str> = command.split(' ').collect();
            match place.run(&words, "") {
                Ok(text) => standing.dumps.push((command.to_owned(), text)),
                Err(ToolError::Missing(program, _)) => missing.push(program),
                Err(error) => standing.unseen.push(format!("the rules that stand: {error}")),
            }
        }
        if missing.iter().any(|program| program == "nft") {
            for command in ["iptables-save", "ip6tables-save"] {
                match place.run(&[command], "") {
                    Ok(text) => standing.dumps.push((command.to_owned(), text)),
                    Err(error) => standing.unseen.push(format!("the rules that stand: {error}")),
                }
            }
        }
        for file in FILES {
            if let Ok(bytes) = fs::read(root.join(file.trim_start_matches('/'))) {
                let text = bytes.get(..bytes.len().min(FILE)).unwrap_or_default();
                standing.files.push((file, String::from_utf8_lossy(text).into_owned()));
            }
        }
        standing
    }

    fn sets(&self) -> Vec<RuleSet> {
        let mut sets = Vec::new();
        for (n, (command, text)) in self.dumps.iter().enumerate() {
            let source = SourceId(u32::try_from(n).unwrap_or(u32::MAX));
            sets.extend(firewall::read(without_ours(text).as_bytes(), source, 0, Some(command)));
        }
        sets
    }
}

/// A dump without what is ours.
pub fn without_ours(dump: &str) -> String {
    let mut text = String::with_capacity(dump.len());
    let mut ours = false;
    let begin = format!("table inet {TABLE} {{");
    for line in dump.split_inclusive('\n') {
        ours |= line.trim_end() == begin;
        let chain = line.contains(&format!(" {CHAIN}")) || line.contains(&format!(":{CHAIN}"));
        if !ours && !chain {
            text.push_str(line);
        }
        if line.trim_end() == "}" {
            ours = false;
        }
    }
    text
}

/// What a policy meets.
pub fn find(standing: &Standing, policy: &Policy, tool: Tool) -> Vec<Conflict> {
    let mut found = BTreeSet::new();
    let sets = standing.sets();
    for port in &policy.ports {
        for family in [Family::V4, Family::V6] {
            stopped(&sets, policy, *port, family, &mut found);
        }
        for finding in firewall::findings(&sets, *port) {
            let matters = match finding.rule {
                "redirected" | "tried" | "ipv6-open" | "logged-only" => true,
                "owner-never-sees-forwarded" => policy.forward == Forward::Leave,
                _ => false,
            };
            if matters {
                found.insert(Conflict { kind: finding.rule, says: finding.says });
            }
        }
    }
    for (command, text) in &standing.dumps {
        if command == "nft list ruleset" {
            hooks(&without_ours(text), &mut found);
        }
    }
    for (file, text) in &standing.files {
        settings(file, text, tool, &mut found);
    }
    found.into_iter().collect()
}

/// The mail server cannot get out, or nobody else can.
fn stopped(
    sets: &[RuleSet],
    policy: &Policy,
    port: u16,
    family: Family,
    found: &mut BTreeSet<Conflict>,
) {
    let over = if family == Family::V4 { "IPv4" } else { "IPv6" };
    let ask = |origin| firewall::ask(sets, &Question { origin, family, port });
    let rule = |answer: &Answer| {
        let Answer::Denied(places) = answer else { return None };
        let described = places.iter().find_map(|place| {
            sets.iter().filter(|s| s.source() == place.source).find_map(|s| s.describe(*place))
        });
        Some(described.unwrap_or_else(|| "a rule".to_owned()))
    };
    let mut open = false;
    for sender in policy.senders.iter().filter(|s| s.mailer) {
        let Who::Uid(uid) = sender.who else { continue };
        match rule(&ask(Origin::User(User::Id(uid)))) {
            Some(by) => {
                let says = format!(
                    "{} (uid {uid}) cannot reach port {port} over {over} as it is: {by} stops it, and the guard changes nothing about that",
                    sender.name
                );
                found.insert(Conflict { kind: "mail-server-stopped", says });
            }
            None => open = true,
        }
    }
    if let (true, Some(by)) = (open, rule(&ask(Origin::Anyone))) {
        let says = format!(
            "port {port} is shut to other programs over {over} already, by {by}: the guard is a second lock, and what the first stops it does not count"
        );
        found.insert(Conflict { kind: "shut-already", says });
    }
}

/// Chains of others at the hooks that the guard uses.
fn hooks(dump: &str, found: &mut BTreeSet<Conflict>) {
    let (mut table, mut chain) = ("", "");
    for line in dump.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("table ") {
            table = rest.trim_end_matches('{').trim();
        } else if let Some(rest) = line.strip_prefix("chain ") {
            chain = rest.trim_end_matches('{').trim();
        } else if let Some(rest) = line.strip_prefix("type ") {
            let Some((kind, rest)) = rest.split_once(" hook ") else { continue };
            let Some((hook, rest)) = rest.split_once(" priority ") else { continue };
            let priority = rest.split(';').next().unwrap_or_default().trim();
            if !matches!(hook, "output" | "forward") {
                continue;
            }
            let Some(number) = priority_of(priority) else { continue };
            let order = match number.cmp(&nft::PRIORITY) {
                std::cmp::Ordering::Less => {
                    "before the guard: what it drops never reaches the guard, and what it accepts the guard still asks about"
                }
                std::cmp::Ordering::Equal => {
                    "at the guard's own priority: which of them looks first is not fixed, and both must let a connection pass"
                }
                std::cmp::Ordering::Greater => {
                    "behind the guard: what the guard lets out it may still stop"
                }
            };
            let order = if kind == "nat" && number < nft::PRIORITY {
                "before the guard: where it changes a destination, the guard sees the new one"
            } else {
                order
            };
            found.insert(Conflict {
                kind: "hook",
                says: format!("table {table}, chain {chain} ({kind}, {hook}, priority {priority}) looks {order}"),
            });
        }
    }
}

/// `filter + 10`, `-100`.
fn priority_of(words: &str) -> Option<i32> {
    let tight: String = words.chars().filter(|c| !c.is_whitespace()).collect();
    if let Ok(number) = tight.parse() {
        return Some(number);
    }
    let at = tight.find(['+', '-']).unwrap_or(tight.len());
    let (name, more) = tight.split_at_checked(at)?;
    let base: i32 = match name {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        _ => return None,
    };
    if more.is_empty() {
        Some(base)
    } else {
        base.checked_add(more.trim_start_matches('+').parse().ok()?)
    }
}

fn settings(file: &str, text: &str, tool: Tool, found: &mut BTreeSet<Conflict>) {
    let lines = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let mut add = |kind, says| {
        found.insert(Conflict { kind, says });
    };
    match file {
        "/etc/csf/csf.conf" => {
            let on = |key: &str| {
                lines().any(|line| {
                    let value =
                        line.strip_prefix(key).and_then(|rest| rest.trim_start().strip_prefix('='));
                    value.is_some_and(|value| value.trim().trim_matches('"') == "1")
                })
            };
            if on("SMTP_BLOCK") {
                add("other-guard", "csf guards mail ports too (SMTP_BLOCK = \"1\" in /etc/csf/csf.conf): both must let a sender out; keep its SMTP_ALLOWUSER and this policy alike, or use one of them".to_owned());
            }
            if on("SMTP_REDIRECT") {
                add("other-guard", "csf sends other programs' connections to the local mail server (SMTP_REDIRECT in /etc/csf/csf.conf): they go by loopback, which the guard never stops".to_owned());
            }
        }
        "/etc/nftables.conf"
            if tool == Tool::Nft && lines().any(|l| l.starts_with("flush ruleset")) =>
        {
            add("removed-by-reload", "/etc/nftables.conf begins with `flush ruleset`: a reload of nftables.service removes the guard; apply it again afterwards (`guard status` says so)".to_owned());
        }
        "/etc/iptables/rules.v4" | "/etc/sysconfig/iptables" if tool == Tool::Iptables => {
            add(
                "removed-by-reload",
                format!(
                    "{file} is loaded as a whole by its service: a reload removes the guard, and saving the rules while the guard stands makes it part of that file"
                ),
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;

    fn found(dump: &str) -> Vec<Conflict> {
        let dumps = vec![("nft list ruleset".to_owned(), dump.to_owned())];
        find(&Standing { dumps, ..Standing::default() }, &postfix(), Tool::Nft)
    }

    #[test]
    fn rules_that_get_in_the_way() {
        for (rule, hook, kind, word) in [
            (
                "tcp dport 25 drop",
                "filter hook output priority 0",
                "mail-server-stopped",
                "postfix (uid 102)",
            ),
            (
                "tcp dport 25 meta skuid != 102 reject",
                "filter hook output priority 0",
                "shut-already",
                "second lock",
            ),
            (
                "tcp dport 25 redirect to :2525",
                "nat hook output priority -100",
                "redirected",
                "this host itself",
            ),
            ("tcp dport 80 accept", "filter hook output priority 300", "hook", "behind the guard"),
            ("tcp dport 80 accept", "nat hook output priority dstnat", "hook", "the new one"),
        ] {
            let dump = format!(
                "table inet x {{\n\tchain o {{\n\t\ttype {hook}; policy accept;\n\t\t{rule}\n\t}}\n}}\n"
            );
            let found = found(&dump);
            assert!(
                found.iter().any(|c| c.kind == kind && c.says.contains(word)),
                "{rule}: {found:#?}"
            );
        }
    }

    #[test]
    fn nothing_is_said_of_what_does_not_matter() {
        let dump = "table inet x {\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t\tct state established,related accept\n\t\ttcp dport 25 accept\n\t}\n}\n";
        assert_eq!(found(dump), []);
        assert_eq!(found(""), []);
    }

    #[test]
    fn our_own_is_no_conflict() {
        let others = "table ip a {\n\tchain x {\n\t}\n}\n";
        let ours = nft::table(&postfix(), None);
        let both = format!("{others}{ours}{others}");
        assert_eq!(without_ours(&both), format!("{others}{others}"));
        assert_eq!(found(&ours), []);
    }

    #[test]
    fn other_guards_and_what_removes_this_one() {
        for (file, text, tool, kind) in [
            ("/etc/csf/csf.conf", "SMTP_BLOCK = \"1\"\n", Tool::Nft, Some("other-guard")),
            ("/etc/csf/csf.conf", "#SMTP_BLOCK = \"1\"\nSMTP_BLOCK = \"0\"\n", Tool::Nft, None),
            (
                "/etc/nftables.conf",
                "#!/usr/sbin/nft -f\n\nflush ruleset\n",
                Tool::Nft,
                Some("removed-by-reload"),
            ),
            ("/etc/nftables.conf", "flush ruleset\n", Tool::Iptables, None),
            ("/etc/iptables/rules.v4", "*filter\n", Tool::Iptables, Some("removed-by-reload")),
        ] {
            let standing = Standing { files: vec![(file, text.to_owned())], ..Standing::default() };
            let found = find(&standing, &postfix(), tool);
            assert_eq!(found.first().map(|c| c.kind), kind, "{file}");
        }
    }
}
