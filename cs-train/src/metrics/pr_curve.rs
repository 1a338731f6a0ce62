//! [`PrCurve`]: precision and recall over the threshold.

/// Thresholds of a curve, 0 and 1 among them.
pub(crate) const THRESHOLDS: usize = 127;

/// True and false positives by the score that a positive answer must reach, from which TensorBoard
/// draws precision over recall.
///
/// ```
/// use cs_train::metrics::PrCurve;
///
/// let curve: PrCurve = [(0.9, true), (0.4, false), (0.6, true)].into_iter().collect();
/// assert_eq!((curve.at(0.5).precision, curve.at(0.5).recall), (1.0, 1.0));
/// assert_eq!((curve.at(0.0).precision, curve.at(0.0).recall), (2.0 / 3.0, 1.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PrCurve {
    /// Rows by the highest threshold their score reaches.
    positives: [u64; THRESHOLDS],
    negatives: [u64; THRESHOLDS],
}

/// Precision and recall at a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrPoint {
    /// The share of what is taken for positive that is.
    pub precision: f64,
    /// The share of the positive rows that is taken for positive.
    pub recall: f64,
}

impl Default for PrCurve {
    fn default() -> Self {
        Self {
            positives: [0; THRESHOLDS],
            negatives: [0; THRESHOLDS],
        }
    }
}

impl PrCurve {
    /// Adds a row with its score in 0..=1 and whether it is positive in truth. A score beyond
    /// counts as the nearest end; one that is not a number as 0.
    pub fn add(&mut self, score: f64, positive: bool) {
        let counts = if positive {
            &mut self.positives
        } else {
            &mut self.negatives
        };
        counts[threshold(score)] += 1;
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positives
            .iter()
            .chain(&self.negatives)
            .all(|&count| count == 0)
    }

    /// Precision and recall where rows that score at least `score` (rounded down to a 126th) are
    /// taken for positive; 0 where nothing is positive.
    #[must_use]
    pub fn at(&self, score: f64) -> PrPoint {
        let from = threshold(score);
        let hits = self.positives[from..].iter().sum();
        let taken = hits + self.negatives[from..].iter().sum::<u64>();
        PrPoint {
            precision: share(hits, taken),
            recall: share(hits, self.positives.iter().sum()),
        }
    }

    /// True positives, false positives, true negatives, false negatives, precision and recall,
    /// each at all thresholds.
    pub(crate) fn rows(&self) -> [Vec<f64>; 6] {
        let (hits, alarms) = (reached(&self.positives), reached(&self.negatives));
        let counts = |counts: &mut dyn Iterator<Item = u64>| counts.map(|n| n as f64).collect();
        let precisions = hits.iter().zip(&alarms);
        [
            counts(&mut hits.iter().copied()),
            counts(&mut alarms.iter().copied()),
            counts(&mut alarms.iter().map(|&fp| alarms[0] - fp)),
            counts(&mut hits.iter().map(|&tp| hits[0] - tp)),
            precisions.map(|(&tp, &fp)| share(tp, tp + fp)).collect(),
            hits.iter().map(|&tp| share(tp, hits[0])).collect(),
        ]
    }
}

impl FromIterator<(f64, bool)> for PrCurve {
    fn from_iter<I: IntoIterator<Item = (f64, bool)>>(rows: I) -> Self {
        let mut curve = Self::default();
        rows.into_iter()
            .for_each(|(score, positive)| curve.add(score, positive));
        curve
    }
}

/// The highest threshold that `score` reaches.
fn threshold(score: f64) -> usize {
    (score.clamp(0.0, 1.0) * (THRESHOLDS - 1) as f64) as usize
}

/// Rows that reach each threshold.
fn reached(counts: &[u64; THRESHOLDS]) -> [u64; THRESHOLDS] {
    let mut sums = *counts;
    for at in (0..THRESHOLDS - 1).rev() {
        sums[at] += sums[at + 1];
    }
    sums
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}
