//! When two texts ask the same, learned from pairs that do and pairs that do not.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::RandomState;

use cs_model::Understanding;

use super::courtesy::without_courtesies;
use super::index::{dot, unit};
use super::meaning::{Meaning, Semantic, may_be_learned};
use super::question::normal_form;
use crate::error::FitError;
use crate::route::bound::upper_bound;
use crate::route::fit::{Budget, least_rows, rows_to_show};

/// Two texts as the light model understands them, with their vectors.
#[derive(Debug, Clone)]
pub struct TextPair {
    /// One of them.
    pub one: Understanding,
    /// The other.
    pub other: Understanding,
    /// Whether they ask the same.
    pub is_same: bool,
}

/// A distance that keeps a budget of false hits.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedDistance {
    /// When two texts ask the same.
    pub semantic: Semantic,
    /// The upper bound of the probability that two texts which do not ask the same are taken to, at
    /// the budget's risk.
    pub false_hit_upper: f64,
    /// The pairs that do not ask the same and are taken to.
    pub false_hits: usize,
    /// The pairs that do not ask the same.
    pub negatives: usize,
    /// The pairs that ask the same and are taken to.
    pub hits: usize,
    /// The pairs that ask the same.
    pub positives: usize,
}

/// Gives the words by which texts may differ and still ask the same: those by which pairs that do
/// differ, but never numbers or negations. Where a pair that does not ask the same, but has the
/// same intent for the light model, would differ by such words alone, the one that the fewest pairs
/// need is taken out. The pairs should have other sentences than those that [`fit_distance`] is
/// given.
#[must_use]
pub fn words_that_may_differ(pairs: &[TextPair]) -> BTreeSet<String> {
    let mut needed: BTreeMap<String, usize> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.is_same) {
        for word in differing(pair) {
            if may_be_learned(&word) {
                *needed.entry(word).or_default() += 1;
            }
        }
    }
    for pair in pairs.iter().filter(|pair| !pair.is_same) {
        let words = differing(pair);
        let is_hidden = words.iter().all(|word| needed.contains_key(word));
        if is_hidden && intent(&pair.one) == intent(&pair.other) {
            let rarest = words.iter().min_by_key(|word| needed.get(*word));
            rarest.and_then(|word| needed.remove(word));
        }
    }
    needed.into_keys().collect()
}

/// The words that one of the texts has, and the other not.
fn differing(pair: &TextPair) -> Vec<String> {
    let [one, other] = [&pair.one, &pair.other].map(|turn| normal_form(&turn.text));
    let [one, other] = [&one, &other].map(|form| {
        without_courtesies(form)
            .into_iter()
            .collect::<BTreeSet<_>>()
    });
    one.symmetric_difference(&other)
        .map(|&word| word.to_owned())
        .collect()
}

fn intent(turn: &Understanding) -> Option<&str> {
    turn.intents.first().map(|intent| intent.label.as_str())
}

