//! nftables' rules, as text and as JSON: both are read into the same tree of expressions and
//! from there into steps.

pub(crate) mod json;
pub(crate) mod meaning;
pub(crate) mod statements;
pub(crate) mod text;
pub(crate) mod tokens;
pub(crate) mod tree;

use super::rules::{Base, Hook, Kin, Verdict};

/// What was read of one ruleset.
#[derive(Debug, Default)]
pub(crate) struct Ruleset {
    pub(crate) tables: Vec<super::rules::Table>,
    pub(crate) notes: Vec<String>,
    pub(crate) rules: usize,
}

/// A table's family; None of those that no TCP connection passes.
pub(crate) fn kin(family: &str) -> Option<Kin> {
    Some(match family {
        "ip" => Kin::V4,
        "ip6" => Kin::V6,
        "inet" => Kin::Inet,
        "bridge" | "netdev" => Kin::Frames,
        _ => return None,
    })
}

pub(crate) fn hook(word: &str) -> Option<Hook> {
    Some(match word {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        "postrouting" => Hook::Postrouting,
        "ingress" => Hook::Ingress,
        "egress" => Hook::Egress,
        _ => return None,
    })
}

/// `filter`, `mangle - 5`, `-150`.
pub(crate) fn priority(words: &str, hook: Hook) -> i32 {
    let tight: String = words.chars().filter(|c| !c.is_whitespace()).collect();
    let at = tight.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(i, _)| i);
    let (name, more) = match at.and_then(|at| tight.split_at_checked(at)) {
        Some((name, more)) => (name, more),
        None => (tight.as_str(), ""),
    };
    let first: i32 = match name {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" | "out" => 100,
        number => number.parse().unwrap_or(if hook == Hook::Postrouting { 100 } else { 0 }),
    };
    let more: i32 = more.parse().unwrap_or(0);
    first.saturating_add(more)
}

pub(crate) fn base(kind: &str, hook: Hook, priority: i32, policy: &str) -> Base {
    let policy = match policy {
        "drop" => Verdict::Drop,
        "" | "accept" => Verdict::Accept,
        _ => Verdict::Elsewhere("a policy that is not understood".to_owned()),
    };
    Base { hook, priority, nat: kind == "nat", policy }
}
