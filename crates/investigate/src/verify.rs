//! Whether a fix holds: the causes that an earlier answer named, looked for in newer evidence.
//!
//! A cause came back when it is found again with signs after the fix, or when its culprit is recorded at a later connection by
//! which mail is delivered; what is sent to a port where one logs in is none. It holds when a day of evidence that would show
//! it (of mail through the mail server its log, else a capture or a record) shows nothing of it; less than a day is said as it
//! is. Where nothing of that kind was recorded since, nobody can tell: a log says nothing of what never went by it.
//!
//! Whether a connection is the culprit's is decided in one place ([`Cause::is_seen_at`]), for newer evidence and for whoever
//! sees connections as they are opened (`heloscope watch`).

use crate::answer::Path;
use crate::case::{Case, is_delivery, is_delivery_port};
use crate::hypotheses::Hypothesis;
use crate::removal::QUIET_S;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What an earlier answer (`heloscope.investigation/1`) said, as far as it is held against newer evidence.
#[derive(Clone, Debug, Deserialize)]
pub struct Earlier {
    format: String,
    causes: Vec<Cause>,
    coverage: Vec<EarlierCoverage>,
}

/// A cause that it named: what must not come back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cause {
    class: String,
    path: Path,
    culprit: Option<EarlierCulprit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct EarlierCulprit {
    kind: String,
    value: String,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierCoverage {
    last: Option<String>,
}

/// Why a text is no earlier answer.
#[derive(Debug, thiserror::Error)]
pub enum NotAnAnswer {
    /// It is not JSON of that form.
    #[error("not an answer of `heloscope investigate --json`: {0}")]
    Form(#[from] serde_json::Error),
    /// It is another format.
    #[error(
        "this is {0:?}, not heloscope.investigation/1: write it with `heloscope investigate --json`"
    )]
    Format(String),
    /// It named nothing that could come back.
    #[error("this answer named no cause: there is nothing whose return could be seen")]
    NoCause,
}

impl Earlier {
    /// Reads an answer.
    pub fn read(text: &[u8]) -> Result<Self, NotAnAnswer> {
        let earlier: Self = serde_json::from_slice(text)?;
        if earlier.format != "heloscope.investigation/1" {
            return Err(NotAnAnswer::Format(earlier.format.chars().take(80).collect()));
        }
        if earlier.causes.is_empty() {
            return Err(NotAnAnswer::NoCause);
        }
        Ok(earlier)
    }

    /// The causes that it named.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// Where its evidence ended: the fix cannot be older.
    pub fn until(&self) -> Option<Time> {
        let times =
            self.coverage.iter().filter_map(|c| c.last.as_deref()?.parse::<jiff::Timestamp>().ok());
        times.max().map(Time::from)
    }
}

/// A connection to a mail server, as whoever recorded it knows it.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// The script or program that opened it.
    pub program: Option<&'a str>,
    /// From where, the innermost address that is known.
    pub from: IpAddr,
    /// To which port.
    pub port: u16,
}

impl Cause {
    /// Its class.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The culprit, where one was named: its kind and its name.
    pub fn culprit(&self) -> Option<(&str, &str)> {
        self.culprit.as_ref().map(|culprit| (culprit.kind.as_str(), culprit.value.as_str()))
    }

    /// Whether connections show it, one by one. What went through the mail server, and what has no culprit, is only found again by
    /// weighing all that was recorded.
    pub fn is_shown_by_connections(&self) -> bool {
        let kind = self.culprit().map(|(kind, _)| kind);
        self.path != Path::ThroughMta && matches!(kind, Some("script" | "process" | "host"))
    }

    /// Whether a connection, of which nobody knows what was said in it, is one by which its culprit may deliver mail.
    pub fn is_seen_at(&self, connection: &Recorded<'_>) -> bool {
        is_delivery_port(connection.port) && self.is_of(connection)
    }

