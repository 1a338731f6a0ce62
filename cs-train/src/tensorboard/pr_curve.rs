//! [`PrCurve`]: precision and recall over the threshold.

use super::proto::{self, DT_FLOAT};

/// Thresholds of a curve, 0 and 1 among them.
const THRESHOLDS: usize = 127;

/// True and false positives by the score that a positive answer must reach, from which TensorBoard
/// draws precision over recall.
///
/// ```
/// use cs_train::tensorboard::PrCurve;
///
/// let curve: PrCurve = [(0.9, true), (0.4, false), (0.6, true)].into_iter().collect();
/// assert_eq!(curve.at(0.5), (1.0, 1.0));
/// assert_eq!(curve.at(0.0), (2.0 / 3.0, 1.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PrCurve {
    /// Rows by the highest threshold their score reaches.
    positives: [u64; THRESHOLDS],
    negatives: [u64; THRESHOLDS],
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
    pub fn at(&self, score: f64) -> (f64, f64) {
        let from = threshold(score);
        let hits = self.positives[from..].iter().sum();
        let taken = hits + self.negatives[from..].iter().sum::<u64>();
        (share(hits, taken), share(hits, self.positives.iter().sum()))
    }

    /// Content of the plugin.
    pub(super) fn data() -> proto::PrCurveData {
        proto::PrCurveData {
            num_thresholds: THRESHOLDS as u32,
        }
    }

    /// True positives, false positives, true negatives, false negatives, precision and recall,
    /// each for all thresholds.
    pub(super) fn to_proto(&self) -> proto::Tensor {
        let (hits, alarms) = (reached(&self.positives), reached(&self.negatives));
        let rows = || hits.iter().zip(&alarms);
        let mut floats = Vec::with_capacity(6 * THRESHOLDS);
        let mut push = |row: &mut dyn Iterator<Item = f64>| floats.extend(row.map(|x| x as f32));
        push(&mut hits.iter().map(|&tp| tp as f64));
        push(&mut alarms.iter().map(|&fp| fp as f64));
        push(&mut alarms.iter().map(|&fp| (alarms[0] - fp) as f64));
        push(&mut hits.iter().map(|&tp| (hits[0] - tp) as f64));
        push(&mut rows().map(|(&tp, &fp)| share(tp, tp + fp)));
        push(&mut hits.iter().map(|&tp| share(tp, hits[0])));
        proto::Tensor {
            dtype: DT_FLOAT,
            shape: Some(proto::Shape {
                dim: [6, THRESHOLDS as i64]
                    .map(|size| proto::Dim { size })
                    .to_vec(),
            }),
            floats,
            strings: Vec::new(),
        }
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
