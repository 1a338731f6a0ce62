//! [`Histogram`]: the distribution of many numbers in a few hundred buckets.

use std::sync::LazyLock;

/// Edges of TensorBoard's buckets: 0 and ±1e-12 × 1.1^k up to 1e20.
static EDGES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut positive = Vec::new();
    let mut edge = 1e-12;
    while edge < 1e20 {
        positive.push(edge);
        edge *= 1.1;
    }
    let negative = positive.iter().rev().map(|edge| -edge);
    negative
        .chain([0.0])
        .chain(positive.iter().copied())
        .collect()
});

/// The distribution of many numbers, in TensorBoard's buckets: each a tenth wider than the one
/// before, so that small and large numbers are told apart equally well.
///
/// ```
/// use cs_train::metrics::Histogram;
///
/// let histogram: Histogram = [0.5, -1.0, 2.0, f64::NAN].into_iter().collect();
/// assert_eq!((histogram.count(), histogram.non_finite()), (3, 1));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// One more than there are edges: the first and the last are open.
    buckets: Vec<u64>,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) sum_squares: f64,
    non_finite: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; EDGES.len() + 1],
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            sum_squares: 0.0,
            non_finite: 0,
        }
    }
}

impl Histogram {
    /// Adds a number; one that is infinite or not a number is counted aside. About 20 ns.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.non_finite += 1;
            return;
        }
        self.buckets[EDGES.partition_point(|edge| *edge <= value)] += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.sum_squares += value * value;
    }

    /// The finite numbers added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The other numbers added. They stand in no bucket.
    #[must_use]
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// The buckets from the first to the last that is not empty; `None` without a number.
    pub(crate) fn filled(&self) -> Option<FilledBuckets<'_>> {
        let filled = |count: &u64| *count > 0;
        let first = self.buckets.iter().position(filled)?;
        let last = self.buckets.iter().rposition(filled).unwrap_or(first);
        let upper = |bucket: usize| EDGES.get(bucket).copied().unwrap_or(f64::MAX);
        Some(FilledBuckets {
            lower: match first {
                0 => self.min,
                _ => EDGES[first - 1],
            },
            upper: (first..=last).map(upper).collect(),
            counts: &self.buckets[first..=last],
        })
    }
}

/// Neighbouring buckets of a [`Histogram`].
pub(crate) struct FilledBuckets<'a> {
    /// Where the first one begins.
    pub(crate) lower: f64,
    /// Where each of them ends.
    pub(crate) upper: Vec<f64>,
    /// The numbers in each of them.
    pub(crate) counts: &'a [u64],
}

impl Extend<f64> for Histogram {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for Histogram {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut histogram = Self::default();
        histogram.extend(values);
        histogram
    }
}
