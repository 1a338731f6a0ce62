//! Several rankings as one.

use std::collections::BTreeMap;

/// What is added to each rank, as in the paper that [`super::Retrieval::search`] names.
const K: f32 = 60.0;

/// Gives what is ranked with the sums of `1 / (K + rank)`, the highest first; of equal ones, the
/// lower number.
pub(super) fn fused(rankings: &[&[usize]]) -> Vec<(usize, f32)> {
    let mut scores: BTreeMap<usize, f32> = BTreeMap::new();
    for ranking in rankings {
        for (at, &item) in ranking.iter().enumerate() {
            *scores.entry(item).or_default() += 1.0 / (K + 1.0 + at as f32);
        }
    }
    let mut fused: Vec<(usize, f32)> = scores.into_iter().collect();
    fused.sort_by(|one, other| other.1.total_cmp(&one.1));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_rank_well_comes_first() {
        let order: Vec<usize> = fused(&[&[7, 3, 5], &[9, 3, 4]])
            .iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(order, [3, 7, 9, 4, 5]);
        let (_, score) = fused(&[&[7, 3, 5], &[9, 3, 4]])[0];
        assert!((score - 2.0 / 62.0).abs() < 1e-6);
    }

    #[test]
    fn one_ranking_stays_as_it_is() {
        let order: Vec<usize> = fused(&[&[2, 0, 1], &[]]).iter().map(|it| it.0).collect();
        assert_eq!(order, [2, 0, 1]);
    }
}
