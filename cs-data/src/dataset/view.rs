//! The rows of a record batch.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, ListArray, RecordBatch, StringArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Float32Type, Int32Type, UInt32Type};

use crate::error::Result;
use crate::text::{Span, Turn, Utterance};

use super::column::RepeatedColumn;
use super::schema::{
    DIALOGUE_ID, EXTRA, ID, INTENT, ORIGIN, PARENT, REPLY, SCHEMA, SENTIMENT, SPANS, SPEAKER, TEXT,
    TURN, span_lists,
};

/// Typed access to a batch that [`Builder`](super::Builder) made (or rows taken from one).
#[derive(Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a RecordBatch);

impl<'a> View<'a> {
    fn strings(self, column: usize) -> &'a StringArray {
        self.0.column(column).as_string()
    }

    fn string(self, column: usize, row: usize) -> Option<&'a str> {
        let strings = self.strings(column);
        strings.is_valid(row).then(|| strings.value(row))
    }

    fn word(self, column: usize, row: usize) -> Option<&'a str> {
        word(self.0.column(column).as_dictionary(), row)
    }

    pub(crate) fn ids(self) -> &'a StringArray {
        self.strings(ID)
    }

    pub(crate) fn texts(self) -> &'a StringArray {
        self.strings(TEXT)
    }

    pub(crate) fn span_lists(self) -> &'a ListArray {
        self.0.column(SPANS).as_list()
    }

    pub(crate) fn intents(self) -> &'a DictionaryArray<Int32Type> {
        self.0.column(INTENT).as_dictionary()
    }

    pub(crate) fn origins(self) -> &'a DictionaryArray<Int32Type> {
        self.0.column(ORIGIN).as_dictionary()
    }

    pub(crate) fn extras(self) -> &'a StringArray {
        self.strings(EXTRA)
    }

    pub(crate) fn intent(self, row: usize) -> Option<&'a str> {
        self.word(INTENT, row)
    }

    pub(crate) fn id(self, row: usize) -> &'a str {
        self.strings(ID).value(row)
    }

    pub(crate) fn has_sentiment(self) -> bool {
        let column = self.0.column(SENTIMENT);
        column.null_count() < column.len()
    }

    pub(crate) fn is_tagged(self, row: usize) -> bool {
        self.0.column(SPANS).is_valid(row)
    }

    /// Rows that have spans, rows known to have none, and rows of which nobody says.
    pub(crate) fn count_tagged(self) -> [usize; 3] {
        let lists: &ListArray = self.0.column(SPANS).as_list();
        let lengths = lists.offsets().windows(2).map(|pair| pair[1] > pair[0]);
        let mut counts = [0; 3];
        for (row, has_spans) in lengths.enumerate() {
            let kind = match has_spans {
                true => 0,
                false if lists.is_valid(row) => 1,
                false => 2,
            };
            counts[kind] += 1;
        }
        counts
    }

    /// Each span of the row.
    pub(crate) fn spans(self, row: usize) -> impl Iterator<Item = (usize, usize, &'a str)> {
        let lists: &ListArray = self.0.column(SPANS).as_list();
        let fields = lists.values().as_struct();
        let starts = fields.column(0).as_primitive::<UInt32Type>();
        let ends = fields.column(1).as_primitive::<UInt32Type>();
        let labels = fields.column(2).as_dictionary();
        let offsets = lists.value_offsets();
        (offsets[row] as usize..offsets[row + 1] as usize).map(move |at| {
            let label = word(labels, at).unwrap_or_default();
            (starts.value(at) as usize, ends.value(at) as usize, label)
        })
    }

    pub(crate) fn utterance(self, row: usize) -> Utterance {
        let sentiment = self.0.column(SENTIMENT).as_primitive::<Float32Type>();
        let turn = self.0.column(TURN).as_primitive::<UInt32Type>();
        let spans = self
            .spans(row)
            .map(|(start, end, label)| Span::new(start, end, label));
        let mut out = Utterance::new(self.id(row), self.strings(TEXT).value(row));
        out.spans = spans.collect();
        out.entity_free = self.is_tagged(row) && out.spans.is_empty();
        out.intent = self.intent(row).map(str::to_owned);
        out.sentiment = sentiment.is_valid(row).then(|| sentiment.value(row));
        out.reply = self.string(REPLY, row).map(str::to_owned);
        out.dialogue = self.string(DIALOGUE_ID, row).map(|dialogue_id| Turn {
            dialogue_id: dialogue_id.to_owned(),
            turn: turn.value(row),
            speaker: self.word(SPEAKER, row).map(str::to_owned),
        });
        out.origin = self.word(ORIGIN, row).unwrap_or_default().to_owned();
        out.parent = self.string(PARENT, row).map(str::to_owned);
        let extra = self.string(EXTRA, row);
        out.extra = extra
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        out
    }

    pub(crate) fn text(self, row: usize) -> &'a str {
        self.strings(TEXT).value(row)
    }

    /// The `extra` of a row, as JSON.
    pub(crate) fn extra(self, row: usize) -> Option<&'a str> {
        self.string(EXTRA, row)
    }

    pub(crate) fn dialogue_id(self, row: usize) -> Option<&'a str> {
        self.string(DIALOGUE_ID, row)
    }

    pub(crate) fn parent(self, row: usize) -> Option<&'a str> {
        self.string(PARENT, row)
    }

    /// Length of the strings that a dictionary does not share.
    pub(crate) fn bytes(self, row: usize) -> usize {
        let columns = [ID, TEXT, REPLY, DIALOGUE_ID, PARENT, EXTRA].into_iter();
        columns
            .map(|column| self.strings(column).value_length(row) as usize)
            .sum()
    }
}

fn word(words: &DictionaryArray<Int32Type>, row: usize) -> Option<&str> {
    let values: &StringArray = words.values().as_string();
    words.key(row).map(|key| values.value(key))
}

/// The rows at `places` (a batch and a row of it), in that order, in one batch whose dictionaries
/// have no words but theirs.
pub(crate) fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
    let column = |at: usize| -> Result<ArrayRef> {
        match SCHEMA.field(at).data_type() {
            DataType::Dictionary(..) => {
                let mut words = RepeatedColumn::default();
                for &(batch, row) in places {
                    words.push(View(batches[batch]).word(at, row))?;
                }
                Ok(Arc::new(words.finish()?))
            }
            DataType::List(_) => gather_spans(batches, places),
            _ => {
                let parts: Vec<&dyn Array> =
                    batches.iter().map(|b| b.column(at).as_ref()).collect();
                Ok(arrow::compute::interleave(&parts, places)?)
            }
        }
    };
    let columns = (0..SCHEMA.fields().len()).map(column);
    Ok(RecordBatch::try_new(
        SCHEMA.clone(),
        columns.collect::<Result<_>>()?,
    )?)
}

fn gather_spans(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<ArrayRef> {
    let (mut counts, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut labels = RepeatedColumn::default();
    let mut tagged = Vec::with_capacity(places.len());
    for &(batch, row) in places {
        let before = starts.len();
        tagged.push(View(batches[batch]).is_tagged(row));
        for (start, end, label) in View(batches[batch]).spans(row) {
            starts.push(start as u32);
            ends.push(end as u32);
            labels.push(Some(label))?;
        }
        counts.push(starts.len() - before);
    }
    let fields: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(starts)),
        Arc::new(UInt32Array::from(ends)),
        Arc::new(labels.finish()?),
    ];
    span_lists(OffsetBuffer::from_lengths(counts), tagged, fields)
}
