//! What a recording tells: a capture a kind, and `kinds.toml` beside them that says what each is.

use super::Order;
use super::kinds::{Configured, Place};
use super::play::Played;
use crate::capture::{self, Capture};
use crate::host::Host;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// One kind of a recording, as `kinds.toml` has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Its name.
    pub kind: String,
    /// The capture, in the same folder.
    pub capture: String,
    /// The program.
    pub software: String,
    /// Its version, or how it came to be.
    pub version: String,
    /// `well`, `badly` or `bot`.
    pub configured: String,
    /// What is bad about it, in words for its owner; empty where nothing is.
    pub bad: String,
    /// What it was told to say as HELO; empty: the program's default.
    pub says: String,
    /// The address that the receiver saw.
    pub address: String,
    /// The address's reverse name; empty for none. A name that is there points back to the address.
    pub ptr: String,
    /// Whether a well configured Postfix sends from the same address; its HELO is `ptr`, and it must not be blamed.
    pub beside_postfix: bool,
    /// The detectors that should speak of it; none: it is never listed and nothing of class A or B may speak.
    pub detectors: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: Vec<Told>,
}

/// Ends the recording and writes the folder.
pub(super) fn write(
    receiver: &Host,
    wire: &Capture,
    played: Vec<Played>,
    order: &Order,
) -> Result<Vec<Told>> {
    capture::end(receiver, wire)?;
    let mut kinds = Vec::new();
    for one in played.into_iter().filter(|one| one.skipped.is_none()) {
        let kind = one.kind;
        let mut name = format!("{}.pcap", kind.name);
        receiver.sh(&format!(
            "tcpdump -Z root -n -r {} -w /var/tmp/{name} 'host {}' 2>/dev/null",
            wire.path, kind.address
        ))?;
        let mut packets = receiver.read(&format!("/var/tmp/{name}"))?;
        receiver.sh(&format!("rm /var/tmp/{name}"))?;
        if order.packed {
            let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 9);
            packed.write_all(&packets)?;
            packets = packed.finish()?;
            name.push_str(".xz");
        }
        std::fs::write(order.out.join(&name), packets)
            .with_context(|| format!("cannot write {name}"))?;
        let bot = kind.configured == Configured::Bot;
        kinds.push(Told {
            kind: kind.name,
            capture: name,
            software: if bot { format!("bots/{}.py", kind.program) } else { kind.program },
            version: one.version,
            configured: kind.configured.word().to_owned(),
            bad: kind.bad,
            says: kind.says,
            address: kind.address,
            ptr: kind.ptr.unwrap_or_default(),
            beside_postfix: kind.place == Place::BesidePostfix,
            detectors: kind.detectors,
        });
    }
    let file = File { kind: kinds };
    let text = toml::to_string(&file).context("kinds.toml cannot be written as TOML")?;
    std::fs::write(order.out.join("kinds.toml"), text).context("cannot write kinds.toml")?;
    Ok(file.kind)
}

/// Reads a recording's table.
pub fn read(folder: &Path) -> Result<Vec<Told>> {
    let path = folder.join("kinds.toml");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("cannot read {}: is it a folder of `lab senders`?", path.display())
    })?;
    let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(file.kind)
}
