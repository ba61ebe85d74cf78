//! The list's secrets: made at the first start, kept in the state folder for its owner alone.
//!
//! One master key; what needs a key of its own gets one derived from it by its name, so that the
//! key that delays publication says nothing of the one that signs cookies.

use super::aside;
use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The key's file in the state folder.
pub(crate) const FILE: &str = "list.key";

/// The master key.
pub(crate) struct Keys([u8; 32]);

impl Keys {
    /// Reads the key, or makes one.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let path = state.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
                Ok(key) => Ok(Self(key)),
                Err(bytes) => bail!(
                    "{}: {} bytes where 32 belong; restore it from a backup (a new key would \
                     forget which times were told)",
                    path.display(),
                    bytes.len()
                ),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    fn make(path: &Path) -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| {
            anyhow::anyhow!("the system gives no random bytes for a key: {error}")
        })?;
        // Half a key would lock the list out of its own state.
        aside::write(path, |out| out.write_all(&key))?;
        Ok(Self(key))
    }

    /// A key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return self.0 };
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let first = Keys::open(state.path()).unwrap();
        let again = Keys::open(state.path()).unwrap();
        assert_eq!(first.derive("a"), again.derive("a"));
        assert_ne!(first.derive("a"), first.derive("b"));
        let mode = fs::metadata(state.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_as_it_is() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join(FILE), b"short").unwrap();
        let error = Keys::open(state.path()).err().unwrap().to_string();
        assert!(error.contains("5 bytes where 32 belong"), "{error}");
        assert_eq!(fs::read(state.path().join(FILE)).unwrap(), b"short");
    }
}
