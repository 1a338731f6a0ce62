//! What every format writes by, and what it could not hold.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Result;
use crate::text::Utterance;

/// What a format could not hold: how many rows lost each field.
///
/// ```
/// use cs_data::{Dataset, Format, Losses, Utterance, WriteOptions};
/// let folder = tempfile::tempdir()?;
/// let data = Dataset::from_utterances([
///     Utterance::new("a7", "hello").with_intent("greet").with_sentiment(0.5),
/// ])?;
/// let options = WriteOptions { format: Some(Format::Seq), ..WriteOptions::default() };
/// let lost: Losses = data.save(&folder.path().join("three"), &options)?;
/// assert_eq!(lost.rows("sentiment"), 1);
/// assert_eq!(lost.to_string(), "id in 1 row, sentiment in 1 row");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    fields: BTreeMap<&'static str, usize>,
}

impl Losses {
    /// Notes that a row lost this field; once for a row and field.
    pub(crate) fn add(&mut self, field: &'static str) {
        *self.fields.entry(field).or_default() += 1;
    }

    /// Notes every field of `row` that is set and not among `held`, by the names of the columns.
    /// The id is left to the caller, who knows the number of the row.
    pub(crate) fn add_all_but(&mut self, held: &[&str], row: &Utterance) {
        let set = [
            ("spans", !row.spans.is_empty()),
            ("intent", row.intent.is_some()),
            ("sentiment", row.sentiment.is_some()),
            ("reply", row.reply.is_some()),
            ("dialogue_id", row.dialogue.is_some()),
            ("origin", row.origin != crate::SOURCE),
            ("parent", row.parent.is_some()),
            ("extra", !row.extra.is_empty()),
        ];
        for (field, is_set) in set {
            if is_set && !held.contains(&field) {
                self.add(field);
            }
        }
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How many rows lost `field`, a column of [`Dataset`](crate::Dataset).
    pub fn rows(&self, field: &str) -> usize {
        self.fields.get(field).copied().unwrap_or_default()
    }

    /// Gives the fields and how many rows lost them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.fields.iter().map(|(&field, &rows)| (field, rows))
    }
}

impl fmt::Display for Losses {
    /// Writes `spans in 3 rows, sentiment in 1 row`, or `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (at, (field, rows)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let s = if rows == 1 { "" } else { "s" };
            write!(f, "{comma}{field} in {rows} row{s}")?;
        }
        Ok(())
    }
}

/// A format's writer.
pub(crate) trait RowWriter {
    /// Writes a row, which is valid. What the format cannot hold is added to `lost`; a text that it
    /// cannot hold is [`Error::Unwritable`](crate::Error::Unwritable).
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()>;

    /// Writes what is left, syncs, and gives the file its name.
    fn finish(self: Box<Self>) -> Result<()>;
}
