//! Several rankings as one.

use std::collections::BTreeMap;

/// What is added to each rank. The paper that [`super::Retrieval::search`] names has 60, for rankings that are as good
/// as each other.
const K: f32 = 1.0;

/// Items, the best first, and what their ranks count.
pub(super) struct Ranking<'a> {
    pub(super) items: &'a [usize],
    pub(super) weight: f32,
}

/// Gives what is ranked with the sums of `weight / (K + rank)`, the highest first; of equal ones, the
/// lower number.
pub(super) fn fused(rankings: &[Ranking<'_>]) -> Vec<(usize, f32)> {
    let mut scores: BTreeMap<usize, f32> = BTreeMap::new();
    for Ranking { items, weight } in rankings {
        for (at, &item) in items.iter().enumerate() {
            *scores.entry(item).or_default() += weight / (K + 1.0 + at as f32);
        }
    }
    let mut fused: Vec<(usize, f32)> = scores.into_iter().collect();
    fused.sort_by(|one, other| other.1.total_cmp(&one.1));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rankings: &[(&[usize], f32)]) -> Vec<usize> {
        let rankings: Vec<Ranking<'_>> = rankings
            .iter()
            .map(|&(items, weight)| Ranking { items, weight })
            .collect();
        fused(&rankings).iter().map(|it| it.0).collect()
    }

    #[test]
    fn what_both_rank_well_comes_first() {
        let both: [(&[usize], f32); 2] = [(&[7, 3, 5], 1.0), (&[9, 3, 4], 1.0)];
        assert_eq!(order(&both), [3, 7, 9, 4, 5]);
    }

    #[test]
    fn what_counts_more_comes_first() {
        let both: [(&[usize], f32); 2] = [(&[7, 3], 0.5), (&[9, 4], 1.0)];
        assert_eq!(order(&both), [9, 4, 7, 3]);
    }

    #[test]
    fn one_ranking_stays_as_it_is() {
        assert_eq!(order(&[(&[2, 0, 1], 1.0), (&[], 1.0)]), [2, 0, 1]);
    }
}
