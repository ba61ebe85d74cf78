//! The server name of a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), where it is in clear.

use heloscope_model::Octets;

/// Looks for the name while the hello comes in; forgets the bytes once it knows.
#[derive(Debug, Default)]
pub(crate) struct Hello {
    seen: Vec<u8>,
    done: bool,
}

/// Bytes of the first records that are looked at (post-quantum hellos are about 2 kB).
const LONGEST: usize = 16 * 1024;
/// Records a hello may be spread over.
const RECORDS: usize = 8;

impl Hello {
    /// Bytes of the client in order; the name once, when it is found.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<Octets> {
        if self.done {
            return None;
        }
        let room = LONGEST.saturating_sub(self.seen.len()).min(bytes.len());
        self.seen.extend_from_slice(bytes.get(..room).unwrap_or_default());
        let handshake = handshake_bytes(&self.seen)?;
        let whole = match (handshake.first(), handshake.get(1..4)) {
            (Some(1), Some(&[a, b, c])) => {
                let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                handshake.get(4..4 + len)
            }
            (Some(1) | None, _) => None,
            _ => {
                self.give_up();
                return None;
            }
        };
        match whole {
            Some(hello) => {
                let name = server_name(hello).map(Octets::new);
                self.give_up();
                name
            }
            None if self.seen.len() >= LONGEST => {
                self.give_up();
                None
            }
            None => None,
        }
    }

    /// No more looking: bytes are missing, or it is no hello.
    pub(crate) fn give_up(&mut self) {
        self.done = true;
        self.seen = Vec::new();
    }
}

/// The payload of the complete handshake records at the start; none while the first is not.
fn handshake_bytes(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    for _ in 0..RECORDS {
        let Some((&[kind, _, _, high, low], rest)) = bytes.split_first_chunk::<5>() else { break };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let (Some(fragment), 0x16) = (rest.get(..len), kind) else { break };
        payload.extend_from_slice(fragment);
        bytes = rest.get(len..).unwrap_or_default();
    }
    (!payload.is_empty()).then_some(payload)
}

fn server_name(hello: &[u8]) -> Option<&[u8]> {
    let mut rest = hello.get(34..)?;
    take_sized(&mut rest, 1)?; // session id
    take_sized(&mut rest, 2)?; // cipher suites
    take_sized(&mut rest, 1)?; // compression
    let mut extensions = take_sized(&mut rest, 2)?;
    while !extensions.is_empty() {
        let kind = take(&mut extensions, 2)?;
        let mut body = take_sized(&mut extensions, 2)?;
        if kind == [0, 0] {
            let mut names = take_sized(&mut body, 2)?;
            let host_name = take(&mut names, 1)? == [0];
            return take_sized(&mut names, 2).filter(|name| host_name && !name.is_empty());
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

/// A field with its length in `width` bytes before it.
fn take_sized<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let len = take(rest, width)?.iter().fold(0, |len, &b| len << 8 | usize::from(b));
    take(rest, len)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small ClientHello for a name.
    pub(crate) fn client_hello(name: &str) -> Vec<u8> {
        let sized = |bytes: &[u8]| {
            let mut sized = (bytes.len() as u16).to_be_bytes().to_vec();
            sized.extend_from_slice(bytes);
            sized
        };
        let names = sized(&[&[0][..], &sized(name.as_bytes())].concat());
        let extensions = sized(&[&[0, 10, 0, 0, 0, 0][..], &sized(&names)].concat());
        let hello = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &extensions].concat();
        let handshake = [&[1, 0][..], &sized(&hello)].concat();
        [&[0x16, 3, 1][..], &sized(&handshake)].concat()
    }

    #[test]
    fn finds_the_name_in_any_chunks() {
        let bytes = client_hello("mx.example.org");
        for chunk in [1, 7, bytes.len()] {
            let mut hello = Hello::default();
            let found: Vec<_> = bytes.chunks(chunk).filter_map(|c| hello.feed(c)).collect();
            assert_eq!(found, ["mx.example.org".into()]);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), at in 0usize..100) {
            Hello::default().feed(&bytes);
            let mut hello = client_hello("mx.example.org");
            if let (Some(b), Some(x)) = (hello.get_mut(at), bytes.pop()) { *b = x; }
            Hello::default().feed(&hello);
        }
    }
}
