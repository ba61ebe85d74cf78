//! The kinds of evidence, CONTRACT.md's words.

use std::fmt;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the words are the contract's
pub enum Kind {
    Notice,
    Site,
    Capture,
    Flows,
    MailLog,
    MailSummary,
    WebLog,
    ProxyLog,
    AuthLog,
    Firewall,
    Connections,
    Leases,
    Vpn,
    MtaConfig,
    Processes,
    ScannerReport,
    WebRoot,
    Messages,
    ListAnswers,
    DnsFacts,
    Unrecognised,
}

impl Kind {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Site => "site",
            Self::Capture => "capture",
            Self::Flows => "flows",
            Self::MailLog => "mail-log",
            Self::MailSummary => "mail-summary",
            Self::WebLog => "web-log",
            Self::ProxyLog => "proxy-log",
            Self::AuthLog => "auth-log",
            Self::Firewall => "firewall",
            Self::Connections => "connections",
            Self::Leases => "leases",
            Self::Vpn => "vpn",
            Self::MtaConfig => "mta-config",
            Self::Processes => "processes",
            Self::ScannerReport => "scanner-report",
            Self::WebRoot => "web-root",
            Self::Messages => "messages",
            Self::ListAnswers => "list-answers",
            Self::DnsFacts => "dns-facts",
            Self::Unrecognised => "unrecognised",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
