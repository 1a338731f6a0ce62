//! Chance for augmenters.

use crate::random::SplitMix;

/// A stream of random numbers that is a function of the seed, the row's id, the copy and the
/// operator, and of nothing else.
///
/// ```
/// use cs_data::augment::Random;
/// let (mut a, mut b) = (Random::new(7), Random::new(7));
/// assert_eq!(a.bits(), b.bits());
/// assert!(a.below(10) < 10);
/// assert!(!a.chance(0.0) && a.chance(1.0));
/// ```
#[allow(
    missing_debug_implementations,
    reason = "a state without meaning to a reader"
)]
pub struct Random(SplitMix);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Random(SplitMix::new(seed))
    }

    /// The stream of one operator on one copy of the row whose stream's seed is `row`.
    pub(crate) fn of(row: u64, copy: u32, attempt: u32, operator: usize) -> Self {
        let key = u64::from(copy) << 32 | u64::from(attempt) << 8 | operator as u64;
        Random::new(row ^ SplitMix::new(key).next())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    /// A number in 0..1, in steps of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// One of `items`, each as likely; `None` of none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}
