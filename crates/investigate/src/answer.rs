//! The answer of an investigation, `heloscope.investigation/1`: the shapes that the JSON, the
//! terminal and the page are made from. Field names are the contract's.

use heloscope_model::Time;
use serde::Serialize;
use serde_json::{Value, json};

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Investigation {
    /// Always `heloscope.investigation/1`.
    pub format: &'static str,
    /// What it comes to.
    pub verdict: Verdict,
    /// What was read of the lists' words.
    pub notices: Vec<NoticeRow>,
    /// Best first.
    pub causes: Vec<Cause>,
    /// What it is not, and why.
    pub ruled_out: Vec<RuledOut>,
    /// What would settle what is open.
    pub needed: Vec<Needed>,
    /// Outgoing sessions.
    pub sessions: SessionCount,
    /// Outgoing sessions that no log line explains, the first 100.
    pub unexplained: Vec<SessionRow>,
    /// What the evidence covers.
    pub coverage: Vec<Coverage>,
    /// Every input.
    pub inputs: Vec<InputRow>,
    /// What the page's time line shows; no part of the JSON.
    #[serde(skip)]
    pub timeline: Timeline,
    /// Whether to ask for removal now, and why.
    #[serde(skip)]
    pub removal: Option<Removal>,
    /// What the firewall lets out, with its rules.
    #[serde(skip)]
    pub firewall: Vec<Proof>,
    /// What the lists' words mean, sentence by sentence.
    #[serde(skip)]
    pub remarks: Vec<String>,
    /// The zone in which times are also told to people.
    #[serde(skip)]
    pub zone: Option<String>,
    /// The confidence of every class that was weighed, also of those that are no cause; for
    /// scoring, no part of the JSON.
    #[serde(skip)]
    pub weighed: Vec<(Class, f64)>,
    /// What the evidence knows of people, for redaction; no part of the JSON.
    #[serde(skip)]
    pub people: crate::redact::Known,
}

/// The verdict, the contract's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// One cause.
    CauseFound,
    /// More than one.
    SeveralCauses,
    /// Nothing of the administrator's.
    NotYourMail,
    /// The evidence does not carry a cause.
    InsufficientEvidence,
}

/// A cause class, the contract's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the words are the contract's
pub enum Class {
    StolenCredentials,
    CompromisedSite,
    FormAbuse,
    BotProcess,
    ShellAccount,
    DirectSender,
    TrustedClient,
    NatClient,
    VpnClient,
    OpenProxy,
    OpenRelay,
    MtaIdentity,
}

impl Class {
    /// Every class this version weighs.
    pub const ALL: [Self; 12] = [
        Self::StolenCredentials,
        Self::CompromisedSite,
        Self::FormAbuse,
        Self::BotProcess,
        Self::ShellAccount,
        Self::DirectSender,
        Self::TrustedClient,
        Self::NatClient,
        Self::VpnClient,
        Self::OpenProxy,
        Self::OpenRelay,
        Self::MtaIdentity,
    ];

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::StolenCredentials => "stolen-credentials",
            Self::CompromisedSite => "compromised-site",
            Self::FormAbuse => "form-abuse",
            Self::BotProcess => "bot-process",
            Self::ShellAccount => "shell-account",
            Self::DirectSender => "direct-sender",
            Self::TrustedClient => "trusted-client",
            Self::NatClient => "nat-client",
            Self::VpnClient => "vpn-client",
            Self::OpenProxy => "open-proxy",
            Self::OpenRelay => "open-relay",
            Self::MtaIdentity => "mta-identity",
        }
    }
}

/// One cause.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// Its class.
    pub class: Class,
    /// 0..1.
    pub confidence: f64,
    /// Who or what, where it can be named.
    pub culprit: Option<Culprit>,
    /// One sentence.
    pub summary: String,
    /// The way the mail took.
    pub path: Path,
    /// Indexes into the notices it explains.
    pub notices: Vec<usize>,
    /// First sign of it.
    pub first_seen: Option<Time>,
    /// Last sign of it.
    pub last_seen: Option<Time>,
    /// Whether it still went on when the evidence ends.
    pub ongoing: Option<bool>,
    /// What speaks for it.
    pub evidence: Vec<Proof>,
    /// What speaks against it.
    pub against: Vec<Proof>,
    /// What to do, in order.
    pub fix: Vec<String>,
    /// How to see that the fix holds.
    pub verify: String,
}

/// Who or what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Culprit {
    /// `account`, `script`, `host`, `process`, ….
    pub kind: &'static str,
    /// The value, in the contract's form.
    pub value: String,
    /// What else is known: `pid`, `uid`, `user`, `exe`, `script`, `parent`, `mac`, `port`.
    pub attrs: serde_json::Map<String, Value>,
}

/// The way the mail took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the words are the contract's
pub enum Path {
    ThroughMta,
    PastMta,
    Forwarded,
    NotSeen,
}

