//! How attention cuts a batch: into groups of sequences, each of which is served by one padded
//! matrix product.
//!
//! In the shapes, `B` is the number of sequences, `N` that of packed tokens, and `P` that of the
//! rows of all groups together, pads included; `G` is the number of sequences of a group, and `L`
//! the length of its longest.

use tch::Tensor;

use crate::error::Result;
use crate::ops::{Device, on_device};

/// What a group costs by itself and what a row of it costs, in units of one attention score (a
/// query and key of one head), forward and backward together. A group is some twenty operators,
/// each launched and, while training, differentiated.
///
/// Measured on two x86-64 cores with twelve heads of 32, dropout and the backward pass. 32
/// sequences of 12 to 16 tokens: 3.0 ms with these figures, against 3.4 as one group, 4.0 with one
/// for each length and 8.1 with one for each sequence. Of 4 to 64 tokens: 12 ms against 37, 16 and
/// 16.
const GROUP_COST: usize = 10_000;
const ROW_COST: usize = 60;

/// A batch cut into groups of sequences of like length. Each group is padded to its own longest
/// sequence, for attention alone. A batch of like lengths is one group, one far-out sequence gets
/// a group of its own, and groups of equal lengths need no pads.
#[derive(Debug)]
pub(in crate::torch) struct Grouping {
    /// The packed rows in the order of the groups, with a sequence's first row in the stead of its
    /// pads; `[P]`, or `None` if that is the packed order itself.
    pub(super) gather: Option<Tensor>,
    /// The row among those of the groups that each packed row has; `[N]`, or `None` if that is the
    /// packed order itself.
    pub(super) restore: Option<Tensor>,
    pub(super) groups: Vec<Group>,
    /// Where each sequence is among the groups.
    places: Vec<Place>,
}

/// Where a sequence is among the groups.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    group: usize,
    /// The position of the sequence in its group.
    position: usize,
}

/// Sequences that attend in one matrix product.
#[derive(Debug)]
pub(super) struct Group {
    /// The number `G` of sequences.
    pub(super) sequences: i64,
    /// The length `L` of the longest sequence.
    pub(super) length: i64,
    /// What is added to the scores, `[G, 1, 1, L]`: 0 for a token, -inf for a pad; `None` without
    /// pads.
    pub(super) bias: Option<Tensor>,
}

impl Grouping {
    /// Cuts a batch of these lengths, each at least 1, for `heads` attention heads.
    pub(super) fn new(lengths: &[usize], heads: usize, device: Device) -> Result<Self> {
        let starts = starts(lengths);
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&sequence| lengths[sequence]);
        let sorted: Vec<usize> = order.iter().map(|&sequence| lengths[sequence]).collect();
        let mut gather = Vec::new();
        let mut restore = vec![0_i64; lengths.iter().sum()];
        let mut groups = Vec::new();
        let mut places = vec![Place::default(); lengths.len()];
        let mut first = 0;
        for end in cuts(&sorted, heads) {
            // The packed order is kept within a group: where there is one group without pads,
            // nothing has to move.
            let mut members = order[first..end].to_vec();
            members.sort_unstable();
            let length = sorted[end - 1];
            for (position, &sequence) in members.iter().enumerate() {
                let group = groups.len();
                places[sequence] = Place { group, position };
                let (start, own) = (starts[sequence], lengths[sequence]);
                for offset in 0..own {
                    restore[start + offset] = (gather.len() + offset) as i64;
                }
                gather.extend((0..length).map(|i| (start + if i < own { i } else { 0 }) as i64));
            }
            let members: Vec<usize> = members.iter().map(|&sequence| lengths[sequence]).collect();
            groups.push(Group::new(&members, length, device)?);
            first = end;
        }
        if gather.iter().copied().eq(0..restore.len() as i64) {
            return Ok(Self {
                gather: None,
                restore: None,
                groups,
                places,
            });
        }
        Ok(Self {
            gather: Some(on_device(&gather, device)?),
            restore: Some(on_device(&restore, device)?),
            groups,
            places,
        })
    }

    /// Finds where each pair of a query and a key of one sequence is among the groups' scores,
    /// `G·L·L` of each group one after the other; `[S]`, `S` the sum of the lengths' squares, in
    /// packed order.
    pub(super) fn pairs(&self, lengths: &[usize], device: Device) -> Result<Tensor> {
        let starts: Vec<i64> = self
            .groups
            .iter()
            .scan(0, |next, group| {
                let start = *next;
                *next += group.sequences * group.length * group.length;
                Some(start)
            })
            .collect();
        let mut pairs = Vec::new();
        for (&own, place) in lengths.iter().zip(&self.places) {
            let length = self.groups[place.group].length;
            let start = starts[place.group] + place.position as i64 * length * length;
            for query in 0..own as i64 {
                pairs.extend((0..own as i64).map(|key| start + query * length + key));
            }
        }
        on_device(&pairs, device)
    }

    /// Gives the number of rows of each group, pads included.
    pub(super) fn rows(&self) -> Vec<i64> {
        self.groups
            .iter()
            .map(|group| group.sequences * group.length)
            .collect()
    }
}

