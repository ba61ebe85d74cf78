//! From root to a user that has nothing but its state folder, and no capability but to take low ports.
//!
//! In: the user's name and the state folder. A folder that root made is handed over, unless it may be
//! another's: only one that is empty or holds our key, that root alone could write to.

use crate::serve::config::Config;
use crate::serve::keys;
use anyhow::{Context, Result, bail, ensure};
use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::{Gid, Uid, User};
use std::fmt;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;

/// As whom the server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    name: Option<String>,
    uid: Uid,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

/// Makes the state folder and becomes the user that is configured. The capability to take low ports stays
/// until [`super::confine`].
pub(crate) fn take(config: &Config) -> Result<Who> {
    let (state, uid) = (&config.state, Uid::effective());
    let make = || {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state)
            .with_context(|| format!("making the state folder {}", state.display()))
    };
    let Some(name) = &config.user else {
        if uid.is_root() {
            tracing::warn!(
                "runs as root, who needs no capability to own most files: add user = \"heloscope\" to the \
                 configuration, or start it as another user"
            );
        }
        make()?;
        return Ok(Who { name: None, uid });
    };
    let user = User::from_name(name).with_context(|| format!("looking up the user {name}"))?;
    let Some(user) = user else {
        bail!("there is no user {name}: useradd --system --no-create-home {name}");
    };
    ensure!(!user.uid.is_root(), "user = {name:?} is root: name one without rights");
    if uid.is_root() {
        make()?;
        hand_over(state, user.uid, user.gid)
            .with_context(|| format!("giving {} to {name}", state.display()))?;
        become_user(user.uid, user.gid).with_context(|| format!("becoming the user {name}"))?;
    } else {
        ensure!(
            uid == user.uid,
            "cannot become {name} (uid {}) from uid {uid}: start it as root or as {name}",
            user.uid
        );
        make()?;
    }
    fs::read_dir(state).with_context(|| {
        format!(
            "{name} cannot read the state folder {}: check its owner, and that the folders above can be entered",
            state.display()
        )
    })?;
    Ok(Who { name: Some(name.clone()), uid: user.uid })
}

/// A folder that root made becomes the user's, with all that is in it.
pub(super) fn hand_over(state: &Path, uid: Uid, gid: Gid) -> std::io::Result<()> {
    let facts = fs::metadata(state)?;
    let only_root_writes = facts.uid() == 0 && facts.mode() & 0o022 == 0;
    let ours = fs::read_dir(state)?.next().is_none() || state.join(keys::FILE).exists();
    if !(only_root_writes && ours) {
        return Ok(());
    }
    give(state, uid, gid)?;
    // The folder last: from then on somebody else can change what is in it.
    lchown(fs::canonicalize(state)?, Some(uid.as_raw()), Some(gid.as_raw()))
}

fn give(folder: &Path, uid: Uid, gid: Gid) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let facts = fs::symlink_metadata(&path)?;
        // What is another's already is left alone, and never walked into.
        if facts.uid() != 0 {
            continue;
        }
        if facts.is_dir() {
            give(&path, uid, gid)?;
        }
        lchown(&path, Some(uid.as_raw()), Some(gid.as_raw()))?;
    }
    Ok(())
}

/// glibc changes the ids of all threads; capabilities are of this one, which is the only one.
fn become_user(uid: Uid, gid: Gid) -> Result<()> {
    crate::rights::drop_bounding()?;
    let permitted = caps::read(None, CapSet::Permitted)?;
    let kept: CapsHashSet =
        permitted.into_iter().filter(|c| *c == Capability::CAP_NET_BIND_SERVICE).collect();
    nix::sys::prctl::set_keepcaps(true)?;
    nix::unistd::setgroups(&[]).context("leaving the groups")?;
    nix::unistd::setresgid(gid, gid, gid).context("changing the group")?;
    nix::unistd::setresuid(uid, uid, uid).context("changing the user")?;
    nix::sys::prctl::set_keepcaps(false)?;
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    Ok(())
}