/// Finds the largest distance at which false hits keep the budget, of which `max_loss` is the
/// probability that two texts which do not ask the same are taken to.
///
/// The distances of pairs that ask the same are tested from the smallest up, at most a hundred of
/// them, each at the full risk, until one fails ([`fit_threshold`](crate::route::fit_threshold) has
/// the reason why that is enough). The pairs have to be such as come: of negations, other entities
/// and other intents.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use cs_serve::route::{Budget, TextPair, fit_distance};
/// use cs_serve::{Intent, Understanding};
///
/// // What a light model would understand, with a vector.
/// let turn = |text: &str, vector: [f32; 2]| Understanding {
///     text: text.into(),
///     intents: vec![Intent { label: "order_status".into(), confidence: 0.9 }],
///     embedding: Some(vector.into()),
///     ..Understanding::default()
/// };
/// let parcel = turn("where is my parcel", [1.0, 0.1]);
/// let polite = turn("please tell me where my parcel is", [1.0, 0.2]);
/// let asked = turn("where is my parcel, tell me please", [1.0, 0.2]);
/// let other = turn("where is my fridge", [1.0, 0.1]);
///
/// let pair = |other: &Understanding, is_same| TextPair {
///     one: parcel.clone(),
///     other: other.clone(),
///     is_same,
/// };
/// let different = std::iter::repeat_n(pair(&other, false), 600);
/// let pairs: Vec<TextPair> = different.chain([pair(&asked, true)]).collect();
/// let may_differ = BTreeSet::from(["tell", "me"].map(String::from));
/// let fitted = fit_distance(&pairs, may_differ, Budget::default())?;
/// assert_eq!((fitted.hits, fitted.false_hits), (1, 0));
/// assert!(fitted.semantic.takes_for_same(&parcel, &asked));
/// assert!(!fitted.semantic.takes_for_same(&parcel, &polite)); // its words stand in another order
/// # Ok::<(), cs_serve::FitError>(())
/// ```
///
/// # Errors
/// [`FitError::Budget`] for a budget that is no probability; [`FitError::Few`] where so few pairs
/// that do not ask the same cannot show that it is kept; [`FitError::Unlike`] where no pair that does
/// could be found by any distance; [`FitError::Loss`] where even the smallest distance does not keep it.
pub fn fit_distance(
    pairs: &[TextPair],
    may_differ: BTreeSet<String>,
    budget: Budget,
) -> Result<FittedDistance, FitError> {
    let mut semantic = Semantic {
        max_distance: 2.0,
        may_differ,
    };
    let hash = RandomState::new();
    let measured = pairs
        .iter()
        .map(|pair| (pair.is_same, distance(pair, &semantic, &hash)));
    let (same, others): (Vec<_>, Vec<_>) = measured.partition(|(is_same, _)| *is_same);
    let sorted = |pairs: &[(bool, Option<f32>)]| {
        let mut distances: Vec<f32> = pairs.iter().filter_map(|(_, distance)| *distance).collect();
        distances.sort_by(f32::total_cmp);
        distances
    };
    let (near, far) = (sorted(&same), sorted(&others));
    let needed = least_rows(budget)?;
    if others.len() < needed {
        return Err(FitError::Few {
            found: others.len(),
            needed,
        });
    }
    let unlike = FitError::Unlike { pairs: same.len() };
    if near.is_empty() {
        return Err(unlike);
    }
    let mut best = None;
    for tested in 1..=100_usize {
        let max_distance = near[(tested * near.len()).div_ceil(100) - 1];
        let false_hits = far.partition_point(|&distance| distance <= max_distance);
        let false_hit_upper = upper_bound(false_hits, others.len(), budget.risk);
        if false_hit_upper > budget.max_loss {
            let refusal = FitError::Loss {
                kept: others.len(),
                losses: false_hits,
                loss_upper: false_hit_upper,
                max_loss: budget.max_loss,
                needed: rows_to_show(false_hits as f64 / others.len() as f64, budget),
            };
            return best.ok_or(refusal);
        }
        semantic.max_distance = max_distance;
        best = Some(FittedDistance {
            semantic: semantic.clone(),
            false_hit_upper,
            false_hits,
            negatives: others.len(),
            hits: near.partition_point(|&distance| distance <= max_distance),
            positives: same.len(),
        });
    }
    best.ok_or(unlike)
}

/// The distance of two texts; `None` if they are not taken to ask the same whatever it is.
fn distance(pair: &TextPair, semantic: &Semantic, hash: &RandomState) -> Option<f32> {
    let (one, other) = (&pair.one, &pair.other);
    let meaning =
        |turn: &Understanding| Meaning::new(&normal_form(&turn.text), turn, semantic, hash);
    let vector = |turn: &Understanding| unit(turn.embedding.as_deref()?);
    let agrees = intent(one).is_some() && intent(one) == intent(other);
    if !agrees || meaning(one) != meaning(other) {
        return None;
    }
    Some(1.0 - dot(&vector(one)?, &vector(other)?))
}

impl Semantic {
    /// Whether two texts, as the light model understands them, are taken to ask the same.
    #[must_use]
    pub fn takes_for_same(&self, one: &Understanding, other: &Understanding) -> bool {
        let pair = TextPair {
            one: one.clone(),
            other: other.clone(),
            is_same: true,
        };
        distance(&pair, self, &RandomState::new())
            .is_some_and(|distance| distance <= self.max_distance)
    }
}
