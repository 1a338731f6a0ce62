//! Scores in their order.

/// The number of scores that are looked at together.
const BLOCK: usize = 64;

/// The number of scores of which each is compared with those this far from it alone, so that a
/// processor need not wait for one comparison before the next.
const LANES: usize = 16;

/// Gives the places of the `count` largest scores, the largest first, and of equal ones the first
/// first.
pub(super) fn largest(scores: &[f32], count: usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let by_rank = |&a: &usize, &b: &usize| scores[b].total_cmp(&scores[a]).then(a.cmp(&b));
    let mut places = Vec::new();
    let mut least = None;
    for (first, block) in (0..).step_by(BLOCK).zip(scores.chunks(BLOCK)) {
        let is_above = |score: f32| least.is_none_or(|least| score > least);
        // Most blocks have none, which is soon seen without a branch for each score.
        if !block
            .iter()
            .fold(false, |any, &score| any | is_above(score))
        {
            continue;
        }
        let above = (first..).zip(block).filter(|(_, score)| is_above(**score));
        places.extend(above.map(|(place, _)| place));
        if places.len() >= 2 * count {
            places.select_nth_unstable_by(count - 1, by_rank);
            places.truncate(count);
            least = Some(scores[places[count - 1]]);
        }
    }
    places.sort_unstable_by(by_rank);
    places.truncate(count);
    places
}

/// Gives the natural logarithm of the softmax of scores; if all are ruled out, they stay so.
pub(super) fn log_softmax(scores: &mut [f32]) {
    let most = maximum(scores);
    if most == f32::NEG_INFINITY {
        return;
    }
    let log = sum_of_powers(scores, most).ln() as f32;
    for score in scores {
        *score = *score - most - log;
    }
}

/// Gives the softmax of scores; of a token that is ruled out, 0.
pub(super) fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = maximum(scores);
    let powers = scores.iter().map(|&score| f64::from(score - most).exp());
    let powers: Vec<f64> = powers.collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Gives the largest score; of NaN nothing is told.
pub(super) fn maximum(scores: &[f32]) -> f32 {
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (most, &score) in most.iter_mut().zip(chunk) {
            *most = if score > *most { score } else { *most };
        }
    }
    let all = most.iter().chain(rest);
    all.copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Gives the sum of `e^(score - most)`, with a relative error below 1e-6.
fn sum_of_powers(scores: &[f32], most: f32) -> f64 {
    let of_block = |block: &[f32]| {
        let (chunks, rest) = block.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            for (sum, score) in sums.iter_mut().zip(chunk) {
                *sum += exp(score - most);
            }
        }
        let rest = rest.iter().map(|score| exp(score - most));
        f64::from(sums.into_iter().chain(rest).sum::<f32>())
    };
    scores.chunks(BLOCK * LANES).map(of_block).sum()
}

/// Computes e^x for x <= 0 with a relative error below 4e-7, and never below 1e-38; without
/// branches, so that a loop over it vectorises.
///
/// It takes x = n ln 2 + r with n an integer, then 2^n times Cephes' polynomial of e^r (Moshier,
/// <https://www.netlib.org/cephes/>, `expf`).
#[inline(always)]
fn exp(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    // 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = COEFFICIENTS.iter().fold(0.0, |sum, c| sum * r + c);
    let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
    (p * (r * r) + r + 1.0) * f32::from_bits(power)
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

    #[test]
    fn powers_are_as_exact_as_their_type() {
        let scores: Vec<f32> = (0..10_001).map(|i| i as f32 * -0.0085).collect();
        for &score in &scores {
            let expected = f64::from(score).exp();
            assert!(
                (f64::from(exp(score)) / expected - 1.0).abs() < 4e-7,
                "{score}"
            );
        }
        let expected: f64 = scores.iter().map(|&score| f64::from(score).exp()).sum();
        assert!((sum_of_powers(&scores, 0.0) / expected - 1.0).abs() < 1e-6);
        assert!(sum_of_powers(&[f32::NEG_INFINITY; 20], 0.0) < 1e-30);
    }

    #[test]
    fn the_largest_of_many_are_those_of_a_sort() {
        let scores: Vec<f32> = (0..1000u64).map(|i| (i * i * 7919 % 499) as f32).collect();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        for count in [1, 2, 7, 64, 100, 999, 1000] {
            assert_eq!(largest(&scores, count), order[..count]);
        }
    }
}
