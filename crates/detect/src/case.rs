//! All that is known when one session is judged: the session, who was spoken to, look-ups,
//! history, dialects. Private: detectors read it, [`crate::judge`] and [`crate::judge_sighting`]
//! make it.

use crate::dialect::{Dialect, Dialects};
use crate::helo::{self, Name};
use crate::surroundings::Surroundings;
use heloscope_model::sighting::{Receiver, TrapHit};
use heloscope_model::{Octets, Session, Sighting};
use std::cell::OnceCell;

pub(crate) struct Case<'a> {
    pub(crate) session: &'a Session,
    /// None on the owner's side.
    pub(crate) receiver: Option<&'a Receiver>,
    pub(crate) traps: &'a [TrapHit],
    /// The kind of trap that it tried to log in as.
    pub(crate) trap_login: bool,
    pub(crate) around: &'a Surroundings,
    pub(crate) dialects: &'a Dialects,
    dialect: OnceCell<Dialect>,
}

impl<'a> Case<'a> {
    pub(crate) fn of_session(
        session: &'a Session,
        around: &'a Surroundings,
        dialects: &'a Dialects,
    ) -> Self {
        let dialect = OnceCell::new();
        Self { session, receiver: None, traps: &[], trap_login: false, around, dialects, dialect }
    }

    pub(crate) fn of_sighting(
        sighting: &'a Sighting,
        around: &'a Surroundings,
        dialects: &'a Dialects,
    ) -> Self {
        let case = Self::of_session(&sighting.session, around, dialects);
        Self {
            receiver: Some(&sighting.receiver),
            traps: &sighting.traps,
            trap_login: sighting.trap_login,
            ..case
        }
    }

    /// How the client speaks, computed once.
    pub(crate) fn dialect(&self) -> &Dialect {
        self.dialect.get_or_init(|| Dialect::of(self.session))
    }

    /// The HELO's argument, where it is a host name: in lower case, without the dot at its end.
    pub(crate) fn helo_host(&self) -> Option<String> {
        match helo::of(self.session)?.name {
            Name::Host(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the client says a name that is its own as far as DNS knows: the name leads to it, or it
    /// is its confirmed reverse name. None where the look-ups do not decide it.
    pub(crate) fn says_its_own_name(&self) -> Option<bool> {
        let name = self.helo_host()?;
        if self.around.confirmed_names().contains(&name) {
            return Some(true);
        }
        self.around.helo_leads_to(self.session.client.ip())
    }

    /// Whether a text holds an address of the envelope, a trap, or a name of a log-in.
    pub(crate) fn names_somebody(&self, text: &str) -> bool {
        let dialogue = &self.session.dialogue;
        let text = text.to_ascii_lowercase();
        let holds = |octets: &Octets| {
            let name = octets.text().0.to_ascii_lowercase();
            name.contains('@') && text.contains(&name)
        };
        self.session.mail_from().iter().any(holds)
            || self.session.rcpt_to().iter().any(holds)
            || dialogue.messages.iter().any(|m| holds(&m.from) || m.to.iter().any(holds))
            || self.traps.iter().any(|trap| holds(&trap.recipient))
            || dialogue.auth.iter().any(|auth| auth.user.as_ref().is_some_and(holds))
    }
}
