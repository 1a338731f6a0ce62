//! One label a row.

use std::collections::BTreeMap;

/// The share of pairs (gold, predicted) that agree; `None` without pairs.
///
/// A prediction of `None` (the model abstained) is wrong.
///
/// ```
/// let pairs = [("refund", Some("refund")), ("invoice", Some("refund")), ("hello", None)];
/// let accuracy = cs_train::metrics::accuracy(pairs).unwrap();
/// assert!((accuracy - 1.0 / 3.0).abs() < 1e-12);
/// ```
pub fn accuracy<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Option<f64> {
    super::mean(
        pairs
            .into_iter()
            .map(|(gold, predicted)| f64::from(u8::from(predicted == Some(gold)))),
    )
}

/// Macro-averaged F1 of pairs (gold, predicted): the unweighted mean over every label that
/// occurs as gold or as prediction, equal to scikit-learn's
/// [`f1_score(average="macro")`](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html);
/// `None` without pairs.
///
/// A prediction of `None` is a miss of the gold label and names no label of its own.
///
/// ```
/// let pairs = [("a", Some("a")), ("a", Some("b")), ("b", Some("b"))];
/// let f1 = cs_train::metrics::macro_f1(pairs).unwrap();
/// assert!((f1 - 2.0 / 3.0).abs() < 1e-12);
/// ```
pub fn macro_f1<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Option<f64> {
    // Per label: (right, gold + predicted).
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (gold, predicted) in pairs {
        counts.entry(gold).or_default().1 += 1;
        if let Some(predicted) = predicted {
            let count = counts.entry(predicted).or_default();
            count.1 += 1;
            count.0 += usize::from(predicted == gold);
        }
    }
    super::mean(
        counts
            .values()
            .map(|&(right, sum)| 2.0 * right as f64 / sum as f64),
    )
}
