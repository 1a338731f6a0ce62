//! Right, gold and predicted counts, and the scores made of them.

use std::collections::{BTreeMap, HashSet};
use std::ops::{AddAssign, Mul};

use cs_data::Span;
use serde::{Deserialize, Serialize};

/// How often a label was predicted rightly, occurred, and was predicted.
///
/// ```
/// let counts = cs_train::metrics::Counts { right: 3, gold: 4, predicted: 6 };
/// assert_eq!((counts.precision(), counts.recall(), counts.f1()), (0.5, 0.75, 0.6));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Predictions that are right.
    pub right: usize,
    /// Occurrences in the gold data: the support.
    pub gold: usize,
    /// Predictions.
    pub predicted: usize,
}

impl Counts {
    /// Share of predictions that are right; 0 without predictions.
    #[must_use]
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.predicted)
    }

    /// Share of occurrences found; 0 without occurrences.
    #[must_use]
    pub fn recall(&self) -> f64 {
        ratio(self.right, self.gold)
    }

    /// Harmonic mean of precision and recall; 0 if both are.
    #[must_use]
    pub fn f1(&self) -> f64 {
        ratio(2 * self.right, self.gold + self.predicted)
    }

    /// Precision, recall and F1.
    #[must_use]
    pub fn scores(&self) -> Scores {
        Scores {
            precision: self.precision(),
            recall: self.recall(),
            f1: self.f1(),
        }
    }

    /// Whether the label occurs neither as gold nor as prediction.
    pub(crate) fn is_empty(&self) -> bool {
        self.gold + self.predicted == 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.gold += other.gold;
        self.predicted += other.predicted;
    }
}

impl Mul<usize> for Counts {
    type Output = Self;

    /// The counts of rows that occur `times` times.
    fn mul(self, times: usize) -> Self {
        Self {
            right: self.right * times,
            gold: self.gold * times,
            predicted: self.predicted * times,
        }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Precision, recall and F1, of a label or averaged over labels.
///
/// ```
/// use cs_train::metrics::{Counts, Scores};
/// let scores = Counts { right: 1, gold: 2, predicted: 1 }.scores();
/// assert_eq!(scores, Scores { precision: 1.0, recall: 0.5, f1: 2.0 / 3.0 });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of predictions that are right.
    pub precision: f64,
    /// Share of occurrences found.
    pub recall: f64,
    /// Harmonic mean of both; of an average, the average F1.
    pub f1: f64,
}

/// [`Counts`] of each label that occurs, of one label a row (intents) or of spans (entities).
///
/// The averages are those of scikit-learn's
/// [`precision_recall_fscore_support`](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_recall_fscore_support.html)
/// and of [seqeval](https://github.com/chakki-works/seqeval), with 0 for what is not defined.
///
/// ```
/// use cs_train::metrics::LabelCounts;
///
/// let counts = LabelCounts::of_labels([("a", Some("a")), ("a", Some("b")), ("b", Some("b")), ("c", None)]);
/// assert_eq!(counts.get("b").unwrap().precision(), 0.5);
/// assert_eq!(counts.micro().f1(), 4.0 / 7.0);
/// assert!((counts.macro_average().unwrap().f1 - 4.0 / 9.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelCounts {
    by_label: BTreeMap<String, Counts>,
}

impl LabelCounts {
    /// Counts pairs (gold, predicted) of one label a row.
    pub fn of_labels<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut counts = Self::default();
        for (gold, predicted) in pairs {
            counts.add_label(gold, predicted);
        }
        counts
    }

    /// Adds a row. A prediction of `None` (the model abstained) is a miss of the gold label and
    /// names no label of its own.
    pub fn add_label(&mut self, gold: &str, predicted: Option<&str>) {
        self.of(gold).gold += 1;
        if let Some(predicted) = predicted {
            let counts = self.of(predicted);
            counts.predicted += 1;
            counts.right += usize::from(predicted == gold);
        }
    }

    /// Adds one text's spans and says whether all are right. A span is right if start, end and
    /// label all are; repeated spans count once.
    ///
    /// ```
    /// use cs_data::Span;
    /// use cs_train::metrics::LabelCounts;
    ///
    /// let mut counts = LabelCounts::default();
    /// let gold = [Span::new(0, 3, "order"), Span::new(4, 8, "date")];
    /// assert!(!counts.add_spans(&gold, &[Span::new(0, 3, "order"), Span::new(4, 7, "date")]));
    /// assert_eq!((counts.micro().f1(), counts.get("order").unwrap().f1()), (0.5, 1.0));
    /// ```
    pub fn add_spans<'a>(&mut self, gold: &'a [Span], predicted: &'a [Span]) -> bool {
        let distinct = |spans: &'a [Span]| spans.iter().collect::<HashSet<&Span>>();
        let (gold, predicted) = (distinct(gold), distinct(predicted));
        for span in &gold {
            let counts = self.of(&span.label);
            counts.gold += 1;
            counts.right += usize::from(predicted.contains(span));
        }
        for span in &predicted {
            self.of(&span.label).predicted += 1;
        }
        gold == predicted
    }

    fn of(&mut self, label: &str) -> &mut Counts {
        if !self.by_label.contains_key(label) {
            self.by_label.insert(label.to_owned(), Counts::default());
        }
        self.by_label.entry(label.to_owned()).or_default()
    }

    /// The counts of a label, if it occurs.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<Counts> {
        self.by_label.get(label).copied()
    }

    /// Every label that occurs, in order, with its counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.by_label
            .iter()
            .map(|(l, &counts)| (l.as_str(), counts))
    }

    /// Whether no label occurs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_label.is_empty()
    }

    /// The sum over labels: every occurrence weighs the same.
    #[must_use]
    pub fn micro(&self) -> Counts {
        micro(self.by_label.values())
    }

    /// The mean over labels: every label that occurs, as gold or as prediction, weighs the same.
    #[must_use]
    pub fn macro_average(&self) -> Option<Scores> {
        macro_average(self.by_label.values())
    }

    /// The mean over labels, weighted by support. `None` if no label occurs as gold.
    #[must_use]
    pub fn weighted_average(&self) -> Option<Scores> {
        average(self.by_label.values().map(|c| (c, c.gold as f64)))
    }
}

fn micro<'a>(counts: impl IntoIterator<Item = &'a Counts>) -> Counts {
    let mut sum = Counts::default();
    for &one in counts {
        sum += one;
    }
    sum
}

/// The unweighted mean over the labels that occur.
pub(crate) fn macro_average<'a>(counts: impl IntoIterator<Item = &'a Counts>) -> Option<Scores> {
    let occurring = counts.into_iter().filter(|counts| !counts.is_empty());
    average(occurring.map(|counts| (counts, 1.0)))
}

fn average<'a>(weighted: impl Iterator<Item = (&'a Counts, f64)>) -> Option<Scores> {
    let (mut sum, mut weights) = (Scores::default(), 0.0);
    for (counts, weight) in weighted {
        let scores = counts.scores();
        sum.precision += weight * scores.precision;
        sum.recall += weight * scores.recall;
        sum.f1 += weight * scores.f1;
        weights += weight;
    }
    (weights > 0.0).then(|| Scores {
        precision: sum.precision / weights,
        recall: sum.recall / weights,
        f1: sum.f1 / weights,
    })
}
