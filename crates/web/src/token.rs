//! Signed words that we hand out and take back: removal forms, owners' proofs, cookies.
//!
//! A token is `EXPIRY.NONCE.MAC` in hexadecimal. The MAC covers its purpose, the subject it is bound to
//! (an address) and its expiry, so one made for another address or another purpose is forged, and one
//! that is too old is stale. A single-use token is spent by [`Spent::spend`]; its purpose is tied to this
//! run of the program, so that a restart does not make a spent one good again.
//!
//! Pure: time and random bytes come in.

use heloscope_model::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

/// The most spent tokens that are remembered; they leave as they expire.
const SPENT: usize = 100_000;
/// Bytes of a nonce.
const NONCE: usize = 16;

/// Signs and checks.
#[derive(Clone)]
pub(crate) struct Signer {
    key: [u8; 32],
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Not ours, or made for something else.
    Forged,
    /// Ours, and too old.
    Stale,
    /// Ours, and used before.
    Replayed,
    /// So many were used of late that no more can be remembered.
    Busy,
}

/// What a good token says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Good {
    expires: i64,
    nonce: [u8; NONCE],
}

impl Signer {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A token for a purpose and a subject, good until `expires`.
    pub(crate) fn sign(
        &self,
        purpose: &str,
        subject: &str,
        expires: Time,
        nonce: [u8; NONCE],
    ) -> String {
        let good = Good { expires: expires.secs(), nonce };
        let mac = self.mac(purpose, subject, &good).finalize().into_bytes();
        format!("{:x}.{}.{}", good.expires.max(0), hex(&nonce), hex(&mac))
    }

    /// Whether it is ours, made for this, and not too old.
    pub(crate) fn check(
        &self,
        purpose: &str,
        subject: &str,
        token: &str,
        now: Time,
    ) -> Result<Good, Bad> {
        let mut parts = token.split('.');
        let (Some(expires), Some(nonce), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Bad::Forged);
        };
        let expires = i64::from_str_radix(expires, 16).map_err(|_| Bad::Forged)?;
        let nonce = unhex::<NONCE>(nonce).ok_or(Bad::Forged)?;
        let mac = unhex::<32>(mac).ok_or(Bad::Forged)?;
        let good = Good { expires, nonce };
        // In constant time: how far a forger came is not told.
        self.mac(purpose, subject, &good).verify_slice(&mac).map_err(|_| Bad::Forged)?;
        if expires < now.secs() { Err(Bad::Stale) } else { Ok(good) }
    }

    /// Whether two secrets are equal, in a time that does not tell where they differ.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return false };
        let given = mac.clone().chain_update(one.as_bytes()).finalize().into_bytes();
        mac.chain_update(other.as_bytes()).verify_slice(&given).is_ok()
    }

    fn mac(&self, purpose: &str, subject: &str, good: &Good) -> Hmac<Sha256> {
        // A key of any length is taken: the error does not occur, and a fresh MAC of an empty key
        // would still never verify what the real key signed.
        let mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
        // Lengths first, so that no two pairs of purpose and subject run together.
        mac.chain_update((purpose.len() as u64).to_be_bytes())
            .chain_update(purpose)
            .chain_update((subject.len() as u64).to_be_bytes())
            .chain_update(subject)
            .chain_update(good.expires.to_be_bytes())
            .chain_update(good.nonce)
    }
}

/// The single-use tokens that were used, until they expire.
#[derive(Default)]
pub(crate) struct Spent(Mutex<BTreeMap<(i64, [u8; NONCE]), ()>>);

impl Spent {
    /// Uses a good token up; false the second time.
    pub(crate) fn spend(&self, good: Good, now: Time) -> Result<(), Bad> {
        let mut spent = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *spent = spent.split_off(&(now.secs(), [0; NONCE]));
        if spent.contains_key(&(good.expires, good.nonce)) {
            return Err(Bad::Replayed);
        }
        if spent.len() >= SPENT {
            return Err(Bad::Busy);
        }
        spent.insert((good.expires, good.nonce), ());
        Ok(())
    }
}

/// Bytes as hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; N];
    for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_secs(1_700_000_000);

    fn signer() -> Signer {
        Signer::new([7; 32])
    }

    #[test]
    fn a_token_is_good_for_its_purpose_subject_and_time_alone() {
        let token = signer().sign("removal", "192.0.2.1", NOW.plus_secs(60.0), [1; NONCE]);
        let check = |purpose, subject, now| signer().check(purpose, subject, &token, now).err();
        assert_eq!(check("removal", "192.0.2.1", NOW), None);
        assert_eq!(check("removal", "192.0.2.2", NOW), Some(Bad::Forged));
        assert_eq!(check("owner", "192.0.2.1", NOW), Some(Bad::Forged));
        assert_eq!(check("removal", "192.0.2.1", NOW.plus_secs(61.0)), Some(Bad::Stale));
        let stranger = Signer::new([8; 32]);
        assert_eq!(stranger.check("removal", "192.0.2.1", &token, NOW), Err(Bad::Forged));
    }

    #[test]
    fn every_changed_character_is_a_forgery() {
        let token = signer().sign("removal", "192.0.2.1", NOW.plus_secs(60.0), [1; NONCE]);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(signer().check("removal", "192.0.2.1", &forged, NOW).is_err(), "{forged}");
        }
    }

    #[test]
    fn what_is_spent_is_spent_until_it_is_stale_anyway() {
        let spent = Spent::default();
        let good = Good { expires: NOW.secs() + 60, nonce: [1; NONCE] };
        assert_eq!(spent.spend(good, NOW), Ok(()));
        assert_eq!(spent.spend(good, NOW), Err(Bad::Replayed));
        let other = Good { nonce: [2; NONCE], ..good };
        assert_eq!(spent.spend(other, NOW.plus_secs(61.0)), Ok(()));
        assert_eq!(spent.0.lock().unwrap().len(), 1, "stale ones are forgotten");
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(signer().same("open sesame", "open sesame"));
        assert!(!signer().same("open sesame", "open sesam"));
        assert!(!signer().same("open sesame", ""));
    }

    proptest! {
        #[test]
        fn never_panics(token in ".{0,200}") {
            let _ = signer().check("removal", "192.0.2.1", &token, NOW);
        }
    }
}