impl Path {
    /// What would show it if it went on: of mail through the mail server its log, of all other mail who connects.
    pub(crate) fn shown_by(self) -> &'static [heloscope_evidence::Kind] {
        use heloscope_evidence::Kind;
        match self {
            Self::ThroughMta => &[Kind::MailLog],
            Self::PastMta | Self::Forwarded | Self::NotSeen => &[Kind::Capture, Kind::Connections],
        }
    }
}

/// A statement with the record that proves it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The file.
    pub source: String,
    /// When, where the record has a time.
    pub at: Option<Time>,
    /// `line 4711`, `frame 812`, ….
    pub locator: String,
    /// What it says, and the record quoted.
    pub text: String,
    /// What it says, alone; empty where the record only adds to the proof before it.
    #[serde(skip)]
    pub says: String,
    /// The record, alone.
    #[serde(skip)]
    pub quote: String,
}

/// A class that is not it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuledOut {
    /// The class.
    pub class: &'static str,
    /// Why not.
    pub because: String,
}

/// Something to collect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// What.
    pub what: String,
    /// The command.
    pub how: String,
}

/// Counts of outgoing sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionCount {
    /// All that left this site.
    pub outbound: u64,
    /// Matched with log lines.
    pub explained: u64,
    /// Not matched.
    pub unexplained: u64,
}

/// An unexplained session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRow {
    /// Start.
    pub time: Time,
    /// Innermost client address.
    pub src: String,
    /// Its port.
    pub src_port: u16,
    /// Server.
    pub dst: String,
    /// Its port.
    pub dst_port: u16,
    /// HELO as said.
    pub helo: Option<String>,
    /// First frame.
    pub locator: String,
}

/// Whether to ask the list for removal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Removal {
    /// In a word.
    pub ready: Ready,
    /// Why.
    pub because: String,
}

/// Whether it is time to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// Found, fixed, and seen to be gone.
    Yes,
    /// The evidence after the fix accuses nobody, but the cause was never named.
    Perhaps,
    /// It would be listed again, or nobody can tell.
    NotYet,
    /// The address is listed no more.
    NoNeed,
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.ready {
            Ready::Yes => "Yes",
            Ready::Perhaps => "Perhaps",
            Ready::NotYet => "Not yet",
            Ready::NoNeed => "No need",
        };
        write!(f, "{word}: {}", self.because)
    }
}

/// What one source covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// The file.
    pub source: String,
    /// First stamp.
    pub first: Option<Time>,
    /// Last stamp.
    pub last: Option<Time>,
    /// Stretches without records.
    pub gaps: Vec<[Time; 2]>,
    /// Filter, interface, drops.
    pub what: String,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputRow {
    /// The path.
    pub path: String,
    /// The contract's kind.
    pub kind: &'static str,
    /// Records read.
    pub records: u64,
    /// First stamp.
    pub first: Option<Time>,
    /// Last stamp.
    pub last: Option<Time>,
    /// Trouble with it.
    pub note: Option<String>,
}

/// A notice as the answer tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the contract's field names, explained at `model::Notice`
pub struct NoticeRow {
    pub subject: Option<String>,
    pub ip: Option<String>,
    pub list: Option<String>,
    pub reason: String,
    pub time: Option<Time>,
    pub time_kind: Option<heloscope_model::notice::TimeKind>,
    pub tolerance_s: Option<u32>,
    pub helo: Option<String>,
    pub botnet: Option<String>,
    pub src_port: Option<u16>,
    pub dst: Option<String>,
    pub dst_port: Option<u16>,
    pub removed_at: Option<Time>,
    pub source: String,
}

/// What the page draws over time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Rows from top to bottom.
    pub lanes: Vec<Lane>,
    /// The notices' windows.
    pub windows: Vec<(heloscope_model::Window, String)>,
}

/// One row of the time line.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Its tone: whether its marks accuse.
    pub tone: Tone,
    /// Instants with a label each.
    pub marks: Vec<(Time, String)>,
    /// Marks that are not drawn one by one because there are too many.
    pub more: u64,
}

/// How a lane is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary.
    Plain,
    /// Explained.
    Good,
    /// Unexplained or part of the cause.
    Bad,
}

impl Culprit {
    /// A culprit without further attributes.
    pub fn new(kind: &'static str, value: impl Into<String>) -> Self {
        Self { kind, value: value.into(), attrs: serde_json::Map::new() }
    }

    /// With one more attribute, where it is known.
    pub fn with<T: Serialize>(mut self, name: &str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.attrs.insert(name.to_owned(), json!(value));
        }
        self
    }
}

impl Investigation {
    /// Whether something needs the administrator's attention (exit status 1).
    pub fn needs_attention(&self) -> bool {
        !self.causes.is_empty()
    }
}
