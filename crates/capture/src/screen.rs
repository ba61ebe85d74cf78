//! The first look at payload on ports where mail is not expected: a handful of comparisons that
//! let nearly everything pass by, then the judgement of `heloscope_smtp::opens_smtp`.

use heloscope_smtp::{Opens, Side, opens_smtp};

/// Who speaks, where the payload may open an SMTP connection (or a proxy's to one).
#[inline]
pub(crate) fn opening(payload: &[u8]) -> Option<Side> {
    let Some(first) = payload.first_chunk::<4>() else { return socks5_of_one_method(payload) };
    // Folds letters to lower case; digits, blank and dash stay as they are.
    let folded = (u32::from_be_bytes(*first) | 0x2020_2020).to_be_bytes();
    let side = match &folded {
        b"220 " | b"220-" | b"554 " | b"554-" => Side::Server,
        b"ehlo" | b"helo" | b"lhlo" | b"mail" | b"conn" | b"prox" | b"post" => Side::Client,
        _ => match *first {
            // SOCKS 5: the count of methods and as many bytes, nothing else yet; SOCKS 4: CONNECT.
            [5, n @ 1..=16, ..] if payload.len() == 2 + usize::from(n) => Side::Client,
            [4, 1, ..] if payload.len() >= 9 => Side::Client,
            _ => return None,
        },
    };
    judged(side, payload).then_some(side)
}

/// The commonest greeting of SOCKS 5 is three bytes long.
fn socks5_of_one_method(payload: &[u8]) -> Option<Side> {
    matches!(payload, [5, 1, _]).then_some(Side::Client)
}

#[cold]
fn judged(side: Side, payload: &[u8]) -> bool {
    opens_smtp(side, payload) != Opens::No
}

/// The judgement of a connection that was taken up for its content: it stays on probation until
/// what was said shows that this is SMTP.
///
/// Where the connection's beginning is in the capture, the first words of one side are enough.
/// Where it is not, they may be lines of a text in the middle of a download: then the client must
/// speak like a client and the server answer like a server.
#[derive(Debug)]
pub(crate) struct Probation {
    begun: bool,
    /// First bytes of the client and of the server.
    said: [Vec<u8>; 2],
    /// Who spoke first. A proxy's answers are its own protocol's, so a server's first word
    /// counts only where nobody spoke before it.
    first: Option<Side>,
    client_convinces: bool,
}

impl Probation {
    pub(crate) fn new(begun: bool) -> Self {
        Self { begun, said: [Vec::new(), Vec::new()], first: None, client_convinces: false }
    }

    /// The judgement with what one side says next.
    pub(crate) fn hear(&mut self, side: Side, bytes: &[u8]) -> Opens {
        let first = *self.first.get_or_insert(side);
        let [client, server] = &mut self.said;
        let said = match side {
            Side::Client => client,
            Side::Server => server,
        };
        let room = heloscope_smtp::OPENING_BYTES.saturating_sub(said.len());
        said.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        match side {
            Side::Client => {
                if self.client_convinces {
                    return Opens::Maybe;
                }
                let opens = opens_smtp(side, said);
                self.client_convinces = opens == Opens::Yes;
                let proxy = matches!(said.first(), Some(4 | 5 | b'C' | b'P' | b'c' | b'p'));
                if self.client_convinces && !self.begun && !proxy {
                    return if is_reply(server) == Opens::Yes { Opens::Yes } else { Opens::Maybe };
                }
                opens
            }
            Side::Server if self.client_convinces => is_reply(said),
            Side::Server if first == Side::Client => Opens::Maybe,
            Side::Server => match opens_smtp(side, said) {
                Opens::Yes if !self.begun => Opens::Maybe,
                opens => opens,
            },
        }
    }
}

/// Whether bytes begin like a reply: three digits and a blank, a dash or the end of the line.
fn is_reply(said: &[u8]) -> Opens {
    let digits = said.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    match (digits, said.get(3)) {
        (3, Some(b' ' | b'-' | b'\r' | b'\n')) => Opens::Yes,
        (n, None) if n == said.len() => Opens::Maybe,
        _ => Opens::No,
    }
}
