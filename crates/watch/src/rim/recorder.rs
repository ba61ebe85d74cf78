//! The thread that runs the recorder: what it notes is kept in the record and told to the core.
//!
//! [`start`] loads it while there is the right to; nothing else of this file needs a right. A disk that fills costs
//! the record what comes meanwhile, and is said as long as it lasts.

use super::clock;
use super::run::{Inbox, Notes};
use crate::config::Record;
use crate::event::Event;
use heloscope_host::forwarded::{Tracking, mac};
use heloscope_host::store::{Retention, StoreError};
use heloscope_host::{Noted, Recorder, Store, recorder};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

const WAIT: Duration = Duration::from_millis(200);

/// What notes connections: this one line changes with the recorder.
pub(crate) struct Source {
    recorder: Recorder,
    tracking: Option<Tracking>,
    store: Store,
}

/// Loads it; what it cannot see is told.
pub(crate) fn start(
    ports: &[u16],
    record: &Record,
    state: &Path,
) -> Result<(Source, Vec<String>), Failed> {
    let retention =
        Retention { days: record.days, bytes: record.megabytes.saturating_mul(1 << 20) };
    let store = Store::open(&state.join("record"), retention)?;
    let recorder = Recorder::start(ports)?;
    let mut blind = Vec::new();
    let tracking = Tracking::start(ports)
        .map_err(|error| blind.push(format!("what passes through this host is not seen: {error}")))
        .ok();
    Ok((Source { recorder, tracking, store }, blind))
}

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Recorder(#[from] recorder::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Source {
    fn next(&mut self) -> Result<Vec<Noted>, recorder::Error> {
        let mut noted = self.recorder.next(WAIT)?;
        if let Some(tracking) = &mut self.tracking
            && let Ok(found) = tracking.read(|address| own_addresses().contains(&address))
            && !found.is_empty()
        {
            let arp = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
            noted.extend(found.into_iter().map(|mut passing| {
                passing.mac = mac(&arp, passing.client.ip());
                Noted::Passing { time: clock::now(), passing }
            }));
        }
        Ok(noted)
    }
}

/// Runs until the inbox is gone.
pub(crate) fn run(mut source: Source, inbox: &Inbox, notes: &Notes) {
    loop {
        let noted = match source.next() {
            Ok(noted) => noted,
            Err(error) => {
                notes.set("recorder", Some(format!("connections are not seen any more: {error}")));
                return;
            }
        };
        // Told first: a disk that is slow makes no alert late.
        for one in &noted {
            if !inbox.send(Event::Noted(one.clone())) {
                return;
            }
        }
        let failed = source.store.append(&noted, clock::now()).err();
        notes.set(
            "record",
            failed.map(|error| format!("connections are not kept until there is room: {error}")),
        );
        if inbox.is_ending() {
            return;
        }
    }
}

/// This host's addresses, as they are now.
pub(crate) fn own_addresses() -> BTreeSet<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else { return BTreeSet::new() };
    interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let four = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
            four.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
        })
        .collect()
}
