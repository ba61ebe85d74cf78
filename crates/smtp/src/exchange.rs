//! Which reply answers what, and what follows from it.
//!
//! SMTP answers in order (RFC 2920 3.2), so replies are matched with a queue of what was asked.
//! Three codes say themselves what they answer (354 DATA, 334 and 235 AUTH, 221 QUIT): they draw
//! the queue back into step when replies are missing. Where replies are known to be missing, a
//! client that waits for each answer shows which question is the open one.

use crate::client::ClientMode;
use crate::machine::Machine;
use heloscope_model::session::{Message, Reply, Tls, Verb};
use heloscope_model::{Octets, Time};

/// How far the queue is searched: no client asks more at once, and a flood must not make each
/// reply cost a walk through it.
pub(crate) const REACH: usize = 64;

/// Something the client said that the server will answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) verb: Verb,
    pub(crate) at: Time,
    /// The end of a message's content rather than a command (`verb` is Data).
    pub(crate) content: bool,
    /// Its index in `Dialogue::commands`, where kept.
    pub(crate) command: Option<u32>,
    /// The path of MAIL and RCPT.
    pub(crate) path: Octets,
    /// MAIL with BODY=BINARYMIME.
    pub(crate) binary: bool,
    /// An empty line: some servers do not answer it.
    pub(crate) blank: bool,
    /// The message it ends, or a chunk of which it brings: an index in `Dialogue::messages`.
    pub(crate) message: Option<usize>,
    /// The last chunk.
    pub(crate) last: bool,
    /// Answers still due after the next (LMTP).
    pub(crate) more: u32,
    /// Taken as accepted before an answer came.
    pub(crate) applied: bool,
}

impl Asked {
    pub(crate) fn new(verb: Verb) -> Self {
        Self {
            verb,
            at: Time::default(),
            content: false,
            command: None,
            path: Octets::default(),
            binary: false,
            blank: false,
            message: None,
            last: false,
            more: 0,
            applied: false,
        }
    }

    fn is_data(&self) -> bool {
        self.verb == Verb::Data && !self.content
    }
}

/// The envelope as far as the server accepted it.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    from: Octets,
    to: Vec<Octets>,
    recipients: u32,
    pub(crate) binary: bool,
}

impl Envelope {
    /// Writes it on a message that has none yet.
    pub(crate) fn address(&self, message: &mut Message) {
        if message.from.is_empty() && message.recipients == 0 {
            message.from = self.from.clone();
            message.to = self.to.clone();
            message.recipients = self.recipients;
        }
    }
}

impl Machine {
    /// Waits for an answer.
    pub(crate) fn ask(&mut self, mut asked: Asked) {
        let later = self.pending.back().is_some_and(|last| asked.at > last.at);
        if self.replies_lost && later {
            // The client waited and went on: the answers it waited for are not in the recording.
            self.forget(self.pending.len());
        }
        if self.pending.len() >= self.limits.lines.max(1) {
            self.forget(1);
        }
        if self.blind {
            self.accept(&asked);
            asked.applied = true;
        }
        self.pending.push_back(asked);
    }

    /// Whether the client is owed an answer. An empty line may never get one: nobody waits for that.
    pub(crate) fn answer_due(&self) -> bool {
        self.pending.iter().take(REACH).any(|asked| !asked.blank)
    }

    /// Whether the envelope of a message by BDAT is not answered yet.
    pub(crate) fn envelope_open(&self) -> bool {
        let envelope = |a: &Asked| !a.applied && matches!(a.verb, Verb::Mail | Verb::Rcpt);
        !self.blind && (self.pending.len() > REACH || self.pending.iter().any(envelope))
    }

    /// Answers that will not come any more: they are taken for yes.
    fn forget(&mut self, count: usize) {
        for _ in 0..count {
            let Some(asked) = self.pending.pop_front() else { return };
            if !asked.applied {
                self.accept(&asked);
            }
        }
    }

    /// Takes everything unanswered as accepted (it stays in the queue, an answer may yet come).
    pub(crate) fn assume_unanswered(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        for asked in pending.iter_mut().filter(|asked| !asked.applied) {
            self.accept(asked);
            asked.applied = true;
        }
        self.pending = pending;
    }

