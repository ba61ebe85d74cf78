//! What the built `heloscope sessions` makes of a recording: a line a kind, then what spoke against senders that are well configured.
//!
//! Only a view for people: tests judge with the crate `detect` itself.

use super::told::{self, Told};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What was seen of one kind.
#[derive(Default)]
struct Seen {
    sessions: usize,
    helos: BTreeMap<String, usize>,
    detections: BTreeMap<String, usize>,
    /// A first example of each.
    evidence: BTreeMap<String, String>,
}

/// Prints the table and gives how many sessions there were.
pub fn print(folder: &Path, heloscope: &Path) -> Result<usize> {
    let kinds = told::read(folder)?;
    let mut sessions = 0;
    let mut against_well = Vec::new();
    println!("{:<36} {:<6} {:>5}  {:<34} detections", "kind", "conf.", "sess.", "HELO");
    for kind in &kinds {
        let (own, server) = seen(folder, kind, heloscope)?;
        sessions += own.sessions + server.sessions;
        line(&kind.kind, &kind.configured, &own);
        if kind.beside_postfix {
            line("  the Postfix beside it", "well", &server);
            speak(&mut against_well, &kind.kind, &server);
        }
        if kind.configured == "well" {
            speak(&mut against_well, &kind.kind, &own);
        }
    }
    println!("\n{} kinds, {sessions} sessions", kinds.len());
    println!("\nagainst senders that are well configured:");
    for told in &against_well {
        println!("  {told}");
    }
    if against_well.is_empty() {
        println!("  nothing");
    }
    Ok(sessions)
}

fn line(name: &str, configured: &str, seen: &Seen) {
    let mut helos: Vec<_> = seen.helos.iter().collect();
    helos.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let helo = match helos.as_slice() {
        [] => "-".to_owned(),
        [(only, _)] => (*only).clone(),
        [(first, _), rest @ ..] => format!("{first} +{}", rest.len()),
    };
    let detections: Vec<String> =
        seen.detections.iter().map(|(id, count)| format!("{id} {count}")).collect();
    println!(
        "{name:<36} {configured:<6} {:>5}  {helo:<34} {}",
        seen.sessions,
        detections.join(", ")
    );
}

fn speak(told: &mut Vec<String>, kind: &str, seen: &Seen) {
    for (detector, count) in &seen.detections {
        let evidence = seen.evidence.get(detector).map_or("", String::as_str);
        told.push(format!("{kind}: {detector} {count} of {}: {evidence}", seen.sessions));
    }
}

/// The kind's own sessions, and those of the mail server beside it.
fn seen(folder: &Path, kind: &Told, heloscope: &Path) -> Result<(Seen, Seen)> {
    let output = Command::new(heloscope)
        .arg("sessions")
        .arg(folder.join(&kind.capture))
        .output()
        .with_context(|| {
        format!("cannot run {}: build it with `cargo build -p heloscope`", heloscope.display())
    })?;
    ensure!(
        output.status.success(),
        "heloscope sessions {}: {}",
        kind.capture,
        String::from_utf8_lossy(&output.stderr)
    );
    let (mut own, mut server) = (Seen::default(), Seen::default());
    for text in String::from_utf8_lossy(&output.stdout).lines() {
        let session: Value = serde_json::from_str(text).context("a session's JSON")?;
        let helo = session.get("helo").and_then(Value::as_str).unwrap_or("-").to_owned();
        let seen = if kind.beside_postfix && helo == kind.ptr { &mut server } else { &mut own };
        seen.sessions += 1;
        *seen.helos.entry(helo).or_default() += 1;
        for detection in session.get("detections").and_then(Value::as_array).into_iter().flatten() {
            let word = |key: &str| {
                detection
                    .get(key)
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                    .unwrap_or_default()
            };
            let id = format!("{}({})", word("detector"), word("class"));
            seen.evidence.entry(id.clone()).or_insert_with(|| word("evidence"));
            *seen.detections.entry(id).or_default() += 1;
        }
    }
    Ok((own, server))
}
