//! Texts that are almost the same.
//!
//! Two normal forms are near-duplicates when the Jaccard similarity of their sets of character
//! trigrams (one space added at each end) reaches a threshold. The search is exact: prefix and
//! positional filtering of Xiao, Wang, Lin and Yu, "Efficient similarity joins for near duplicate
//! detection" (WWW 2008), algorithm PPJoin, finds every pair and no other, where MinHash would miss
//! some at random.

use std::collections::{HashMap, HashSet};

use super::duplicates::Repeat;
use super::row::{Row, RowRef};

/// Keeps rounding from excluding what lies exactly on the threshold; the last test is exact.
const SLACK: f64 = 1e-9;

/// Rows, other than duplicates, like an earlier one that is not itself such a row: what has to go
/// so that no two are left that are alike.
pub(super) fn duplicates(rows: &[Row], threshold: f64) -> Vec<Repeat> {
    let distinct = distinct(rows.iter().map(|row| row.normal.as_str()));
    let grams = Grams::of(distinct.iter().map(|(_, text)| *text));
    let mut index = Index::new(threshold, grams.len());
    let mut kept = Vec::new();
    let mut out = Vec::new();
    for (row, text) in distinct {
        let set = grams.set(text);
        match index.find(&set) {
            Some((at, similarity)) => {
                let of: &Row = &rows[kept[at]];
                out.push(Repeat {
                    row: RowRef::new(row, &rows[row]),
                    of: RowRef::clip(&of.utterance.text),
                    similarity,
                });
            }
            None => {
                index.insert(set);
                kept.push(row);
            }
        }
    }
    out
}

/// Rows, other than leaks, like one of `others`.
pub(super) fn leaks(rows: &[Row], others: &[String], threshold: f64) -> Vec<Repeat> {
    let texts = distinct(others.iter().map(String::as_str));
    let known: HashSet<&str> = texts.iter().map(|(_, text)| *text).collect();
    let normals = rows.iter().map(|row| row.normal.as_str());
    let grams = Grams::of(known.iter().copied().chain(normals));
    let mut index = Index::new(threshold, grams.len());
    for (_, text) in &texts {
        index.insert(grams.set(text));
    }
    let mut out = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if row.normal.is_empty() || known.contains(row.normal.as_str()) {
            continue;
        }
        if let Some((of, similarity)) = index.find(&grams.set(&row.normal)) {
            out.push(Repeat {
                row: RowRef::new(at, row),
                of: RowRef::clip(texts[of].1),
                similarity,
            });
        }
    }
    out
}

/// Each text that is not empty, where it first occurs.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let mut seen = HashSet::new();
    texts
        .enumerate()
        .filter(|(_, text)| !text.is_empty() && seen.insert(*text))
        .collect()
}

/// Trigrams numbered from the rarest: rare ones tell texts apart.
struct Grams(HashMap<u64, u32>);

impl Grams {
    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for text in texts {
            for gram in trigrams(text) {
                *counts.entry(gram).or_default() += 1;
            }
        }
        let mut order: Vec<(u32, u64)> = counts.iter().map(|(&gram, &n)| (n, gram)).collect();
        order.sort_unstable();
        let numbered = order.iter().zip(0..).map(|(&(_, gram), id)| (gram, id));
        Grams(numbered.collect())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// The text's set, in order of rarity.
    fn set(&self, text: &str) -> Box<[u32]> {
        let ids = trigrams(text).filter_map(|gram| self.0.get(&gram).copied());
        let mut set: Vec<u32> = ids.collect();
        set.sort_unstable();
        set.dedup();
        set.into()
    }
}

/// Trigrams of ` text `, each character in 21 bits.
fn trigrams(text: &str) -> impl Iterator<Item = u64> {
    let mut last = u64::from(u32::from(' '));
    let mut chars = text.chars().chain([' ']);
    if let Some(first) = chars.next() {
        last = last << 21 | u64::from(u32::from(first));
    }
    chars.map(move |char| {
        last = (last << 21 | u64::from(u32::from(char))) & ((1 << 63) - 1);
        last
    })
}

