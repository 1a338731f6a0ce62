//! Labelled rows in Arrow memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::format::{Format, ReadOptions};
use crate::random::SplitMix;
use crate::rows::{Builder, View};
use crate::source::Source;
use crate::utterance::Utterance;
use crate::{delimited, file, jsonl, seq};

/// Rows of a labelled data set in one Arrow record batch, at most 2 GiB of strings.
///
/// Columns: `id utf8, text utf8, spans list<struct<start u32, end u32, label dict>>, intent dict?,
/// sentiment f32?, reply utf8?, dialogue_id utf8?, turn u32?, speaker dict?, origin dict, parent
/// utf8?, extra utf8?`; span offsets in bytes, `extra` a JSON object. Cloning shares the columns.
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
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    batch: RecordBatch,
}

impl Dataset {
    /// Columns of these rows. An empty intent counts as none.
    ///
    /// # Errors
    ///
    /// A row that breaks [`Utterance::validate`]; more than 2 GiB of strings.
    pub fn from_utterances(rows: impl IntoIterator<Item = Utterance>) -> Result<Self> {
        let mut builder = Builder::default();
        for row in rows {
            builder.push(&row)?;
        }
        Ok(Dataset {
            batch: builder.finish()?,
        })
    }

    /// Reads a file (or, for [`Format::Seq`], a folder). Takes several times its size in memory.
    ///
    /// # Errors
    ///
    /// What cannot be read, with file, line and column: among others invalid UTF-8, NUL
    /// characters, a file without rows, texts above [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES),
    /// missing columns, spans that do not fit their text, tags that start inside, a sentiment
    /// outside 0 to 1.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        let format = options.format.map_or_else(|| Format::of(path), Ok)?;
        let rows = match format {
            Format::Jsonl => jsonl::read(&Source::open(path)?)?,
            Format::Csv | Format::Tsv => {
                delimited::read(&Source::open(path)?, format, &options.columns)?
            }
            Format::Seq => seq::read(path)?,
        };
        Self::from_utterances(rows)
    }

    /// Columns that are known to be valid.
    pub(crate) fn from_batch(batch: RecordBatch) -> Self {
        Dataset { batch }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `row`, from 0; `None` past the end. Copies its strings.
    pub fn utterance(&self, row: usize) -> Option<Utterance> {
        (row < self.len()).then(|| View(&self.batch).utterance(row))
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Utterance> {
        (0..self.len()).map(|row| View(&self.batch).utterance(row))
    }

    /// The intents that occur, sorted.
    pub fn intents(&self) -> Vec<String> {
        let view = View(&self.batch);
        let intents: BTreeSet<&str> = (0..self.len()).filter_map(|row| view.intent(row)).collect();
        intents.into_iter().map(str::to_owned).collect()
    }

    /// The labels of spans that occur, sorted.
    pub fn slot_labels(&self) -> Vec<String> {
        let view = View(&self.batch);
        let labels: BTreeSet<&str> = (0..self.len())
            .flat_map(|row| view.spans(row))
            .map(|(_, _, label)| label)
            .collect();
        labels.into_iter().map(str::to_owned).collect()
    }

    /// Whether any row has a sentiment.
    pub fn has_sentiment(&self) -> bool {
        View(&self.batch).has_sentiment()
    }

    /// These rows, in this order; a row may be named twice.
    ///
    /// # Errors
    ///
    /// A row past the end.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let bad = |row: usize| Error::Argument {
            name: "row",
            found: row.to_string(),
            expected: format!("a row below {}", self.len()),
        };
        let index = |&row: &usize| {
            u32::try_from(row)
                .ok()
                .filter(|_| row < self.len())
                .ok_or_else(|| bad(row))
        };
        let rows = rows.iter().map(index).collect::<Result<Vec<u32>>>()?;
        Ok(Dataset {
            batch: take_record_batch(&self.batch, &UInt32Array::from(rows))?,
        })
    }

    /// Splits off `fraction` of each intent's rows (rounded; rows without an intent count as one
    /// class): the rest and what is held out, each in the order of the data. A class with at least
    /// two rows keeps at least one on both sides, a single row stays in the rest.
    ///
    /// Which rows go is a pure function of the seed and the ids, whatever the order of rows.
    ///
    /// # Errors
    ///
    /// A `fraction` that does not lie between 0 and 1.
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(Error::Argument {
                name: "fraction",
                found: fraction.to_string(),
                expected: "a number between 0 and 1".into(),
            });
        }
        let view = View(&self.batch);
        let mut classes: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for row in 0..self.len() {
            classes.entry(view.intent(row)).or_default().push(row);
        }
        let mut held_out = BTreeSet::new();
        for mut rows in classes.into_values().filter(|rows| rows.len() > 1) {
            let share = (rows.len() as f64 * fraction).round() as usize;
            rows.sort_by_key(|&row| (SplitMix::of(seed, view.id(row)), row));
            held_out.extend(&rows[..share.clamp(1, rows.len() - 1)]);
        }
        let rest: Vec<usize> = (0..self.len())
            .filter(|row| !held_out.contains(row))
            .collect();
        let held_out: Vec<usize> = held_out.into_iter().collect();
        Ok((self.select(&rest)?, self.select(&held_out)?))
    }

    /// The columns.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Writes the rows as JSON Lines ([`Utterance::to_json`]), whole or not at all.
    ///
    /// ```
    /// # use cs_data::{Dataset, ReadOptions, Utterance};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let data = Dataset::from_utterances([Utterance::new("1", "你好").with_sentiment(0.75)])?;
    /// let path = folder.path().join("rows.jsonl");
    /// data.write_jsonl(&path)?;
    /// assert_eq!(
    ///     std::fs::read_to_string(&path).unwrap(),
    ///     "{\"id\":\"1\",\"origin\":\"source\",\"sentiment\":0.75,\"text\":\"你好\"}\n"
    /// );
    /// assert_eq!(Dataset::open(&path, &ReadOptions::default())?, data);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn write_jsonl(&self, path: &Path) -> Result<()> {
        file::write(path, |out| {
            for row in self.iter() {
                serde_json::to_writer(&mut *out, &Value::Object(row.to_json()))?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Sha-256, in hexadecimal, of all rows in order: equal for equal content, however it was
    /// read or split.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"cs-data rows 1\n");
        for row in self.iter() {
            hash.update(Value::Object(row.to_json()).to_string());
            hash.update(b"\n");
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
