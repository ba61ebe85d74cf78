//! A client's line, taken for what it is: resynchronisation, verbs, HTTP headers, AUTH and its
//! secrets, what begins behind DATA and BDAT.
//!
//! In: complete lines of [`crate::client`]. Out: commands in the dialogue, questions in the queue
//! of [`crate::exchange`], the mode of the client's next bytes.

use crate::client::ClientMode;
use crate::connect;
use crate::exchange::Asked;
use crate::line::Line;
use crate::machine::Machine;
use crate::verb::{surely_command, verb_of};
use heloscope_model::session::{Auth, Command, Proxied, Verb};
use heloscope_model::{Octets, Time};

impl Machine {
    /// Takes a complete line for what it is.
    pub(crate) fn client_line(&mut self, line: Line) {
        if self.client.resync {
            if line.kept.trim_ascii() == b"." && !self.attempt.prompted {
                // The end of a message whose beginning is missing.
                self.client.resync = false;
                self.ask(Asked { content: true, ..Asked::new(Verb::Data) });
                return;
            }
            if !surely_command(&line.kept) {
                return;
            }
            self.client.resync = false;
        }
        let first = std::mem::replace(&mut self.client.fresh, false);
        if first && line.kept.starts_with(b"PROXY ") && verb_of(&line.kept) == Verb::Other {
            // A HAProxy header: not said by the client, not answered by the server.
            self.keep(Verb::Other, Octets::new(&line.kept), line.len_u32(), line.at, false);
            self.client.fresh = true;
            return;
        }
        let verb = self.verb_here(&line.kept);
        if verb == Verb::Proxy && self.http_line(&line) {
            return;
        }
        let (raw, len) = match verb {
            Verb::Auth => {
                let opening = self.attempt.begin(&line.kept);
                if self.dialogue.auth.len() < self.limits.lines {
                    self.attempt.entry = Some(self.dialogue.auth.len());
                    let (mechanism, user) = (opening.mechanism, opening.user);
                    self.dialogue.auth.push(Auth { at: line.at, mechanism, user, reply: None });
                }
                (opening.raw, None)
            }
            Verb::AuthData => {
                let user = self.attempt.next(&line.kept);
                let entry = self.attempt.entry.and_then(|i| self.dialogue.auth.get_mut(i));
                if let (Some(entry), Some(user)) = (entry, user) {
                    entry.user = Some(user);
                }
                ([b"*", crate::line::ending(&line.kept)].concat(), None)
            }
            _ => {
                self.attempt.near &= matches!(verb, Verb::Other);
                match without_secret(verb, &line.kept) {
                    Some(kept) => (kept, None),
                    None => (line.kept, Some(line.len)),
                }
            }
        };
        // The length of a secret is a secret too.
        let len = len.unwrap_or(raw.len() as u64);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let index = self.record(verb, Octets::new(&raw), len, line.at, line.early);
        self.act_on(verb, &raw, index, line.at);
    }

    fn verb_here(&mut self, line: &[u8]) -> Verb {
        if self.attempt.prompted {
            return Verb::AuthData;
        }
        let verb = verb_of(line);
        if self.client.http_headers {
            if line.trim_ascii().is_empty() {
                self.client.http_headers = false;
                return Verb::Proxy;
            }
            if verb == Verb::Header {
                return Verb::Proxy;
            }
            self.client.http_headers = false;
        }
        // Behind a gap a continuation line may stand without its AUTH.
        let unsure = self.attempt.near || self.dialogue.midstream || self.dialogue.gaps > 0;
        let text = line.trim_ascii();
        let one_word = !text.is_empty() && !text.iter().any(u8::is_ascii_whitespace);
        if verb == Verb::Other && unsure && one_word { Verb::AuthData } else { verb }
    }

    /// A line of an HTTP request. True where it was a header, which says nothing more.
    fn http_line(&mut self, line: &Line) -> bool {
        if verb_of(&line.kept) == Verb::Proxy {
            self.client.http_headers = memchr::memmem::find(&line.kept, b" HTTP/").is_some();
            if let Some(target) = connect::connect_target(&line.kept) {
                self.proxy = Some((Proxied { protocol: "CONNECT", target }, false));
            }
            return false;
        }
        let raw = connect::without_credentials(&line.kept).unwrap_or_else(|| line.kept.clone());
        self.record(Verb::Proxy, Octets::new(&raw), line.len_u32(), line.at, false);
        true
    }

    /// What follows from a command before its answer.
    fn act_on(&mut self, verb: Verb, raw: &[u8], index: Option<u32>, at: Time) {
        let ends_chunks = matches!(verb, Verb::Data | Verb::Mail | Verb::Rset | Verb::Quit)
            || verb.helo().is_some();
        if let Some(open) = self.open.take_if(|open| ends_chunks && open.chunked) {
            self.close(open, false);
        }
        match verb {
            Verb::Quit => self.quit = true,
            Verb::Data => {
                self.client.bare_lf_data = crate::line::ending(raw) == b"\n";
                if self.blind {
                    self.accept_data(at, index);
                } else {
                    self.client.mode = ClientMode::Held;
                    self.client.hold.begin(at, index);
                }
            }
            Verb::Bdat => {
                let Some(chunk) = crate::bdat::parse(raw) else { return };
                if self.open.is_none() {
                    self.open_message(at, index, true);
                }
                if let Some(asked) = self.pending.back_mut() {
                    asked.message = Some(self.dialogue.messages.len());
                    asked.last = chunk.last;
                }
                self.client.mode = ClientMode::Chunk(chunk.size, chunk.last);
                if chunk.size == 0 {
                    self.chunk_came(0, chunk.last);
                }
            }
            _ => {}
        }
    }

    /// Keeps a command and waits for its answer.
    pub(crate) fn record(
        &mut self,
        verb: Verb,
        raw: Octets,
        len: u32,
        at: Time,
        early: bool,
    ) -> Option<u32> {
        let mut asked = Asked { at, ..Asked::new(verb) };
        asked.blank = raw.as_bytes().trim_ascii().is_empty();
        let command = Command { at, verb, raw, len, early, reply: None };
        if matches!(verb, Verb::Mail | Verb::Rcpt) {
            asked.path = command.path();
            asked.binary = memchr::memmem::find(
                &command.raw.as_bytes().to_ascii_uppercase(),
                b"BODY=BINARYMIME",
            )
            .is_some();
        }
        let Command { raw, .. } = command;
        asked.command = self.keep(verb, raw, len, at, early);
        let index = asked.command;
        self.ask(asked);
        index
    }

    fn keep(&mut self, verb: Verb, raw: Octets, len: u32, at: Time, early: bool) -> Option<u32> {
        if self.dialogue.commands.len() >= self.limits.lines {
            self.dialogue.dropped = self.dialogue.dropped.saturating_add(1);
            return None;
        }
        let index = u32::try_from(self.dialogue.commands.len()).ok();
        self.dialogue.commands.push(Command { at, verb, raw, len, early, reply: None });
        index
    }
}

/// Lines of other protocols that carry a secret.
fn without_secret(verb: Verb, line: &[u8]) -> Option<Vec<u8>> {
    match verb {
        Verb::Header => connect::without_credentials(line),
        Verb::Other if crate::opening::starts_with_ignoring_case(line, b"PASS ") => {
            Some([b"PASS *", crate::line::ending(line)].concat())
        }
        _ => None,
    }
}
