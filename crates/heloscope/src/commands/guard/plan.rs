//! `guard plan`: what would be loaded, what it would have stopped, what gets in its way. Changes nothing; the kernel is
//! asked whether it would take the rules where this user may ask it.

use super::tool;
use crate::cli::guard::{self as typed, Forward as Typed, Wishes};
use crate::outcome::{Outcome, Refused, Unreadable};
use anyhow::{Context, Result};
use heloscope_host::guard::conflicts::{self, Conflict, Standing};
use heloscope_host::guard::loading::{Place, ToolError};
use heloscope_host::guard::mailer::{self, Found, Surroundings};
use heloscope_host::guard::past::{Past, Sent, Weighing};
use heloscope_host::guard::policy::{Forward, PORTS, Policy, Sender, Who};
use heloscope_host::guard::state::Tool;
use heloscope_host::guard::{TABLE, iptables, nft};
use heloscope_host::store::read;
use ipnet::IpNet;
use serde_json::json;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Networks that are nobody's on the Internet.
const PRIVATE: [&str; 5] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
/// Senders of the past that are printed.
const SHOWN: usize = 20;

/// What is meant, and on what it rests.
pub(super) struct Plan {
    pub(super) at: Surroundings,
    pub(super) found: Found,
    pub(super) policy: Policy,
    pub(super) tool: Tool,
    /// Neither tool is here; the plan is shown all the same.
    pub(super) missing: Option<ToolError>,
    notes: Vec<String>,
}

impl Plan {
    /// From what is wished and what is here.
    pub(super) fn make(wishes: &Wishes) -> Self {
        let at = Surroundings::read(Path::new("/"));
        let found = mailer::find(&at);
        let mut notes = Vec::new();
        let place = Place::default();
        let (tool, missing) = match wishes.with.map_or_else(|| place.tool(), |with| Ok(tool(with)))
        {
            Ok(tool) => (tool, None),
            Err(error) => (Tool::Nft, Some(error)),
        };
        let mut senders = found.senders(!wishes.uid_only);
        for name in &wishes.allow_uid {
            match at.uid(name) {
                Some(uid) => senders.push(Sender {
                    who: Who::Uid(uid),
                    cgroup: None,
                    name: at.user(uid).unwrap_or(name).to_owned(),
                    mailer: false,
                }),
                None => notes.push(format!("no user {name} on this host: not let out")),
            }
        }
        let forward = match wishes.forward {
            Typed::Block => Forward::Block,
            Typed::Log => Forward::Log,
            Typed::Leave => Forward::Leave,
        };
        let mut inside = wishes.inside.clone();
        if inside.is_empty() && forward != Forward::Leave {
            inside = PRIVATE.iter().filter_map(|net| net.parse::<IpNet>().ok()).collect();
            notes.push("machines behind this host are taken to have private addresses; those with public ones (IPv6 mostly) are not asked about unless --inside names them".to_owned());
        }
        if forward == Forward::Leave {
            notes.push("forwarded traffic (NAT, VPN, containers) is left as it is: --forward block or log asks about it".to_owned());
        }
        let ports = if wishes.port.is_empty() { PORTS.to_vec() } else { wishes.port.clone() };
        let policy = Policy {
            ports: ports.into_iter().collect(),
            senders,
            relays: wishes.to.clone(),
            log_only: wishes.log_only,
            forward,
            inside,
            inside_senders: wishes.allow_from.clone(),
            log_group: wishes.log_group,
        };
        if tool == Tool::Iptables {
            notes.push("iptables: who tried is not kept, only counted, and nothing but the watching process takes a trial back".to_owned());
        }
        Self { at, found, policy, tool, missing, notes }
    }

    /// Refuses what would lock everybody out, or means nothing.
    pub(super) fn must_be_sound(&self) -> Result<()> {
        if self.policy.senders.is_empty() {
            let words = "no mail server was found that a rule can name, so nobody would be let out: name who may send with --allow-uid (heloscope guard plan says what was looked at)";
            return Err(Refused(words.to_owned()).into());
        }
        match self.policy.fault() {
            Some(fault) => Err(Refused(format!("these rules are not loaded: {fault}")).into()),
            None => Ok(()),
        }
    }

