//! Weight of evidence (I. J. Good, 1950). A hypothesis makes two claims: that certain mail is the
//! offence the notice speaks of, and that a certain culprit sent it in a certain way. Each claim
//! starts at prior odds and every reason moves its log odds, for or against; the confidence is
//! the product of both. So no amount of certainty that something was sent can make up for doubt
//! who sent it, and each number in an answer can be taken apart into sentences with records.

use heloscope_model::{Place, Time};

/// A record that is cited, and the time it speaks of.
pub(crate) type Cited = (Place, Option<Time>);

/// One reason, with the records it rests on.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    /// Log odds (natural); positive speaks for.
    pub(crate) weight: f64,
    /// One sentence.
    pub(crate) says: String,
    /// Records, the best first.
    pub(crate) places: Vec<Cited>,
}

/// Reasons for and against one hypothesis.
#[derive(Clone, Debug)]
pub(crate) struct Weighing {
    offence: f64,
    culprit: f64,
    /// In the order found.
    pub(crate) reasons: Vec<Reason>,
}

/// Which of the two claims a reason speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// This mail is the offence.
    Offence,
    /// This culprit, in this way, sent it.
    Culprit,
    /// Both, with the same weight.
    Both,
}

/// Records quoted for one reason; more would not be read.
const PLACES: usize = 4;

impl Weighing {
    /// Before any reason: how likely mail like this is the offence, and how likely a candidate
    /// like this sent it.
    pub(crate) fn from_priors(offence: f64, culprit: f64) -> Self {
        let log_odds = |p: f64| (p / (1.0 - p)).ln();
        Self { offence: log_odds(offence), culprit: log_odds(culprit), reasons: Vec::new() }
    }

    /// Something that is `ratio` times as likely if the claim is true as if it is not.
    pub(crate) fn add(
        &mut self,
        about: About,
        ratio: f64,
        says: impl Into<String>,
        places: impl IntoIterator<Item = Cited>,
    ) {
        let weight = ratio.ln();
        if about != About::Culprit {
            self.offence += weight;
        }
        if about != About::Offence {
            self.culprit += weight;
        }
        self.reasons.push(Reason {
            weight,
            says: says.into(),
            places: places.into_iter().take(PLACES).collect(),
        });
    }

    /// Of several that cannot all be it, this one's share: the probability of the offence is
    /// multiplied by it.
    pub(crate) fn share(
        &mut self,
        share: f64,
        says: impl Into<String>,
        places: impl IntoIterator<Item = Cited>,
    ) {
        let before = 1.0 / (1.0 + (-self.offence).exp());
        let after = (before * share).clamp(1e-6, 1.0 - 1e-6);
        let odds = |p: f64| (p / (1.0 - p)).ln();
        self.add(About::Offence, (odds(after) - self.offence).exp(), says, places);
    }

    /// 0..1, never quite certain: what nobody thought of has its share, and reasons that come from
    /// one recording are not independent.
    pub(crate) fn confidence(&self) -> f64 {
        let probability = |log_odds: f64| 1.0 / (1.0 + (-log_odds).exp());
        let both = probability(self.offence) * probability(self.culprit);
        (both.clamp(0.0, 0.97) * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_multiply_odds() {
        let mut weighing = Weighing::from_priors(0.2, 0.999_999);
        assert_eq!(weighing.confidence(), 0.2);
        weighing.add(About::Offence, 4.0, "four times as likely", []);
        assert_eq!(weighing.confidence(), 0.5);
        weighing.add(About::Offence, 0.25, "and back", []);
        assert_eq!(weighing.confidence(), 0.2);
    }

    #[test]
    fn a_share_of_a_certain_offence_is_no_more_than_that_share() {
        let mut weighing = Weighing::from_priors(0.999, 0.999_999);
        weighing.share(0.25, "one of four", []);
        assert_eq!(weighing.confidence(), 0.25);
    }

    #[test]
    fn certainty_of_one_claim_does_not_make_up_for_doubt_of_the_other() {
        let mut weighing = Weighing::from_priors(0.5, 0.1);
        weighing.add(About::Offence, 1e9, "certainly the offence", []);
        assert_eq!(weighing.confidence(), 0.1);
    }
}
