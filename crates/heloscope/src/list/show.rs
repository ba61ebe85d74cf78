//! `list show` and `list status`: what stands on the list, what is known of an address, what the operator
//! has ordered.

use super::access::{Access, unexpected};
use super::order::{Answer, Dossier, Request, Status};
use super::{many, plain, second};
use crate::outcome::Outcome;
use anyhow::Result;
use heloscope_ledger::{OperatorEvidence, Past, PublicListing, Sublist, Told};
use heloscope_model::Time;
use ipnet::IpNet;
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::net::IpAddr;

/// Everything, what lies in a network, or all about an address.
pub(crate) fn show(access: &Access, of: Option<IpNet>, json: bool) -> Result<Outcome> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let listed = match of {
        Some(net) if net.prefix_len() == net.max_prefix_len() => {
            address(access, net.addr(), json, &mut out)?
        }
        within => listings(access, within, json, &mut out)? > 0 && within.is_some(),
    };
    out.flush()?;
    Ok(if listed { Outcome::Attention } else { Outcome::Done })
}

/// Calls with every listing, page by page.
pub(crate) fn each(
    access: &Access,
    within: Option<IpNet>,
    mut take: impl FnMut(&PublicListing) -> Result<()>,
) -> Result<u64> {
    let (mut after, mut count) = (None, 0);
    loop {
        match access.ask(Request::Listings { within, after })? {
            Answer::Listings { listings, more } => {
                listings.iter().try_for_each(&mut take)?;
                count += listings.len() as u64;
                after = listings.last().map(|l| l.prefix);
                if !more || after.is_none() {
                    return Ok(count);
                }
            }
            other => return Err(unexpected(&other)),
        }
    }
}

fn listings(
    access: &Access,
    within: Option<IpNet>,
    json: bool,
    out: &mut impl Write,
) -> Result<u64> {
    if !json {
        return each(access, within, |l| {
            let (prefix, since, expires) = (short(l.prefix), second(l.since), second(l.expires));
            let sublist = word(l.sublist);
            Ok(writeln!(out, "{prefix:<18} {sublist:<5} {since} until {expires}  {}", l.reason)?)
        });
    }
    write!(out, "{{\"format\":\"heloscope.list/1\",\"listings\":[")?;
    let mut first = true;
    let count = each(access, within, |listing| {
        let comma = if std::mem::replace(&mut first, false) { "" } else { "," };
        Ok(write!(out, "{comma}\n{}", serde_json::to_string(listing)?)?)
    })?;
    writeln!(out, "\n]}}")?;
    Ok(count)
}