    /// The rules as the tools take them.
    fn rules(&self) -> String {
        match self.tool {
            Tool::Nft => nft::table(&self.policy, None),
            Tool::Iptables => iptables::FAMILIES
                .iter()
                .map(|f| format!("# {}\n{}", f.restore, iptables::rules(&self.policy, f.v6, "")))
                .collect(),
        }
    }

    /// What the rules cannot do, on stderr, before they are loaded.
    pub(super) fn tell_limits(&self) {
        let running = self.found.mailers.iter().any(|m| m.running);
        for mailer in self.found.mailers.iter().filter(|m| m.running || !running) {
            for limit in &mailer.limits {
                eprintln!("heloscope: {}: {limit}", mailer.name);
            }
        }
        for note in self.found.notes.iter().chain(&self.notes) {
            eprintln!("heloscope: {note}");
        }
    }
}

pub(super) fn run(args: &typed::Plan) -> Result<Outcome> {
    let plan = Plan::make(&args.wishes);
    let fault = plan.policy.fault();
    if args.rules {
        plan.must_be_sound()?;
        plan.tell_limits();
        print!("{}", plan.rules());
        return Ok(Outcome::Done);
    }
    let place = Place::default();
    let standing = Standing::read(&place, Path::new("/"));
    let conflicts = conflicts::find(&standing, &plan.policy, plan.tool);
    let kernel = match (&fault, &plan.missing) {
        (Some(_), _) => None,
        (None, Some(missing)) => Some(Err(missing.to_string())),
        (None, None) => Some(place.check(plan.tool, &plan.policy).map_err(|e| e.to_string())),
    };
    let past = args.record.as_deref().map(|folder| past(folder, &plan.policy)).transpose()?;
    let mut unseen = plan.found.notes.clone();
    unseen.extend(standing.unseen.iter().cloned());
    if args.json {
        let document = json!({
            "format": "heloscope.guard/1",
            "with": plan.tool,
            "mailers": plan.found.mailers,
            "policy": plan.policy,
            "fault": fault,
            "rules": plan.rules(),
            "kernel": kernel.as_ref().map(|k| match k { Ok(()) => "takes them".to_owned(), Err(e) => e.clone() }),
            "conflicts": conflicts,
            "past": past,
            "notes": plan.notes,
            "unseen": unseen,
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
        return Ok(Outcome::Done);
    }
    tell(
        &plan,
        fault.as_deref(),
        kernel.as_ref(),
        &conflicts,
        &unseen,
        args.record.as_deref().zip(past.as_ref()),
    )?;
    Ok(Outcome::Done)
}

/// What of the record the policy would have stopped.
fn past(folder: &Path, policy: &Policy) -> Result<Past> {
    if !folder.is_dir() {
        return Err(
            Unreadable(format!("{} is no folder of `heloscope record`", folder.display())).into()
        );
    }
    let groups = policy.senders.iter().filter_map(|s| s.cgroup.as_ref()).filter_map(|cgroup| {
        let meta = std::fs::metadata(format!("/sys/fs/cgroup/{}", cgroup.path())).ok()?;
        Some((meta.ino(), cgroup.path()))
    });
    let own: Vec<IpAddr> = heloscope_host::addresses::own()
        .context("reading this host's addresses")?
        .into_iter()
        .collect();
    let mut weighing = Weighing::new(policy, groups.collect(), &own);
    let read = read::lines(folder, None, &mut |_, line| {
        weighing.line(line);
        Ok(())
    })?;
    for cut in read.cut {
        eprintln!("heloscope: {cut}; what stands before was read");
    }
    Ok(weighing.end())
}

fn tell(
    plan: &Plan,
    fault: Option<&str>,
    kernel: Option<&Result<(), String>>,
    conflicts: &[Conflict],
    unseen: &[String],
    past: Option<(&Path, &Past)>,
) -> Result<()> {
    let out = &mut std::io::stdout().lock();
    for mailer in &plan.found.mailers {
        let who: Vec<String> = mailer.who.iter().map(ToString::to_string).collect();
        let runs = if mailer.running { "runs" } else { "is installed and does not run" };
        let who = if who.is_empty() { "nobody of its own".to_owned() } else { who.join(", ") };
        writeln!(
            out,
            "Mail server: {} {runs}; sends as {who} ({})",
            mailer.name,
            mailer.seen.join("; ")
        )?;
        for limit in &mailer.limits {
            writeln!(out, "  limit: {limit}")?;
        }
    }
    if plan.found.mailers.is_empty() {
        writeln!(out, "Mail server: none was found.")?;
    }
    for sender in plan.policy.senders.iter().filter(|s| !s.mailer) {
        writeln!(out, "Also let out: {} ({})", sender.name, sender.who)?;
    }
    let ports: Vec<String> = plan.policy.ports.iter().map(u16::to_string).collect();
    let rest = if plan.policy.log_only { "let through" } else { "reset" };
    writeln!(
        out,
        "Ports {} over IPv4 and IPv6: everybody else is counted, logged (group {}) and {rest}. Loopback is never stopped, open sessions live on.",
        ports.join(", "),
        plan.policy.log_group
    )?;
    if !plan.policy.relays.is_empty() {
        let relays: Vec<String> = plan.policy.relays.iter().map(ToString::to_string).collect();
        writeln!(out, "The mail server itself gets to {} only.", relays.join(", "))?;
    }
    for note in &plan.notes {
        writeln!(out, "Note: {note}.")?;
    }
    match fault {
        Some(fault) => writeln!(out, "\nThese rules would not be loaded: {fault}.")?,
        None => {
            let ours = match plan.tool {
                Tool::Nft => format!("table inet {TABLE}"),
                Tool::Iptables => "chains of our own".to_owned(),
            };
            writeln!(out, "\nThe rules ({ours}; nothing else is touched):\n\n{}", plan.rules())?;
        }
    }
    match kernel {
        Some(Ok(())) => writeln!(out, "The kernel would take them.")?,
        Some(Err(why)) => writeln!(out, "Whether the kernel takes them: {why}")?,
        None => {}
    }
    for conflict in conflicts {
        writeln!(
            out,
            "Standing rules ({}): {}.",
            conflict.kind,
            conflict.says.trim_end_matches('.')
        )?;
    }
    if let Some((folder, past)) = past {
        tell_past(out, plan, folder, past)?;
    }
    for what in unseen {
        writeln!(out, "Not seen: {what}.")?;
    }
    writeln!(
        out,
        "\nNothing was changed. `heloscope guard apply` loads these rules and takes them back unless they are confirmed."
    )?;
    Ok(())
}

fn tell_past(out: &mut impl Write, plan: &Plan, folder: &Path, past: &Past) -> Result<()> {
    let (Some(first), Some(last)) = (&past.first, &past.last) else {
        writeln!(out, "The record {} holds no connection to these ports.", folder.display())?;
        return Ok(());
    };
    writeln!(
        out,
        "\nOf what {} holds, {first} to {last}: {} let out.",
        folder.display(),
        past.allowed
    )?;
    let would =
        if plan.policy.log_only { "would have been logged" } else { "would have been refused" };
    let mut each = |all: &[Sent], what: &str| -> Result<()> {
        for sent in all.iter().take(SHOWN) {
            let who = match sent.uid {
                Some(uid) => format!(" (uid {uid}, {})", plan.at.user(uid).unwrap_or("no name")),
                None => " (behind this host)".to_owned(),
            };
            let servers: Vec<String> = sent.servers.iter().map(ToString::to_string).collect();
            writeln!(
                out,
                "  {}{who} to port {}: {} times {what}, {} to {}, to {}",
                sent.what,
                sent.port,
                sent.connections,
                sent.first,
                sent.last,
                servers.join(", ")
            )?;
        }
        if all.len() > SHOWN {
            writeln!(out, "  and {} more (--json has all)", all.len() - SHOWN)?;
        }
        Ok(())
    };
    each(&past.stopped, would)?;
    each(
        &past.unclear,
        "with the mail server's user in another control group than today's (before a restart its own, otherwise a stranger's)",
    )?;
    for (n, what) in [
        (past.lost, "events that the recorder lost"),
        (past.strange, "lines that were not understood"),
        (past.beyond, "connections of more senders than are told apart"),
    ] {
        if n > 0 {
            writeln!(out, "  besides {n} {what}")?;
        }
    }
    Ok(())
}
