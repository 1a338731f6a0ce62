//! Labelled rows in Arrow memory.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::text::Utterance;

use super::schema::{BATCH_BYTES, BATCH_ROWS, Builder, SCHEMA};
use super::statistics::{Statistics, Tally};
use super::view::{View, gather};

/// Rows of a labelled data set, in Arrow record batches.
///
/// The columns are `id utf8`, `text utf8`, `spans list<struct<start u32, end u32, label dict>>`,
/// `intent dict?`, `sentiment f32?`, `reply utf8?`, `dialogue_id utf8?`, `turn u32?`,
/// `speaker dict?`, `origin dict`, `parent utf8?` and `extra utf8?`; `?` stands for null where
/// nothing is known. Offsets of spans are bytes, `extra` is a JSON object. Cloning shares the
/// columns.
///
/// How rows are cut into batches shows in [`batches`](Self::batches) only: equality,
/// [`fingerprint`](Self::fingerprint) and all choices see rows. Which rows a seeded choice takes is
/// a pure function of the seed and the ids (of equal ids, also of their order).
///
/// - To choose rows: [`select`](Self::select), [`filter`](Self::filter),
///   [`deduplicate`](Self::deduplicate), [`k_shot`](Self::k_shot).
/// - To change or order them: [`map`](Self::map), [`concat`](Self::concat),
///   [`shuffle`](Self::shuffle).
/// - To split them: [`stratified_split`](Self::stratified_split),
///   [`group_split`](Self::group_split), [`k_fold`](Self::k_fold).
/// - To describe them: [`statistics`](Self::statistics), [`intents`](Self::intents),
///   [`slot_labels`](Self::slot_labels).
///
/// ```
/// use cs_data::{Dataset, Utterance};
/// let data = Dataset::from_utterances([
///     Utterance::new("1", "我的订单在哪").with_intent("order_status"),
///     Utterance::new("2", "where is my order").with_intent("order_status"),
///     Utterance::new("3", "I want my money back").with_intent("refund"),
/// ])?;
/// assert_eq!(data.len(), 3);
/// assert_eq!(data.intents(), ["order_status", "refund"]);
/// assert_eq!(data.utterance(2).unwrap().id, "3");
/// let (rest, held_out) = data.stratified_split(0.5, 7)?;
/// assert_eq!((rest.len(), held_out.len()), (2, 1)); // "refund" has one row, which stays
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    batches: Vec<RecordBatch>,
    /// Number of rows up to the end of each batch.
    ends: Vec<usize>,
}

impl Dataset {
    /// Makes a data set of these rows. An empty intent counts as none.
    ///
    /// # Errors
    ///
    /// A row that breaks [`Utterance::validate`]; a row of nearly 2 GiB.
    pub fn from_utterances(rows: impl IntoIterator<Item = Utterance>) -> Result<Self> {
        let mut batches = Vec::new();
        let mut builder = Builder::default();
        for (number, row) in rows.into_iter().enumerate() {
            builder.push(&row).map_err(|error| match error {
                Error::Row { id, source, .. } => Error::Row {
                    row: number,
                    id,
                    source,
                },
                other => other,
            })?;
            if builder.is_full() {
                batches.push(std::mem::take(&mut builder).finish()?);
            }
        }
        batches.push(builder.finish()?);
        Ok(Self::from_batches(batches))
    }

    /// The rows of batches that [`Builder`] made, or of pieces of such.
    pub(crate) fn from_batches(batches: impl IntoIterator<Item = RecordBatch>) -> Self {
        let mut batches: Vec<RecordBatch> = batches.into_iter().collect();
        batches.retain(|batch| batch.num_rows() > 0);
        let ends = batches.iter().scan(0, |rows, batch| {
            *rows += batch.num_rows();
            Some(*rows)
        });
        Dataset {
            ends: ends.collect(),
            batches,
        }
    }

    /// All rows as one batch; copies them unless they are in one.
    ///
    /// # Errors
    ///
    /// More than 2 GiB of strings in a column.
    pub(crate) fn one_batch(&self) -> Result<RecordBatch> {
        Ok(concat_batches(&SCHEMA, &self.batches)?)
    }

