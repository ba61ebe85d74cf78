//! Netlink datagrams (netlink(7)): messages, and the attributes inside them. Pure; what is cut short or lies about its length ends the walk.

/// Bytes before a netfilter message's attributes: family, version, resource id (struct nfgenmsg).
const NFGENMSG: usize = 4;

/// Each netfilter message of a datagram: its kind (subsystem and number) and its attributes.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (header, _) = rest.split_first_chunk::<16>()?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let message = rest.get(16..length.max(16))?;
        rest = rest.get(padded(length.max(16))..).unwrap_or_default();
        Some((kind, message.get(NFGENMSG..).unwrap_or_default()))
    })
}

/// The value of the first attribute of a kind.
pub(crate) fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (header, _) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        // The upper bits say "nested" and "in network order".
        let kind = u16::from_ne_bytes([header[2], header[3]]) & 0x3fff;
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(padded(length)..)?;
    }
}

/// An attribute as it is written.
pub(crate) fn put(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(padded(bytes.len()), 0);
    bytes
}

/// A netfilter message as it is written.
pub(crate) fn message(kind: u16, flags: u16, resource: u16, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + NFGENMSG + attributes.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]); // sequence and port: one question at a time
    bytes.extend([0, 0]); // any family, version 0
    bytes.extend(resource.to_be_bytes());
    bytes.extend(attributes);
    bytes.resize(padded(bytes.len()), 0);
    bytes
}

fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let one = message(0x401, 1, 7, &[put(1, &[9]), put(2, b"abcd")].concat());
        let two = [one.clone(), message(0x400, 0, 7, &put(3, b"x"))].concat();
        let read: Vec<_> = messages(&two).collect();
        assert_eq!(read.iter().map(|m| m.0).collect::<Vec<_>>(), [0x401, 0x400]);
        assert_eq!(attribute(read[0].1, 2), Some(&b"abcd"[..]));
        assert_eq!(attribute(read[1].1, 3), Some(&b"x"[..]));
        assert_eq!(attribute(read[1].1, 1), None);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (_, attributes) in messages(&bytes).take(100) {
                let _ = attribute(attributes, 1);
            }
        }
    }
}
