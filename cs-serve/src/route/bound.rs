//! The exact upper bound of a binomial probability.

/// Gives the upper Clopper–Pearson bound of a probability of which `events` of `trials` came: it
/// is below the probability in at most a `risk` of all samples (Clopper and Pearson, "The use of
/// confidence or fiducial limits illustrated in the case of the binomial", 1934). 1 without trials.
/// Takes some 60 sums of `events` terms.
///
/// ```
/// use cs_serve::route::upper_bound;
///
/// // None of 597 is not yet enough to say "at most 0.5 %" at 95 %, none of 598 is.
/// assert!(upper_bound(0, 597, 0.05) > 0.005);
/// assert!(upper_bound(0, 598, 0.05) < 0.005);
/// ```
#[must_use]
pub fn upper_bound(events: usize, trials: usize, risk: f64) -> f64 {
    if events >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (events as f64 / trials as f64, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if probability_of_at_most(events, trials, middle) > risk {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Gives the probability of at most `events` of `trials`, each of probability `p`, which is above 0
/// and below 1. The terms are summed relative to the last and largest one, as the first may be too
/// small for an `f64`.
pub(super) fn probability_of_at_most(events: usize, trials: usize, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let n = trials as f64;
    let mut log_term = n * (-p).ln_1p();
    let mut logs = Vec::with_capacity(events + 1);
    logs.push(log_term);
    for k in 1..=events {
        let k = k as f64;
        log_term += ((n - k + 1.0) / k * odds).ln();
        logs.push(log_term);
    }
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    (largest + sum.ln()).exp().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.beta.ppf(1 - risk, events + 1, trials - events)`, which is the bound by
    /// another road.
    #[test]
    fn the_bound_is_scipys() {
        for (events, trials, risk, expected) in [
            (0, 10, 0.05, 0.258_865_550_9),
            (1, 10, 0.05, 0.394_163_302_4),
            (3, 1550, 0.05, 0.004_994_692_9),
            (30, 8000, 0.05, 0.005_082_913_5),
            (200, 10_000, 0.01, 0.023_502_558_7),
            (9, 10, 0.05, 0.994_883_803_1),
        ] {
            let found = upper_bound(events, trials, risk);
            assert!(
                (found - expected).abs() < 1e-8,
                "{events} of {trials}: {found}"
            );
        }
    }

    #[test]
    fn without_trials_or_with_nothing_but_events_nothing_is_bounded() {
        assert_eq!(upper_bound(0, 0, 0.05), 1.0);
        assert_eq!(upper_bound(7, 7, 0.05), 1.0);
    }
}
