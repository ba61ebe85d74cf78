//! What a connection says, once its bytes are in order: fed to the dialogue machine, and judged
//! where only its content made it worth following.

use crate::screen::Probation;
use heloscope_model::Time;
use heloscope_model::session::{Dialogue, Proxied};
use heloscope_smtp::{Limits, Machine, Opens, Side};

/// Why a connection is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// Its port says that it is SMTP.
    Port,
    /// What it said; `begun` where the capture has its beginning.
    Content { begun: bool },
}

/// The dialogue of one connection.
pub(crate) struct Talk {
    machine: Machine,
    probation: Option<Probation>,
    /// Judged to be something else than SMTP.
    pub(crate) refused: bool,
    /// Bytes handed to the machine.
    fed: u64,
}

impl Talk {
    /// A dialogue not begun.
    pub(crate) fn new(limits: &Limits, reason: Reason) -> Self {
        let probation = match reason {
            Reason::Port => None,
            Reason::Content { begun } => Some(Probation::new(begun)),
        };
        Self { machine: Machine::new(limits), probation, refused: false, fed: 0 }
    }

    /// The recording began after the connection did.
    pub(crate) fn midstream(&mut self) {
        self.machine.midstream();
    }

    /// Bytes of one side.
    #[inline]
    pub(crate) fn feed(&mut self, side: Side, at: Time, bytes: &[u8]) {
        if bytes.is_empty() || self.refused {
            return;
        }
        if let Some(probation) = &mut self.probation {
            match probation.hear(side, bytes) {
                Opens::Yes => self.probation = None,
                Opens::Maybe => {}
                Opens::No => {
                    self.refused = true;
                    return;
                }
            }
        }
        self.fed += bytes.len() as u64;
        self.machine.feed(side, at, bytes);
    }

    /// Bytes of one side that the capture does not have.
    pub(crate) fn gap(&mut self, side: Side, at: Time, len: u64) {
        if len > 0 && !self.refused {
            self.machine.gap(side, at, len);
        }
    }

    /// Whether this is SMTP as far as can be told.
    pub(crate) fn convinced(&self) -> bool {
        !self.refused && self.probation.is_none()
    }

    /// About how many bytes the dialogue holds.
    pub(crate) fn weight(&self) -> usize {
        self.machine.weight(self.fed)
    }

    pub(crate) fn quit_said(&self) -> bool {
        self.machine.quit_said()
    }

    /// The dialogue, and the proxy it went through.
    pub(crate) fn finish(self) -> (Dialogue, Option<Proxied>) {
        let proxied = self.machine.proxied();
        (self.machine.finish(), proxied)
    }
}
