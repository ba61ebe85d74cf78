//! How much memory a session holds: for readers that follow many at a time and must stay within
//! a bound whatever the peers do. A line of one byte costs a hundred in a [`Command`], so bytes
//! read say little.

use crate::machine::Machine;
use heloscope_model::session::{Auth, Command, Message, Reply};
use std::mem::size_of;

/// What an allocation of its own costs beside its bytes.
const ALLOCATION: usize = 32;

impl Machine {
    /// About how many bytes this session holds, where `fed` bytes were fed: rather more than
    /// less. Takes time in the number of messages only.
    pub fn weight(&self, fed: u64) -> usize {
        let dialogue = &self.dialogue;
        let open = self.open.as_ref();
        let tls = dialogue.tls.as_ref().map_or(0, |tls| tls.client_bytes + tls.server_bytes);
        let content = dialogue.messages.iter().map(|message| message.bytes).sum::<u64>()
            + dialogue.unkept_bytes
            + open.map_or(0, |open| open.content.bytes);
        let headers = dialogue.messages.iter().map(|m| m.header.as_bytes().len()).sum::<usize>()
            + open.map_or(0, |open| open.content.header.capacity());
        // What is neither content nor under TLS may be kept, and recipients are kept twice.
        let text = 2 * usize::try_from(fed.saturating_sub(tls + content)).unwrap_or(usize::MAX / 4);
        let most = 2 * self.limits.lines.saturating_mul(self.limits.line_bytes);
        size_of::<Self>()
            + dialogue.commands.capacity() * (size_of::<Command>() + ALLOCATION)
            + dialogue.replies.capacity() * (size_of::<Reply>() + ALLOCATION)
            + dialogue.messages.capacity() * (size_of::<Message>() + ALLOCATION)
            + dialogue.auth.capacity() * (size_of::<Auth>() + 2 * ALLOCATION)
            + self.pending.capacity() * (size_of::<crate::exchange::Asked>() + ALLOCATION)
            + text.min(most)
            + headers
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Machine, Side};
    use heloscope_model::Time;

    fn weight_of(client: &[u8], server: &[u8]) -> usize {
        let mut machine = Machine::new(&Limits::default());
        let at = Time::from_secs(0);
        machine.feed(Side::Server, at, b"220 mx.example.net ESMTP\r\n");
        for (line, reply) in client.split_inclusive(|&b| b == b'\n').zip(std::iter::repeat(server))
        {
            machine.feed(Side::Client, at, line);
            machine.feed(Side::Server, at, reply);
        }
        machine.weight((26 + client.len()) as u64)
    }

    #[test]
    fn short_lines_weigh_more_than_their_bytes_and_content_weighs_nothing() {
        let empty = weight_of(b"", b"");
        assert!(empty < 4096, "{empty}");
        let flood = weight_of(&b"\n".repeat(4000), b"500 no\r\n");
        assert!(flood > 4000 * 100, "{flood}");
        let mut machine = Machine::new(&Limits::default());
        let at = Time::from_secs(0);
        let mut fed = 0;
        for (side, bytes) in [
            (Side::Server, b"220 x ESMTP\r\n".to_vec()),
            (Side::Client, b"HELO x\r\n".to_vec()),
            (Side::Server, b"250 x\r\n".to_vec()),
            (Side::Client, b"MAIL FROM:<a@example.org>\r\n".to_vec()),
            (Side::Server, b"250 x\r\n".to_vec()),
            (Side::Client, b"RCPT TO:<b@example.net>\r\n".to_vec()),
            (Side::Server, b"250 x\r\n".to_vec()),
            (Side::Client, b"DATA\r\n".to_vec()),
            (Side::Server, b"354 x\r\n".to_vec()),
            (Side::Client, b"a line of text\r\n".repeat(100_000)),
        ] {
            machine.feed(side, at, &bytes);
            fed += bytes.len() as u64;
        }
        let heavy = machine.weight(fed);
        assert!(heavy < 32_768, "{heavy}");
    }
}