fn address(access: &Access, address: IpAddr, json: bool, out: &mut impl Write) -> Result<bool> {
    let dossier = match access.ask(Request::Address(address))? {
        Answer::Address(dossier) => *dossier,
        other => return Err(unexpected(&other)),
    };
    let listed = dossier.listing.is_some();
    if json {
        let document = json!({
            "format": "heloscope.list-address/1",
            "address": address,
            "listed": listed,
            "listing": dossier.listing,
            "history": dossier.past,
            "exempted": dossier.exempted.as_ref().map(exemption),
            "evidence": dossier.seen.iter().map(evidence).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", text(address, &dossier))?;
    }
    Ok(listed)
}

/// All about an address, for a person.
fn text(address: IpAddr, dossier: &Dossier) -> String {
    let mut lines = Vec::new();
    match &dossier.listing {
        Some(l) => {
            let with = if l.prefix.contains(&address) && l.prefix != IpNet::from(address) {
                format!(" with its network {}", l.prefix)
            } else {
                String::new()
            };
            let code = l.sublist.code();
            lines.push(format!("{address} is listed{with}: {}, 127.0.0.{code}", word(l.sublist)));
            lines.push(format!("  why      {}", plain(&l.reason)));
            lines.push(format!("  since    {}", second(l.since)));
            lines.push(format!("  last     {}", told(l.last)));
            lines.push(format!("  expires  {}", second(l.expires)));
            lines.push(format!("  listed   {}", many(u64::from(l.times_listed), "time")));
        }
        None => lines.push(format!("{address} is not listed")),
    }
    if let Some((prefix, why, until)) = &dossier.exempted {
        let until = until.map_or("for good".to_owned(), |t| format!("until {}", second(t)));
        lines.push(format!("  exempted {until}, under {}: {}", short(*prefix), plain(why)));
    }
    if !dossier.past.is_empty() {
        lines.push("history, newest first".to_owned());
        lines.extend(dossier.past.iter().map(happened));
    }
    if !dossier.seen.is_empty() {
        lines.push("evidence, newest first; for the operator alone".to_owned());
        lines.extend(dossier.seen.iter().flat_map(seen));
    }
    lines.join("\n") + "\n"
}

fn happened(past: &Past) -> String {
    let last = past.last.map(|last| format!(" Last detected {}.", told(last))).unwrap_or_default();
    format!("  {}  {:<9} {}{last}", second(past.time), past.event.word(), plain(&past.reason))
}

fn seen(seen: &OperatorEvidence) -> Vec<String> {
    let session: Value = serde_json::from_str(&seen.session).unwrap_or_default();
    let port = session.get("client_port").and_then(Value::as_u64);
    let port = port.map(|port| format!(", port {port}")).unwrap_or_default();
    let helo = session.get("helo").and_then(Value::as_str);
    let helo = helo.map(|helo| format!(", HELO {}", plain(helo))).unwrap_or_default();
    let mut lines =
        vec![format!("  {}  at {}{port}{helo}", seen.at.rfc3339(), plain(&seen.sensor))];
    for (detector, version, class, what) in &seen.seen {
        lines.push(format!("      {detector}@{version} ({class}): {}", plain(what)));
    }
    for (recipient, kind) in &seen.traps {
        lines.push(format!("      trap {} ({})", plain(recipient), kind.word()));
    }
    lines
}

fn evidence(seen: &OperatorEvidence) -> Value {
    let rules = seen.seen.iter().map(|(detector, version, class, what)| {
        json!({"detector": detector, "version": version, "class": class, "what": what})
    });
    let traps = seen
        .traps
        .iter()
        .map(|(recipient, kind)| json!({"recipient": recipient, "kind": kind.word()}));
    // A session that was cut to what is kept is no JSON any more: it is given as the text it is.
    let session: Value =
        serde_json::from_str(&seen.session).unwrap_or_else(|_| Value::from(&*seen.session));
    json!({
        "at": seen.at,
        "sensor": seen.sensor,
        "seen": rules.collect::<Vec<_>>(),
        "traps": traps.collect::<Vec<_>>(),
        "session": session,
    })
}

/// How the list stands.
pub(crate) fn status(access: &Access, json: bool) -> Result<Outcome> {
    let status = match access.ask(Request::Status)? {
        Answer::Status(status) => *status,
        other => return Err(unexpected(&other)),
    };
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &status_json(&status))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", status_text(&status))?;
    }
    out.flush()?;
    Ok(if status.trouble.is_some() { Outcome::Attention } else { Outcome::Done })
}

fn status_json(status: &Status) -> Value {
    let paused = status.paused.iter().map(|(id, why)| json!({"detector": id, "why": why}));
    let recalls = status.incidents.iter().map(|(at, detector, version, what, listings)| {
        json!({"at": at, "detector": detector, "version": version, "what": what, "listings": listings})
    });
    json!({
        "format": "heloscope.list-status/1",
        "generation": status.generation,
        "listed": status.listed,
        "exemptions": status.exemptions.iter().map(exemption).collect::<Vec<_>>(),
        "paused": paused.collect::<Vec<_>>(),
        "recalls": recalls.collect::<Vec<_>>(),
        "trouble": status.trouble,
    })
}

fn status_text(status: &Status) -> String {
    let listings = many(status.listed, "listing");
    let mut lines = vec![format!("{listings} as of event {}", status.generation)];
    for (prefix, why, until) in &status.exemptions {
        let until = until.map_or("for good".to_owned(), |t| format!("until {}", second(t)));
        lines.push(format!("exempted  {} {until}: {}", short(*prefix), plain(why)));
    }
    for (detector, why) in &status.paused {
        lines.push(format!("paused    {}: {}", plain(detector), plain(why)));
    }
    for (at, detector, version, what, fell) in &status.incidents {
        let fell = many(*fell, "listing");
        lines.push(format!(
            "recalled  {}  {}@{version}, {fell}: {}",
            second(*at),
            plain(detector),
            plain(what)
        ));
    }
    if let Some(trouble) = &status.trouble {
        lines.push(format!("trouble   {}", plain(trouble)));
    }
    lines.join("\n") + "\n"
}

fn exemption((prefix, why, until): &(IpNet, String, Option<Time>)) -> Value {
    json!({"prefix": prefix, "why": why, "until": until})
}

/// An address without its length, a network with it.
pub(crate) fn short(prefix: IpNet) -> String {
    if prefix.prefix_len() == prefix.max_prefix_len() {
        prefix.addr().to_string()
    } else {
        prefix.to_string()
    }
}

fn told(told: Told) -> String {
    format!("{} +/- {} minutes", second(told.time), told.tolerance_s / 60)
}

pub(crate) fn word(sublist: Sublist) -> &'static str {
    match sublist {
        Sublist::Traps => "traps",
        Sublist::Bots => "bots",
    }
}
