//! rate: an account, user, client or script sends more in 24 hours than is usual for it, and more than a limit; so does the
//! whole host. Both must hold: a newsletter's usual thousand is no news, nor are ten mails of an account that sent one.
//!
//! Proof: the count, the usual and the limit. Over when the count is below either again.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::{Telling, duration};
use crate::rates::{Profile, Rates, Who};
use crate::settings::Limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Not told again for so long, it is over whatever the count; the count slides over a day.
const LONGEST: f64 = 3.0 * 86_400.0;

/// Those above their limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Above(BTreeMap<String, Who>);

/// From where on it is too much for this sender.
fn limit(limits: &Limits, who: &Who) -> u64 {
    match who {
        Who::Host => limits.host,
        Who::Account(_) => limits.account,
        Who::Uid(_) => limits.uid,
        Who::Client(_) => limits.client,
        Who::Script(_) => limits.script,
    }
}

fn is_above(desk: &Desk<'_>, who: &Who, profile: &Profile) -> bool {
    let limits = &desk.settings.limits;
    let (sum, (usual, _)) = (profile.sum(desk.now), profile.usual(desk.now));
    sum > limit(limits, who) && sum as f64 > limits.factor * usual as f64
}

/// A sender has sent.
pub(crate) fn sent(desk: &mut Desk<'_>, above: &mut Above, who: &Who, profile: &Profile) {
    if !is_above(desk, who, profile) {
        return;
    }
    let (sum, (usual, days)) = (profile.sum(desk.now), profile.usual(desk.now));
    let (now, limit) = (desk.now, limit(&desk.settings.limits, who));
    let subject = match who {
        Who::Uid(uid) => format!("user {}", desk.settings.user(*uid)),
        who => who.words(),
    };
    desk.book.raise(now, Rule::Rate, &subject, Some(LONGEST), || {
        let what = if matches!(who, Who::Script(_)) { "connections" } else { "recipients" };
        let past = match days {
            0 => "nothing is known of its earlier days".to_owned(),
            _ => format!("the most of any of the {days} days known before was {usual}"),
        };
        Telling {
            severity: Severity::Alert,
            summary: format!("{subject} has sent to {sum} {what} in 24 hours; {past}"),
            proof: vec![format!(
                "{sum} {what} within {}; limit {limit}; usual {usual} ({days} days known), allowed are {} times that",
                duration(86_400.0),
                desk.settings.limits.factor
            )],
            advice: match who {
                Who::Account(_) => "Ask its owner; else change the password and hold its mails: postsuper -h ID.",
                Who::Uid(_) => "Look at what that user's programs and sites do: mail.log's pickup lines name the times.",
                Who::Client(_) => "Look at that machine, and at whether it must be trusted (mynetworks).",
                Who::Script(_) => "See the past-the-mta alert for what it is.",
                Who::Host => "The other senders on the status page show who it is.",
            }
            .to_owned(),
        }
    });
    if desk.book.is_open(Rule::Rate, &subject) {
        above.0.insert(subject, who.clone());
    }
}

/// Time has passed: who is below again.
pub(crate) fn tick(desk: &mut Desk<'_>, above: &mut Above, rates: &Rates) {
    above.0.retain(|subject, who| {
        let still = rates.get(who).is_some_and(|profile| is_above(desk, who, profile));
        if !still {
            desk.book.over(
                desk.now,
                Rule::Rate,
                subject,
                "it is below its limit or its usual again",
            );
        }
        still
    });
}
