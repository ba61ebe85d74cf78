//! What is said: an alert with its proof, once when it is raised and once when it is over.

use heloscope_model::Time;
use serde::{Deserialize, Serialize};

/// The rules, by the words that are public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each has a file in rules/ that says what it is")]
pub enum Rule {
    PastTheMta,
    ForeignExe,
    ForeignHelo,
    Rate,
    QueueGrowth,
    BounceNamesAList,
    ListChanged,
    FixUndone,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 8] = [
        Rule::PastTheMta,
        Rule::ForeignExe,
        Rule::ForeignHelo,
        Rule::Rate,
        Rule::QueueGrowth,
        Rule::BounceNamesAList,
        Rule::ListChanged,
        Rule::FixUndone,
    ];

    /// The public word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PastTheMta => "past-the-mta",
            Self::ForeignExe => "foreign-exe",
            Self::ForeignHelo => "foreign-helo",
            Self::Rate => "rate",
            Self::QueueGrowth => "queue-growth",
            Self::BounceNamesAList => "bounce-names-a-list",
            Self::ListChanged => "list-changed",
            Self::FixUndone => "fix-undone",
        }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be looked at.
    Warning,
    /// What gets an address listed, or says that it is.
    Alert,
}

impl Severity {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Alert => "alert",
        }
    }
}

/// Something that is wrong, as long as it is and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number; the same when it is resolved.
    pub id: u64,
    /// The rule that raised it.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Of what: the script, the account, the list and address.
    pub subject: String,
    /// One sentence.
    pub summary: String,
    /// What proves it, a line each.
    pub proof: Vec<String>,
    /// What to do next.
    pub advice: String,
    /// When it was first seen.
    pub first: Time,
    /// When last.
    pub last: Time,
    /// How often.
    pub count: u64,
    /// When it was over.
    pub resolved: Option<Time>,
    /// Why it is over.
    pub because: Option<String>,
}

/// What goes out; kept until it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Say {
    /// Something is wrong.
    Raised(Alert),
    /// It is over.
    Resolved(Alert),
    /// The day in numbers.
    Summary(Summary),
}

/// The day in numbers.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Since when.
    pub since: Option<Time>,
    /// Connections by the MTA's own processes.
    pub by_the_mta: u64,
    /// Connections by allowed programs.
    pub allowed: u64,
    /// Connections past the MTA.
    pub past_the_mta: u64,
    /// Connections that came from behind this host.
    pub passing: u64,
    /// Recipients that mail was delivered to outside.
    pub sent: u64,
    /// Recipients that were refused for good.
    pub bounced: u64,
    /// Attempts that were put off.
    pub deferred: u64,
    /// Events that the recorder lost.
    pub lost: u64,
    /// Alerts that were raised.
    pub raised: u64,
    /// Who sent most, with recipients in 24 hours.
    pub most: Vec<(String, u64)>,
    /// What is still wrong, one line each.
    pub open: Vec<String>,
    /// What the lists say, one line for each that is not clean.
    pub lists: Vec<String>,
}
