//! Sentiment in 0..=1, 0.5 being neutral.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The sentiment between negative and positive.
pub(crate) const NEUTRAL: f64 = 0.5;
/// A sentiment that is nearer to neutral than this takes no side.
const MARGIN: f64 = 0.1;

/// Whether a sentiment is clearly negative or clearly positive: at least 0.1 from neutral, 0.5.
///
/// ```
/// use cs_train::metrics::takes_side;
/// assert!(takes_side(0.4) && takes_side(1.0) && !takes_side(0.55));
/// ```
#[must_use]
pub fn takes_side(sentiment: f64) -> bool {
    // As close to it as single precision comes.
    (sentiment - NEUTRAL).abs() >= MARGIN - 1e-6
}

/// The mean squared difference of pairs `(gold, predicted)`; `None` without pairs.
///
/// ```
/// let mse = cs_train::metrics::mean_squared_error([(0.0, 0.5), (1.0, 1.0)]);
/// assert_eq!(mse, Some(0.125));
/// ```
pub fn mean_squared_error(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let square = |(gold, predicted): (f64, f64)| (gold - predicted).powi(2);
    super::mean(pairs.into_iter().map(square))
}

/// The mean absolute difference of pairs `(gold, predicted)`; `None` without pairs.
///
/// ```
/// let mae = cs_train::metrics::mean_absolute_error([(0.0, 0.5), (1.0, 1.0)]);
/// assert_eq!(mae, Some(0.25));
/// ```
pub fn mean_absolute_error(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let difference = |(gold, predicted): (f64, f64)| (gold - predicted).abs();
    super::mean(pairs.into_iter().map(difference))
}

/// Intents and sentiments of a row, for [`sentiment_agreement`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeltIntent<'a> {
    /// The row's intent and sentiment.
    pub gold: (&'a str, f64),
    /// The model's intent, `None` if it abstained, and sentiment.
    pub predicted: (Option<&'a str>, f64),
}

/// How well sentiments fit the intents they come with, see [`sentiment_agreement`].
///
/// ```
/// use cs_train::metrics::{FeltIntent, sentiment_agreement};
///
/// let rows = [
///     FeltIntent { gold: ("complaint", 0.1), predicted: (Some("complaint"), 0.8) },
///     FeltIntent { gold: ("praise", 1.0), predicted: (Some("praise"), 0.9) },
/// ];
/// let agreement = sentiment_agreement(&rows).unwrap();
/// assert_eq!((agreement.predicted, agreement.gold, agreement.rows), (0.5, Some(1.0), 2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SentimentAgreement {
    /// Share of rows whose predicted sentiment is on the side of the predicted intent.
    pub predicted: f64,
    /// The agreement of the gold labels themselves: what the data themselves reach.
    pub gold: Option<f64>,
    /// Rows whose predicted intent takes a side: those of `predicted`.
    pub rows: usize,
}

/// Whether intent and sentiment heads tell one story: the share of rows whose predicted sentiment
/// is on the same side of neutral (0.5) as the mean gold sentiment of the **predicted** intent.
///
/// An error of the sentiment alone does not show this: a turn answered as `complaint` with
/// sentiment 0.6 may be close to its gold sentiment and still contradict its intent, which is what
/// a combined loss should prevent, and what whoever routes by both would notice. The side, not the
/// distance, because intents spread around their mean by nature; the predicted intent, not the gold
/// one, because consistency is asked of the answer, right or wrong. Intents whose mean lies within
/// 0.1 of neutral take no side, and rows answered with them, or with an intent that no gold row
/// has, are left out. Compare with [`SentimentAgreement::gold`]: real rows do not all follow their
/// intent either.
///
/// `None` if no row is left or a sentiment is NaN. O(rows · log intents).
#[must_use]
pub fn sentiment_agreement(rows: &[FeltIntent<'_>]) -> Option<SentimentAgreement> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut index = |name| {
        let next = names.len();
        *names.entry(name).or_insert(next)
    };
    let indexed: Vec<IndexedRow> = rows
        .iter()
        .map(|row| IndexedRow {
            gold: (index(row.gold.0), row.gold.1),
            predicted: (row.predicted.0.map(&mut index), row.predicted.1),
        })
        .collect();
    agreement(indexed.iter().map(|row| (row, 1)), names.len())
}

/// A [`FeltIntent`] with numbered intents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexedRow {
    pub(crate) gold: (usize, f64),
    pub(crate) predicted: (Option<usize>, f64),
}

/// [`sentiment_agreement`] of rows and how often each counts.
pub(crate) fn agreement<'a>(
    rows: impl Iterator<Item = (&'a IndexedRow, usize)> + Clone,
    intents: usize,
) -> Option<SentimentAgreement> {
    let mut means = vec![Mean::default(); intents];
    for (row, weight) in rows.clone() {
        if (row.gold.1 + row.predicted.1).is_nan() {
            return None;
        }
        means[row.gold.0].add(row.gold.1, weight);
    }
    let (mut predicted, mut gold) = (Share::default(), Share::default());
    for (row, weight) in rows {
        let of_answer = row
            .predicted
            .0
            .and_then(|i| means[i].agrees(row.predicted.1));
        predicted.add(of_answer, weight);
        gold.add(means[row.gold.0].agrees(row.gold.1), weight);
    }
    Some(SentimentAgreement {
        predicted: predicted.value()?,
        gold: gold.value(),
        rows: predicted.rows,
    })
}

/// An intent's mean sentiment.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    rows: usize,
}

impl Mean {
    fn add(&mut self, sentiment: f64, weight: usize) {
        self.sum += weight as f64 * sentiment;
        self.rows += weight;
    }

    /// Whether a sentiment is on this side of neutral; `None` if the mean takes none. Neutral
    /// itself is on neither side.
    fn agrees(&self, sentiment: f64) -> Option<bool> {
        let mean = self.sum / self.rows as f64;
        takes_side(mean).then_some((mean - NEUTRAL) * (sentiment - NEUTRAL) > 0.0)
    }
}

/// The share of rows that something holds for, of those it can be asked of.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    holds: usize,
    rows: usize,
}

impl Share {
    fn add(&mut self, holds: Option<bool>, weight: usize) {
        if let Some(holds) = holds {
            self.rows += weight;
            self.holds += usize::from(holds) * weight;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.holds as f64 / self.rows as f64)
    }
}
