//! How well a score separates two kinds of rows.

use serde::{Deserialize, Serialize};

/// The share of rows of each kind whose score is at least a threshold.
///
/// ```
/// let curve = cs_train::metrics::roc_curve([(0.9, true), (0.1, false)]).unwrap();
/// assert_eq!((curve[1].false_positives, curve[1].true_positives), (0.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The share of the negative rows at or above the threshold: 1 − specificity.
    pub false_positives: f64,
    /// The share of the positive rows at or above the threshold: the recall.
    pub true_positives: f64,
}

/// The area under the ROC curve of pairs (score, is positive): the probability that a positive row
/// scores above a negative one, ties counting half (Hanley and McNeil 1982), equal to
/// scikit-learn's
/// [`roc_auc_score`](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.roc_auc_score.html).
///
/// `None` if one kind is missing or a score is NaN. O(rows · log rows).
///
/// ```
/// use cs_train::metrics::auroc;
///
/// assert_eq!(auroc([(0.9, true), (0.5, false), (0.5, true), (0.2, false)]), Some(0.875));
/// assert_eq!(auroc([(0.9, true)]), None);
/// ```
pub fn auroc(scored: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let mut scored: Vec<(f64, bool)> = scored.into_iter().collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    auroc_of_sorted(scored.iter().map(|&(score, positive)| ScoredRows {
        score,
        positive,
        rows: 1,
    }))
}

/// Rows of one kind with the same score.
pub(crate) struct ScoredRows {
    pub(crate) score: f64,
    pub(crate) positive: bool,
    /// The number of rows.
    pub(crate) rows: u32,
}

/// [`auroc`] of rows, the highest score first.
pub(crate) fn auroc_of_sorted(sorted: impl Iterator<Item = ScoredRows>) -> Option<f64> {
    // Pairs of a positive row above a negative one; positives and negatives above the present
    // score; both at it.
    let (mut pairs, mut above, mut ties) = (0.0, [0.0; 2], [0.0; 2]);
    let mut at = f64::INFINITY;
    let mut close = |ties: &mut [f64; 2], above: &mut [f64; 2]| {
        pairs += ties[1] * (above[0] + ties[0] / 2.0);
        above[0] += ties[0];
        above[1] += ties[1];
        *ties = [0.0; 2];
    };
    for ScoredRows {
        score,
        positive,
        rows,
    } in sorted
    {
        if score.is_nan() {
            return None;
        }
        if score != at {
            close(&mut ties, &mut above);
            at = score;
        }
        ties[usize::from(!positive)] += f64::from(rows);
    }
    close(&mut ties, &mut above);
    let all = above[0] * above[1];
    (all > 0.0).then(|| pairs / all)
}

/// The ROC curve of pairs (score, is positive), from (0, 0) to (1, 1), a point for each distinct
/// score.
///
/// `None` if one kind is missing or a score is NaN. O(rows · log rows).
pub fn roc_curve(scored: impl IntoIterator<Item = (f64, bool)>) -> Option<Vec<RocPoint>> {
    let mut scored: Vec<(f64, bool)> = scored.into_iter().collect();
    let positives = scored.iter().filter(|(_, positive)| *positive).count();
    let negatives = scored.len() - positives;
    if positives == 0 || negatives == 0 || scored.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut above, mut false_above) = (0, 0);
    let mut curve = vec![RocPoint {
        false_positives: 0.0,
        true_positives: 0.0,
    }];
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        above += ties.iter().filter(|(_, positive)| *positive).count();
        false_above += ties.iter().filter(|(_, positive)| !positive).count();
        curve.push(RocPoint {
            false_positives: false_above as f64 / negatives as f64,
            true_positives: above as f64 / positives as f64,
        });
    }
    Some(curve)
}
