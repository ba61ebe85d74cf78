//! Evidence to causes: the judging half of Heloscope's owner's side.
//!
//! [`investigate`] takes opened evidence through the passes: the notices give the question
//! (`incident`), the streams are reduced as they come (`gather`, `usage`, `seen`), deliveries are
//! matched with sessions (`matching`), every cause class weighs what speaks for and against it
//! (`hypotheses`, `weight`), and `conclude` turns that into the answer ([`answer`]) with its
//! records quoted. [`report`] prints it. Pure but for the reading that `evidence` does.

pub mod answer;
mod case;
mod conclude;
mod gather;
mod hypotheses;
mod incident;
mod instants;
mod matching;
mod needed;
mod profile;
pub mod report;
mod seen;
mod timeline;
mod usage;
mod weight;

pub use answer::{Investigation, Verdict};

use heloscope_evidence::Evidence;

/// Investigates. `progress` is told bytes done and bytes in all.
pub fn investigate(evidence: &mut Evidence, progress: &mut dyn FnMut(u64, u64)) -> Investigation {
    let incident = incident::Incident::new(&evidence.facts);
    let mut gathered = gather::Gathered::new(&incident);
    evidence.stream(&mut gathered, progress);
    gathered.settle();
    let case = case::Case::new(&evidence.facts, &incident, &gathered, &evidence.inputs);
    let hypotheses = hypotheses::all(&case);
    let conclusion = conclude::conclude(&case, hypotheses);
    conclusion.quoted(evidence, &incident.notices)
}
