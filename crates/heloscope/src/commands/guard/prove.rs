//! `guard prove`: a table of who, to where, what was expected and what happened.

use super::plan::Plan;
use super::{complain, need_root, own_program};
use crate::cli::guard::Prove;
use crate::outcome::{Outcome, Refused};
use anyhow::Result;
use heloscope_host::guard::attempt::Happened;
use heloscope_host::guard::policy::{Policy, Verdict};
use heloscope_host::guard::prove::{Ground, Proof, ProveError, prove};
use heloscope_host::guard::rollback::ChangeError;
use heloscope_host::guard::state;
use serde_json::json;
use std::io::Write;

pub(super) fn run(args: &Prove) -> Result<Outcome> {
    need_root("trying as other users, in namespaces,")?;
    let standing = match state::read(&args.place.state) {
        Ok(state) => state,
        Err(error) => return complain(&ChangeError::State(error)),
    };
    let mut plan = Plan::make(&args.wishes);
    if let Some(missing) = plan.missing.take() {
        return complain(&missing.into());
    }
    let made = match (&standing, args.sink) {
        (Some(state), Some(sink)) => {
            Ground::named(sink).map(|g| (g, state.policy.clone(), "the guard that stands"))
        }
        (Some(state), None) => {
            Ground::live(&state.policy).map(|g| (g, state.policy.clone(), "the guard that stands"))
        }
        (None, Some(_)) => {
            let words = "no guard stands here, so there is nothing to try against another machine: apply one first, or leave --sink out to try the plan in namespaces of its own";
            return Err(Refused(words.to_owned()).into());
        }
        (None, None) => {
            plan.must_be_sound()?;
            apart(&plan).map(|g| (g, plan.policy.clone(), "the plan, in namespaces of its own"))
        }
    };
    let (ground, policy, what) = match made {
        Ok(made) => made,
        Err(ProveError::Tool(error)) => return complain(&error.into()),
        Err(ProveError::Own(address)) => {
            return Err(Refused(ProveError::Own(address).to_string()).into());
        }
        Err(error) => return Err(error.into()),
    };
    let proof = prove(&own_program(), &ground, &policy, &plan.at);
    drop(ground);
    if args.json {
        let document = json!({
            "format": "heloscope.guard-proof/1",
            "of": what,
            "holds": proof.holds(),
            "rows": proof.rows,
            "untried": proof.untried,
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        tell(&proof, &policy, what)?;
    }
    Ok(if proof.holds() { Outcome::Done } else { Outcome::Attention })
}

/// Namespaces with the planned rules.
fn apart(plan: &Plan) -> Result<Ground, ProveError> {
    let ground = Ground::apart(&plan.policy)?;
    ground.host.load(plan.tool, &plan.policy, None)?;
    Ok(ground)
}

fn tell(proof: &Proof, policy: &Policy, what: &str) -> Result<()> {
    let out = &mut std::io::stdout().lock();
    writeln!(out, "Tried: {what}.\n")?;
    let wide = proof.rows.iter().map(|row| row.who.chars().count()).max().unwrap_or(3);
    writeln!(
        out,
        "{:wide$}  {:4}  {:>5}  {:8}  {:8}",
        "who", "over", "port", "expected", "happened"
    )?;
    for row in &proof.rows {
        let family = if row.to.is_ipv4() { "IPv4" } else { "IPv6" };
        let expected = match row.expected {
            Verdict::Allowed => "passes",
            Verdict::Logged => "logged",
            Verdict::Refused => "refused",
            Verdict::Unclear => "unclear",
        };
        let happened = match &row.happened {
            Happened::Reached => "passed",
            Happened::Refused => "refused",
            Happened::Silence => "silence",
            Happened::Untried(why) => why,
        };
        let relay = policy.relays.iter().any(|net| net.contains(&row.to.ip()));
        let relay = if relay { " (a relay)" } else { "" };
        let mark = if row.agrees { "" } else { "  DISAGREES" };
        writeln!(
            out,
            "{:wide$}  {family}  {:>5}  {expected:8}  {happened:8}{relay}{mark}",
            row.who,
            row.to.port()
        )?;
    }
    for untried in &proof.untried {
        writeln!(out, "Not tried: {untried}.")?;
    }
    let wrong = proof.rows.iter().filter(|row| !row.agrees).count();
    match (proof.rows.len(), wrong) {
        (0, _) => writeln!(out, "\nNothing could be tried.")?,
        (n, 0) => writeln!(out, "\nThe kernel does what was planned: {n} of {n}.")?,
        (n, wrong) => writeln!(
            out,
            "\nThe kernel disagrees in {wrong} of {n}: see what else filters (heloscope guard plan)."
        )?,
    }
    Ok(())
}