    /// The rows of a batch of any length.
    pub(crate) fn from_long_batch(batch: &RecordBatch) -> Self {
        let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
        Self::from_batches(starts.map(|start| {
            let rows = BATCH_ROWS.min(batch.num_rows() - start);
            batch.slice(start, rows)
        }))
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives row `row`, from 0; `None` past the end. Copies its strings. O(log batches).
    pub fn utterance(&self, row: usize) -> Option<Utterance> {
        (row < self.len()).then(|| {
            let (batch, at) = self.locate(row);
            View(&self.batches[batch]).utterance(at)
        })
    }

    /// Gives all rows in order, as [`utterance`](Self::utterance) does.
    pub fn iter(&self) -> impl Iterator<Item = Utterance> {
        self.views().map(|(view, row)| view.utterance(row))
    }

    /// Each row as a view of its batch and its position there.
    pub(crate) fn views(&self) -> impl Iterator<Item = (View<'_>, usize)> {
        let rows = |batch| (0..RecordBatch::num_rows(batch)).map(move |row| (View(batch), row));
        self.batches.iter().flat_map(rows)
    }

    /// The batch of a row and its position there.
    fn locate(&self, row: usize) -> (usize, usize) {
        let batch = self.ends.partition_point(|&end| end <= row);
        let start = batch.checked_sub(1).map_or(0, |before| self.ends[before]);
        (batch, row - start)
    }

    /// Gives the intents that occur, sorted.
    pub fn intents(&self) -> Vec<String> {
        let intents: BTreeSet<&str> = self.views().filter_map(|(v, row)| v.intent(row)).collect();
        intents.into_iter().map(str::to_owned).collect()
    }

    /// Gives the labels of spans that occur, sorted.
    pub fn slot_labels(&self) -> Vec<String> {
        let labels: BTreeSet<&str> = self
            .views()
            .flat_map(|(view, row)| view.spans(row))
            .map(|(_, _, label)| label)
            .collect();
        labels.into_iter().map(str::to_owned).collect()
    }

    /// Whether any row has a sentiment.
    pub fn has_sentiment(&self) -> bool {
        self.batches.iter().any(|batch| View(batch).has_sentiment())
    }

    /// Gives these rows, in this order; a row may occur twice.
    ///
    /// # Errors
    ///
    /// A row past the end.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.len()) {
            return Err(Error::argument(
                "row",
                row.to_string(),
                format!("a row below {}", self.len()),
            ));
        }
        let sources: Vec<&RecordBatch> = self.batches.iter().collect();
        let mut batches = Vec::new();
        let (mut places, mut bytes) = (Vec::new(), 0);
        for &row in rows {
            let (batch, at) = self.locate(row);
            bytes += View(&self.batches[batch]).bytes(at);
            places.push((batch, at));
            if places.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                batches.push(gather(&sources, &places)?);
                places.clear();
                bytes = 0;
            }
        }
        if !places.is_empty() {
            batches.push(gather(&sources, &places)?);
        }
        Ok(Self::from_batches(batches))
    }

    /// Gives the rows for which `keep` holds, in order.
    ///
    /// ```
    /// # use cs_data::{Dataset, Utterance};
    /// let rows = [Utterance::new("1", "订单"), Utterance::new("2", "a refund, please")];
    /// let data = Dataset::from_utterances(rows)?;
    /// assert_eq!(data.filter(|row| row.text.is_ascii())?.len(), 1);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only what Arrow itself refuses, such as columns above its limits.
    pub fn filter(&self, mut keep: impl FnMut(&Utterance) -> bool) -> Result<Self> {
        let numbered = self.iter().enumerate();
        let kept: Vec<usize> = numbered
            .filter(|(_, row)| keep(row))
            .map(|(n, _)| n)
            .collect();
        self.select(&kept)
    }

    /// Gives each row as `change` makes it.
    ///
    /// # Errors
    ///
    /// A row that then breaks [`Utterance::validate`], with its number.
    pub fn map(&self, change: impl FnMut(Utterance) -> Utterance) -> Result<Self> {
        Self::from_utterances(self.iter().map(change))
    }

    /// Joins the rows of all parts, one part after the other, without copying them.
    ///
    /// ```
    /// # use cs_data::{Dataset, Utterance};
    /// let part = |id| Dataset::from_utterances([Utterance::new(id, "你好")]);
    /// let both = Dataset::concat([part("1")?, part("2")?]);
    /// let rows = [Utterance::new("1", "你好"), Utterance::new("2", "你好")];
    /// assert_eq!(both, Dataset::from_utterances(rows)?);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    pub fn concat(parts: impl IntoIterator<Item = Dataset>) -> Self {
        Self::from_batches(parts.into_iter().flat_map(|part| part.batches))
    }

    /// Describes what the rows are like. One pass.
    pub fn statistics(&self) -> Statistics {
        let mut tally = Tally::default();
        self.iter().for_each(|row| tally.add(&row));
        tally.finish()
    }

    /// The schema that the batches of every data set have.
    pub fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    /// The rows in pieces, each with all columns; no piece is empty.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// Gives the Sha-256, in hexadecimal, of all rows in order: equal for equal content, however it
    /// was read or split.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"cs-data rows 1\n");
        for row in self.iter() {
            hash.update(Value::Object(row.to_json()).to_string());
            hash.update(b"\n");
        }
        format!("{:x}", hash.finalize())
    }
}

impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && {
            let cuts: BTreeSet<usize> = self.ends.iter().chain(&other.ends).copied().collect();
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            starts
                .zip(&cuts)
                .all(|(start, &end)| self.piece(start, end) == other.piece(start, end))
        }
    }
}

impl Dataset {
    /// Rows that lie in one batch, without copying them.
    fn piece(&self, start: usize, end: usize) -> RecordBatch {
        let (batch, at) = self.locate(start);
        self.batches[batch].slice(at, end - start)
    }
}
