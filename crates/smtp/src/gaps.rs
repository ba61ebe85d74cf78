//! Bytes that the recording does not hold.
//!
//! Sizes are still exact (content, chunks, TLS count what is missing); meaning is taken up again
//! at the next line that surely is a command, or looks like a reply. What was early can no longer
//! be told until question and answer are in step again, so nobody is accused of it.

use crate::client::ClientMode;
use crate::line::Line;
use crate::machine::Machine;
use crate::verb::surely_command;
use heloscope_model::Time;

/// Line starts behind a gap in content that are looked at for a command.
const PROBES: u8 = 4;

impl Machine {
    pub(crate) fn client_gap(&mut self, at: Time, len: u64) {
        self.in_step = false;
        self.client.fresh = false;
        // What waits for an answer is before the gap: it cannot wait behind it.
        while matches!(self.client.mode, ClientMode::Held) {
            self.decide_hold();
            self.release_hold(true);
        }
        match self.client.mode {
            ClientMode::Lines | ClientMode::Socks(_) => self.cut_client_line(),
            ClientMode::Content => {
                if let Some(open) = &mut self.open {
                    open.content.skip(len);
                    open.gap = true;
                    open.probes = PROBES;
                }
                self.client.line = Line { at, ..Line::default() };
            }
            ClientMode::Chunk(left, last) => {
                if let Some(open) = &mut self.open {
                    open.content.skip(len.min(left));
                    open.gap = true;
                }
                self.chunk_came(left.saturating_sub(len), last);
                if len > left {
                    self.cut_client_line();
                }
            }
            ClientMode::TlsDue | ClientMode::Tls => {
                self.client.mode = ClientMode::Tls;
                self.client.hello.give_up();
                if let Some(tls) = &mut self.dialogue.tls {
                    tls.client_bytes = tls.client_bytes.saturating_add(len);
                }
            }
            ClientMode::Held => {}
        }
    }

    fn cut_client_line(&mut self) {
        self.client.mode = ClientMode::Lines;
        self.client.line = Line::default();
        self.client.resync = true;
        // Whether a prompt was answered inside the gap is unknown; lines of one word stay secret.
        self.attempt.prompted = false;
    }

    /// Behind a gap in content: does the line that ends here begin the next command?
    pub(crate) fn probe(&mut self, at: Time, part: &[u8]) {
        if self.client.line.is_empty() {
            self.client.line.at = at;
        }
        self.client.line.push(part, self.limits.line_bytes);
        if part.last() != Some(&b'\n') {
            return;
        }
        let line = self.client.line.take();
        let Some(open) = &mut self.open else { return };
        open.probes = open.probes.saturating_sub(1);
        if surely_command(&line.kept) {
            open.content.bytes = open.content.bytes.saturating_sub(line.len);
            if let Some(open) = self.open.take() {
                self.close(open, false);
            }
            self.client.mode = ClientMode::Lines;
            self.client_line(line);
        }
    }

    pub(crate) fn server_gap(&mut self, _at: Time, len: u64) {
        self.in_step = false;
        self.replies_lost = true;
        self.greeting_due = false;
        // The missing bytes may be the answers they did not wait for.
        for asked in &self.pending {
            let at = asked.command.and_then(|at| usize::try_from(at).ok());
            if let Some(command) = at.and_then(|at| self.dialogue.commands.get_mut(at)) {
                command.early = false;
            }
        }
        if self.server.tls || self.server.tls_due {
            self.server.tls = true;
            self.server.tls_due = false;
            if let Some(tls) = &mut self.dialogue.tls {
                tls.server_bytes = tls.server_bytes.saturating_add(len);
            }
            return;
        }
        self.cut_server_line();
    }
}
