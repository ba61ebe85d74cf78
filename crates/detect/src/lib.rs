//! Sessions to detections: one file a detector, id and version public words.
//!
//! In: a [`Session`] ([`judge`]: the owner's side, nothing else known), or a [`Sighting`] with its
//! [`Surroundings`] (the outcome of DNS look-ups, the address's [`History`] before it) and the
//! known [`Dialects`] ([`judge_sighting`]). Out: [`Detection`]s in the order of the [`CATALOGUE`],
//! with the owner's and the operator's words apart by type. The [`Panel`] says which of them count.
//! Pure and local: no clock, no network; what needs several addresses is judged elsewhere.
//! A detector stays silent where the recording is too poor to be sure (gaps, late starts, one
//! side only), and where a look-up failed or was not made: a wrong accusation is worse than none.
//!
//! To add one: a file in `detectors/` with its `DETECTOR`, a line in [`catalogue`], a line in
//! `docs/detectors.md`, a document of cases in `tests/cases/` with at least one session that it
//! sees and a benign twin that it must not see.

mod case;
pub mod catalogue;
mod detection;
mod detectors;
pub mod dialect;
mod domain_name;
mod header;
mod helo;
pub mod history;
pub mod learn;
mod mail_program;
pub mod panel;
mod quote;
mod random_label;
pub mod reverse_name;
pub mod stack;
pub mod surroundings;

pub use catalogue::CATALOGUE;
pub use detection::{Covers, Detection, OperatorText, OwnerText};
pub use dialect::{Dialect, Dialects};
pub use history::History;
pub use panel::Panel;
pub use surroundings::{Answer, ReverseName, Surroundings};

use case::Case;
use heloscope_model::session::{Command, Dialogue, Verb};
use heloscope_model::{Session, Sighting};

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
    eye: Eye,
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

/// What a detector looks at.
#[derive(Debug)]
enum Eye {
    /// The session alone.
    Session(fn(&Session) -> Option<Finding>),
    /// Also who was spoken to, look-ups, history, dialects.
    Case(fn(&Case<'_>) -> Option<Finding>),
}

/// What a detector saw.
#[derive(Default)]
struct Finding {
    owner: String,
    /// What only the operator may read, where there is more to say.
    operator: Option<String>,
    /// Where it differs from the detector's own.
    class: Option<char>,
    covers: Option<Covers>,
}

impl Finding {
    fn new(owner: String) -> Option<Self> {
        Some(Self { owner, ..Self::default() })
    }

    fn classed(class: Option<char>, owner: String) -> Option<Self> {
        Some(Self { owner, class, ..Self::default() })
    }
}

/// All detections of one session of which nothing else is known, in the order of the catalogue.
pub fn judge(session: &Session) -> Vec<Detection> {
    let (around, dialects) = (Surroundings::default(), Dialects::default());
    judge_case(&Case::of_session(session, &around, &dialects))
}

/// All detections of one session at a sensor, in the order of the catalogue.
pub fn judge_sighting(
    sighting: &Sighting,
    around: &Surroundings,
    dialects: &Dialects,
) -> Vec<Detection> {
    judge_case(&Case::of_sighting(sighting, around, dialects))
}

fn judge_case(case: &Case<'_>) -> Vec<Detection> {
    let transfer = is_transfer(case.session);
    let in_scope = CATALOGUE.iter().filter(|d| transfer || d.scope == Scope::Any);
    let mut found: Vec<Detection> = in_scope
        .filter_map(|d| {
            let finding = match d.eye {
                Eye::Session(see) => see(case.session),
                Eye::Case(see) => see(case),
            }?;
            Some(Detection {
                detector: d.id,
                version: d.version,
                class: finding.class.unwrap_or(d.class),
                family: d.family,
                operator: OperatorText::new(
                    finding.operator.unwrap_or_else(|| finding.owner.clone()),
                ),
                owner: OwnerText::new(finding.owner, case),
                covers: finding.covers,
            })
        })
        .collect();
    // A server that was broken into shows it in how it sends, and is not exonerated in the same breath.
    if found.iter().any(Detection::speaks_of_sending) {
        found.retain(|detection| detection.class != 'X');
    }
    found
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
