//! A TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3, RFC 7301): what tells libraries apart, read from
//! the records as they come in. GREASE (RFC 8701) is left out: it is random on purpose.

use heloscope_model::Octets;
use heloscope_model::sighting::ClientHello;

/// Looks for the hello while it comes in; forgets the bytes once it knows.
#[derive(Debug, Default)]
pub struct Hello {
    seen: Vec<u8>,
    done: bool,
}

/// Bytes of the first records that are looked at (post-quantum hellos are about 2 kB).
const LONGEST: usize = 16 * 1024;
/// Records a hello may be spread over.
const RECORDS: usize = 8;

impl Hello {
    /// Bytes of the client in order; the hello once, when it is whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<ClientHello> {
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
                let hello = client_hello(hello);
                self.give_up();
                hello
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

/// The body of a hello. Extensions that are cut or odd end the reading: what came before stands.
fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let mut rest = body;
    let legacy = number(take(&mut rest, 2)?);
    take(&mut rest, 32)?; // random
    take_sized(&mut rest, 1)?; // session id
    let ciphers = numbers(take_sized(&mut rest, 2)?);
    take_sized(&mut rest, 1)?; // compression
    let mut hello = ClientHello { version: legacy, ciphers, ..ClientHello::default() };
    let mut extensions = take_sized(&mut rest, 2).unwrap_or_default();
    while let Some((kind, body)) = extension(&mut extensions) {
        if !is_grease(kind) {
            hello.extensions.push(kind);
            note(&mut hello, kind, body);
        }
    }
    Some(hello)
}

fn extension<'a>(rest: &mut &'a [u8]) -> Option<(u16, &'a [u8])> {
    Some((number(take(rest, 2)?), take_sized(rest, 2)?))
}

fn note(hello: &mut ClientHello, kind: u16, mut body: &[u8]) {
    match kind {
        0 => {
            let mut names = take_sized(&mut body, 2).unwrap_or_default();
            let host_name = take(&mut names, 1) == Some(&[0]);
            let name = take_sized(&mut names, 2).filter(|name| host_name && !name.is_empty());
            hello.server_name = name.map(Octets::new).or(hello.server_name.take());
        }
        13 => {
            hello.signature_algorithms = numbers(take_sized(&mut body, 2).unwrap_or_default());
        }
        16 => {
            let mut protocols = take_sized(&mut body, 2).unwrap_or_default();
            hello.alpn = take_sized(&mut protocols, 1).map(Octets::new);
        }
        43 => {
            let offered = numbers(take_sized(&mut body, 1).unwrap_or_default());
            hello.version = offered.into_iter().max().unwrap_or(hello.version);
        }
        _ => {}
    }
}

fn numbers(list: &[u8]) -> Vec<u16> {
    list.chunks_exact(2).map(number).filter(|&number| !is_grease(number)).collect()
}

fn number(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |number, &b| number << 8 | u16::from(b))
}

/// RFC 8701: 0x0a0a, 0x1a1a, ... 0xfafa.
fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
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
    pub(crate) fn hello_for(name: &str) -> Vec<u8> {
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
        let bytes = hello_for("mx.example.org");
        for chunk in [1, 7, bytes.len()] {
            let mut hello = Hello::default();
            let found: Vec<_> = bytes.chunks(chunk).filter_map(|c| hello.feed(c)).collect();
            let names: Vec<_> = found.iter().filter_map(|h| h.server_name.clone()).collect();
            assert_eq!(names, ["mx.example.org".into()]);
            assert_eq!((found[0].version, &found[0].ciphers[..]), (0x303, &[0x1301][..]));
            assert_eq!(found[0].extensions, [10, 0]);
        }
    }

    #[test]
    fn grease_is_left_out_and_the_highest_version_counts() {
        let mut body = [&[3, 3][..], &[7; 32], &[0]].concat();
        body.extend([0, 4, 0x2a, 0x2a, 0x13, 2, 1, 0]);
        let extensions: [&[u8]; 5] = [
            &[0xfa, 0xfa, 0, 0],
            &[0, 43, 0, 7, 6, 0x7a, 0x7a, 3, 4, 3, 3],
            &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
            &[0, 16, 0, 9, 0, 7, 4, b's', b'm', b't', b'p', 1, b'x'],
            &[0, 0], // cut
        ];
        let extensions = extensions.concat();
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let hello = client_hello(&body).unwrap();
        assert_eq!((hello.version, &hello.ciphers[..]), (0x304, &[0x1302][..]));
        assert_eq!(hello.extensions, [43, 13, 16]);
        assert_eq!(hello.signature_algorithms, [0x403, 0x804]);
        assert_eq!(hello.alpn, Some("smtp".into()));
        assert_eq!(hello.server_name, None);
        assert!(is_grease(0x0a0a) && !is_grease(0x0a1a) && !is_grease(0x1301));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), at in 0usize..100) {
            Hello::default().feed(&bytes);
            let mut hello = hello_for("mx.example.org");
            if let (Some(b), Some(x)) = (hello.get_mut(at), bytes.pop()) { *b = x; }
            Hello::default().feed(&hello);
        }
    }
}
