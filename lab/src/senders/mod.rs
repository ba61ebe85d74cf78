//! Many senders, one receiver: real mailers well and badly configured, and bots by dialect, recorded at the receiver's interface, one capture a kind.
//!
//! In: senders/kinds.toml and how many mails each kind is to send. Out: a folder with `KIND.pcap` each, and `kinds.toml` ([`told`])
//! that says what each is, what it said and what a list should make of it. What could not be installed is skipped with its reason.
//! Nothing is judged here; [`verdicts`] shows what the built `heloscope` makes of a folder.

pub mod kinds;
mod office;
mod play;
mod receiver;
pub mod told;
pub mod verdicts;

use crate::dns::Zone;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use kinds::Kind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to record.
#[derive(Clone, Debug)]
pub struct Order {
    /// The folder to write.
    pub out: PathBuf,
    /// Mails a kind sends; bots hold twice as many sessions.
    pub mails: u32,
    /// Kinds to play; all when empty.
    pub only: Vec<String>,
    /// Captures are written as `.pcap.xz`.
    pub packed: bool,
    /// Seed of the chance in names, recipients and order.
    pub seed: u64,
}

/// Records the kinds and gives what was recorded of each.
pub fn record(order: &Order) -> Result<Vec<told::Told>> {
    let built = install()?;
    let mut kinds = kinds::all()?;
    kinds.retain(|kind| {
        order.only.is_empty() || order.only.iter().any(|name| kind.name.starts_with(name.as_str()))
    });
    ensure!(!kinds.is_empty(), "no kind of that name: senders/kinds.toml has them");
    std::fs::create_dir_all(&order.out)
        .with_context(|| format!("cannot make {}", order.out.display()))?;

    let world = World::new()?;
    let mut zone = Zone::default();
    receiver::names(&mut zone);
    for kind in &kinds {
        names(&mut zone, kind);
    }
    let _names = world.names(&zone)?;
    let receiver = receiver::start(&world)?;
    let wire = receiver::record(&receiver)?;
    let played = play::all(&world, &receiver, &kinds, order, &built)?;
    told::write(&receiver, &wire, played, order)
}

/// The names of one kind: forward and back where it is set up so, a domain that mail to it could reach.
fn names(zone: &mut Zone, kind: &Kind) {
    if let Some(ptr) = &kind.ptr {
        zone.host(ptr, &kind.address);
    }
    let domain = kind.domain();
    zone.mx(&domain, kind.ptr.as_deref().unwrap_or(&domain), 10);
}

/// Where the lab's own sources of senders stand.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("senders")
}

/// Fetches and builds what the senders are made of, once.
fn install() -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let status = Command::new("bash")
        .arg(sources().join("install.sh"))
        .arg(&built)
        .status()
        .context("cannot run senders/install.sh")?;
    ensure!(status.success(), "senders/install.sh failed");
    Ok(built)
}
