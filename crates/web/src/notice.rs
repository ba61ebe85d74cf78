//! A listing as a [`Notice`]: the text that an owner saves and `heloscope investigate` reads back equal.

use heloscope_ledger::{OwnerEvidence, Past, PastEvent, PublicListing};
use heloscope_model::notice::{Subject, TimeKind};
use heloscope_model::{Notice, Octets, Place, SourceId, Time};
use std::net::IpAddr;

/// What a listing says to everybody.
pub(crate) fn of_listing(
    listing: &PublicListing,
    address: IpAddr,
    zone: &str,
    memory_s: i64,
    now: Time,
) -> Notice {
    let single = listing.prefix.prefix_len() == listing.prefix.max_prefix_len();
    Notice {
        subject: if single { Subject::Ip(address) } else { Subject::Prefix(listing.prefix) },
        reason: listing.reason.clone(),
        time: Some((listing.last.time, TimeKind::Detection)),
        tolerance_s: Some(listing.last.tolerance_s),
        times_listed: Some((listing.times_listed, days(memory_s))),
        ..blank(zone, now)
    }
}

/// What one session says to the owner: the exact second, the port, the HELO. Each is a notice, since
/// each is a question of its own to the logs.
pub(crate) fn of_evidence(
    seen: &OwnerEvidence,
    listing: &PublicListing,
    zone: &str,
    now: Time,
) -> Notice {
    let sentences = seen.seen.join(" ");
    Notice {
        subject: Subject::Ip(seen.address),
        reason: if sentences.is_empty() { listing.reason.clone() } else { sentences },
        time: Some((Time::from_secs(seen.at.secs()), TimeKind::Detection)),
        tolerance_s: Some(1),
        helo: seen.helo.as_ref().map(|helo| Octets::new(helo.as_bytes())),
        src_port: Some(seen.port),
        ..blank(zone, now)
    }
}

/// What is said of an address that was taken out: when it was last detected, as it was told then; where
/// nothing detected it, when it was taken out.
pub(crate) fn of_past(past: &[Past], address: IpAddr, zone: &str, now: Time) -> Option<Notice> {
    let gone = past.iter().find(|p| is_end(p.event))?;
    Some(Notice {
        subject: Subject::Ip(address),
        reason: gone.reason.clone(),
        time: Some(match gone.last {
            Some(last) => (last.time, TimeKind::Detection),
            None => (gone.time, TimeKind::Removal),
        }),
        tolerance_s: gone.last.map(|last| last.tolerance_s),
        removed_at: Some(gone.time),
        ..blank(zone, now)
    })
}

/// Whether an event ended a listing.
pub(crate) fn is_end(event: PastEvent) -> bool {
    match event {
        PastEvent::Expired
        | PastEvent::Removed
        | PastEvent::Withdrawn
        | PastEvent::Recalled
        | PastEvent::Exempted => true,
        PastEvent::Listed | PastEvent::Refused => false,
    }
}

fn blank(zone: &str, now: Time) -> Notice {
    Notice {
        list: Some(zone.to_owned()),
        written_at: Some(Time::from_secs(now.secs())),
        ..Notice::empty(Place::byte(SourceId(0), 0))
    }
}

fn days(seconds: i64) -> u32 {
    u32::try_from(seconds / 86_400).unwrap_or(u32::MAX)
}
