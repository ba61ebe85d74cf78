//! The host name of one pirated Windows image, said by a family of password guessers.

use crate::helo;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;

pub(crate) const DETECTOR: Detector = Detector {
    id: "helo-ylmf-pc",
    version: 1,
    class: 'A',
    family: "helo",
    innocent: "a researcher who plays the bot",
    scope: Scope::Any,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let helo = helo::of(session)?;
    let bot = helo.text.as_bytes().eq_ignore_ascii_case(b"ylmf-pc");
    let verb = helo.verb;
    bot.then(|| {
        Finding::new(format!("it said {verb} ylmf-pc, the name of a password-guessing bot"))
    })?
}
