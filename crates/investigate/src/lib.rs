//! Evidence to causes: the judging half of Heloscope's owner's side.
//!
//! [`investigate`] takes opened evidence through the passes: the notices give the question
//! (`incident`), the streams are reduced as they come (`gather`, `usage`, `seen`), deliveries are
//! matched with sessions (`matching`), every cause class weighs what speaks for and against it
//! (`hypotheses`, `weight`), and `conclude` turns that into the answer ([`answer`]) with its
//! records quoted. [`report`] prints it. Pure but for the reading that `evidence` does.

pub mod answer;
mod blast;
mod case;
mod conclude;
mod gather;
mod hypotheses;
mod inbound;
mod incident;
mod instants;
mod list_words;
mod logins;
mod matching;
mod mta_settings;
mod needed;
mod past;
mod process;
mod profile;
mod proxies;
pub mod redact;
mod removal;
pub mod report;
mod requests;
mod ruled_out;
mod seen;
mod timeline;
mod unread;
mod usage;
pub mod verify;
mod walls;
mod weight;

pub use answer::{Investigation, Verdict};
pub use seen::SHORTEST_MAIL;

use heloscope_evidence::Evidence;

/// Every hypothesis with every reason, causes or not: for whoever works on the rules.
pub fn weighed(evidence: &mut Evidence) -> Vec<String> {
    let mut all = Vec::new();
    judged(evidence, &mut |_, _| {}, |_, hypotheses| all = hypotheses);
    all.sort_by(|a, b| b.weighing.confidence().total_cmp(&a.weighing.confidence()));
    all.iter().map(hypotheses::Hypothesis::told).collect()
}

/// Investigates. `progress` is told bytes done and bytes in all.
pub fn investigate(evidence: &mut Evidence, progress: &mut dyn FnMut(u64, u64)) -> Investigation {
    let (conclusion, notices, people) = judged(evidence, progress, |case, hypotheses| {
        let conclusion = conclude::conclude(case, hypotheses);
        (conclusion, case.incident.notices.clone(), redact::Known::of(case))
    });
    Investigation { people, ..conclusion.quoted(evidence, &notices) }
}

/// Looks in newer evidence for the causes of an earlier answer, from the fix on.
pub fn verify(
    earlier: &verify::Earlier,
    since: heloscope_model::Time,
    evidence: &mut Evidence,
    progress: &mut dyn FnMut(u64, u64),
) -> verify::Verified {
    judged(evidence, progress, |case, found| verify::standing(case, &found, earlier, since))
}

/// Takes the evidence through the passes, and what was weighed to its end.
fn judged<T>(
    evidence: &mut Evidence,
    progress: &mut dyn FnMut(u64, u64),
    end: impl FnOnce(&case::Case<'_>, Vec<hypotheses::Hypothesis>) -> T,
) -> T {
    let incident = incident::Incident::new(&evidence.facts);
    let processes = evidence.facts.processes.clone();
    let mut gathered = gather::Gathered::new(&incident, &processes);
    evidence.stream(&mut gathered, progress);
    gathered.settle();
    let case = case::Case::new(&evidence.facts, &incident, &gathered, &evidence.inputs);
    end(&case, hypotheses::all(&case))
}
