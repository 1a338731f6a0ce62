//! Which labels are taken for which.

use std::collections::{BTreeMap, BTreeSet};

/// Rows by gold and predicted label. Sparse: only pairs that occur take memory.
///
/// ```
/// use cs_train::metrics::ConfusionMatrix;
///
/// let pairs = [("refund", Some("refund")), ("invoice", Some("refund")), ("invoice", None)];
/// let matrix = ConfusionMatrix::of(pairs);
/// assert_eq!(matrix.labels(), ["invoice", "refund"]);
/// assert_eq!(matrix.count("invoice", Some("refund")), 1);
/// assert_eq!(matrix.most_confused()[0].predicted, None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfusionMatrix {
    labels: Vec<String>,
    cells: BTreeMap<(usize, Option<usize>), usize>,
}

/// A pair of labels and its rows.
///
/// ```
/// use cs_train::metrics::{Confused, ConfusionMatrix};
/// let matrix = ConfusionMatrix::of([("a", Some("b"))]);
/// assert_eq!(matrix.most_confused(), [Confused { gold: "a", predicted: Some("b"), rows: 1 }]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confused<'a> {
    /// The label of the gold data.
    pub gold: &'a str,
    /// The label that was predicted instead; `None`: the model abstained.
    pub predicted: Option<&'a str>,
    /// The number of rows that this happened to.
    pub rows: usize,
}

impl ConfusionMatrix {
    /// Counts pairs (gold, predicted). O(rows · log labels).
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let golds = pairs.iter().map(|(gold, _)| *gold);
        let names: BTreeSet<&str> = golds.chain(pairs.iter().filter_map(|(_, p)| *p)).collect();
        let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut cells = BTreeMap::new();
        for (gold, predicted) in pairs {
            let cell = (index[gold], predicted.map(|predicted| index[predicted]));
            *cells.entry(cell).or_default() += 1;
        }
        Self {
            labels: names.into_iter().map(str::to_owned).collect(),
            cells,
        }
    }

    /// Every label that occurs, as gold or as prediction, sorted.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The rows of a pair.
    #[must_use]
    pub fn count(&self, gold: &str, predicted: Option<&str>) -> usize {
        let find = |label: &str| self.labels.binary_search_by(|own| own.as_str().cmp(label));
        let column = predicted.map(find).transpose();
        let (Ok(row), Ok(column)) = (find(gold), column) else {
            return 0;
        };
        self.cells.get(&(row, column)).copied().unwrap_or(0)
    }

    /// The pairs that occur, right ones included: by gold label, then by prediction, abstentions
    /// first.
    pub fn cells(&self) -> impl Iterator<Item = Confused<'_>> {
        self.cells
            .iter()
            .map(|(&(gold, predicted), &rows)| Confused {
                gold: &self.labels[gold],
                predicted: predicted.map(|predicted| self.labels[predicted].as_str()),
                rows,
            })
    }

    /// The wrong pairs, the most frequent first; equal ones by name.
    #[must_use]
    pub fn most_confused(&self) -> Vec<Confused<'_>> {
        let mut wrong: Vec<_> = self
            .cells()
            .filter(|cell| cell.predicted != Some(cell.gold))
            .collect();
        wrong.sort_by_key(|cell| std::cmp::Reverse(cell.rows));
        wrong
    }
}
