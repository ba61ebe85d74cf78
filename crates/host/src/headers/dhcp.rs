//! DHCP for IPv4 (RFC 2131, 2132; the name of RFC 4702): what a client calls itself when it asks, and what a server gives. Of a
//! datagram only these are taken; one that is cut or nested wrongly gives nothing. Pure.

use std::net::Ipv4Addr;

const SERVER: u16 = 67;
const CLIENT: u16 = 68;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Bytes of a name that are kept.
const NAME: usize = 255;

/// What a datagram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A client asks, and calls itself so.
    Asks { mac: [u8; 6], name: Vec<u8> },
    /// A server gives.
    Gives {
        mac: [u8; 6],
        address: Ipv4Addr,
        /// The name that the server has for it.
        name: Option<Vec<u8>>,
        /// For so many seconds.
        seconds: Option<u32>,
    },
}

/// Reads what a UDP datagram carries.
pub(super) fn said(from: u16, to: u16, payload: &[u8]) -> Option<Said> {
    let head: &[u8; 236] = payload.first_chunk()?;
    // Ethernet's addresses alone.
    let &[op, 1, 6, ..] = head else { return None };
    let mac = *head.get(28..)?.first_chunk::<6>()?;
    let options = payload.get(236..)?.strip_prefix(&COOKIE)?;
    let (mut kind, mut name, mut full, mut seconds) = (0, None, None, None);
    let mut rest = options;
    loop {
        rest = match rest {
            [0, rest @ ..] => rest,
            [] | [255, ..] => break,
            [code, length, rest @ ..] => {
                let (value, rest) = rest.split_at_checked(usize::from(*length))?;
                match (code, value) {
                    (53, [value]) => kind = *value,
                    (12, value) => name = clean(value),
                    // Flags say whether it is text or labels.
                    (81, [flags, _, _, value @ ..]) => {
                        full = if flags & 4 == 0 { clean(value) } else { labels(value) };
                    }
                    (51, value) => seconds = value.try_into().ok().map(u32::from_be_bytes),
                    _ => {}
                }
                rest
            }
            [_] => return None,
        };
    }
    let name = name.or(full);
    match (op, kind, from, to) {
        // DISCOVER or REQUEST.
        (1, 1 | 3, CLIENT, SERVER) => Some(Said::Asks { mac, name: name? }),
        // ACK; an answer to INFORM gives no address.
        (2, 5, SERVER, CLIENT) => {
            let address = Ipv4Addr::from(*head.get(16..)?.first_chunk::<4>()?);
            let given = !address.is_unspecified();
            // All ones are for ever.
            let seconds = seconds.filter(|seconds| *seconds != u32::MAX);
            given.then_some(Said::Gives { mac, address, name, seconds })
        }
        _ => None,
    }
}

fn clean(value: &[u8]) -> Option<Vec<u8>> {
    let value = value.strip_suffix(&[0]).unwrap_or(value);
    let value = value.strip_suffix(b".").unwrap_or(value);
    let value = value.get(..value.len().min(NAME))?;
    (!value.is_empty()).then(|| value.to_vec())
}

/// A name in DNS's form, without its compression.
fn labels(mut value: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    while let [length @ 1..=63, rest @ ..] = value {
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend(label);
        value = rest;
    }
    clean(&name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0x17];

    /// A message with these options.
    pub(crate) fn message(op: u8, address: [u8; 4], options: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![op, 1, 6, 0];
        bytes.resize(16, 0);
        bytes.extend(address);
        bytes.resize(28, 0);
        bytes.extend(MAC);
        bytes.resize(236, 0);
        bytes.extend(COOKIE);
        for (code, value) in options {
            bytes.extend([*code, u8::try_from(value.len()).unwrap()]);
            bytes.extend(*value);
        }
        bytes.push(255);
        bytes
    }

    #[test]
    fn a_client_names_itself_and_a_server_gives() {
        let asks = message(1, [0; 4], &[(53, &[3]), (50, &[192, 168, 1, 23]), (12, b"laptop\0")]);
        assert_eq!(said(68, 67, &asks), Some(Said::Asks { mac: MAC, name: b"laptop".to_vec() }));
        let gives = message(
            2,
            [192, 168, 1, 23],
            &[(53, &[5]), (51, &[0, 0, 14, 16]), (54, &[192, 168, 1, 1])],
        );
        let given = Said::Gives {
            mac: MAC,
            address: Ipv4Addr::new(192, 168, 1, 23),
            name: None,
            seconds: Some(3600),
        };
        assert_eq!(said(67, 68, &gives), Some(given));
        let full = message(1, [0; 4], &[(53, &[1]), (81, b"\x04\0\0\x06laptop\x03lan\0")]);
        assert_eq!(
            said(68, 67, &full),
            Some(Said::Asks { mac: MAC, name: b"laptop.lan".to_vec() })
        );
    }

    #[test]
    fn what_gives_no_address_is_no_lease() {
        for (op, address, kind, ports) in [
            (2, [0; 4], 5, (67, 68)),            // the answer to INFORM
            (2, [192, 168, 1, 23], 6, (67, 68)), // NAK
            (2, [192, 168, 1, 23], 2, (67, 68)), // an offer
            (2, [192, 168, 1, 23], 5, (68, 67)), // by no server
            (1, [192, 168, 1, 23], 5, (67, 68)),
        ] {
            let bytes = message(op, address, &[(53, &[kind])]);
            assert_eq!(said(ports.0, ports.1, &bytes), None, "{op} {kind}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            tail in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..400, at in 0_usize..300, byte in any::<u8>(),
        ) {
            let mut bytes = message(2, [192, 168, 1, 23], &[(53, &[5]), (12, b"x"), (81, b"\x04\0\0\x01a\0")]);
            bytes.pop();
            bytes.extend(tail);
            if let Some(place) = bytes.get_mut(at) { *place = byte; }
            let _ = said(67, 68, &bytes);
            bytes.truncate(cut);
            let _ = said(68, 67, &bytes);
        }
    }
}
