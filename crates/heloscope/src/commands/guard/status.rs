//! `guard status`: whether it stands, what it counted, who tried lately.

use super::complain;
use crate::cli::guard::Status;
use crate::outcome::Outcome;
use anyhow::Result;
use heloscope_host::guard::loading::Place;
use heloscope_host::guard::mailer::Surroundings;
use heloscope_host::guard::rollback::ChangeError;
use heloscope_host::guard::state::{self, State, Tool, since_boot};
use heloscope_host::guard::status::{Counted, read, stale};
use heloscope_host::guard::{TABLE, iptables};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Of those who tried, as many are printed.
const SHOWN: usize = 20;

pub(super) fn run(args: &Status) -> Result<Outcome> {
    let state = match state::read(&args.place.state) {
        Ok(state) => state,
        Err(error) => return complain(&ChangeError::State(error)),
    };
    let place = Place::default();
    let Some(state) = state else {
        // Rules of ours without a state: somebody removed the file.
        let left = place.stands(Tool::Nft).unwrap_or(false);
        if args.json {
            println!(
                "{}",
                json!({"format": "heloscope.guard-status/1", "stands": left, "known": false})
            );
        } else if left {
            println!(
                "Rules of the guard stand, but nothing says whose: `heloscope guard revert` removes them."
            );
        } else {
            println!("No guard stands.");
        }
        return Ok(if left { Outcome::Attention } else { Outcome::Done });
    };
    let looked = look(&place, &state);
    let (stands, counted, stale) = match looked {
        Ok(looked) => looked,
        Err(error) => return complain(&error.into()),
    };
    let over = stands && state.until.is_some_and(|until| until <= since_boot());
    let attention = !stands || over || !stale.is_empty();
    if args.json {
        let document = json!({
            "format": "heloscope.guard-status/1",
            "known": true,
            "stands": stands,
            "confirmed": state.until.is_none(),
            "seconds_left": state.until.map(|until| until.saturating_sub(since_boot())),
            "with": state.with,
            "policy": state.policy,
            "counted": counted,
            "stale": stale,
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        tell(&state, stands, &counted, &stale)?;
    }
    Ok(if attention { Outcome::Attention } else { Outcome::Done })
}

fn look(
    place: &Place,
    state: &State,
) -> Result<(bool, Counted, Vec<String>), heloscope_host::guard::loading::ToolError> {
    let stands = place.stands(state.with)?;
    if !stands {
        return Ok((false, Counted::default(), Vec::new()));
    }
    match state.with {
        Tool::Nft => {
            let text = place.run(&["nft", "-j", "list", "table", "inet", TABLE], "")?;
            let rules = place.run(&["nft", "list", "chain", "inet", TABLE, "mail"], "")?;
            Ok((true, read(&text), stale(&rules, &state.policy)))
        }
        Tool::Iptables => {
            let mut counted = Counted::default();
            for family in iptables::FAMILIES {
                let saved = place.run(&[family.save, "-c", "-t", "filter"], "").unwrap_or_default();
                counted.others +=
                    iptables::counted(&saved, heloscope_host::guard::CHAIN).unwrap_or(0);
            }
            counted.ports = state.policy.ports.iter().copied().collect();
            Ok((true, counted, Vec::new()))
        }
    }
}

fn tell(state: &State, stands: bool, counted: &Counted, stale: &[String]) -> Result<()> {
    let out = &mut std::io::stdout().lock();
    if !stands {
        writeln!(
            out,
            "The guard was applied, but its rules are gone: something else removed them (a reload of the firewall?). Apply them again."
        )?;
        return Ok(());
    }
    match state.until {
        None => writeln!(out, "The guard stands and was confirmed.")?,
        Some(until) if until <= since_boot() => writeln!(
            out,
            "The guard's trial is over, and the process that takes it back has not done so: `heloscope guard revert` does."
        )?,
        Some(until) => writeln!(
            out,
            "The guard is on trial for {} seconds more: `heloscope guard confirm` keeps it.",
            until.saturating_sub(since_boot())
        )?,
    }
    let names: Vec<String> =
        state.policy.senders.iter().map(|s| format!("{} ({})", s.name, s.who)).collect();
    writeln!(out, "Let out: {}; {} connections.", names.join(", "), counted.allowed)?;
    let rest = if state.policy.log_only { "Logged" } else { "Refused" };
    writeln!(out, "{rest}: {} attempts of programs of this host.", counted.others)?;
    if let Some(behind) = counted.behind {
        writeln!(out, "Of machines behind this host: {behind} attempts.")?;
    }
    let at = Surroundings::read(Path::new("/"));
    for tried in counted.tried.iter().take(SHOWN) {
        let name = tried.who.parse().ok().and_then(|uid| at.user(uid));
        let who = match name {
            Some(name) => format!("uid {} ({name})", tried.who),
            None => tried.who.clone(),
        };
        let ago = tried.ago.map_or_else(String::new, |ago| format!(", last {ago} s ago"));
        writeln!(out, "  {who} to {} port {}: {} times{ago}", tried.to, tried.port, tried.times)?;
    }
    if counted.tried.len() > SHOWN {
        writeln!(out, "  and {} more (--json has all)", counted.tried.len() - SHOWN)?;
    }
    for what in stale {
        writeln!(out, "{what}")?;
    }
    Ok(())
}
