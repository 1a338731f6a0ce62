//! How surprised a language model is.

/// `exp(negative log likelihood / tokens)`: the inverse geometric mean of the tokens'
/// probabilities, from their summed negative log likelihood in nats. `None` without tokens or if
/// the sum is NaN; infinite where `exp` overflows.
///
/// ```
/// use cs_train::metrics::perplexity;
///
/// // Four tokens of probability 1/8 each.
/// let nll = 4.0 * 8.0_f64.ln();
/// assert!((perplexity(nll, 4).unwrap() - 8.0).abs() < 1e-12);
/// assert_eq!(perplexity(0.0, 0), None);
/// ```
#[must_use]
pub fn perplexity(negative_log_likelihood: f64, tokens: usize) -> Option<f64> {
    let mean = negative_log_likelihood / tokens as f64;
    (tokens > 0 && !mean.is_nan()).then(|| mean.exp())
}
