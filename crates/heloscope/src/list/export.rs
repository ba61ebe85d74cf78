//! `list export`: the list for others. A line a listing; zone files that rbldnsd serves as our name server
//! answers; or the public chain, by which anybody can check that nothing was changed afterwards.

use super::Access;
use super::access::files;
use super::check::hex;
use super::show::{each, short};
use crate::outcome::{CannotWrite, Outcome};
use crate::serve::config::Config;
use crate::serve::{pages, publish};
use anyhow::{Context, Result};
use heloscope_dnsbl::Table;
use heloscope_ledger::{Book, Chained, Exported, Policy, Sublists};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::path::Path;

pub(crate) fn run(
    mut config: Config,
    rbldnsd: Option<&Path>,
    zone: Option<&str>,
    json: bool,
) -> Result<Outcome> {
    if let Some(zone) = zone {
        zone.clone_into(&mut config.zone);
    }
    match rbldnsd {
        Some(folder) => zone_files(&config, folder),
        None if json => the_chain(&config),
        None => lines(&config),
    }
}

fn lines(config: &Config) -> Result<Outcome> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    each(&Access::open(config)?, None, |l| {
        Ok(writeln!(out, "{} 127.0.0.{}", short(l.prefix), l.sublist.code())?)
    })?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn zone_files(config: &Config, folder: &Path) -> Result<Outcome> {
    let url = pages::url(config, config.web.listen.first().copied());
    let zones = publish::zones(config, &url)?;
    let mut changes = Vec::new();
    each(&Access::open(config)?, None, |listing| {
        let only = Sublists::only(listing.sublist);
        let value = if listing.by_hand { only.by_hand() } else { only };
        changes.push(publish::change(listing.prefix, Some(value)));
        Ok(())
    })?;
    let table = Table::new();
    table.apply(1, &changes).context("putting the listings into zones")?;
    std::fs::create_dir_all(folder).context(CannotWrite(folder.to_owned()))?;
    let written =
        heloscope_dnsbl::rbldnsd(folder, &zones, &table).context(CannotWrite(folder.to_owned()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "rbldnsd -w {} {}", folder.display(), written.arguments.join(" "))?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// One object an event. Of a session the public text is there once everybody can know of it, and only if the
/// list has something to say of its address: who was merely seen is nobody's business.
fn the_chain(config: &Config) -> Result<Outcome> {
    let (folder, key, policy) = files(config)?;
    let book = book(&folder, policy, key)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    heloscope_ledger::export(&folder, |event| {
        let line = line(&event, &book);
        let written = line.and_then(|line| {
            serde_json::to_writer(&mut out, &line)?;
            Ok(writeln!(out)?)
        });
        failed = written.err();
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// The list as it stands in the files.
fn book(folder: &Path, policy: Policy, key: [u8; 32]) -> Result<Book, heloscope_ledger::Error> {
    Ok(match heloscope_ledger::standing(folder, policy.clone(), key)? {
        Some((_, book)) => book,
        None => heloscope_ledger::replay(folder, policy, key, |_, event| Some(event))?.book,
    })
}

fn line(event: &Exported, book: &Book) -> Result<Value> {
    let mut line = json!({
        "format": "heloscope.chain/1",
        "sequence": event.sequence,
        "hash": hex(&event.hash),
        "body": hex(&event.chained.bytes()?),
    });
    let mut put = |key: &str, value: Value| {
        if let Value::Object(line) = &mut line {
            line.insert(key.to_owned(), value);
        }
    };
    match &event.chained {
        Chained::Open(open) => put("event", serde_json::to_value(open)?),
        Chained::Sealed(commitments) | Chained::Erasure(commitments, _) => {
            put("commitments", commitments.iter().map(|c| hex(c)).collect());
        }
    }
    if let Chained::Erasure(_, erased) = &event.chained {
        put("erases", erased.iter().copied().collect());
    }
    if event.may_be_told(book)
        && let Some(payload) = &event.payload
        && let (Some((salt, text)), Some(session)) = (payload.public_text(), payload.public())
    {
        put(
            "public",
            json!({
                "salt": hex(salt),
                "text": hex(text),
                "address": session.address,
                "time": session.time,
                "tolerance_s": session.tolerance_s,
                "helo": session.helo,
                "detectors": session.detectors,
            }),
        );
    }
    Ok(line)
}
