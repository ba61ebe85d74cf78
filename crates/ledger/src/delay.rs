//! What the public is told of a detection's time, and when it is told at all.
//!
//! Who mails a thousand recipients and watches the list must not learn which of them was a trap. Time
//! is cut into slots whose edges a secret key sets for each address; **everything that anybody
//! sees of a detection depends on the address and the slot alone**: the time told is the slot's
//! middle, the tolerance half its length (the true instant lies in it, evenly, for whoever has no
//! key), and it becomes visible at the slot's end and a keyed delay. Two sessions within one slot look the same
//! from outside, and where the edges lie nobody can tell in advance.

use crate::policy::Policy;
use crate::view::Told;
use heloscope_model::Time;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::net::IpAddr;

/// The list's secret: who has it can tell when a detection was, to the second.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// From the operator's key file.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number that only the key's holder can compute, for a purpose and what it is about.
    pub(crate) fn number(&self, purpose: &str, parts: &[&[u8]]) -> u64 {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return 0 };
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        u64::from_le_bytes(first)
    }
}

/// The slot that an instant falls into, in seconds: from its start up to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    start: i64,
    end: i64,
}

impl Slot {
    /// An address's slot at an instant. Edges lie on whole minutes.
    pub(crate) fn of(address: IpAddr, at: Time, key: &Key, policy: &Policy) -> Self {
        let length = policy.slot_s.max(120);
        let minutes = (length / 60).unsigned_abs();
        let phase = (key.number("slot", &[&octets(address)]) % minutes) as i64 * 60;
        let start = (at.secs() - phase).div_euclid(length) * length + phase;
        Self { start, end: start + length }
    }

    /// What is told of an instant within.
    pub(crate) fn told(self) -> Told {
        let half = (self.end - self.start) / 2;
        let tolerance_s = u32::try_from(half).unwrap_or(u32::MAX);
        Told { time: Time::from_secs(self.start + half), tolerance_s }
    }

    /// The latest that an instant within can be.
    pub(crate) fn end(self) -> Time {
        Time::from_secs(self.end)
    }
}

/// When a detection that arrived at an instant becomes visible.
pub(crate) fn visible(address: IpAddr, arrived: Time, key: &Key, policy: &Policy) -> Time {
    let Some(delay) = policy.delay else { return arrived };
    let slot = Slot::of(address, arrived, key, policy);
    let drawn = key.number("delay", &[&octets(address), &slot.start.to_le_bytes()]);
    let extra = (drawn % delay.spread_s.max(1).unsigned_abs()) as i64;
    Time::from_secs(slot.end + delay.least_s + extra)
}

/// The instant from which terms and lock-outs run: of the detection, rounded so that they tell no
/// more than the slot does. Where nothing is hidden it is the detection's own.
pub(crate) fn edge(address: IpAddr, at: Time, key: &Key, policy: &Policy) -> Time {
    if policy.delay.is_none() { at } else { Slot::of(address, at, key, policy).end() }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_true_instant_lies_within_what_is_told(secs in 0_i64..4_000_000_000, host: u32, key: [u8; 32]) {
            let (address, key, policy) = (IpAddr::from(host.to_be_bytes()), Key::new(key), Policy::standard());
            let at = Time::from_secs(secs);
            let told = Slot::of(address, at, &key, &policy).told();
            prop_assert_eq!(told.tolerance_s, 900);
            prop_assert!(told.time.since(at).abs() <= f64::from(told.tolerance_s));
            let hidden = visible(address, at, &key, &policy).since(at);
            prop_assert!((120.0..=(30.0 + 2.0 + 30.0) * 60.0).contains(&hidden), "{hidden}");
        }
    }

    #[test]
    fn it_lies_there_evenly() {
        let (key, policy) = (Key::new([7; 32]), Policy::standard());
        let at = Time::from_secs(1_700_000_000);
        let mut quarters = [0_u32; 4];
        for host in 0..4000_u32 {
            let told = Slot::of(IpAddr::from(host.to_be_bytes()), at, &key, &policy).told();
            let off = told.time.since(at) + 900.0;
            quarters[((off / 450.0) as usize).min(3)] += 1;
        }
        assert!(quarters.iter().all(|n| (850..1150).contains(n)), "{quarters:?}");
    }

    #[test]
    fn the_lab_hides_nothing_but_the_second() {
        let (key, policy) = (Key::new([7; 32]), Policy::lab());
        let (address, at) = (IpAddr::from([203, 0, 113, 9]), Time::from_secs(1_700_000_000));
        assert_eq!(visible(address, at, &key, &policy), at);
        assert_eq!(edge(address, at, &key, &policy), at);
    }
}
