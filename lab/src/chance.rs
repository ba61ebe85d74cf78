//! Seeded chance (SplitMix64): the same seed spreads a story's events the same way.

/// A seeded generator.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `from..to`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + self.unit() * (to - from)
    }

    /// A whole number below `bound` (0 for bound 0).
    pub fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }

    /// One of the things; the default where there is none.
    pub fn pick<T: Clone + Default>(&mut self, things: &[T]) -> T {
        let at = self.below(things.len());
        things.get(at).cloned().unwrap_or_default()
    }

    /// Moments of a Poisson process of `per_minute` in `from..to` seconds, in order.
    pub fn arrivals(&mut self, per_minute: f64, from: f64, to: f64) -> Vec<f64> {
        let mut at = from;
        let mut moments = Vec::new();
        loop {
            at += -(1.0 - self.unit()).ln() * 60.0 / per_minute;
            if at >= to {
                return moments;
            }
            moments.push(at);
        }
    }

    /// `count` moments in `from..to`, in order.
    pub fn scatter(&mut self, count: usize, from: f64, to: f64) -> Vec<f64> {
        let mut moments: Vec<f64> = (0..count).map(|_| self.between(from, to)).collect();
        moments.sort_by(f64::total_cmp);
        moments
    }

    /// A word of `length` letters from `alphabet`.
    pub fn word(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| self.pick(&letters)).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
