//! What the dumps of a host show together, and what they leave in the dark: tables that were not
//! printed may drop, so that nothing is "allowed" on the word of the others alone.

use super::iptables;
use super::rules::{Kin, Table, Tool};
use super::{Extent, Family, RuleSet};

/// Tables whose chains a TCP connection passes and that may drop it.
const NEEDED: [&str; 4] = ["filter", "nat", "mangle", "raw"];

/// What is missing for a family; an error where nothing of it was handed over.
pub(super) fn hidden(sets: &[RuleSet], family: Family) -> Result<Vec<String>, String> {
    let name = match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let extents: Vec<Extent> = sets.iter().map(|s| s.extent(family)).collect();
    if extents.iter().all(|e| *e == Extent::Nothing) {
        let command = match family {
            Family::V4 => "iptables-save",
            Family::V6 => "ip6tables-save",
        };
        return Err(format!(
            "no rules for {name} were handed over: run `{command}` or `nft list ruleset` as root"
        ));
    }
    let (tool, mut hidden) = match family {
        Family::V4 => ("iptables", Vec::new()),
        Family::V6 => ("ip6tables", Vec::new()),
    };
    // "# Warning: iptables-legacy tables present": a second firewall stands beside this one.
    let warned = sets.iter().any(|s| s.warns_of_legacy);
    if warned && !sets.iter().any(|s| s.legacy == Some(true) && s.extent(family) != Extent::Nothing)
    {
        hidden.push(format!("{tool}-legacy has rules of its own: run `{tool}-legacy-save`"));
    }
    let cut =
        sets.iter().any(|s| s.extent(family) != Extent::Nothing && s.tables.iter().any(|t| t.cut));
    if cut {
        hidden.push("the dump is cut off, and what follows may stop it".to_owned());
    }
    if extents.contains(&Extent::All) {
        return Ok(hidden);
    }
    let tables: Vec<&Table> = tables(sets, family);
    let printed: Vec<&Table> =
        tables.iter().copied().filter(|t| t.tool == Tool::Iptables).collect();
    if printed.is_empty() {
        hidden.push(format!(
            "no table that filters {name} was handed over: run `nft list ruleset`, which shows all"
        ));
        return Ok(hidden);
    }
    let absent: Vec<&str> =
        NEEDED.into_iter().filter(|n| !printed.iter().any(|t| t.name == *n)).collect();
    if !absent.is_empty() {
        let (noun, verb) = if absent.len() == 1 { ("table", "was") } else { ("tables", "were") };
        hidden.push(format!(
            "the {noun} {} for {name} {verb} not handed over: run `{tool}-save`, which shows all",
            absent.join(", ")
        ));
    }
    for table in &printed {
        let missing: Vec<&str> = iptables::built_in(&table.name)
            .iter()
            .copied()
            .filter(|name| table.get(name).is_none_or(|(_, chain)| chain.base.is_none()))
            .collect();
        let elsewhere = |chain: &&str| {
            printed.iter().any(|t| {
                t.name == table.name && t.get(chain).is_some_and(|(_, c)| c.base.is_some())
            })
        };
        let missing: Vec<&str> = missing.into_iter().filter(|c| !elsewhere(c)).collect();
        if !missing.is_empty() {
            hidden.push(format!(
                "the dump does not show {} of the table {}",
                missing.join(", "),
                table.name
            ));
        }
    }
    Ok(hidden)
}

/// The tables that packets of a family pass. What iptables-nft keeps in nft's tables is shown by
/// both tools; iptables' own view of it says more, and is taken.
pub(super) fn tables(sets: &[RuleSet], family: Family) -> Vec<&Table> {
    let passes = |table: &&Table| match table.kin {
        Kin::V4 => family == Family::V4,
        Kin::V6 => family == Family::V6,
        Kin::Inet | Kin::Frames => true,
    };
    let all: Vec<&Table> = sets.iter().flat_map(|s| &s.tables).filter(passes).collect();
    let shown_by_iptables = |table: &&Table| {
        table.tool == Tool::Nft
            && table.kin != Kin::Inet
            && all.iter().any(|other| {
                other.tool == Tool::Iptables && other.name == table.name && is_twin(table, other)
            })
    };
    all.iter().filter(|t| !shown_by_iptables(t)).copied().collect()
}

/// Whether nft's table is the other's: the same chains with as many rules.
fn is_twin(nft: &Table, iptables: &Table) -> bool {
    nft.chains.iter().all(|chain| {
        iptables.get(&chain.name).is_some_and(|(_, other)| {
            other.rules.len() == chain.rules.len() && other.base.is_some() == chain.base.is_some()
        })
    })
}