    /// What acceptance does to the envelope.
    fn accept(&mut self, asked: &Asked) {
        match asked.verb {
            Verb::Mail => {
                self.envelope = Envelope {
                    from: asked.path.clone(),
                    binary: asked.binary,
                    ..Envelope::default()
                };
            }
            Verb::Rcpt => {
                self.envelope.recipients = self.envelope.recipients.saturating_add(1);
                if self.envelope.to.len() < self.limits.recipients {
                    self.envelope.to.push(asked.path.clone());
                }
            }
            Verb::Rset | Verb::Helo | Verb::Ehlo | Verb::Lhlo => {
                self.envelope = Envelope::default();
                self.lmtp = asked.verb == Verb::Lhlo;
            }
            Verb::Bdat => self.address_chunks(asked),
            _ => {}
        }
    }

    /// A chunk is answered: by now the envelope before it is.
    fn address_chunks(&mut self, asked: &Asked) {
        if let Some(message) = asked.message.and_then(|at| self.dialogue.messages.get_mut(at)) {
            self.envelope.address(message);
        } else if let Some(open) = self.open.as_mut().filter(|open| open.chunked) {
            self.envelope.address(&mut open.message);
        }
        if asked.last {
            self.envelope = Envelope::default();
        }
    }

    /// A complete reply of the server.
    pub(crate) fn on_reply(&mut self, reply: Reply) {
        // Behind a late start only a 220 before any command can be the greeting.
        let may_greet = self.dialogue.midstream
            && reply.code == 220
            && self.dialogue.commands.is_empty()
            && self.dialogue.replies.is_empty();
        let due = self.greeting_due && reply.code != 0;
        if self.dialogue.greeting.is_none() && (due || may_greet) {
            self.greeting_due = false;
            self.dialogue.greeting = Some(reply);
            return;
        }
        self.blind = false;
        if self.pending.is_empty() {
            self.split_at_cr();
        }
        let (code, text) = (reply.code, reply.text.clone());
        let index = self.keep_reply(reply);
        if self.greeting_due {
            return; // noise before the greeting answers nothing
        }
        self.answer(code, &text, index);
    }

    pub(crate) fn keep_reply(&mut self, reply: Reply) -> Option<u32> {
        if self.dialogue.replies.len() >= self.limits.lines {
            self.dialogue.dropped = self.dialogue.dropped.saturating_add(1);
            return None;
        }
        self.dialogue.replies.push(reply);
        u32::try_from(self.dialogue.replies.len() - 1).ok()
    }

    fn answer(&mut self, code: u16, text: &Octets, index: Option<u32>) {
        let at = self.answered_by(code);
        self.forget(at);
        if let Some(front) = self.pending.front_mut().filter(|front| front.more > 0) {
            front.more -= 1;
            let message = front.message;
            self.link_message(message, index);
            return;
        }
        let Some(mut asked) = self.pending.pop_front() else {
            self.unasked(code, index);
            return;
        };
        let lost = self.replies_lost;
        self.in_step |= self.pending.is_empty();
        self.replies_lost &= !self.pending.is_empty();
        if asked.is_data() && !asked.applied && self.is_held(&asked) {
            let taken_as_yes = self.answer_data(code, lost);
            if taken_as_yes && !(300..400).contains(&code) && self.pending.iter().any(|a| a.content)
            {
                // The 354 is missing: this is the answer to the content.
                self.answer(code, text, index);
                return;
            }
        }
        self.link_command(asked.command, index);
        if asked.content {
            self.link_message(asked.message, index);
            return;
        }
        match asked.verb {
            Verb::Auth | Verb::AuthData => self.answer_auth(code, text, index),
            Verb::StartTls if (200..300).contains(&code) => self.tls_agreed(),
            Verb::Data if asked.applied && (400..600).contains(&code) => {
                self.refuse_assumed(&asked, index);
            }
            Verb::Bdat => {
                if !asked.applied {
                    self.address_chunks(&asked);
                }
                if asked.last || (400..600).contains(&code) {
                    self.link_message(asked.message, index);
                }
            }
            _ if (200..300).contains(&code) && !asked.applied => {
                self.accept(&asked);
                asked.applied = true;
            }
            _ => {}
        }
    }

