//! Sessions to detections: one file a detector, id and version public words.
//!
//! In: a [`Session`]. Out: [`Detection`]s in the order of the [`CATALOGUE`]. Pure and local: a
//! detector sees one session; what needs history, DNS or other sessions is judged elsewhere.
//! A detector stays silent where the recording is too poor to be sure (gaps, late starts, one
//! side only): a wrong accusation is worse than none.
//!
//! To add one: a file in `detectors/` with its `DETECTOR`, a line in [`catalogue`], a document of
//! cases in `tests/cases/` with at least one session that it sees and a benign twin that it must
//! not see.

pub mod catalogue;
mod detectors;
mod dialect;
mod header;
mod helo;
mod quote;

pub use catalogue::CATALOGUE;
pub use dialect::dialect;

use heloscope_model::Session;
use heloscope_model::session::{Command, Dialogue, Verb};

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

/// One rule: its public words and its eye.
#[derive(Debug)]
pub struct Detector {
    /// Its id, a public word.
    pub id: &'static str,
    /// Counted up when what it sees changes, so that a version's listings can be recalled.
    pub version: u32,
    /// A, B, C or X as in [`Detection::class`]; a finding may name another.
    pub class: char,
    /// Several rules of one family count once.
    pub family: &'static str,
    /// The innocent explanation, for the page the owner reads.
    pub innocent: &'static str,
    /// Which sessions it is for.
    pub scope: Scope,
    see: fn(&Session) -> Option<Finding>,
}

/// Which sessions a detector judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every session.
    Any,
    /// Mail between servers: not submission by a user (ports 465 and 587, or logged in), not LMTP,
    /// not from this very host.
    Transfer,
}

/// What a detector saw.
struct Finding {
    evidence: String,
    /// Where it differs from the detector's own.
    class: Option<char>,
}

impl Finding {
    fn new(evidence: String) -> Option<Self> {
        Some(Self { evidence, class: None })
    }
}

/// All detections of one session, in the order of the catalogue.
pub fn judge(session: &Session) -> Vec<Detection> {
    let transfer = is_transfer(session);
    let in_scope = CATALOGUE.iter().filter(|d| transfer || d.scope == Scope::Any);
    in_scope
        .filter_map(|d| {
            let Finding { evidence, class } = (d.see)(session)?;
            let class = class.unwrap_or(d.class);
            let (detector, version, family) = (d.id, d.version, d.family);
            Some(Detection { detector, version, class, family, evidence })
        })
        .collect()
}

fn is_transfer(session: &Session) -> bool {
    let dialogue = &session.dialogue;
    let logged_in =
        dialogue.auth.iter().any(|auth| dialogue.reply(auth.reply).is_some_and(|r| r.code == 235));
    let lmtp = dialogue.commands.iter().any(|command| command.verb == Verb::Lhlo);
    let submission = matches!(session.server.port(), 465 | 587);
    !(logged_in || lmtp || submission || session.client.ip().to_canonical().is_loopback())
}

/// Whether the recording holds the whole session, so that what is missing was not said.
fn is_whole(session: &Session) -> bool {
    !session.dialogue.midstream && session.dialogue.gaps == 0 && session.dialogue.dropped == 0
}

/// Whether this command's reply offers PIPELINING (RFC 2920).
fn pipelining_offered(dialogue: &Dialogue, command: &Command) -> bool {
    matches!(command.verb, Verb::Ehlo | Verb::Lhlo)
        && dialogue.reply(command.reply).filter(|reply| reply.is_positive()).is_some_and(|reply| {
            let mut lines = reply.text.as_bytes().split(|&b| b == b'\n');
            lines.any(|line| line.trim_ascii().eq_ignore_ascii_case(b"PIPELINING"))
        })
}
