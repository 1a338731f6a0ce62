//! Whether confidences tell the truth.

use serde::{Deserialize, Serialize};

const BINS: usize = 15;

/// A range of confidences, and how often answers in it are right.
///
/// ```
/// use cs_train::metrics::Reliability;
///
/// let reliability = Reliability::of([(0.75, true), (0.72, false)]).unwrap();
/// let bin = &reliability.bins[10]; // (10/15, 11/15]
/// assert_eq!((bin.rows, bin.accuracy), (1, Some(0.0)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Confidences lie above this (the first bin includes it) …
    pub from: f64,
    /// The confidence at which the bin ends, included.
    pub to: f64,
    /// Answers in the bin.
    pub rows: usize,
    /// Their mean confidence; `None` without any.
    pub confidence: Option<f64>,
    /// Share of them that are right; `None` without any.
    pub accuracy: Option<f64>,
}

/// Confidences against their truth: the reliability diagram and its summaries.
///
/// ```
/// use cs_train::metrics::Reliability;
///
/// // Four answers at 75 %, three of them right: well calibrated.
/// let reliability = Reliability::of([(0.75, true), (0.75, true), (0.75, true), (0.75, false)]).unwrap();
/// assert_eq!((reliability.ece, reliability.mce), (0.0, 0.0));
/// assert_eq!(reliability.brier, 0.1875);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// 15 bins of equal width over 0..=1.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean gap between a bin's accuracy and its mean confidence,
    /// weighted by the bin's rows ([Guo et al. 2017](https://arxiv.org/abs/1706.04599), equation
    /// 3).
    pub ece: f64,
    /// Maximum calibration error: the largest of these gaps (equation 5).
    pub mce: f64,
    /// Brier score of the answer being right: the mean of (confidence − right)², as scikit-learn's
    /// `brier_score_loss`.
    pub brier: f64,
}

impl Reliability {
    /// The reliability of pairs (confidence, right or wrong); `None` without pairs or if a
    /// confidence is not in 0..=1.
    pub fn of(answers: impl IntoIterator<Item = (f64, bool)>) -> Option<Self> {
        let mut gaps = Gaps::default();
        let mut squares = 0.0;
        for (confidence, right) in answers {
            if !(0.0..=1.0).contains(&confidence) {
                return None;
            }
            gaps.add(confidence, right, 1);
            squares += (confidence - f64::from(u8::from(right))).powi(2);
        }
        let rows = gaps.rows();
        let bins: Vec<ReliabilityBin> = (0..BINS).map(|bin| gaps.bin(bin)).collect();
        let gap = |bin: &ReliabilityBin| Some((bin.confidence? - bin.accuracy?).abs());
        Some(Self {
            ece: gaps.ece()?,
            mce: bins.iter().filter_map(gap).fold(0.0, f64::max),
            brier: squares / rows as f64,
            bins,
        })
    }
}

/// Sums by bin, from which the calibration error follows.
#[derive(Debug, Default)]
pub(crate) struct Gaps([(usize, f64, usize); BINS]);

impl Gaps {
    /// Adds an answer `weight` times. Bins are `(lower, upper]`; NaN goes to the first and shows.
    pub(crate) fn add(&mut self, confidence: f64, right: bool, weight: usize) {
        let upper_edge = (confidence * BINS as f64).ceil().max(1.0);
        let bin = &mut self.0[(upper_edge as usize).min(BINS) - 1];
        bin.0 += weight;
        bin.1 += weight as f64 * confidence;
        bin.2 += usize::from(right) * weight;
    }

    fn rows(&self) -> usize {
        self.0.iter().map(|bin| bin.0).sum()
    }

    /// `None` without answers.
    pub(crate) fn ece(&self) -> Option<f64> {
        let rows = self.rows();
        let gaps = self.0.iter();
        let gaps = gaps.map(|&(_, confidence, right)| (confidence - right as f64).abs());
        (rows > 0).then(|| gaps.sum::<f64>() / rows as f64)
    }

    fn bin(&self, index: usize) -> ReliabilityBin {
        let (rows, confidence, right) = self.0[index];
        let share = |sum: f64| (rows > 0).then(|| sum / rows as f64);
        ReliabilityBin {
            from: index as f64 / BINS as f64,
            to: (index + 1) as f64 / BINS as f64,
            rows,
            confidence: share(confidence),
            accuracy: share(right as f64),
        }
    }
}
