//! The hypotheses: one module a cause class. Each collects what speaks for and against its class
//! and names the culprit where it can be proved.

mod behind;
mod bot_process;
mod compromised_site;
mod direct_sender;
mod form_abuse;
mod mail_signs;
mod mta_identity;
mod nat_client;
mod open_proxy;
mod open_relay;
mod program;
mod relaying;
mod remedy;
mod shell_account;
mod stolen_credentials;
mod trusted_client;
mod vpn_client;
mod window_signs;

#[cfg(test)]
mod causes_past;
#[cfg(test)]
mod causes_through;
#[cfg(test)]
mod doubtful;
#[cfg(test)]
mod doubtful_accounts;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod tests;

use crate::answer::{Class, Culprit, Path};
use crate::case::Case;
use crate::walls;
use crate::weight::Weighing;
use heloscope_evidence::Process;
use heloscope_model::{Place, Time};

/// One possible cause, weighed.
pub(crate) struct Hypothesis {
    pub(crate) class: Class,
    pub(crate) culprit: Option<Culprit>,
    pub(crate) summary: String,
    pub(crate) path: Path,
    pub(crate) notices: Vec<usize>,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    pub(crate) weighing: Weighing,
    pub(crate) fix: Vec<String>,
    pub(crate) verify: String,
}

impl Hypothesis {
    /// Class, culprit, confidence, and each reason with its ratio.
    pub(crate) fn told(&self) -> String {
        let who = self.culprit.as_ref().map_or("nobody", |c| c.value.as_str());
        let mut text = format!(
            "{:.2} {} {who} ({:?})",
            self.weighing.confidence(),
            self.class.word(),
            self.path
        );
        for reason in &self.weighing.reasons {
            text.push_str(&format!("\n    x{:<9.3} {}", reason.weight.exp(), reason.says));
        }
        text
    }

    /// The records its reasons cite.
    pub(crate) fn cited(&self) -> impl Iterator<Item = Place> + '_ {
        self.weighing.reasons.iter().flat_map(|r| r.places.iter().map(|(place, _)| *place))
    }
}

/// The classes this version knows, with all candidates of each.
pub(crate) fn all(case: &Case<'_>) -> Vec<Hypothesis> {
    let site = compromised_site::weigh(case);
    let mut found = bot_process::weigh(case, &site);
    found.extend(direct_sender::weigh(case, &site));
    found.extend(form_abuse::weigh(case, &site));
    found.extend(site);
    found.extend(shell_account::weigh(case));
    found.extend(nat_client::weigh(case));
    found.extend(vpn_client::weigh(case));
    found.extend(open_proxy::weigh(case));
    found.extend(stolen_credentials::weigh(case));
    found.extend(open_relay::weigh(case));
    found.extend(trusted_client::weigh(case));
    found.extend(mta_identity::weigh(case));
    found.iter_mut().for_each(|hypothesis| walls::weigh(case, hypothesis));
    found
}

/// Whether a process runs a program that only an intruder would run so.
pub(crate) fn stands_out(process: &Process, all: &[Process]) -> bool {
    program::stands_out(process, all)
}