impl Group {
    fn new(lengths: &[usize], length: usize, device: Device) -> Result<Self> {
        let sequences = lengths.len() as i64;
        let bias = if lengths.iter().all(|&own| own == length) {
            None
        } else {
            let bias: Vec<f32> = lengths
                .iter()
                .flat_map(|&own| {
                    (0..length).map(move |i| if i < own { 0.0 } else { f32::NEG_INFINITY })
                })
                .collect();
            let bias = on_device(&bias, device)?;
            Some(bias.f_reshape([sequences, 1, 1, length as i64])?) // [G, 1, 1, L]
        };
        Ok(Self {
            sequences,
            length: length as i64,
            bias,
        })
    }
}

fn starts(lengths: &[usize]) -> Vec<usize> {
    lengths
        .iter()
        .scan(0, |next, &length| {
            let start = *next;
            *next += length;
            Some(start)
        })
        .collect()
}

/// Finds where to end each group of ascending lengths so that the cost is least. Equal lengths are
/// never parted, so the work grows with the square of the number of distinct lengths only.
fn cuts(sorted: &[usize], heads: usize) -> Vec<usize> {
    let ends: Vec<usize> = (1..=sorted.len())
        .filter(|&end| sorted.get(end).is_none_or(|&next| next != sorted[end - 1]))
        .collect();
    // best[k]: the least cost of the first k runs of equal lengths, and where its last group
    // starts.
    let mut best = vec![(0_usize, 0_usize); ends.len() + 1];
    for k in 1..=ends.len() {
        let (end, length) = (ends[k - 1], sorted[ends[k - 1] - 1]);
        let cost = |j: usize| {
            let sequences = end - if j == 0 { 0 } else { ends[j - 1] };
            let group = sequences * length * (length * heads + ROW_COST) + GROUP_COST;
            (best[j].0 + group, j)
        };
        best[k] = (0..k).map(cost).min().unwrap_or_default();
    }
    let mut cuts = Vec::new();
    let mut k = ends.len();
    while k > 0 {
        cuts.push(ends[k - 1]);
        k = best[k].1;
    }
    cuts.reverse();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Option<Tensor>) -> Vec<i64> {
        tensor
            .as_ref()
            .map(|tensor| tensor.try_into().unwrap())
            .unwrap_or_default()
    }

    #[test]
    fn like_lengths_stay_together_and_far_ones_part() {
        assert_eq!(cuts(&[14; 32], 12), [32]);
        assert_eq!(cuts(&[12, 12, 13, 14, 15, 16], 12), [6]);
        let mut ragged = vec![4; 31];
        ragged.push(128);
        assert_eq!(cuts(&ragged, 12), [31, 32]);
        assert!(cuts(&[], 12).is_empty());
    }

    #[test]
    fn cuts_are_the_cheapest_of_all() {
        let cost = |sorted: &[usize], cuts: &[usize]| {
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let groups = starts.zip(cuts).map(|(start, &end)| {
                let length = sorted[end - 1];
                (end - start) * length * (length * 4 + ROW_COST) + GROUP_COST
            });
            groups.sum::<usize>()
        };
        for sorted in [
            [3, 9, 20, 40, 41, 80, 81, 120],
            [5, 5, 5, 60, 60, 61, 90, 400],
        ] {
            let all = (0..1_u32 << 7).map(|mask| {
                let inner = (1..8).filter(|i| mask >> (i - 1) & 1 == 1);
                cost(&sorted, &inner.chain([8]).collect::<Vec<_>>())
            });
            assert_eq!(cost(&sorted, &cuts(&sorted, 4)), all.min().unwrap());
        }
    }

    #[test]
    fn one_group_without_pads_moves_nothing() {
        let grouping = Grouping::new(&[5, 5, 5], 12, Device::Cpu).unwrap();
        assert!(grouping.gather.is_none() && grouping.restore.is_none());
        assert!(grouping.groups[0].bias.is_none());
    }

    #[test]
    fn every_row_is_found_again() {
        let lengths = [3, 1, 200, 2, 3];
        let grouping = Grouping::new(&lengths, 12, Device::Cpu).unwrap();
        assert_eq!(grouping.rows(), [4 * 3, 200]);
        let (gather, restore) = (numbers(&grouping.gather), numbers(&grouping.restore));
        assert_eq!(
            gather[..12],
            [0, 1, 2, 3, 3, 3, 204, 205, 204, 206, 207, 208]
        );
        assert!(
            restore
                .iter()
                .enumerate()
                .all(|(row, &place)| gather[place as usize] == row as i64)
        );
        let bias: Vec<f32> = grouping.groups[0]
            .bias
            .as_ref()
            .unwrap()
            .flatten(0, -1)
            .try_into()
            .unwrap();
        let pads: Vec<usize> = (0..12).filter(|&i| bias[i] != 0.0).collect();
        assert_eq!(pads, [4, 5, 8]);
    }
}
