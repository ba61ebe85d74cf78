//! Frames in a file: length and CRC-32, both little-endian, then the body. A file that was cut off
//! or torn ends, for the reader, at its last whole frame.

/// The longest body: a longer one is damage.
const LONGEST: usize = 16 << 20;
const HEADER: usize = 8;

/// Adds a frame.
pub(crate) fn push(into: &mut Vec<u8>, body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    into.extend(length.to_le_bytes());
    into.extend(crc32fast::hash(body).to_le_bytes());
    into.extend(body);
}

/// The whole frames of a file, each with the offset at which it ends.
pub(crate) fn read(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes, at: 0 }
}

/// See [`read`].
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Frames<'_> {
    /// Where the last whole frame so far ended.
    pub(crate) fn end(&self) -> u64 {
        self.at as u64
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let body = rest.get(..length).filter(|_| length <= LONGEST)?;
        // An empty body has the checksum 0: a run of zeros, which a torn write leaves, is no frame.
        if length == 0 || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        self.at += HEADER + length;
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let mut frames = read(&bytes);
            while frames.next().is_some() {}
            prop_assert!(frames.end() <= bytes.len() as u64);
        }

        #[test]
        fn whole_frames_survive_what_is_torn_behind_them(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 1..10),
            cut in 0..500_usize, junk: Vec<u8>
        ) {
            let mut file = Vec::new();
            let mut ends = vec![0];
            for body in &bodies {
                push(&mut file, body);
                ends.push(file.len());
            }
            let cut = cut.min(file.len());
            let whole = ends.iter().filter(|e| **e <= cut).count() - 1;
            let mut torn = file[..cut].to_vec();
            torn.extend(std::iter::repeat_n(0, junk.len()));
            let read: Vec<&[u8]> = read(&torn).collect();
            prop_assert_eq!(&read[..whole.min(read.len())], &bodies[..whole]);
            prop_assert!(read.len() == whole || cut < file.len());
        }
    }
}