    /// Whether it is the culprit's.
    fn is_of(&self, connection: &Recorded<'_>) -> bool {
        match self.culprit() {
            Some(("script" | "process", program)) => connection.program == Some(program),
            Some(("host", address)) => connection.from.to_canonical().to_string() == address,
            _ => false,
        }
    }
}

/// The causes of an earlier answer as they stand now (`heloscope.verify/1`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Always `heloscope.verify/1`.
    pub format: &'static str,
    /// The fix.
    pub since: Time,
    /// How far the newer evidence reaches.
    pub until: Option<Time>,
    /// In the earlier answer's order.
    pub causes: Vec<Standing>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Its class.
    pub class: String,
    /// The culprit, where one was named.
    pub culprit: Option<String>,
    /// How it stands.
    pub state: State,
    /// Why.
    pub because: String,
    /// The last sign of it after the fix.
    pub last_seen: Option<Time>,
}

/// How a cause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A day of evidence shows nothing of it.
    Holds,
    /// What there is shows nothing of it; it is less than a day.
    QuietSoFar,
    /// It was seen again.
    CameBack,
    /// Nothing was recorded since.
    CannotTell,
}

impl Verified {
    /// Whether something needs the administrator's attention (exit status 1).
    pub fn needs_attention(&self) -> bool {
        self.causes.iter().any(|c| matches!(c.state, State::CameBack | State::CannotTell))
    }
}

/// What the newer evidence shows of each cause after `since`.
pub(crate) fn standing(
    case: &Case<'_>,
    found: &[Hypothesis],
    earlier: &Earlier,
    since: Time,
) -> Verified {
    let causes = earlier.causes.iter().map(|cause| {
        let again = found
            .iter()
            .filter(|h| h.weighing.confidence() > 0.5 && is_same(h, cause))
            .filter_map(|h| h.last)
            .chain(connections(case, cause))
            .filter(|at| *at > since)
            .max();
        let watched = case.recorded_since(since, cause.path.shown_by());
        let (state, because) = match again {
            Some(at) => (State::CameBack, format!("seen again at {}", at.rfc3339())),
            None if watched <= 0.0 => {
                let what =
                    if cause.path == Path::ThroughMta { "mail log" } else { "capture or record" };
                (State::CannotTell, format!("no {what} reaches beyond {}", since.rfc3339()))
            }
            None => (
                if watched >= QUIET_S { State::Holds } else { State::QuietSoFar },
                format!(
                    "nothing of it in {:.1} hours of evidence since {}",
                    watched / 3600.0,
                    since.rfc3339()
                ),
            ),
        };
        Standing {
            class: cause.class.clone(),
            culprit: cause.culprit.as_ref().map(|c| c.value.clone()),
            state,
            because,
            last_seen: again,
        }
    });
    let causes = causes.collect();
    let until = case.last_stamp().filter(|until| *until > since);
    Verified { format: "heloscope.verify/1", since, until, causes }
}

/// The same cause again; where nobody was named, the class alone.
fn is_same(hypothesis: &Hypothesis, earlier: &Cause) -> bool {
    let culprit = hypothesis.culprit.as_ref();
    match (&earlier.culprit, culprit) {
        (Some(earlier), Some(now)) => earlier.value == now.value,
        _ => hypothesis.class.word() == earlier.class,
    }
}

/// Deliveries, or what may be one, at which the culprit is recorded: its program or script, its inside address.
fn connections<'c>(case: &'c Case<'_>, cause: &'c Cause) -> impl Iterator<Item = Time> + 'c {
    case.gathered.outbound.iter().filter(|seen| is_delivery(seen)).filter_map(move |seen| {
        let recorded = Recorded {
            program: seen.process.as_ref().and_then(|process| process.program.as_deref()),
            from: seen.speaker(),
            port: seen.server.port(),
        };
        // A machine that a firewall's line says was not let through is the fix at work.
        let shut_out = seen.hearsay.as_ref().is_some_and(|h| h.dropped);
        let at_work = shut_out && cause.culprit().is_some_and(|(kind, _)| kind == "host");
        (cause.is_of(&recorded) && !at_work).then_some(seen.start)
    })
}
