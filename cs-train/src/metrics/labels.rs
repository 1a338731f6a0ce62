//! One label a row.

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
