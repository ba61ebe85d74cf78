//! The state in one file, so that starting does not mean repeating everything since the first day.
//!
//! Eight bytes of magic and version, a CRC-32 of the rest, then the body in postcard. A file of
//! another version, cut short or damaged is refused ([`Damaged`]) and the one before it is taken.

use crate::book::State;
use crate::seal::Hash;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"HLEDGER2";

/// A snapshot that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damaged {
    #[error("not a snapshot of this version")]
    Magic,
    #[error("its checksum is wrong")]
    Checksum,
    #[error("reading it: {0}")]
    Body(#[from] postcard::Error),
}

/// Where a state stands in the record.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The chain's hash up to the last event applied.
    pub(crate) chain: Hash,
    /// Events whose texts are to be erased; not known to be gone yet.
    pub(crate) erasing: Vec<u64>,
}

/// The file's bytes.
pub(crate) fn encode(head: &Head, state: &State) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; 4]);
    let mut bytes = postcard::to_extend(&(head, state), bytes)?;
    let crc = bytes.get(12..).map_or(0, crc32fast::hash);
    if let Some(field) = bytes.get_mut(8..12) {
        field.copy_from_slice(&crc.to_le_bytes());
    }
    Ok(bytes)
}

/// What the file's bytes hold.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Head, State), Damaged> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(Damaged::Magic)?;
    let (crc, body) = rest.split_first_chunk::<4>().ok_or(Damaged::Checksum)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(Damaged::Checksum);
    }
    Ok(postcard::from_bytes(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_refused() {
        let good = encode(&Head::default(), &State::default()).unwrap();
        assert_eq!(decode(&good).unwrap(), (Head::default(), State::default()));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(decode(&bad).is_err(), "byte {at}");
            assert!(decode(&good[..at]).is_err(), "cut at {at}");
        }
    }
}
