//! [`Histogram`]: the distribution of many numbers in a few hundred buckets.

use std::sync::LazyLock;

use super::proto;

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
/// use cs_train::tensorboard::Histogram;
///
/// let histogram: Histogram = [0.5, -1.0, 2.0, f64::NAN].into_iter().collect();
/// assert_eq!((histogram.count(), histogram.non_finite()), (3, 1));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// One more than there are edges: the first and the last are open.
    buckets: Vec<u64>,
    min: f64,
    max: f64,
    sum: f64,
    sum_squares: f64,
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

    /// As TensorBoard wants it: only the buckets from the first to the last that is not empty,
    /// behind an empty one whose limit is where they begin.
    pub(super) fn to_proto(&self) -> proto::Histogram {
        let filled = |count: &u64| *count > 0;
        let Some(first) = self.buckets.iter().position(filled) else {
            // What no number was added to still needs a bucket, or the dashboard breaks.
            return proto::Histogram {
                bucket_limit: vec![0.0],
                bucket: vec![0.0],
                ..Default::default()
            };
        };
        let last = self.buckets.iter().rposition(filled).unwrap_or(first);
        let lower = match first {
            0 => self.min,
            _ => EDGES[first - 1],
        };
        let upper = |bucket: usize| EDGES.get(bucket).copied().unwrap_or(f64::MAX);
        proto::Histogram {
            min: self.min,
            max: self.max,
            num: self.count() as f64,
            sum: self.sum,
            sum_squares: self.sum_squares,
            bucket_limit: std::iter::once(lower)
                .chain((first..=last).map(upper))
                .collect(),
            bucket: std::iter::once(0.0)
                .chain(self.buckets[first..=last].iter().map(|&count| count as f64))
                .collect(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_nothing_have_a_bucket() {
        let wide: Histogram = [f64::MIN, 0.0, f64::MAX, f64::INFINITY]
            .into_iter()
            .collect();
        let proto = wide.to_proto();
        assert_eq!(proto.num, 3.0);
        assert_eq!(proto.bucket.iter().sum::<f64>(), 3.0);
        assert_eq!(proto.bucket_limit.len(), proto.bucket.len());
        assert!(proto.bucket_limit.is_sorted());
        assert_eq!(wide.non_finite(), 1);

        let empty = Histogram::default().to_proto();
        assert_eq!((empty.num, empty.min, empty.max), (0.0, 0.0, 0.0));
        assert_eq!((empty.bucket.len(), empty.bucket_limit.len()), (1, 1));
    }
}
