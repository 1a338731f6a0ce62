//! Scores in their order.

/// Gives the places of the `count` largest scores, the largest first, and of equal ones the first
/// first.
pub(super) fn largest(scores: &[f32], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    let by_rank = |&a: &usize, &b: &usize| scores[b].total_cmp(&scores[a]).then(a.cmp(&b));
    if (1..places.len()).contains(&count) {
        places.select_nth_unstable_by(count - 1, by_rank);
    }
    places.truncate(count);
    places.sort_unstable_by(by_rank);
    places
}

/// Gives the natural logarithm of the softmax of scores; if all are ruled out, they stay so.
pub(super) fn log_softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return;
    }
    let sum: f64 = scores
        .iter()
        .map(|&score| f64::from(score - most).exp())
        .sum();
    let log = sum.ln() as f32;
    for score in scores {
        *score = *score - most - log;
    }
}

/// Gives the softmax of scores; of a token that is ruled out, 0.
pub(super) fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = scores.iter().map(|&score| f64::from(score - most).exp());
    let powers: Vec<f64> = powers.collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_first_is_first() {
        let scores = [1.0, 3.0, f32::NEG_INFINITY, 3.0, 2.0, 3.0];
        assert_eq!(largest(&scores, 2), [1, 3]);
        assert_eq!(largest(&scores, 5), [1, 3, 5, 4, 0]);
        assert_eq!(largest(&scores, 9), [1, 3, 5, 4, 0, 2]);
        assert!(largest(&scores, 0).is_empty());
    }

    #[test]
    fn logarithms_are_those_of_the_softmax() {
        let scores = [0.5, -1.0, 30.0, f32::NEG_INFINITY];
        let mut logs = scores;
        log_softmax(&mut logs);
        for (log, probability) in logs.iter().zip(softmax(&scores)) {
            assert!((f64::from(*log).exp() - probability).abs() < 1e-7);
        }
    }
}