/// Sets that can be asked for one like another.
struct Index {
    threshold: f64,
    sets: Vec<Box<[u32]>>,
    /// For each gram, the sets with it in their prefix, and where.
    postings: Vec<Vec<(u32, u32)>>,
    /// Shared grams found so far, of each set; [`PRUNED`] if it cannot be like the one asked for.
    overlaps: Vec<u32>,
}

const PRUNED: u32 = u32::MAX;

impl Index {
    fn new(threshold: f64, grams: usize) -> Self {
        Index {
            threshold,
            sets: Vec::new(),
            postings: vec![Vec::new(); grams],
            overlaps: Vec::new(),
        }
    }

    /// Two sets that are alike share a gram of these (Xiao et al., lemma 1).
    fn prefix(&self, len: usize) -> usize {
        len + 1 - (self.threshold * len as f64 - SLACK).ceil().max(1.0) as usize
    }

    fn insert(&mut self, set: Box<[u32]>) {
        let id = self.sets.len() as u32;
        for (position, &gram) in set[..self.prefix(set.len())].iter().enumerate() {
            self.postings[gram as usize].push((id, position as u32));
        }
        self.sets.push(set);
        self.overlaps.push(0);
    }

    /// The first set that is like this one, and how much.
    fn find(&mut self, set: &[u32]) -> Option<(usize, f64)> {
        let mut candidates = self.candidates(set);
        candidates.sort_unstable();
        candidates.into_iter().find_map(|id| {
            let found = similarity(set, &self.sets[id as usize], self.threshold)?;
            Some((id as usize, found))
        })
    }

    /// Sets that the filters by length and position leave.
    fn candidates(&mut self, set: &[u32]) -> Vec<u32> {
        let mut touched = Vec::new();
        let len = set.len();
        let threshold = self.threshold;
        for (i, &gram) in set[..self.prefix(len)].iter().enumerate() {
            for &(id, j) in &self.postings[gram as usize] {
                let overlap = &mut self.overlaps[id as usize];
                let other = self.sets[id as usize].len();
                if *overlap == 0 {
                    touched.push(id);
                    let (short, long) = (len.min(other), len.max(other));
                    if (short as f64) + SLACK < threshold * long as f64 {
                        *overlap = PRUNED;
                    }
                }
                if *overlap == PRUNED {
                    continue;
                }
                let needed = threshold / (1.0 + threshold) * (len + other) as f64 - SLACK;
                let left = 1 + (len - i - 1).min(other - j as usize - 1);
                *overlap = match (*overlap as usize + left) as f64 >= needed {
                    true => *overlap + 1,
                    false => PRUNED,
                };
            }
        }
        let overlaps = &mut self.overlaps;
        touched.retain(|&id| std::mem::take(&mut overlaps[id as usize]) != PRUNED);
        touched
    }
}

/// Shared to all elements of two sorted sets, if that reaches the threshold.
fn similarity(a: &[u32], b: &[u32], threshold: f64) -> Option<f64> {
    let all = (a.len() + b.len()) as f64;
    let needed = (threshold / (1.0 + threshold) * all - SLACK).ceil() as usize;
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        // Most candidates fail after a few rare grams.
        if shared + (a.len() - i).min(b.len() - j) < needed {
            return None;
        }
        let (x, y) = (a[i], b[j]);
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    let similarity = shared as f64 / (a.len() + b.len() - shared) as f64;
    (similarity >= threshold).then_some(similarity)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The Jaccard similarity by its definition.
    fn jaccard(a: &[u32], b: &[u32]) -> f64 {
        let shared = a.iter().filter(|gram| b.contains(gram)).count();
        shared as f64 / (a.len() + b.len() - shared) as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against every pair compared.
        #[test]
        fn the_index_finds_the_first_set_that_is_alike(
            texts in proptest::collection::vec("[ab退]{1,9}", 1..40),
            threshold in 0.5..=1.0,
        ) {
            let grams = Grams::of(texts.iter().map(String::as_str));
            let sets: Vec<_> = texts.iter().map(|text| grams.set(text)).collect();
            let mut index = Index::new(threshold, grams.len());
            for (at, set) in sets.iter().enumerate() {
                let slow = sets[..at]
                    .iter()
                    .map(|other| jaccard(set, other))
                    .enumerate()
                    .find(|(_, similarity)| *similarity >= threshold);
                prop_assert_eq!(index.find(set), slow);
                index.insert(set.clone());
            }
        }
    }
}
