//! The first look at payload on ports where mail is not expected: a handful of comparisons that
//! let nearly everything pass by, then the judgement of `heloscope_smtp::opens_smtp`.

use heloscope_smtp::{Opens, Side, opens_smtp};

/// Who speaks, where the payload may open an SMTP connection (or a proxy's to one).
#[inline]
pub(crate) fn opening(payload: &[u8]) -> Option<Side> {
    let first: [u8; 4] = *payload.first_chunk()?;
    // Folds letters to lower case; digits, blank and dash stay as they are.
    let folded = (u32::from_be_bytes(first) | 0x2020_2020).to_be_bytes();
    let side = match &folded {
        b"220 " | b"220-" | b"554 " | b"554-" => Side::Server,
        b"ehlo" | b"helo" | b"lhlo" | b"mail" | b"conn" => Side::Client,
        b"prox" | b"post" => Side::Client,
        _ => match first {
            // SOCKS 5: the count of methods and as many bytes, nothing else yet; SOCKS 4: CONNECT.
            [5, n @ 1..=16, ..] if payload.len() == 2 + usize::from(n) => Side::Client,
            [4, 1, ..] if payload.len() >= 9 => Side::Client,
            _ => return None,
        },
    };
    judged(side, payload).then_some(side)
}

#[cold]
fn judged(side: Side, payload: &[u8]) -> bool {
    opens_smtp(side, payload) != Opens::No
}

/// The judgement of a connection that was taken up for its content: it stays on probation until
/// one side shows that this is SMTP.
#[derive(Debug)]
pub(crate) struct Probation {
    /// First bytes of the client and of the server.
    said: [Vec<u8>; 2],
    /// Who spoke first. A proxy's answers are its own protocol's, so a server counts only then.
    first: Option<Side>,
}

impl Probation {
    pub(crate) fn new() -> Self {
        Self { said: [Vec::new(), Vec::new()], first: None }
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
        if room == 0 || (side == Side::Server && first == Side::Client) {
            return Opens::Maybe;
        }
        said.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        opens_smtp(side, said)
    }
}
