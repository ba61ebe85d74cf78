//! What goes wrong at the moment, by where, for the status page.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What goes wrong at the moment, by where: told on the status page, and in the log once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

impl Notes {
    /// How it stands there: something wrong, or nothing.
    pub(crate) fn set(&self, place: &str, what: Option<String>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            None => {
                notes.remove(place);
            }
            Some(what) => {
                let before = notes.insert(place.to_owned(), what.clone());
                if before.is_none() {
                    tracing::warn!("{what}");
                }
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
