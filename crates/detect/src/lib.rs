//! Sessions to detections: one file a detector, id and version public words.

use heloscope_model::Session;

/// What a detector says of a session.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Detection {
    /// Its id (`helo-loopback-private`).
    pub detector: &'static str,
    /// Its version.
    pub version: u32,
    /// A lists on one hit, B needs more, C supports, X exonerates.
    pub class: char,
    /// Several rules of one family count once.
    pub family: &'static str,
    /// What it saw, one sentence for a person.
    pub evidence: String,
}

/// All detections of one session, in the order of the catalogue.
pub fn judge(_session: &Session) -> Vec<Detection> {
    Vec::new()
}
