//! What it is not: each class that did not become a cause, with the strongest reason against it,
//! and what the list's own kind excludes.

use crate::answer::{Class, RuledOut};
use crate::case::{Case, Speaker};
use crate::conclude::CAUSE;
use crate::hypotheses::Hypothesis;
use crate::{list_words, mta_settings};
use heloscope_evidence::Kind;
use heloscope_evidence::facts::Vantage;

/// Each class once.
pub(crate) fn ruled_out(case: &Case<'_>, hypotheses: &[Hypothesis]) -> Vec<RuledOut> {
    let mut rows = Vec::new();
    for class in Class::ALL {
        let of_class: Vec<_> = hypotheses.iter().filter(|h| h.class == class).collect();
        if of_class.iter().any(|h| h.weighing.confidence() > CAUSE) {
            continue;
        }
        let because = match of_class.first() {
            Some(best) => {
                let against = best
                    .weighing
                    .reasons
                    .iter()
                    .filter(|r| r.weight < -0.5)
                    .min_by(|a, b| a.weight.total_cmp(&b.weight));
                let who = best.culprit.as_ref().map_or("it", |c| c.value.as_str());
                match against {
                    Some(reason) => Some(format!("{who}: {}", reason.says)),
                    None => continue,
                }
            }
            None => absent(case, class),
        };
        if let Some(because) = because {
            rows.push(RuledOut { class: class.word(), because });
        }
    }
    let found = |class: &str| {
        hypotheses.iter().any(|h| h.class.word() == class && h.weighing.confidence() > CAUSE)
    };
    for row in list_words::excludes(case) {
        if !found(row.class) {
            rows.retain(|r| r.class != row.class);
            rows.push(row);
        }
    }
    rows
}

/// Why a class without a candidate is out, where the evidence could have shown one.
fn absent(case: &Case<'_>, class: Class) -> Option<String> {
    let recorded = case.covers_window(Kind::Capture) == Some(true);
    let logged = case.covers_window(Kind::MailLog) == Some(true);
    match class {
        Class::NatClient => {
            let forwarded = case
                .gathered
                .outbound
                .iter()
                .filter(|s| case.is_open(s))
                .any(|s| case.speaker(s) != Speaker::Host);
            let sees_others = case.facts.site.vantage.is_some_and(|v| v != Vantage::Host);
            (recorded && !forwarded && sees_others).then(|| {
                "in the recorded time no other machine opened a session to a mail server".to_owned()
            })
        }
        Class::VpnClient => (recorded && !case.facts.vpn_clients.is_empty()).then(|| {
            "in the recorded time no client of the tunnel opened a session to a mail server"
                .to_owned()
        }),
        Class::CompromisedSite | Class::FormAbuse => {
            (recorded && case.all_explained() && case.gathered.usages.uids.is_empty())
                .then(|| explained("nor did a local program hand in mail"))
        }
        Class::DirectSender | Class::BotProcess => {
            (recorded && case.all_explained()).then(|| explained(""))
        }
        Class::ShellAccount => (recorded && case.has(Kind::AuthLog) && case.all_explained())
            .then(|| explained("and no account that logs in to this host handed in mail")),
        Class::StolenCredentials => (logged && !all_through_one_door(case))
            .then(|| "in the mail log no account sends from outside".to_owned()),
        Class::TrustedClient | Class::OpenRelay => logged.then(|| {
            "in the mail log nobody but this host had mail for others' servers taken without a \
             password"
                .to_owned()
        }),
        Class::OpenProxy => (case.gathered.proxies.total > 0).then(|| {
            "the proxy's log shows no connection to a mail port that was let through".to_owned()
        }),
        Class::MtaIdentity => {
            let said = case.mta_helos().into_iter().next();
            let helo = said.or_else(|| mta_settings::helo(case.facts).map(|(_, helo)| helo))?;
            Some(format!("your mail server says HELO {helo}, as a mail server may"))
        }
    }
}

fn explained(more: &str) -> String {
    let text = "in the recorded time every session of this host is explained by the mail log or looks \
                like the mail server's own";
    if more.is_empty() { text.to_owned() } else { format!("{text}, {more}") }
}

/// Whether several accounts send from one and the same address: web mail or a proxy hides who.
fn all_through_one_door(case: &Case<'_>) -> bool {
    let accounts = &case.gathered.usages.accounts;
    let addresses: std::collections::BTreeSet<_> =
        accounts.values().flat_map(|usage| usage.clients.keys()).collect();
    accounts.len() >= 2 && addresses.len() == 1
}
