//! What stands, and until when: one small file in a folder of root's (`/run/heloscope`), gone with the next boot as the
//! rules are.
//!
//! ```text
//!  none ── apply ──> on trial ── confirm ──> kept ── revert ──> none
//!                       └── time over, or the watcher ended ──> the one before, or none
//! ```
//!
//! The file is written anew and renamed; it is read as if a stranger had written it: no links, root's, small, every field
//! known. A file that is wrong stops apply and confirm, never revert. Changes hold a lock.

use super::policy::Policy;
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the state is, unless told.
pub const FOLDER: &str = "/run/heloscope";
/// Of a file that we wrote.
const LARGEST: u64 = 64 << 10;
const FORMAT: &str = "heloscope.guard-state/1";

/// What stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: String,
    /// Names this application; the watcher of another lets it be.
    pub token: u64,
    /// By which tool.
    pub with: Tool,
    /// What.
    pub policy: Policy,
    /// When it is taken away, in seconds of the clock that runs since boot; none where it was confirmed.
    pub until: Option<u64>,
    /// What was kept before.
    pub before: Option<Policy>,
    /// The watching process.
    pub watcher: Option<u32>,
}

/// What loads the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// nftables.
    Nft,
    /// iptables and ip6tables.
    Iptables,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder or a file.
    #[error("{what} {}: {source}", .path.display())]
    File {
        /// What was done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not what we wrote.
    #[error("{}: {why}: not taken for ours; `heloscope guard revert` removes it and the rules", .path.display())]
    Strange {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// The folder, held for a change.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// What now stands.
    pub fn new(
        token: u64,
        with: Tool,
        policy: Policy,
        until: Option<u64>,
        before: Option<Policy>,
    ) -> Self {
        Self { format: FORMAT.to_owned(), token, with, policy, until, before, watcher: None }
    }

    /// Reads a file's text.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if state.format != FORMAT {
            return Err("it is of another format".to_owned());
        }
        let policies = [Some(&state.policy), state.before.as_ref()];
        let fault = policies.into_iter().flatten().find_map(Policy::fault);
        fault.map_or(Ok(state), Err)
    }
}

/// Reads the state without holding it; none where there is none.
pub fn read(folder: &Path) -> Result<Option<State>, StateError> {
    let path = folder.join("guard.json");
    let failed = |source| StateError::File { what: "reading", path: path.clone(), source };
    let strange = |why: &str| StateError::Strange { path: path.clone(), why: why.to_owned() };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits())
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.raw_os_error() == Some(nix::libc::ELOOP) => {
            return Err(strange("it is a link"));
        }
        Err(e) => return Err(failed(e)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(strange("no file of ours, or too large"));
    }
    if meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o022 != 0
    {
        return Err(strange("others may write to it"));
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).map_err(failed)?;
    State::parse(&text).map(Some).map_err(|why| strange(&why))
}

impl Held {
    /// Makes the folder where there is none, and waits until nobody else changes it.
    pub fn take(folder: &Path) -> Result<Self, StateError> {
        let failed =
            |what| move |source| StateError::File { what, path: folder.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)
            .map_err(failed("making the folder"))?;
        let meta = fs::metadata(folder).map_err(failed("looking at"))?;
        if meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
            let why = "others may write to this folder, and could undo the guard; name another with --state";
            return Err(StateError::Strange { path: folder.to_owned(), why: why.to_owned() });
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(folder.join("guard.lock"))
            .map_err(failed("opening the lock in"))?;
        lock.lock().map_err(failed("locking"))?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Which folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it says.
    pub fn read(&self) -> Result<Option<State>, StateError> {
        read(&self.folder)
    }

    /// Replaces it.
    pub fn write(&self, state: &State) -> Result<(), StateError> {
        let (path, new) = (self.folder.join("guard.json"), self.folder.join("guard.json.new"));
        let failed = |source| StateError::File { what: "writing", path: path.clone(), source };
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(failed)?;
        let text = serde_json::to_vec(state).map_err(|e| failed(e.into()))?;
        file.write_all(&text).map_err(failed)?;
        fs::rename(&new, &path).map_err(failed)
    }

    /// Removes it; whatever stands there.
    pub fn remove(&self) -> Result<(), StateError> {
        let path = self.folder.join("guard.json");
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(StateError::File { what: "removing", path, source: e })
            }
            _ => Ok(()),
        }
    }
}

/// Seconds since boot, also while it slept: no clock that somebody sets.
pub fn since_boot() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    now.ok().and_then(|t| u64::try_from(t.tv_sec()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::postfix;
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn state() -> State {
        State::new(7, Tool::Nft, postfix(), Some(100), None)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let held = Held::take(&folder.path().join("x")).unwrap();
        assert_eq!(held.read().unwrap(), None);
        held.write(&state()).unwrap();
        assert_eq!(held.read().unwrap(), Some(state()));
        held.remove().unwrap();
        held.remove().unwrap();
        assert_eq!(held.read().unwrap(), None);
    }

    #[test]
    fn what_a_stranger_wrote_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guard.json");
        let good = String::from_utf8(serde_json::to_vec(&state()).unwrap()).unwrap();
        for (text, mode, why) in [
            ("", 0o600, "EOF"),
            ("{}", 0o600, "missing field"),
            (&good.replace("guard-state/1", "guard-state/2"), 0o600, "another format"),
            (
                &good.replace("postfix.service", "x\\\" accept; flush ruleset; #"),
                0o600,
                "control group",
            ),
            (&good.replace("\"token\"", "\"exec\":\"/tmp/x\",\"token\""), 0o600, "unknown field"),
            (&good.replace("[25,", "[22,25,"), 0o600, "port 22"),
            (&good.replace("[25,", "[70000,"), 0o600, "70000"),
            (&"[".repeat(60_000), 0o600, "invalid type"),
            (&"x".repeat(70_000), 0o600, "too large"),
            (&good, 0o666, "others may write"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
        fs::remove_file(&path).unwrap();
        symlink("/etc/passwd", &path).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("a link"));
        Held::take(folder.path()).unwrap().remove().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Held::take(folder.path()).unwrap_err().to_string().contains("others may write"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            let _ = State::parse(&text);
        }
    }
}