    /// How many of the queue's front the reply passes over.
    fn answered_by(&self, code: u16) -> usize {
        let of = |wanted: &dyn Fn(&Asked) -> bool| self.pending.iter().take(REACH).position(wanted);
        let named = match code {
            354 => of(&|asked| asked.is_data()),
            334 | 235 => of(&|asked| matches!(asked.verb, Verb::Auth | Verb::AuthData)),
            221 => of(&|asked| asked.verb == Verb::Quit),
            _ => None,
        };
        if let Some(at) = named {
            return at;
        }
        // No server says yes to an empty line; many say nothing.
        let blank = self.pending.iter().take(REACH).take_while(|asked| asked.blank).count();
        if (200..400).contains(&code) && blank < self.pending.len() { blank } else { 0 }
    }

    /// The client waits behind this very DATA.
    fn is_held(&self, asked: &Asked) -> bool {
        matches!(self.client.mode, ClientMode::Held) && self.client.hold.command == asked.command
    }

    /// The answer to DATA that the client waits for (or did not wait for). True where content
    /// follows. `lost`: replies before this one are missing.
    fn answer_data(&mut self, code: u16, lost: bool) -> bool {
        let (at, command) = (self.client.hold.at, self.client.hold.command);
        let waiting = !self.client.hold.waiting().is_empty();
        match code {
            300..400 => self.accept_data(at, command),
            // With replies missing this may be the answer to the content: the text decides.
            400..600 if !(lost && waiting) => self.client.mode = ClientMode::Lines,
            _ => {
                self.client.hold.undecided = true;
                if !waiting {
                    return false;
                }
                self.decide_hold();
            }
        }
        let content = matches!(self.client.mode, ClientMode::Content);
        self.release_hold(true);
        content
    }

    /// DATA was taken for accepted, and is refused now: what follows are commands.
    fn refuse_assumed(&mut self, asked: &Asked, index: Option<u32>) {
        let this = |open: &mut crate::machine::Open| {
            !open.chunked && open.command.is_some() && open.command == asked.command
        };
        if let Some(mut open) = self.open.take_if(this) {
            open.message.reply = index;
            self.close(open, false);
            self.client.mode = ClientMode::Lines;
        }
    }

    fn answer_auth(&mut self, code: u16, text: &Octets, index: Option<u32>) {
        if code == 334 {
            self.attempt.prompt(text.as_bytes());
            return;
        }
        self.attempt.answered();
        let entry = self.attempt.entry.and_then(|at| self.dialogue.auth.get_mut(at));
        if let Some(entry) = entry.filter(|entry| entry.reply.is_none()) {
            entry.reply = index;
        }
    }

    fn tls_agreed(&mut self) {
        let at = self.server.replied_at;
        self.dialogue.tls.get_or_insert(Tls { at, ..Tls::default() });
        // What was said behind STARTTLS in clear is void (RFC 3207 6).
        self.pending.clear();
        self.client.line = Default::default();
        self.client.mode = ClientMode::TlsDue;
        self.server.tls_due = true;
    }

    /// A reply that nothing waits for: during content it is about the content.
    fn unasked(&mut self, code: u16, index: Option<u32>) {
        let Some(open) = self.open.as_mut().filter(|open| !open.chunked) else {
            let lost = self.client.resync && matches!(self.client.mode, ClientMode::Lines);
            if code == 354 && lost {
                // DATA is missing, its content comes.
                self.client.resync = false;
                self.client.line = Default::default();
                self.accept_data(self.server.replied_at, None);
            }
            return;
        };
        open.message.reply = open.message.reply.or(index);
        let complete = open.content.ends_loosely();
        if complete || open.gap {
            self.client.resync = !complete;
            self.client.line = Default::default();
            self.client.mode = ClientMode::Lines;
            if let Some(open) = self.open.take() {
                self.close(open, complete);
            }
        }
    }

    fn link_command(&mut self, command: Option<u32>, index: Option<u32>) {
        let at = command.and_then(|at| usize::try_from(at).ok());
        if let Some(command) = at.and_then(|at| self.dialogue.commands.get_mut(at)) {
            command.reply = index;
        }
    }

    fn link_message(&mut self, message: Option<usize>, index: Option<u32>) {
        let kept = message.and_then(|at| self.dialogue.messages.get_mut(at));
        let open = self.open.as_mut().filter(|open| open.chunked).map(|open| &mut open.message);
        if let Some(message) = kept.or(open.filter(|_| message.is_some())) {
            message.reply = message.reply.or(index);
        }
    }
}
