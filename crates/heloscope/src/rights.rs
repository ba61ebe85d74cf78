//! Giving up rights: of root's capabilities those that are still needed stay, nothing comes back.
//!
//! For every command that begins as root and goes on for long: `serve`, `record`, `watch`. It holds for the calling thread and
//! for those that it starts, so it comes before the first of them.

use anyhow::{Context, Result};
use caps::{CapSet, Capability, CapsHashSet};

/// Keeps these, as far as they are there, and forbids new ones.
pub(crate) fn keep(needed: &[Capability]) -> Result<()> {
    drop_bounding()?;
    // Kernels before 4.3 know no ambient set.
    if caps::runtime::ambient_set_supported().is_ok() {
        caps::clear(None, CapSet::Ambient).context("dropping ambient capabilities")?;
    }
    caps::clear(None, CapSet::Inheritable).context("dropping inheritable capabilities")?;
    let had = caps::read(None, CapSet::Permitted).context("reading capabilities")?;
    let kept: CapsHashSet = needed.iter().copied().filter(|one| had.contains(one)).collect();
    for set in [CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &kept).with_context(|| format!("dropping {set:?} capabilities"))?;
    }
    nix::sys::prctl::set_no_new_privs().context("forbidding new privileges")
}

/// Who may not touch the bounding set cannot gain by it either, once new privileges are forbidden.
pub(crate) fn drop_bounding() -> Result<()> {
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        return Ok(());
    }
    for capability in caps::runtime::thread_all_supported() {
        caps::drop(None, CapSet::Bounding, capability)
            .with_context(|| format!("dropping {capability} from the bounding set"))?;
    }
    Ok(())
}
