//! Weight of evidence (I. J. Good, 1950): a hypothesis starts at prior odds and every reason
//! moves its log odds, for or against. The confidence is what the reasons add up to, so each
//! number in an answer can be taken apart into sentences with records behind them.

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
    prior: f64,
    /// In the order found.
    pub(crate) reasons: Vec<Reason>,
}

/// Records quoted for one reason; more would not be read.
const PLACES: usize = 4;

impl Weighing {
    /// Before any reason: the probability of this cause for a listed host that we know nothing
    /// else about (FIELD.md: fifty incidents).
    pub(crate) fn from_prior(probability: f64) -> Self {
        Self { prior: (probability / (1.0 - probability)).ln(), reasons: Vec::new() }
    }

    /// Something that is `ratio` times as likely if the hypothesis is true as if it is not.
    pub(crate) fn times(
        &mut self,
        ratio: f64,
        says: impl Into<String>,
        places: impl IntoIterator<Item = Cited>,
    ) {
        self.reasons.push(Reason {
            weight: ratio.ln(),
            says: says.into(),
            places: places.into_iter().take(PLACES).collect(),
        });
    }

    /// 0..1, never quite certain.
    pub(crate) fn confidence(&self) -> f64 {
        let odds = self.prior + self.reasons.iter().map(|r| r.weight).sum::<f64>();
        let probability = 1.0 / (1.0 + (-odds).exp());
        (probability.clamp(0.0, 0.99) * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_multiply_odds() {
        let mut weighing = Weighing::from_prior(0.2);
        assert_eq!(weighing.confidence(), 0.2);
        weighing.times(4.0, "four times as likely", []);
        assert_eq!(weighing.confidence(), 0.5);
        weighing.times(0.25, "and back", []);
        assert_eq!(weighing.confidence(), 0.2);
    }
}
