//! The client goes on after a refusal as if it had been told yes. What it may send without waiting
//! does not count: commands on their way already, and where PIPELINING was offered RCPT, DATA and BDAT at any
//! time (RFC 2920 3.1: a client may have read none of the answers though all were sent).

use crate::{Detector, Eye, Finding, Scope, is_whole, pipelining_offered};
use heloscope_model::Session;
use heloscope_model::session::{Command, Reply, Verb};

pub(crate) const DETECTOR: Detector = Detector {
    id: "deaf",
    version: 2,
    class: 'B',
    family: "protocol",
    innocent: "a broken client",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

/// What the server has said so far about each step, as far as it binds the next.
#[derive(Default)]
struct Heard<'a> {
    /// A greeting or a reply that ends the session.
    end: Option<&'a Reply>,
    /// Every HELO so far was refused.
    helo: Option<&'a Reply>,
    greeted: bool,
    /// The last MAIL was refused, and none accepted in this transaction.
    mail: Option<&'a Reply>,
    /// Every RCPT of this transaction was refused.
    rcpt: Option<&'a Reply>,
    recipients: bool,
    pipelining: bool,
}

fn may_be_pipelined(verb: Verb) -> bool {
    matches!(verb, Verb::Rcpt | Verb::Data | Verb::Bdat)
}

fn see(session: &Session) -> Option<Finding> {
    if !is_whole(session) {
        return None;
    }
    let dialogue = &session.dialogue;
    let mut heard =
        Heard { end: dialogue.greeting.as_ref().filter(|g| g.is_refusal()), ..Heard::default() };
    for command in &dialogue.commands {
        let blind = command.early || heard.pipelining && may_be_pipelined(command.verb);
        if let Some((refusal, to_what)) = heard.ignored_by(command).filter(|_| !blind) {
            let said = name(command.verb)?;
            return Finding::new(format!(
                "it went on with {said} after {to_what} had been refused with {}",
                refusal.code
            ));
        }
        heard.hear(command, dialogue.reply(command.reply));
        heard.pipelining |= pipelining_offered(dialogue, command);
    }
    None
}

impl<'a> Heard<'a> {
    /// The refusal that a command ignores, and of what.
    fn ignored_by(&self, command: &Command) -> Option<(&'a Reply, &'static str)> {
        match command.verb {
            Verb::Mail | Verb::Rcpt | Verb::Data if self.end.is_some() => {
                Some((self.end?, "the session"))
            }
            Verb::Mail => Some((self.helo?, "HELO")),
            Verb::Rcpt => Some((self.mail?, "MAIL")),
            Verb::Data | Verb::Bdat => match self.mail {
                Some(refusal) => Some((refusal, "MAIL")),
                None => Some((self.rcpt?, "every recipient")),
            },
            _ => None,
        }
    }

    fn hear(&mut self, command: &Command, reply: Option<&'a Reply>) {
        let Some(reply) = reply else { return };
        if reply.code == 421 {
            self.end = Some(reply);
        }
        let (yes, no) = (reply.is_positive(), reply.is_refusal());
        match command.verb {
            Verb::Helo | Verb::Ehlo | Verb::Lhlo => {
                self.greeted |= yes;
                self.helo = Some(reply).filter(|_| no && !self.greeted);
                if yes {
                    self.begin();
                }
            }
            Verb::Rset | Verb::Data | Verb::Bdat => self.begin(),
            Verb::Mail if yes => self.begin(),
            // A nested MAIL is refused, and the first stays good.
            Verb::Mail if no && !self.recipients && reply.code != 503 => self.mail = Some(reply),
            Verb::Rcpt if yes => (self.recipients, self.rcpt) = (true, None),
            Verb::Rcpt if no && !self.recipients => self.rcpt = Some(reply),
            _ => {}
        }
    }

    /// A new transaction.
    fn begin(&mut self) {
        (self.mail, self.rcpt, self.recipients) = (None, None, false);
    }
}

fn name(verb: Verb) -> Option<&'static str> {
    match verb {
        Verb::Mail => Some("MAIL"),
        Verb::Rcpt => Some("RCPT"),
        Verb::Data => Some("DATA"),
        Verb::Bdat => Some("BDAT"),
        _ => None,
    }
}
