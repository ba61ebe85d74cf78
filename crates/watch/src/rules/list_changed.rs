//! list-changed: a list's answer for one of the site's addresses is another than before.
//!
//! Only `listed` and `clean` are words about an address: a refusal, an error, a dead list change nothing, so a
//! resolver that is locked out neither lists nor clears anybody. Proof: the codes and the list's words. Over when the list
//! answers clean.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::event::Answer;
use crate::recent::Recent;
use crate::shown::shown;
use heloscope_evidence::ListState;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Lists times addresses.
const MOST: usize = 4096;
/// A listing that no answer confirms for so long (the list was taken out of the configuration) is over.
const QUIET: f64 = 7.0 * 86_400.0;

/// What a list says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    /// The last answer, whatever it means.
    pub last: Answer,
    /// When it came.
    pub asked: Time,
    /// The last that said something of the address: listed or clean, with its codes.
    pub firm: Option<Answer>,
    /// Since when it says so.
    pub since: Option<Time>,
}

/// What all lists say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lists(Recent<(String, IpAddr), Known>);

impl Default for Lists {
    fn default() -> Self {
        Self(Recent::of_most(MOST))
    }
}

impl Lists {
    pub(crate) fn bounded(self) -> Self {
        Self(self.0.bounded(MOST))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter().map(|(_, known)| known)
    }
}

/// A list has answered.
pub(crate) fn answered(desk: &mut Desk<'_>, lists: &mut Lists, mut answer: Answer) {
    answer.codes.sort_unstable();
    let now = desk.now;
    let key = (answer.list.clone(), answer.address);
    let known =
        lists.0.entry(&key, || Known { last: answer.clone(), asked: now, firm: None, since: None });
    known.last = answer.clone();
    known.asked = now;
    if !matches!(answer.state, ListState::Listed | ListState::Clean) {
        return;
    }
    let before = known.firm.replace(answer.clone());
    let same = before.as_ref().is_some_and(|b| b.state == answer.state && b.codes == answer.codes);
    if !same {
        known.since = Some(now);
    }
    let subject = format!("{}: {}", shown(&answer.list), answer.address);
    if answer.state == ListState::Clean {
        desk.book.over(now, Rule::ListChanged, &subject, "the list answers that it is clean");
        return;
    }
    if !same && before.is_some_and(|b| b.state == ListState::Listed) {
        desk.book.over(now, Rule::ListChanged, &subject, "the list gives other codes now");
    }
    desk.book.raise(now, Rule::ListChanged, &subject, Some(QUIET), || {
        let codes: Vec<String> = answer.codes.iter().map(IpAddr::to_string).collect();
        Telling {
            severity: Severity::Alert,
            summary: format!("{} is listed in {}", answer.address, shown(&answer.list)),
            proof: vec![format!("{now} answer {}: {}", codes.join(", "), shown(&answer.text))],
            advice: "Save what the list says of the address and give it to heloscope investigate with the logs of that \
                     time; ask for removal when the cause is gone."
                .to_owned(),
        }
    });
}
